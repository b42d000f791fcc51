//! The front end: accepts connections, bounds them, routes them, and lets them go when the platform ends.
//!
//! The accept loop is our own because `axum::serve` sets no time limit on headers. Nothing below knows HTTP.

pub(crate) mod authorize;
mod connection;
mod docs;
mod health;
mod inflow;
mod invoke;
mod later;
mod limits;
mod openapi;
mod openapi_names;
mod pace;
mod places;
pub(crate) mod problem;
pub(crate) mod request;
pub(crate) mod response;
mod router;
mod status;
mod streamed;
mod traffic;
mod workers;

#[cfg(feature = "fuzzing")]
pub(crate) use router::document_bytes as document;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;

use inflow::Inflow;
use pace::Pace;
use places::Places;
use workers::{Accepted, Serving, Workers};

use crate::platform::Platform;

/// The most bytes that a request's head may have.
const HEAD_LEN_MAX: usize = 64 * 1024;

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
    pace: Pace,
    places: Places,
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
        let pace = Pace::of(config);
        let inflow = Inflow::new(config.max_bodies_bytes, pace);
        Ok(Self {
            listener,
            router: router::router(Arc::clone(platform), inflow),
            pace,
            places: Places::new(config.max_connections, config.max_connections_per_address),
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
        let (stopping, stopped) = watch::channel(false);
        let mut workers = Workers::start(&Serving {
            router: self.router.clone(),
            server: server(self.pace),
            pace: self.pace,
            stop: stopped,
        })?;
        tokio::select! {
            () = self.accept(&mut workers) => {}
            () = stop => {}
        }
        drop(self.listener);
        // Nobody who listens is as good as everybody told.
        let _ = stopping.send(true);
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
            let accepted = self.listener.accept().await;
            match accepted.and_then(|(stream, peer)| Ok((prepare(stream)?, peer.ip()))) {
                Ok((stream, address)) => {
                    if let Some(place) = self.places.give(permit, address) {
                        workers.give(Accepted { stream, place }).await;
                    }
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
