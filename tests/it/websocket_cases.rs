//! Frames, right and wrong, after the groups of the Autobahn test suite, and what RFC 6455 makes of them.

use crate::frames::{BINARY, CLOSE, Frame, PING, PONG, TEXT, frame, head};
use crate::websocket_contents::{ends, lengths, texts};

/// Frames of a message in pieces.
pub(crate) const TEXT_BEGINS: u8 = 0x01;
pub(crate) const GOES_ON: u8 = 0x00;
pub(crate) const ENDS: u8 = 0x80;

/// What a client sends, and what comes of it.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) sent: Vec<Vec<u8>>,
    pub(crate) expected: Expected,
}

pub(crate) enum Expected {
    /// These frames, in this order.
    Frames(Vec<Frame>),
    /// The end, with this code.
    End(u16),
}

pub(crate) fn case(name: impl Into<String>, sent: &[Vec<u8>], expected: Expected) -> Case {
    Case {
        name: name.into(),
        sent: sent.to_vec(),
        expected,
    }
}

pub(crate) fn frames(frames: &[(u8, &[u8])]) -> Expected {
    let frame = |(first, payload): &(u8, &[u8])| Frame {
        first: *first,
        payload: payload.to_vec(),
    };
    Expected::Frames(frames.iter().map(frame).collect())
}

/// Groups 1, 2 and 9: messages of all lengths, pings and pongs.
fn messages_and_pings() -> Vec<Case> {
    let mut all = Vec::new();
    for length in [1, 125, 126, 127, 128, 65_535, 65_536, 131_072] {
        let text = "*".repeat(length).into_bytes();
        let bytes = vec![0xFE; length];
        let name = |kind| format!("{kind} of {length} bytes");
        all.push(case(
            name("a text"),
            &[frame(TEXT, &text)],
            frames(&[(TEXT, &text)]),
        ));
        all.push(case(
            name("bytes"),
            &[frame(BINARY, &bytes)],
            frames(&[(BINARY, &bytes)]),
        ));
    }
    for payload in [&b""[..], b"hello", &[0xFF; 125]] {
        let sent = [frame(PING, payload)];
        all.push(case("a ping", &sent, frames(&[(PONG, payload)])));
    }
    all.push(case(
        "a ping that is too long",
        &[frame(PING, &[0; 126])],
        Expected::End(1002),
    ));
    all.push(case(
        "a pong that nobody asked for",
        &[frame(PONG, b"x"), frame(TEXT, b"y")],
        frames(&[(TEXT, b"y")]),
    ));
    all.push(case(
        "many pings",
        &vec![frame(PING, b"x"); 2_000],
        Expected::End(1008),
    ));
    all.push(case(
        "no bytes at all",
        &[frame(TEXT, b""), frame(TEXT, b"y")],
        frames(&[(TEXT, b"y")]),
    ));
    all
}

/// Groups 3 and 4, and masks: bits and codes that mean nothing yet, and frames that only a server may send.
fn meaningless_frames() -> Vec<Case> {
    let mut all = Vec::new();
    for bit in [0x10, 0x20, 0x40, 0x70] {
        for first in [TEXT, BINARY, PING, CLOSE] {
            let name = format!("the reserved bits {bit:x} of {first:x}");
            all.push(case(name, &[frame(first | bit, b"x")], Expected::End(1002)));
        }
    }
    for code in (3..8).chain(11..16) {
        for payload in [&b""[..], b"x"] {
            let name = format!("the reserved code {code}");
            all.push(case(
                name,
                &[frame(0x80 | code, payload)],
                Expected::End(1002),
            ));
        }
    }
    for first in [TEXT, PING, CLOSE] {
        let sent = [head(first, 0, 2), b"hi".to_vec()];
        all.push(case(
            format!("no mask on {first:x}"),
            &sent,
            Expected::End(1002),
        ));
    }
    all
}

/// Group 5: messages in pieces.
fn pieces() -> Vec<Case> {
    let begin = frame(TEXT_BEGINS, b"one ");
    let end = frame(ENDS, b"two");
    vec![
        case(
            "two pieces",
            &[begin.clone(), end.clone()],
            frames(&[(TEXT, b"one two")]),
        ),
        case(
            "a ping between pieces",
            &[begin.clone(), frame(PING, b"?"), end.clone()],
            frames(&[(PONG, b"?"), (TEXT, b"one two")]),
        ),
        case(
            "empty pieces",
            &[
                frame(TEXT_BEGINS, b""),
                frame(GOES_ON, b""),
                frame(ENDS, b"x"),
            ],
            frames(&[(TEXT, b"x")]),
        ),
        case(
            "an end of nothing",
            std::slice::from_ref(&end),
            Expected::End(1002),
        ),
        case(
            "a piece of nothing",
            &[frame(GOES_ON, b"x")],
            Expected::End(1002),
        ),
        case(
            "a message within another",
            &[begin.clone(), frame(TEXT, b"x")],
            Expected::End(1002),
        ),
        case(
            "bytes within a text",
            &[begin, frame(BINARY, b"x")],
            Expected::End(1002),
        ),
        case(
            "a ping in pieces",
            &[frame(PING & 0x0F, b"x")],
            Expected::End(1002),
        ),
        case(
            "a close in pieces",
            &[frame(CLOSE & 0x0F, b"")],
            Expected::End(1002),
        ),
    ]
}

/// All of them.
pub(crate) fn all() -> Vec<Case> {
    let groups = [
        messages_and_pings,
        meaningless_frames,
        pieces,
        texts,
        ends,
        lengths,
    ];
    groups.iter().flat_map(|group| group()).collect()
}
