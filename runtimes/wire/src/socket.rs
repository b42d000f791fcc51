//! A `SOCK_SEQPACKET` socket that carries one message a packet, and descriptors beside it.
//!
//! Knows nothing of what the bytes mean.

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags,
    SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg,
    sendmsg, socketpair,
};

use crate::error::WireError;

/// The longest packet. Linux refuses a packet longer than the send buffer (208 KiB by default, less bookkeeping), so
/// longer bodies travel as a memory file beside the packet.
pub const PACKET_LEN_MAX: usize = 160 * 1024;

/// The most descriptors one packet may carry; no message needs more.
const DESCRIPTORS_MAX: usize = 3;

/// One end of a packet socket.
#[derive(Debug)]
pub struct Socket {
    fd: OwnedFd,
}

/// One received packet: its length in the caller's buffer, and the descriptors that came with it.
#[derive(Debug)]
pub struct Received {
    /// How many bytes of the buffer the packet fills.
    pub len: usize,
    /// Descriptors in the order in which they were sent.
    pub descriptors: Vec<OwnedFd>,
}

/// Whether calls on the first end of a new pair may block. The second end always blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blocking {
    /// Calls wait.
    Yes,
    /// Calls return [`WireError::WouldBlock`] instead of waiting.
    No,
}

impl Socket {
    /// Makes a connected pair. Both ends are closed on exec.
    ///
    /// # Errors
    /// When the process or the machine is out of descriptors.
    pub fn pair(first: Blocking) -> Result<(Self, Self), WireError> {
        let (a, b) = socketpair(
            AddressFamily::UNIX,
            SocketType::SEQPACKET,
            SocketFlags::CLOEXEC,
            None,
        )?;
        if first == Blocking::No {
            rustix::io::ioctl_fionbio(&a, true)?;
        }
        Ok((Self { fd: a }, Self { fd: b }))
    }

    /// Sends the parts as one packet.
    ///
    /// # Errors
    /// [`WireError::Closed`] when the other side is gone, [`WireError::WouldBlock`] on a full non-blocking socket,
    /// [`WireError::TooLong`] above [`PACKET_LEN_MAX`].
    pub fn send(
        &self,
        parts: &[IoSlice<'_>],
        descriptors: &[BorrowedFd<'_>],
    ) -> Result<(), WireError> {
        let len: usize = parts.iter().map(|part| part.len()).sum();
        if len > PACKET_LEN_MAX {
            return Err(WireError::TooLong {
                len,
                max: PACKET_LEN_MAX,
            });
        }
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
            return Err(WireError::Violation("too many descriptors in one packet"));
        }
        rustix::io::retry_on_intr(|| sendmsg(&self.fd, parts, &mut control, SendFlags::NOSIGNAL))?;
        Ok(())
    }

    /// Receives one packet into `buffer`.
    ///
    /// # Errors
    /// [`WireError::Closed`] at the end of file, [`WireError::WouldBlock`] on an empty non-blocking socket,
    /// [`WireError::Violation`] when the packet did not fit.
    pub fn receive(&self, buffer: &mut [u8]) -> Result<Received, WireError> {
        self.receive_with(buffer, RecvFlags::CMSG_CLOEXEC)
    }

    /// The same without waiting, whatever kind of socket it is.
    ///
    /// # Errors
    /// Those of [`Self::receive`].
    pub fn receive_now(&self, buffer: &mut [u8]) -> Result<Received, WireError> {
        self.receive_with(buffer, RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT)
    }

    fn receive_with(&self, buffer: &mut [u8], flags: RecvFlags) -> Result<Received, WireError> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let received = rustix::io::retry_on_intr(|| {
            recvmsg(
                &self.fd,
                &mut [IoSliceMut::new(buffer)],
                &mut control,
                flags,
            )
        })?;
        let descriptors = take_descriptors(&mut control);
        if received.flags.contains(ReturnFlags::TRUNC) {
            return Err(WireError::Violation(
                "packet is longer than the receive buffer",
            ));
        }
        // No message is empty, so an empty packet can only be the end of file.
        if received.bytes == 0 {
            return Err(WireError::Closed);
        }
        Ok(Received {
            len: received.bytes,
            descriptors,
        })
    }

    /// Ends both directions: the other side reads an end of file, and so does a reader on this side.
    pub fn shutdown(&self) {
        // Failure means that the socket is already disconnected, which is what the caller wants.
        let _ = rustix::net::shutdown(&self.fd, rustix::net::Shutdown::Both);
    }
}

fn take_descriptors(control: &mut RecvAncillaryBuffer<'_>) -> Vec<OwnedFd> {
    let mut descriptors = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(received) = message {
            descriptors.extend(received);
        }
    }
    descriptors
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl AsRawFd for Socket {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

impl From<OwnedFd> for Socket {
    fn from(fd: OwnedFd) -> Self {
        Self { fd }
    }
}

impl From<Socket> for OwnedFd {
    fn from(socket: Socket) -> Self {
        socket.fd
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unread_packet_is_told_from_a_read_one() {
        for (read, expected) in [(true, "Closed"), (false, "Unread")] {
            let (a, b) = Socket::pair(Blocking::Yes).expect("pair");
            a.send(&[IoSlice::new(b"x")], &[]).expect("send");
            let mut buffer = [0; 16];
            if read {
                b.receive(&mut buffer).expect("receive");
            }
            drop(b);
            let error = a.receive(&mut buffer).expect_err("the other side is gone");
            assert_eq!(format!("{error:?}"), expected);
        }
    }

    #[test]
    fn descriptors_that_die_on_the_way_are_unread_too() {
        let (a, b) = Socket::pair(Blocking::Yes).expect("pair");
        let (control, zygote) = Socket::pair(Blocking::Yes).expect("pair");
        a.send(&[IoSlice::new(b"invocation")], &[]).expect("send");
        control
            .send(&[IoSlice::new(b"fork")], &[b.as_fd()])
            .expect("send");
        drop(b);
        drop(zygote);
        let error = a
            .receive(&mut [0; 16])
            .expect_err("nobody will ever answer");
        assert_eq!(format!("{error:?}"), "Unread");
    }
}
