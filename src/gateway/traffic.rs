//! What goes over one connection: counted by the stream and the service, read by whoever judges its pace.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::pace::Seen;
use super::places::Place;

/// What has gone over a connection. Times are ms since it began.
#[derive(Debug)]
pub(super) struct Traffic {
    began: Instant,
    requests: AtomicU64,
    in_flight: AtomicU64,
    last: AtomicU64,
    /// When the client began to take less than there is; 0 while it takes all.
    stalled: AtomicU64,
    /// What it took since then, in bytes.
    taken: AtomicU64,
}

impl Default for Traffic {
    fn default() -> Self {
        let zero = AtomicU64::default;
        Self {
            began: Instant::now(),
            requests: zero(),
            in_flight: zero(),
            last: zero(),
            stalled: zero(),
            taken: zero(),
        }
    }
}

impl Traffic {
    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn touch(&self) {
        self.last.store(self.now(), Relaxed);
    }

    /// The client took `written` of `wanted` bytes.
    fn wrote(&self, written: usize, wanted: usize) {
        self.touch();
        if written == wanted {
            self.stalled.store(0, Relaxed);
        } else {
            self.taken.fetch_add(written as u64, Relaxed);
        }
    }

    /// The client takes nothing just now.
    fn stall(&self) {
        if self.stalled.load(Relaxed) == 0 {
            self.taken.store(0, Relaxed);
            self.stalled.store(self.now().max(1), Relaxed);
        }
    }

    /// What a judge sees of it.
    pub(super) fn seen(&self) -> Seen {
        let since = |then: u64| Duration::from_millis(self.now().saturating_sub(then));
        let stalled = self.stalled.load(Relaxed);
        Seen {
            requests: self.requests.load(Relaxed),
            in_flight: self.in_flight.load(Relaxed),
            // Bytes alone do not keep a connection that never asks for anything.
            quiet: since(if self.requests.load(Relaxed) == 0 {
                0
            } else {
                self.last.load(Relaxed)
            }),
            stalled: (stalled != 0).then(|| (since(stalled), self.taken.load(Relaxed))),
        }
    }

    /// A request begins; it is in flight until what this gives is dropped.
    pub(super) fn begin(self: &Arc<Self>) -> InFlight {
        self.requests.fetch_add(1, Relaxed);
        self.in_flight.fetch_add(1, Relaxed);
        InFlight(Arc::clone(self))
    }
}

/// A request that is not answered to its end.
pub(super) struct InFlight(Arc<Traffic>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.touch();
        self.0.in_flight.fetch_sub(1, Relaxed);
    }
}

/// A stream that tells what goes over it. It holds its place for as long as it is open, whoever has it.
pub(super) struct Watched<S> {
    pub(super) stream: S,
    pub(super) traffic: Arc<Traffic>,
    pub(super) place: Option<Place>,
}

impl<S> Watched<S> {
    fn note(&self, wrote: &Poll<io::Result<usize>>, wanted: usize) {
        match wrote {
            Poll::Ready(Ok(written)) => self.traffic.wrote(*written, wanted),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => self.traffic.stall(),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if read.is_ready() {
            self.traffic.touch();
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.note(&wrote, bytes.len());
        wrote
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.note(&wrote, slices.iter().map(|slice| slice.len()).sum());
        wrote
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
