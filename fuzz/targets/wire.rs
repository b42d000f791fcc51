//! Packets of both sockets, as a process sends them that means harm. What can be read is written again and stays the same.
#![no_main]

use std::os::fd::OwnedFd;
use std::sync::{LazyLock, Mutex, PoisonError};

use libfuzzer_sys::fuzz_target;
use zygo_wire::packet::{body, decode, send};
use zygo_wire::socket::{Blocking, PACKET_LEN_MAX};
use zygo_wire::{InstanceCommand, InstanceEvent, Socket, WireError, ZygoteCommand, ZygoteEvent};

/// The longest body in these tests.
const BODY_LEN_MAX: usize = 1 << 20;

/// Two ends of one socket.
static ENDS: LazyLock<Mutex<(Socket, Socket)>> =
    LazyLock::new(|| Mutex::new(Socket::pair(Blocking::No).expect("a socket")));

macro_rules! read_and_write {
    ($message:ty, $packet:expr, $len:expr) => {{
        let Ok((header, inline)) = decode::<$message>($packet) else {
            return;
        };
        let announced: Option<u64> = $len(&header);
        check_body(inline, announced);
        let mut buffer = vec![0; PACKET_LEN_MAX];
        let Some((len, descriptors)) = pass(&header, inline, &mut buffer) else {
            return;
        };
        let (again, rest) = decode::<$message>(&buffer[..len]).expect("what was sent");
        assert_eq!(again, header);
        let whole = body(rest, inline.len() as u64, &descriptors, BODY_LEN_MAX);
        assert_eq!(whole.expect("what was sent").as_ref(), inline);
    }};
}

fuzz_target!(|data: &[u8]| {
    let Some((kind, packet)) = data.split_first() else {
        return;
    };
    match kind % 4 {
        0 => read_and_write!(ZygoteCommand, packet, |_: &ZygoteCommand| None),
        1 => read_and_write!(ZygoteEvent, packet, |_: &ZygoteEvent| None),
        2 => read_and_write!(InstanceCommand<'_>, packet, len_of_command),
        _ => read_and_write!(InstanceEvent<'_>, packet, len_of_event),
    }
});

fn len_of_command(command: &InstanceCommand<'_>) -> Option<u64> {
    let InstanceCommand::Invoke(header) = command else {
        return None;
    };
    Some(header.body_len)
}

fn len_of_event(event: &InstanceEvent<'_>) -> Option<u64> {
    match event {
        InstanceEvent::Finished(header) => Some(header.body_len),
        _ => None,
    }
}

/// A body is the one that was announced, or none.
fn check_body(inline: &[u8], announced: Option<u64>) {
    let Some(announced) = announced else { return };
    match body(inline, announced, &[], BODY_LEN_MAX) {
        Ok(whole) => assert_eq!((whole.len() as u64, whole.as_ref()), (announced, inline)),
        Err(WireError::TooLong { .. }) => assert!(announced > BODY_LEN_MAX as u64),
        Err(_) => assert_ne!(announced, inline.len() as u64),
    }
}

/// Through a real socket; not at all when it is too long for a packet.
fn pass<H: serde::Serialize>(
    header: &H,
    body: &[u8],
    buffer: &mut [u8],
) -> Option<(usize, Vec<OwnedFd>)> {
    let ends = ENDS.lock().unwrap_or_else(PoisonError::into_inner);
    match send(&ends.0, header, body, &[]) {
        Err(WireError::TooLong { .. }) => return None,
        sent => sent.expect("sent"),
    }
    let received = ends.1.receive(buffer).expect("received");
    Some((received.len, received.descriptors))
}
