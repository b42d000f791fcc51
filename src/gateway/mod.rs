//! The front end: accepts connections, bounds them, routes them, and lets them go when the platform ends.
//!
//! The accept loop is our own because `axum::serve` sets no time limit on headers. Nothing below knows HTTP.

pub(crate) mod authorize;
mod docs;
mod health;
mod invoke;
mod limits;
mod openapi;
pub(crate) mod problem;
pub(crate) mod request;
pub(crate) mod response;
mod router;
mod status;
mod workers;

#[cfg(feature = "fuzzing")]
pub(crate) use router::document_bytes as document;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;

use workers::{Accepted, Workers};

use crate::platform::Platform;

/// Headers that have not arrived by then never will.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// The most bytes that a request's head may have.
const HEAD_LEN_MAX: usize = 64 * 1024;

/// The most connections at a time; further ones wait in the kernel's queue.
const CONNECTIONS_MAX: usize = 10_000;

/// Connections that may wait in the kernel's queue; beyond it, the kernel resets some. It takes no more than
/// `net.core.somaxconn`, which is 4,096 on most machines.
const BACKLOG: u32 = 4_096;

/// After a failed accept, mostly for lack of descriptors, wait a moment before the next.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A bound listener with its routes.
#[derive(Debug)]
pub struct Gateway {
    listener: TcpListener,
    router: Router,
}

impl Gateway {
    /// Binds the configured address.
    ///
    /// # Errors
    /// When the address is taken or not ours.
    pub async fn bind(platform: &Arc<Platform>) -> std::io::Result<Self> {
        let config = platform.config();
        let listener = listen((config.host, config.port).into())?;
        platform
            .isolation()
            .hide_port(listener.local_addr()?.port());
        Ok(Self {
            listener,
            router: router::router(Arc::clone(platform)),
        })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// When the socket is gone.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
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
        let connections = GracefulShutdown::new();
        let mut workers = Workers::start(&self.router, &server())?;
        tokio::select! {
            () = self.accept(&mut workers, &connections) => {}
            () = stop => {}
        }
        drop(self.listener);
        if tokio::time::timeout(drain, connections.shutdown())
            .await
            .is_err()
        {
            tracing::warn!("some requests did not end in time");
        }
        workers.stop().await;
        Ok(())
    }

    /// Accepts for ever.
    async fn accept(&self, workers: &mut Workers, connections: &GracefulShutdown) {
        let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        loop {
            let Ok(permit) = Arc::clone(&room).acquire_owned().await else {
                return;
            };
            match self
                .listener
                .accept()
                .await
                .and_then(|(stream, _)| prepare(stream))
            {
                Ok(stream) => {
                    let watcher = connections.watcher();
                    workers
                        .give(Accepted {
                            stream,
                            watcher,
                            permit,
                        })
                        .await;
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection was not accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
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

fn server() -> auto::Builder<TokioExecutor> {
    let mut server = auto::Builder::new(TokioExecutor::new());
    server
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(HEAD_LEN_MAX);
    server
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(64 * 1024);
    server
}
