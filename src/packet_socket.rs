//! A packet socket in the async world. Knows nothing of the messages it carries.
//!
//! Registered for reading alone: with writing registered too, Linux would wake the supervisor each time the other side
//! reads a packet, which is one wasted wake-up for every invocation. A socket belongs to the reactor of one thread, its
//! home; read from another thread, every packet costs a wake-up between the two, so a socket that is about to be read
//! elsewhere moves there.

use std::cell::RefCell;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;

use serde::Serialize;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use zygo_wire::socket::{Blocking, PACKET_LEN_MAX};
use zygo_wire::{Socket, WireError, packet};

/// How long to wait before a full socket is tried again. Only a burst of forks ever fills one.
pub(crate) const FULL_RETRY: Duration = Duration::from_micros(500);

/// How often a full socket is tried before its reader counts as stuck: five seconds.
const FULL_RETRIES_MAX: u32 = 10_000;

thread_local! {
    /// One receive buffer for each thread: a packet is decoded before anything else is awaited.
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; PACKET_LEN_MAX]);
}

/// Numbers threads, for [`Home`].
static NEXT_HOME: AtomicU32 = AtomicU32::new(0);

thread_local! {
    static HERE: Home = Home(NEXT_HOME.fetch_add(1, Ordering::Relaxed));
}

/// A thread with a reactor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Home(u32);

impl Home {
    /// This thread.
    pub(crate) fn here() -> Self {
        HERE.with(|here| *here)
    }
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
    /// Shared for the moment in which two reactors know it.
    fd: AsyncFd<Arc<Socket>>,
    home: Home,
}

impl PacketSocket {
    /// A connected pair: our end, and the other process's.
    pub(crate) fn pair() -> Result<(Self, OwnedFd), WireError> {
        let (ours, theirs) = Socket::pair(Blocking::No)?;
        Ok((
            Self {
                fd: register(Arc::new(ours))?,
                home: Home::here(),
            },
            OwnedFd::from(theirs),
        ))
    }

    /// The thread whose reactor it is registered with.
    pub(crate) fn home(&self) -> Home {
        self.home
    }

    /// Moves to this thread's reactor, if it is not there already.
    pub(crate) fn bring_home(&mut self) -> Result<(), WireError> {
        let here = Home::here();
        if self.home != here {
            self.fd = register(Arc::clone(self.fd.get_ref()))?;
            self.home = here;
        }
        Ok(())
    }

    /// Sends a header and its body as one packet.
    pub(crate) async fn send<H: Serialize>(
        &self,
        header: &H,
        body: &[u8],
        descriptors: &[BorrowedFd<'_>],
    ) -> Result<(), WireError> {
        when_there_is_room(|| packet::send(self.socket(), header, body, descriptors)).await
    }

    /// The socket, for whoever does not wait.
    pub(crate) fn socket(&self) -> &Socket {
        self.fd.get_ref()
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

    /// Whether something arrived that nobody waited for: a packet, or the end of file. Asks the reactor, not the kernel.
    pub(crate) fn has_something(&self) -> bool {
        let mut nobody = Context::from_waker(Waker::noop());
        self.fd.poll_read_ready(&mut nobody).is_ready()
    }

    /// Ends both directions; a waiting `receive` returns.
    pub(crate) fn shutdown(&self) {
        self.fd.get_ref().shutdown();
    }
}

/// Tries what finds a socket full again and again, until its reader counts as stuck.
pub(crate) async fn when_there_is_room(
    mut send: impl FnMut() -> Result<(), WireError>,
) -> Result<(), WireError> {
    for _ in 0..FULL_RETRIES_MAX {
        match send() {
            Err(WireError::WouldBlock) => tokio::time::sleep(FULL_RETRY).await,
            sent => return sent,
        }
    }
    Err(WireError::WouldBlock)
}

fn register(socket: Arc<Socket>) -> std::io::Result<AsyncFd<Arc<Socket>>> {
    #[expect(
        deprecated,
        reason = "the successor is unsafe; a `Socket` owns one descriptor for life, which is all it asks"
    )]
    AsyncFd::with_interest(socket, Interest::READABLE)
}
