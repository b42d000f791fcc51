//! What cannot be done with connections of functions.

use http::StatusCode;

use crate::gateway::status::Row;
use crate::websocket::{OpenError, PushError};

/// What cannot be done with a connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SocketError {
    /// The function takes none.
    #[error("the function has no trigger of the type `websocket`")]
    NoTrigger,
    /// A request that wants no WebSocket, where nothing else is to be had.
    #[error(
        "this path is for WebSocket, version 13, over HTTP/1.1; ask for it with `Upgrade: websocket`"
    )]
    NoUpgrade,
    /// There is no room for one more.
    #[error(transparent)]
    NoRoom(#[from] OpenError),
    /// It was not made, and nobody knows why.
    #[error("the connection could not be made")]
    Failed,
    /// No connection has the id any more.
    #[error("no connection has the id `{0}`, or it is closed")]
    Gone(String),
    /// A message cannot be left for its client.
    #[error("{0}; try again in a moment")]
    Busy(PushError),
}

impl SocketError {
    /// Status, stable code, and title.
    pub(in crate::gateway) fn row(&self) -> Row {
        use StatusCode as S;
        let full = "The platform is full";
        match self {
            Self::NoTrigger => (S::NOT_FOUND, "websocket_not_found", "No connections"),
            Self::NoUpgrade => (S::UPGRADE_REQUIRED, "upgrade_required", "Only WebSocket"),
            Self::NoRoom(OpenError::PlatformFull) => {
                (S::SERVICE_UNAVAILABLE, "platform_full", full)
            }
            Self::NoRoom(OpenError::FunctionFull) => (
                S::TOO_MANY_REQUESTS,
                "connection_limit",
                "The function has all its connections",
            ),
            Self::Failed => (
                S::INTERNAL_SERVER_ERROR,
                "internal_error",
                "The platform failed",
            ),
            Self::Gone(_) => (S::GONE, "connection_gone", "The connection is closed"),
            Self::Busy(_) => (
                S::TOO_MANY_REQUESTS,
                "connection_busy",
                "The client is too slow",
            ),
        }
    }
}
