//! How a message lies in a packet: `header length (u32, little endian) │ header (postcard) │ body`.
//!
//! A body longer than [`BODY_INLINE_LEN_MAX`] is not in the packet: it is in a sealed memory file that is the packet's
//! last descriptor. The receiver takes nothing on trust: lengths are checked before use, and a file is read only if it
//! is a sealed memory file of the announced length, because a read of anything else could block.

use std::borrow::Cow;
use std::io::{IoSlice, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{MemfdFlags, SealFlags};
use serde::{Deserialize, Serialize};

use crate::data::BODY_INLINE_LEN_MAX;
use crate::error::WireError;
use crate::socket::Socket;

/// Bytes of the length that begins every packet.
const PREFIX_LEN: usize = 4;

/// Seals that make a memory file safe to read for someone who does not trust its maker.
const SEALS: SealFlags = SealFlags::SHRINK
    .union(SealFlags::GROW)
    .union(SealFlags::WRITE);

/// Sends a header and its body; waits or not as the socket does.
///
/// # Errors
/// Those of [`Socket::send`], and [`WireError::TooLong`] for a header beyond a packet.
pub fn send<H: Serialize>(
    socket: &Socket,
    header: &H,
    body: &[u8],
    descriptors: &[BorrowedFd<'_>],
) -> Result<(), WireError> {
    let head = encode(header, &[])?;
    if body.len() <= BODY_INLINE_LEN_MAX {
        return socket.send(&[IoSlice::new(&head), IoSlice::new(body)], descriptors);
    }
    let file = memory_file(body)?;
    let mut all: Vec<BorrowedFd<'_>> = descriptors.to_vec();
    all.push(file.as_fd());
    socket.send(&[IoSlice::new(&head)], &all)
}

/// A message with its body in it.
pub(crate) fn encode<H: Serialize>(header: &H, body: &[u8]) -> Result<Vec<u8>, WireError> {
    let mut packet = Vec::with_capacity(512);
    packet.extend_from_slice(&[0; PREFIX_LEN]);
    let mut packet = postcard::to_extend(header, packet)
        .map_err(|_| WireError::Violation("header cannot be encoded"))?;
    let len = u32::try_from(packet.len() - PREFIX_LEN)
        .map_err(|_| WireError::Violation("header is too long"))?;
    packet[..PREFIX_LEN].copy_from_slice(&len.to_le_bytes());
    packet.extend_from_slice(body);
    Ok(packet)
}

/// Splits a packet into its decoded header and the bytes that follow it.
///
/// # Errors
/// [`WireError::Violation`] when the bytes are no such message.
pub fn decode<'a, H: Deserialize<'a>>(packet: &'a [u8]) -> Result<(H, &'a [u8]), WireError> {
    let (prefix, rest) = packet
        .split_first_chunk::<PREFIX_LEN>()
        .ok_or(WireError::Violation("packet is shorter than its prefix"))?;
    let len = usize::try_from(u32::from_le_bytes(*prefix))
        .map_err(|_| WireError::Violation("header length does not fit"))?;
    let (head, body) = rest
        .split_at_checked(len)
        .ok_or(WireError::Violation("header is longer than its packet"))?;
    let (header, left) = postcard::take_from_bytes(head)
        .map_err(|_| WireError::Violation("header cannot be decoded"))?;
    if !left.is_empty() {
        return Err(WireError::Violation("header has bytes left over"));
    }
    Ok((header, body))
}

/// The body of a message: from the packet, or read from the memory file that came with it.
///
/// # Errors
/// [`WireError::Violation`] when the announced length is a lie, [`WireError::TooLong`] above `len_max`.
pub fn body<'a>(
    inline: &'a [u8],
    announced_len: u64,
    descriptors: &[OwnedFd],
    len_max: usize,
) -> Result<Cow<'a, [u8]>, WireError> {
    let len = usize::try_from(announced_len)
        .map_err(|_| WireError::Violation("body length does not fit"))?;
    if len > len_max {
        return Err(WireError::TooLong { len, max: len_max });
    }
    match descriptors.last() {
        None if inline.len() == len => Ok(Cow::Borrowed(inline)),
        None => Err(WireError::Violation(
            "body has another length than announced",
        )),
        Some(file) => read_memory_file(file, len).map(Cow::Owned),
    }
}

