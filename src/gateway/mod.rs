//! The front end: accepts connections, bounds them, routes them, and lets them go when the platform ends.
//!
//! The accept loop is our own because `axum::serve` sets no time limit on headers. Nothing below knows HTTP.

pub(crate) mod authorize;
mod client;
mod connection;
mod dashboard;
mod docs;
mod front;
mod head;
mod health;
mod http_trigger;
mod inflow;
mod invoke;
mod later;
mod limits;
mod listening;
mod openapi;
mod openapi_names;
mod pace;
mod places;
pub(crate) mod problem;
mod pulse;
mod rejection;
pub(crate) mod request;
pub(crate) mod response;
mod rollout;
mod router;
mod status;
mod streamed;
mod tls;
mod traffic;
pub(crate) mod websocket;
mod workers;

#[cfg(feature = "fuzzing")]
pub(crate) use router::document_bytes as document;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::TcpStream;
use tokio::sync::watch;

use front::Front;
use inflow::Inflow;
pub(crate) use listening::BACKLOG;
use listening::Sockets;
use pace::Pace;
use places::Places;
pub use pulse::Pulse;
use tls::TlsError;
use workers::{Accepted, Serving, Workers};

use crate::platform::Platform;
use crate::route::Domain;
use crate::service::Listeners;
use crate::websocket::Closing;

/// The most bytes that a request's head may have.
const HEAD_LEN_MAX: usize = 64 * 1024;

/// After a failed accept, mostly for lack of descriptors, wait a moment before the next.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Bound listeners with their routes.
#[expect(missing_debug_implementations, reason = "routers show nothing")]
pub struct Gateway {
    platform: Arc<Platform>,
    sockets: Sockets,
    front: Front,
    pace: Pace,
    places: Places,
}

/// Who listens after this platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Nobody that it knows of.
    Nobody,
    /// The program that takes its place.
    Successor,
}

/// Why nothing can be served.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct GatewayError(#[from] Reason);

#[derive(Debug, thiserror::Error)]
enum Reason {
    #[error("cannot listen on {address}")]
    Listen {
        address: SocketAddr,
        #[source]
        source: std::io::Error,
    },
    #[error("the socket that was handed over cannot be used")]
    Handed(#[source] std::io::Error),
    #[error("a socket `https` was handed over, but tls.port is not set")]
    NotEncrypted,
    #[error("encrypted connections are not possible")]
    Tls(#[from] TlsError),
}

impl Gateway {
    /// Binds the configured addresses, unless sockets were handed over.
    ///
    /// # Errors
    /// When an address is taken or not ours, or a certificate cannot be used.
    pub async fn bind(platform: &Arc<Platform>, handed: Listeners) -> Result<Self, GatewayError> {
        let config = platform.config();
        let sockets = Sockets::open(config, handed)?;
        sockets
            .ports()
            .for_each(|port| platform.isolation().hide_port(port));
        let pace = Pace::of(config);
        let inflow = Inflow::new(config.max_bodies_bytes, pace);
        let mut front = router::front(platform, &inflow);
        let port = sockets
            .encrypted
            .as_ref()
            .and_then(|(listener, _)| listener.local_addr().ok());
        if let Some(address) = port.filter(|_| config.tls.redirect) {
            front = front.redirecting(address.port());
        }
        Ok(Self {
            platform: Arc::clone(platform),
            sockets,
            front,
            pace,
            places: Places::new(config.max_connections, config.max_connections_per_address),
        })
    }

    /// Looks whether these settings would do, without listening anywhere.
    ///
    /// # Errors
    /// When a certificate cannot be used.
    pub fn check(config: &Arc<crate::config::Config>) -> Result<(), GatewayError> {
        Ok(listening::check(config)?)
    }

    /// Where it listens.
    ///
    /// # Errors
    /// When the socket is gone.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.sockets.plain.local_addr()
    }

    /// Where it listens for encrypted connections, if it does.
    #[must_use]
    pub fn encrypted_address(&self) -> Option<SocketAddr> {
        let (listener, _) = self.sockets.encrypted.as_ref()?;
        listener.local_addr().ok()
    }

    /// Serves until `stop` resolves, then accepts nothing new and waits for what runs, at most for `drain`. `served` is
    /// told how to see that it lives. The sockets are given back if somebody else is to listen on them next: then who
    /// connects meanwhile waits. Else they are closed at once.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub async fn serve(
        self,
        served: impl FnOnce(Pulse),
        stop: impl Future<Output = Next>,
        drain: Duration,
    ) -> std::io::Result<Option<Listeners>> {
        let (stopping, stopped) = watch::channel(false);
        let tls = self.sockets.encrypted.as_ref().map(|(_, tls)| tls.clone());
        let mut workers = Workers::start(&Serving {
            front: self.front.clone(),
            server: server(self.pace),
            pace: self.pace,
            tls: tls.as_ref().map(|tls| tls.acceptor().clone()),
            stop: stopped,
        })?;
        served(workers.pulse());
        let keep_up = async {
            match &tls {
                Some(tls) => tls.keep_up(|| names(&self.platform)).await,
                None => std::future::pending().await,
            }
        };
        let next = tokio::select! {
            next = self.accept(&mut workers, stop) => next,
            () = keep_up => Next::Nobody,
        };
        let kept = match next {
            Next::Nobody => {
                drop(self.sockets);
                None
            }
            Next::Successor => Some(self.sockets.into_listeners()?),
        };
        // Nobody who listens is as good as everybody told.
        let _ = stopping.send(true);
        self.platform
            .connections()
            .close_all(Closing::PLATFORM_ENDS);
        self.platform.telemetry().part();
        if tokio::time::timeout(drain, self.places.all_free())
            .await
            .is_err()
        {
            tracing::warn!("some requests did not end in time");
        }
        workers.stop().await;
        Ok(kept)
    }

