//! Several messages in one packet: `u32::MAX │ (length (u32, little endian) │ message)*`, each message as in
//! [`crate::packet`] with its body in it. No header is so long, so a packet says itself which of the two it is.
//!
//! Where much is said at once, this saves the system calls and the wake-ups of all messages but one.

use std::io::IoSlice;

use serde::Serialize;

use crate::error::WireError;
use crate::packet;
use crate::socket::Socket;

/// What a parcel begins with.
const MARK: [u8; 4] = u32::MAX.to_le_bytes();

/// Bytes of a length.
const LENGTH_LEN: usize = 4;

/// The longest parcel. What is longer is no longer bound by system calls, and a socket holds only so much.
pub const PARCEL_LEN_MAX: usize = 32 * 1024;

/// Messages that wait to be sent together, in the order in which they came.
#[derive(Debug, Default)]
pub struct Parcel {
    bytes: Vec<u8>,
    count: usize,
}

impl Parcel {
    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Adds a message. Whether there was room for it.
    ///
    /// # Errors
    /// [`WireError::Violation`] for a header that cannot be encoded.
    pub fn push<H: Serialize>(&mut self, header: &H, body: &[u8]) -> Result<bool, WireError> {
        let message = packet::encode(header, body)?;
        let begin = self.bytes.len().max(MARK.len());
        if begin + LENGTH_LEN + message.len() > PARCEL_LEN_MAX {
            return Ok(false);
        }
        let len = u32::try_from(message.len())
            .map_err(|_| WireError::Violation("message is too long"))?;
        if self.is_empty() {
            self.bytes.extend_from_slice(&MARK);
        }
        self.bytes.extend_from_slice(&len.to_le_bytes());
        self.bytes.extend_from_slice(&message);
        self.count += 1;
        Ok(true)
    }

    /// Sends what waits, and then nothing does; what could not be sent waits on.
    ///
    /// # Errors
    /// Those of [`Socket::send`].
    pub fn send(&mut self, socket: &Socket) -> Result<(), WireError> {
        let packet = match self.count {
            0 => return Ok(()),
            1 => &self.bytes[MARK.len() + LENGTH_LEN..],
            _ => &self.bytes[..],
        };
        socket.send(&[IoSlice::new(packet)], &[])?;
        self.bytes.clear();
        self.count = 0;
        Ok(())
    }
}

/// The messages of a packet, one after the other; of a packet that is no parcel, itself.
///
/// After an error there are no more.
#[must_use]
pub fn messages(packet: &[u8]) -> Messages<'_> {
    match packet.strip_prefix(&MARK) {
        Some(rest) => Messages { rest, only: None },
        None => Messages {
            rest: &[],
            only: Some(packet),
        },
    }
}

/// See [`messages`].
#[derive(Debug)]
pub struct Messages<'a> {
    rest: &'a [u8],
    only: Option<&'a [u8]>,
}

impl<'a> Iterator for Messages<'a> {
    type Item = Result<&'a [u8], WireError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(only) = self.only.take() {
            return Some(Ok(only));
        }
        if self.rest.is_empty() {
            return None;
        }
        let taken = take(self.rest);
        self.rest = taken.map_or(&[], |(_, rest)| rest);
        Some(match taken {
            Some((message, _)) => Ok(message),
            None => Err(WireError::Violation("message is longer than its parcel")),
        })
    }
}

fn take(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = bytes.split_first_chunk::<LENGTH_LEN>()?;
    rest.split_at_checked(usize::try_from(u32::from_le_bytes(*len)).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::InstanceCommand;
    use crate::socket::{Blocking, PACKET_LEN_MAX};

    fn received(parcel: &mut Parcel) -> Vec<(u64, Vec<u8>)> {
        let (a, b) = Socket::pair(Blocking::Yes).expect("pair");
        parcel.send(&a).expect("send");
        let mut buffer = vec![0; PACKET_LEN_MAX];
        let len = b.receive(&mut buffer).expect("receive").len;
        let read = |message: Result<_, _>| {
            let decoded = packet::decode::<InstanceCommand<'_>>(message.expect("message"));
            let (InstanceCommand::Taken { number }, body) = decoded.expect("decode") else {
                panic!("another command");
            };
            (number, body.to_vec())
        };
        messages(&buffer[..len]).map(read).collect()
    }

    #[test]
    fn what_waits_arrives_in_its_order() {
        for count in [1, 2, 40] {
            let mut parcel = Parcel::default();
            for number in 0..count {
                let body = vec![7; usize::try_from(number).expect("small")];
                let pushed = parcel.push(&InstanceCommand::Taken { number }, &body);
                assert_eq!(pushed.ok(), Some(true));
            }
            let came = received(&mut parcel);
            let lengths: Vec<_> = came
                .iter()
                .map(|(n, body)| (*n, body.len() as u64))
                .collect();
            assert_eq!(lengths, (0..count).map(|n| (n, n)).collect::<Vec<_>>());
            assert!(parcel.is_empty());
        }
    }

    #[test]
    fn what_finds_no_room_changes_nothing() {
        let mut parcel = Parcel::default();
        let (first, long) = (
            InstanceCommand::Taken { number: 1 },
            InstanceCommand::Taken { number: 2 },
        );
        assert_eq!(parcel.push(&first, b"a").ok(), Some(true));
        for len in [PARCEL_LEN_MAX - 20, PARCEL_LEN_MAX + 1] {
            assert_eq!(parcel.push(&long, &vec![0; len]).ok(), Some(false));
        }
        assert_eq!(received(&mut parcel), [(1, b"a".to_vec())]);
    }

    #[test]
    fn forged_parcels_are_violations() {
        let cut = [&MARK[..], &[9, 0, 0]].concat();
        let lie = [&MARK[..], &5_u32.to_le_bytes(), b"abc"].concat();
        for packet in [cut, lie] {
            let all: Vec<_> = messages(&packet).collect();
            assert!(
                matches!(all[..], [Err(WireError::Violation(_))]),
                "{packet:?}"
            );
        }
        assert_eq!(messages(&MARK).count(), 0);
    }
}
