//! A packet socket in the async world. Knows nothing of the messages it carries.
//!
//! Registered for reading alone: with writing registered too, Linux would wake the supervisor each time the other side
//! reads a packet, which is one wasted wake-up for every invocation.

use std::cell::RefCell;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::time::Duration;

use serde::Serialize;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use zygo_wire::socket::{Blocking, PACKET_LEN_MAX};
use zygo_wire::{Socket, WireError, packet};

/// How long to wait before a full socket is tried again. Only a burst of forks ever fills one.
const FULL_RETRY: Duration = Duration::from_micros(500);

/// How often a full socket is tried before its reader counts as stuck: five seconds.
const FULL_RETRIES_MAX: u32 = 10_000;

thread_local! {
    /// One receive buffer for each thread: a packet is decoded before anything else is awaited.
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; PACKET_LEN_MAX]);
}

/// What to expect after a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum After {
    /// There may be another packet right away.
    More,
    /// The other side is silent until it is told something, so the next wait need not try to read first.
    Silence,
}

/// The supervisor's end of a packet socket.
#[derive(Debug)]
pub(crate) struct PacketSocket {
    fd: AsyncFd<Socket>,
}

impl PacketSocket {
    /// A connected pair: our end, and the other process's.
    pub(crate) fn pair() -> Result<(Self, OwnedFd), WireError> {
        let (ours, theirs) = Socket::pair(Blocking::No)?;
        #[expect(
            deprecated,
            reason = "the successor is unsafe; a `Socket` owns one descriptor for life, which is all it asks"
        )]
        let fd = AsyncFd::with_interest(ours, Interest::READABLE)?;
        Ok((Self { fd }, OwnedFd::from(theirs)))
    }

    /// Sends a header and its body as one packet.
    pub(crate) async fn send<H: Serialize>(
        &self,
        header: &H,
        body: &[u8],
        descriptors: &[BorrowedFd<'_>],
    ) -> Result<(), WireError> {
        for _ in 0..FULL_RETRIES_MAX {
            match packet::send(self.fd.get_ref(), header, body, descriptors) {
                Err(WireError::WouldBlock) => tokio::time::sleep(FULL_RETRY).await,
                sent => return sent,
            }
        }
        Err(WireError::WouldBlock)
    }

    /// Waits for a packet and decodes it in place.
    pub(crate) async fn receive<T>(
        &self,
        mut decode: impl FnMut(&[u8], Vec<OwnedFd>) -> (Result<T, WireError>, After),
    ) -> Result<T, WireError> {
        loop {
            let mut ready = self.fd.readable().await?;
            let received = BUFFER.with_borrow_mut(|buffer| {
                let received = self.fd.get_ref().receive(buffer)?;
                Ok(decode(&buffer[..received.len], received.descriptors))
            });
            match received {
                Err(WireError::WouldBlock) => ready.clear_ready(),
                Err(error) => return Err(error),
                Ok((decoded, after)) => {
                    if after == After::Silence {
                        ready.clear_ready();
                    }
                    return decoded;
                }
            }
        }
    }

    /// Ends both directions; a waiting `receive` returns.
    pub(crate) fn shutdown(&self) {
        self.fd.get_ref().shutdown();
    }
}
