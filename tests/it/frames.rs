//! WebSocket as bytes: a client that says what a test wants it to say, right or wrong (RFC 6455).

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::http::{connect, status};
use crate::platform::Platform;

pub(crate) const TEXT: u8 = 0x81;
pub(crate) const BINARY: u8 = 0x82;
pub(crate) const CLOSE: u8 = 0x88;
pub(crate) const PING: u8 = 0x89;
pub(crate) const PONG: u8 = 0x8A;

pub(crate) const MASK: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];
/// The key of every handshake, and the proof that it was read.
pub(crate) const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// A client's connection.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: TcpStream,
    /// The head of the answer that made it.
    pub(crate) head: String,
}

/// What the platform sent: the first byte of a frame, and its payload.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) first: u8,
    pub(crate) payload: Vec<u8>,
}

/// The bytes of a client's frame.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let masked = payload.iter().zip(MASK.iter().cycle());
    let masked: Vec<u8> = masked.map(|(byte, mask)| byte ^ mask).collect();
    [&head(first, 0x80, payload.len() as u64), &MASK[..], &masked].concat()
}

/// The bytes before the mask.
pub(crate) fn head(first: u8, masked: u8, length: u64) -> Vec<u8> {
    let bytes = length.to_be_bytes();
    match length {
        0..126 => vec![first, masked | bytes[7]],
        126..0x1_0000 => [&[first, masked | 126], &bytes[6..]].concat(),
        _ => [&[first, masked | 127], &bytes[..]].concat(),
    }
}

/// A close frame.
pub(crate) fn close(code: u16, reason: &[u8]) -> Vec<u8> {
    frame(CLOSE, &[&code.to_be_bytes()[..], reason].concat())
}

/// Asks for a connection; headers each end with a line break.
pub(crate) fn ask(platform: &Platform, path: &str, headers: &str) -> TcpStream {
    ask_at(platform, "chat.example", path, headers)
}

/// The same of a host.
pub(crate) fn ask_at(platform: &Platform, host: &str, path: &str, headers: &str) -> TcpStream {
    let mut stream = connect(platform);
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: {KEY}\r\n{headers}\r\n"
    );
    stream.write_all(request.as_bytes()).expect("sent");
    stream
}

fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        assert_eq!(
            stream.read(&mut byte).expect("a byte"),
            1,
            "{}",
            String::from_utf8_lossy(&head)
        );
        head.push(byte[0]);
    }
    String::from_utf8(head).expect("a head in ASCII")
}

impl Socket {
    /// A connection to a function.
    pub(crate) fn open(platform: &Platform, function: &str) -> Self {
        let path = format!("/functions/{function}/ws");
        Self::finish(ask(platform, &path, ""))
    }

    /// A connection that was asked for.
    #[track_caller]
    pub(crate) fn finish(mut stream: TcpStream) -> Self {
        let head = read_head(&mut stream);
        assert_eq!(status(&head), Some(101), "{head}");
        let lower = head.to_ascii_lowercase();
        assert!(
            head.contains(&format!("sec-websocket-accept: {ACCEPT}\r\n")),
            "{head}"
        );
        assert!(lower.contains("upgrade: websocket\r\n"), "{head}");
        Self { stream, head }
    }

    /// Sends bytes, unless the platform takes no more.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// Sends a text.
    pub(crate) fn say(&mut self, text: &str) {
        self.send(&frame(TEXT, text.as_bytes()));
    }

    /// The next frame; `None` when there is none any more.
    pub(crate) fn next(&mut self) -> Option<Frame> {
        let mut start = [0; 2];
        self.stream.read_exact(&mut start).ok()?;
        let [first, length] = start;
        assert_eq!(length & 0x80, 0, "the platform masks nothing");
        let more = match length {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let mut bytes = [0; 8];
        bytes[7] = length;
        if more > 0 {
            bytes[7] = 0;
            self.stream.read_exact(&mut bytes[8 - more..]).ok()?;
        }
        let length = usize::try_from(u64::from_be_bytes(bytes)).expect("a length");
        let mut payload = vec![0; length];
        self.stream.read_exact(&mut payload).ok()?;
        Some(Frame { first, payload })
    }

    /// The next text.
    #[track_caller]
    pub(crate) fn hear(&mut self) -> String {
        let frame = self.next().expect("a frame");
        assert_eq!(frame.first, TEXT, "{frame:?}");
        String::from_utf8(frame.payload).expect("a text")
    }

    /// Sends a text and gives the next one back.
    #[track_caller]
    pub(crate) fn exchange(&mut self, text: &str) -> String {
        self.say(text);
        self.hear()
    }

    /// The code with which the platform ends the connection, whatever it says before; `None` when it just ends it.
    pub(crate) fn end(&mut self) -> Option<u16> {
        loop {
            let frame = self.next()?;
            if frame.first != CLOSE {
                continue;
            }
            let code = frame
                .payload
                .first_chunk()
                .copied()
                .map_or(1005, u16::from_be_bytes);
            self.send(&close(1000, b""));
            assert_eq!(self.next(), None, "something after the close frame");
            return Some(code);
        }
    }

    /// Its own id, as its function knows it.
    #[track_caller]
    pub(crate) fn id(&mut self) -> String {
        let event: serde_json::Value = serde_json::from_str(&self.exchange("event")).expect("JSON");
        event["data"]["connectionId"]
            .as_str()
            .expect("an id")
            .to_owned()
    }

    /// How long it is waited for a frame.
    pub(crate) fn patience(&self, patience: Duration) {
        self.stream
            .set_read_timeout(Some(patience))
            .expect("a time limit");
    }

    /// The same connection, for another thread that sends.
    pub(crate) fn another_end(&self) -> Self {
        Self {
            stream: self.stream.try_clone().expect("a descriptor"),
            head: String::new(),
        }
    }

    /// Sends bytes, however long that takes. Returns whether the platform took them all.
    pub(crate) fn send_all_or_fail(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    /// Goes without a word, whoever else holds it.
    pub(crate) fn shut(&self) {
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
    }

    /// Goes without a word.
    pub(crate) fn vanish(self) {
        drop(self.stream);
    }
}
