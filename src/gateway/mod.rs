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
mod openapi;
mod openapi_names;
mod pace;
mod places;
pub(crate) mod problem;
mod rejection;
pub(crate) mod request;
pub(crate) mod response;
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
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;

use front::Front;
use inflow::Inflow;
use pace::Pace;
use places::Places;
use tls::{Tls, TlsError};
use workers::{Accepted, Serving, Workers};

use crate::platform::Platform;
use crate::route::Domain;
use crate::websocket::Closing;

/// The most bytes that a request's head may have.
const HEAD_LEN_MAX: usize = 64 * 1024;

/// Connections that may wait in the kernel's queue; beyond it, the kernel resets some. It takes no more than
/// `net.core.somaxconn`, which is 4,096 on most machines.
const BACKLOG: u32 = 4_096;

/// After a failed accept, mostly for lack of descriptors, wait a moment before the next.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Bound listeners with their routes.
#[expect(missing_debug_implementations, reason = "routers show nothing")]
pub struct Gateway {
    platform: Arc<Platform>,
    plain: TcpListener,
    encrypted: Option<(TcpListener, Tls)>,
    front: Front,
    pace: Pace,
    places: Places,
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
    #[error("encrypted connections are not possible")]
    Tls(#[from] TlsError),
}

impl Gateway {
    /// Binds the configured addresses.
    ///
    /// # Errors
    /// When an address is taken or not ours, or a certificate cannot be used.
    pub async fn bind(platform: &Arc<Platform>) -> Result<Self, GatewayError> {
        let config = platform.config();
        let open = |port: u16| {
            let address = SocketAddr::from((config.host, port));
            let bound = listen(address).inspect(|bound| {
                if let Ok(address) = bound.local_addr() {
                    platform.isolation().hide_port(address.port());
                }
            });
            bound.map_err(|source| Reason::Listen { address, source })
        };
        let plain = open(config.port)?;
        let encrypted = match config.tls.port {
            Some(port) => Some((open(port)?, Tls::of(config).map_err(Reason::from)?)),
            None => None,
        };
        let pace = Pace::of(config);
        let inflow = Inflow::new(config.max_bodies_bytes, pace);
        let mut front = router::front(platform, &inflow);
        let port = encrypted
            .as_ref()
            .and_then(|(listener, _)| listener.local_addr().ok());
        if let Some(address) = port.filter(|_| config.tls.redirect) {
            front = front.redirecting(address.port());
        }
        Ok(Self {
            platform: Arc::clone(platform),
            plain,
            encrypted,
            front,
            pace,
            places: Places::new(config.max_connections, config.max_connections_per_address),
        })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// When the socket is gone.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.plain.local_addr()
    }

    /// Where it listens for encrypted connections, if it does.
    #[must_use]
    pub fn encrypted_address(&self) -> Option<SocketAddr> {
        let (listener, _) = self.encrypted.as_ref()?;
        listener.local_addr().ok()
    }

    /// Serves until `stop` resolves, then accepts nothing new and waits for what runs, at most for `drain`.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub async fn serve(
        self,
        stop: impl Future<Output = ()>,
        drain: Duration,
    ) -> std::io::Result<()> {
        let (stopping, stopped) = watch::channel(false);
        let tls = self.encrypted.as_ref().map(|(_, tls)| tls.clone());
        let mut workers = Workers::start(&Serving {
            front: self.front.clone(),
            server: server(self.pace),
            pace: self.pace,
            tls: tls.as_ref().map(|tls| tls.acceptor().clone()),
            stop: stopped,
        })?;
        let keep_up = async {
            match &tls {
                Some(tls) => tls.keep_up(|| names(&self.platform)).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.accept(&mut workers) => {}
            () = keep_up => {}
            () = stop => {}
        }
        drop((self.plain, self.encrypted));
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
        Ok(())
    }

    /// Accepts for ever. Connections beyond all places wait in the kernel's queue; those beyond an address's are closed.
    async fn accept(&self, workers: &mut Workers) {
        while let Some(permit) = self.places.any().await {
            match self.next().await {
                Ok((stream, address, is_tls)) => {
                    if let Some(place) = self.places.give(permit, address) {
                        let accepted = Accepted {
                            stream,
                            is_tls,
                            place,
                        };
                        workers.give(accepted).await;
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection was not accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// The next connection of either kind, and who is at its other end.
    async fn next(&self) -> std::io::Result<(std::net::TcpStream, IpAddr, bool)> {
        let encrypted = async {
            match &self.encrypted {
                Some((listener, _)) => listener.accept().await,
                None => std::future::pending().await,
            }
        };
        let ((stream, peer), is_tls) = tokio::select! {
            accepted = self.plain.accept() => (accepted?, false),
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

/// Listens at an address. The library's own way to do it has room for 128 connections that nobody has accepted yet.
fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // A platform that starts again need not wait for the connections of the one before.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
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