fn memory_file(body: &[u8]) -> Result<OwnedFd, WireError> {
    let fd = rustix::fs::memfd_create(
        "zygo-body",
        MemfdFlags::CLOEXEC.union(MemfdFlags::ALLOW_SEALING),
    )?;
    let mut file = std::fs::File::from(fd);
    file.write_all(body)?;
    let fd = OwnedFd::from(file);
    rustix::fs::fcntl_add_seals(&fd, SEALS)?;
    Ok(fd)
}

fn read_memory_file(file: &OwnedFd, len: usize) -> Result<Vec<u8>, WireError> {
    // Only memory files have seals at all, so this also refuses pipes, devices and network file systems.
    let seals = rustix::fs::fcntl_get_seals(file)
        .map_err(|_| WireError::Violation("body descriptor is no memory file"))?;
    let size = rustix::fs::fstat(file)?.st_size;
    if !seals.contains(SEALS) || usize::try_from(size) != Ok(len) {
        return Err(WireError::Violation(
            "body file is not sealed at the announced length",
        ));
    }
    let mut body = vec![0; len];
    let mut filled = 0;
    while filled < len {
        match rustix::io::pread(file, &mut body[filled..], filled as u64)? {
            0 => return Err(WireError::Violation("body file ended early")),
            count => filled += count,
        }
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{BodyKind, InstanceCommand, InvokeHeader};
    use crate::socket::{Blocking, PACKET_LEN_MAX};

    fn round_trip(body_bytes: &[u8]) -> Vec<u8> {
        let (a, b) = Socket::pair(Blocking::Yes).expect("pair");
        let header = InstanceCommand::Invoke(InvokeHeader {
            number: 7,
            request_id: "req-1",
            deadline_unix_ms: 9,
            traceparent: "00-1-1-00",
            tracestate: "",
            event: b"{}",
            event_before_body_len: 0,
            body_kind: BodyKind::Binary,
            body_len: body_bytes.len() as u64,
        });
        send(&a, &header, body_bytes, &[]).expect("send");
        let mut buffer = vec![0; PACKET_LEN_MAX];
        let received = b.receive(&mut buffer).expect("receive");
        let (decoded, inline) =
            decode::<InstanceCommand<'_>>(&buffer[..received.len]).expect("decode");
        assert_eq!(decoded, header);
        let InstanceCommand::Invoke(invoke) = decoded else {
            panic!("another command");
        };
        body(inline, invoke.body_len, &received.descriptors, 8 << 20)
            .expect("body")
            .into_owned()
    }

    #[test]
    fn bodies_of_every_size_arrive_unchanged() {
        for len in [0, 1, BODY_INLINE_LEN_MAX, BODY_INLINE_LEN_MAX + 1, 6 << 20] {
            let sent: Vec<u8> = (0..len)
                .map(|i| u8::try_from(i % 251).expect("small"))
                .collect();
            assert_eq!(round_trip(&sent), sent, "{len} bytes");
        }
    }

    #[test]
    fn forged_packets_are_violations() {
        let long_header = [&200_u32.to_le_bytes()[..], b"abc"].concat();
        let giant_header = [&u32::MAX.to_le_bytes()[..], b"abc"].concat();
        let garbage = [&3_u32.to_le_bytes()[..], &[0xff, 0xff, 0xff]].concat();
        for packet in [&b""[..], b"abc", &long_header, &giant_header, &garbage] {
            assert!(
                matches!(
                    decode::<InstanceCommand<'_>>(packet),
                    Err(WireError::Violation(_))
                ),
                "{packet:?}"
            );
        }
    }

    #[test]
    fn a_lie_about_the_body_is_refused() {
        assert!(matches!(
            body(b"abc", 4, &[], 100),
            Err(WireError::Violation(_))
        ));
        assert!(matches!(
            body(b"abc", 101, &[], 100),
            Err(WireError::TooLong { .. })
        ));
        let (pipe, _writer) = rustix::pipe::pipe().expect("pipe");
        assert!(matches!(
            body(b"", 4, &[pipe], 100),
            Err(WireError::Violation(_))
        ));
        let open = rustix::fs::memfd_create("x", MemfdFlags::ALLOW_SEALING).expect("memfd");
        assert!(matches!(
            body(b"", 0, &[open], 100),
            Err(WireError::Violation(_))
        ));
    }
}
