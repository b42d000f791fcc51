//! What can go wrong between two processes.

/// A packet that could not be sent, received or understood.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// The other process closed its end or died.
    #[error("the other process closed the socket")]
    Closed,
    /// The other process ended before it read what was sent to it: it cannot have acted on it.
    #[error("the other process ended without reading what was sent")]
    Unread,
    /// The socket has no packet to read or no room to write; only on non-blocking sockets.
    #[error("the socket is not ready")]
    WouldBlock,
    /// A system call failed.
    #[error("socket error")]
    Io(#[source] std::io::Error),
    /// The bytes are no message of this protocol; the sender is broken or hostile.
    #[error("protocol violation: {0}")]
    Violation(&'static str),
    /// The message is longer than a packet may be.
    #[error("message of {len} bytes is longer than the limit of {max} bytes")]
    TooLong {
        /// Length of the message.
        len: usize,
        /// What a packet may hold.
        max: usize,
    },
}

impl From<rustix::io::Errno> for WireError {
    fn from(errno: rustix::io::Errno) -> Self {
        use rustix::io::Errno;
        match errno {
            Errno::AGAIN => Self::WouldBlock,
            Errno::PIPE | Errno::NOTCONN => Self::Closed,
            // Linux reports this on a unix socket whose other end was closed with packets still in its queue.
            Errno::CONNRESET => Self::Unread,
            other => Self::Io(other.into()),
        }
    }
}

impl From<std::io::Error> for WireError {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}
