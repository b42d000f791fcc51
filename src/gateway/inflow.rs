//! Bodies of requests on their way in: at a pace, within the room that all bodies share, and to their end.
//!
//! An answer that comes before the body was read ends the connection, and does not say so: the next request on it would
//! fail. So a short rest is taken off the connection before the answer goes out, and a long or slow one makes the answer
//! say `Connection: close` (RFC 9112 §9.6). Knows nothing of what is asked.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderValue, Request, header};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::{BodyExt, Limited};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::{Instant, Sleep};

use super::pace::Pace;

/// A longer rest is not waited for.
const REST_LEN_MAX: usize = 64 * 1024;
/// Nor a slower one.
const REST_TIMEOUT: Duration = Duration::from_secs(1);

/// Room is counted in pieces of so many bytes.
const PIECE_LEN: usize = 1_024;

/// Why a body was not read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum InflowError {
    /// The caller's fault.
    #[error("the body comes too slowly")]
    Slow,
    /// The platform's.
    #[error("other bodies take all the room")]
    NoRoom,
}

/// What all bodies are held to.
#[derive(Debug, Clone)]
pub(super) struct Inflow {
    room: Arc<Semaphore>,
    pace: Pace,
}

/// The room that one request's body takes, until the request is answered.
type Taken = Arc<Mutex<Option<OwnedSemaphorePermit>>>;

/// A body that comes back when it is dropped before its end.
struct Lent {
    body: Body,
    back: Option<oneshot::Sender<Body>>,
    inflow: Inflow,
    taken: Taken,
    began: Instant,
    received: usize,
    /// Set while the caller is waited for.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl Inflow {
    /// Room for so many bytes at a time, at a pace.
    pub(super) fn new(room_bytes: usize, pace: Pace) -> Self {
        let pieces = (room_bytes / PIECE_LEN).min(Semaphore::MAX_PERMITS);
        Self {
            room: Arc::new(Semaphore::new(pieces)),
            pace,
        }
    }

    /// Takes room for what makes a body longer; it takes a piece more when it grows beyond one.
    fn grow(&self, taken: &Taken, from: usize, to: usize) -> Result<(), InflowError> {
        let pieces = to.div_ceil(PIECE_LEN) - from.div_ceil(PIECE_LEN);
        let pieces = u32::try_from(pieces).map_err(|_| InflowError::NoRoom)?;
        if pieces == 0 {
            return Ok(());
        }
        let more = Arc::clone(&self.room)
            .try_acquire_many_owned(pieces)
            .map_err(|_| InflowError::NoRoom)?;
        let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *taken {
            Some(permit) => permit.merge(more),
            none => *none = Some(more),
        }
        Ok(())
    }
}

impl Lent {
    /// The next frame of a caller who keeps the pace.
    fn poll_paced(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            self.deadline = None;
            return Poll::Ready(frame);
        }
        let deadline = self.deadline.get_or_insert_with(|| {
            let allowed = self.inflow.pace.allowance(self.received as u64);
            // Beyond what clocks can count, nothing is too slow.
            let until = self.began.checked_add(allowed);
            Box::pin(tokio::time::sleep_until(
                until.unwrap_or_else(|| self.began + Duration::from_hours(24 * 365)),
            ))
        });
        match deadline.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Some(Err(axum::Error::new(InflowError::Slow)))),
            Poll::Pending => Poll::Pending,
        }
    }

    fn received(&mut self, frame: Frame<Bytes>) -> Result<Frame<Bytes>, axum::Error> {
        let length = frame.data_ref().map_or(0, Bytes::len);
        let (from, to) = (self.received, self.received.saturating_add(length));
        self.received = to;
        let grown = self.inflow.grow(&self.taken, from, to);
        grown.map(|()| frame).map_err(axum::Error::new)
    }
}

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.poll_paced(context).map(|frame| match frame {
            Some(Ok(frame)) => Some(self.received(frame)),
            end => {
                if end.is_none() {
                    self.back = None;
                }
                end
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(back) = self.back.take().filter(|_| !self.body.is_end_stream()) {
            // Whoever has answered already does not wait for it.
            let _ = back.send(std::mem::take(&mut self.body));
        }
    }
}

/// Does what [`held`] does for all that a router answers.
pub(super) async fn hold(
    State(inflow): State<Inflow>,
    request: Request<Body>,
    next: Next,
) -> Response {
    held(inflow, request, |request| next.run(request)).await
}

/// Answers a request, and leaves its connection fit for another one or says that it is not.
pub(super) async fn held<F: Future<Output = Response>>(
    inflow: Inflow,
    request: Request<Body>,
    answer: impl FnOnce(Request<Body>) -> F,
) -> Response {
    if request.body().is_end_stream() {
        return answer(request).await;
    }
    let (back, mut rest) = oneshot::channel();
    let taken = Taken::default();
    let request = request.map(|body| {
        Body::new(Lent {
            body,
            back: Some(back),
            inflow,
            taken: Arc::clone(&taken),
            began: Instant::now(),
            received: 0,
            deadline: None,
        })
    });
    let mut response = answer(request).await;
    drop(taken);
    if let Ok(rest) = rest.try_recv()
        && !took(rest).await
    {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(header::CONNECTION, close);
    }
    response
}

/// Whether the whole rest could be taken off the connection.
async fn took(rest: Body) -> bool {
    // A caller who waits to be told to go on (`Expect: 100-continue`) is told so by the first look at the body.
    if rest.size_hint().lower() > REST_LEN_MAX as u64 {
        return false;
    }
    let whole = Limited::new(rest, REST_LEN_MAX).collect();
    matches!(tokio::time::timeout(REST_TIMEOUT, whole).await, Ok(Ok(_)))
}
