//! The front end: accepts connections, bounds them, routes them, and lets them go when the platform ends.
//!
//! The accept loop is our own because `axum::serve` sets no time limit on headers. Nothing below knows HTTP.

pub(crate) mod problem;
pub(crate) mod request;
mod response;
mod router;
mod status;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::platform::Platform;

/// Headers that have not arrived by then never will.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// The most bytes that a request's head may have.
const HEAD_LEN_MAX: usize = 64 * 1024;

/// The most connections at a time; further ones wait in the kernel's queue.
const CONNECTIONS_MAX: usize = 10_000;

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
        let listener = TcpListener::bind((config.host, config.port)).await?;
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
    pub async fn serve(self, stop: impl Future<Output = ()>, drain: Duration) {
        let connections = GracefulShutdown::new();
        let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let server = server();
        let mut stop = std::pin::pin!(stop);
        loop {
            let accepted = async {
                let permit = Arc::clone(&room).acquire_owned().await;
                (permit, self.listener.accept().await)
            };
            let (permit, stream) = tokio::select! {
                (permit, accepted) = accepted => match accepted {
                    Ok((stream, _)) => (permit, stream),
                    Err(error) => {
                        tracing::warn!(%error, "a connection was not accepted");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                        continue;
                    }
                },
                () = &mut stop => break,
            };
            let connection = connection(&server, stream, &self.router);
            let connection = connections.watch(connection);
            tokio::spawn(async move {
                // A broken connection is the client's affair.
                let _ = connection.await;
                drop(permit);
            });
        }
        drop(self.listener);
        if tokio::time::timeout(drain, connections.shutdown())
            .await
            .is_err()
        {
            tracing::warn!("some requests did not end in time");
        }
    }
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

fn connection(
    server: &auto::Builder<TokioExecutor>,
    stream: TcpStream,
    router: &Router,
) -> impl hyper_util::server::graceful::GracefulConnection<Error: Send> + Send + 'static {
    // Without it, small answers wait for the client's acknowledgement.
    let _ = stream.set_nodelay(true);
    let service = TowerToHyperService::new(router.clone());
    server
        .serve_connection(TokioIo::new(stream), service)
        .into_owned()
}