    /// Accepts until it is told to stop. Connections beyond all places wait in the kernel's queue; those beyond an
    /// address's are closed. What was accepted is given on, whatever happens.
    async fn accept(&self, workers: &mut Workers, stop: impl Future<Output = Next>) -> Next {
        let mut stop = std::pin::pin!(stop);
        loop {
            let next = async { (self.places.any().await, self.next().await) };
            let (permit, next) = tokio::select! {
                next = next => next,
                next = stop.as_mut() => return next,
            };
            match (permit, next) {
                (Some(permit), Ok((stream, address, is_tls))) => {
                    if let Some(place) = self.places.give(permit, address) {
                        let accepted = Accepted {
                            stream,
                            is_tls,
                            place,
                        };
                        workers.give(accepted).await;
                    }
                }
                (_, Err(error)) => {
                    tracing::warn!(%error, "a connection was not accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
                // Places are never taken away.
                (None, Ok(_)) => return Next::Nobody,
            }
        }
    }

    /// The next connection of either kind, and who is at its other end.
    async fn next(&self) -> std::io::Result<(std::net::TcpStream, IpAddr, bool)> {
        let encrypted = async {
            match &self.sockets.encrypted {
                Some((listener, _)) => listener.accept().await,
                None => std::future::pending().await,
            }
        };
        let ((stream, peer), is_tls) = tokio::select! {
            accepted = self.sockets.plain.accept() => (accepted?, false),
            accepted = encrypted => (accepted?, true),
        };
        Ok((prepare(stream)?, peer.ip(), is_tls))
    }
}

/// The names that clients may ask for: those of functions, and the platform's own.
fn names(platform: &Platform) -> Vec<String> {
    let own = platform.config().hosts.split(',').map(str::trim);
    let own = own.filter_map(|name| Domain::parse(name).ok());
    let own = own.filter(|domain| !domain.is_wildcard());
    let own = own.map(|domain| domain.to_string());
    own.chain(platform.routes().table().names()).collect()
}

/// Makes a connection ready to change threads.
fn prepare(stream: TcpStream) -> std::io::Result<std::net::TcpStream> {
    // Without it, small answers wait for the client's acknowledgement.
    stream.set_nodelay(true)?;
    stream.into_std()
}

fn server(pace: Pace) -> auto::Builder<TokioExecutor> {
    let mut server = auto::Builder::new(TokioExecutor::new());
    server
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(pace.head)
        .max_buf_size(HEAD_LEN_MAX);
    server
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(64 * 1024);
    server
}
