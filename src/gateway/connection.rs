//! One connection from its first byte to its last, at a pace that leaves room for others.
//!
//! ```text
//!  Silent ─(a request)─► Busy ⇄ Idle ─(idle for long, or the platform ends)─► LetGo ─► Closed
//!    └──(no head in time)──┴──(the client reads too slowly)──► Cut
//! ```
//! What decides is [`super::pace`]; this sees what goes over the connection and carries the verdict out.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::service::Service;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

use super::client::Peer;
use super::front::Front;
use super::pace::{Pace, Verdict};
use super::places::Place;
use super::tls::was_challenge;
use super::traffic::{InFlight, Traffic, Watched};

/// How often, and with what pause between, a connection that was accepted just before the end is looked at.
const FIRST_REQUEST_LOOKS: u32 = 25;
const FIRST_REQUEST_PAUSE: Duration = Duration::from_millis(10);

/// Serves a connection until it ends, and ends it when it must.
pub(super) async fn serve(
    stream: TcpStream,
    place: Place,
    tls: Option<&TlsAcceptor>,
    server: &auto::Builder<TokioExecutor>,
    front: Front,
    pace: Pace,
    mut stop: watch::Receiver<bool>,
) {
    let Ok(address) = stream.peer_addr() else {
        return;
    };
    let peer = Peer {
        address: address.ip(),
        tls: tls.is_some(),
    };
    let Some(tls) = tls else {
        return requests(stream, place, peer, server, front, pace, stop).await;
    };
    // Keys are agreed on as fast as a head is sent, or not at all.
    let agreed = tokio::select! {
        agreed = tokio::time::timeout(pace.head, tls.accept(stream)) => agreed,
        () = let_go(&mut stop, None) => return,
    };
    if let Ok(Ok(stream)) = agreed
        && !was_challenge(&stream)
    {
        requests(stream, place, peer, server, front, pace, stop).await;
    }
}

/// Serves what comes over a stream, encrypted or not.
async fn requests<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    place: Place,
    peer: Peer,
    server: &auto::Builder<TokioExecutor>,
    front: Front,
    pace: Pace,
    mut stop: watch::Receiver<bool>,
) {
    let traffic = Arc::new(Traffic::default());
    let io = TokioIo::new(Watched {
        stream,
        traffic: Arc::clone(&traffic),
        place: Some(place),
    });
    let service = Counting {
        front,
        peer,
        traffic: Arc::clone(&traffic),
    };
    let mut connection = pin!(
        server
            .serve_connection_with_upgrades(io, service)
            .into_owned()
    );
    let mut check = pin!(tokio::time::sleep(pace.head.min(pace.grace)));
    let mut let_go = pin!(let_go(&mut stop, Some(&*traffic)));
    let mut leaving = false;
    loop {
        tokio::select! {
            // A broken connection is the client's affair.
            _ = connection.as_mut() => return,
            () = let_go.as_mut(), if !leaving => {
                leaving = true;
                connection.as_mut().graceful_shutdown();
            }
            () = check.as_mut() => match pace.judge(traffic.seen()) {
                Verdict::Keep(wait) => check.as_mut().reset(Instant::now() + wait),
                Verdict::LetGo if !leaving => {
                    leaving = true;
                    connection.as_mut().graceful_shutdown();
                    check.as_mut().reset(Instant::now() + pace.head);
                }
                Verdict::LetGo | Verdict::Cut => return,
            },
        }
    }
}

/// Waits until the platform ends, and then a moment for the first request of a connection that has not had one: its client
/// was not refused, and is sending it.
async fn let_go(stop: &mut watch::Receiver<bool>, traffic: Option<&Traffic>) {
    // Nobody who could say so is as good.
    let _ = stop.wait_for(|stop| *stop).await;
    let mut looks = FIRST_REQUEST_LOOKS;
    while looks > 0 && traffic.is_none_or(|traffic| traffic.seen().requests == 0) {
        looks -= 1;
        tokio::time::sleep(FIRST_REQUEST_PAUSE).await;
    }
}

/// A service that counts what it has not answered.
struct Counting {
    front: Front,
    peer: Peer,
    traffic: Arc<Traffic>,
}

impl Service<Request<Incoming>> for Counting {
    type Response = Response<Counted>;
    type Error = std::convert::Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let in_flight = self.traffic.begin();
        let answer = self.front.answer(request, self.peer);
        Box::pin(async move {
            let response = answer.await?;
            Ok(response.map(|body| Counted {
                body,
                _in_flight: in_flight,
            }))
        })
    }
}

/// The body of an answer; with its end, the request has its answer.
pub(super) struct Counted {
    body: Body,
    _in_flight: InFlight,
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
