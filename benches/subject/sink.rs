//! An HTTP server on loopback that takes whatever is sent to it and answers with its SHA-256. Uploads go there.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use anyhow::Result;
use memchr::memmem;

use super::digest::sha256;
use crate::http;

/// A sink; it is there as long as this program runs.
#[derive(Debug)]
pub(crate) struct Sink {
    pub(crate) address: SocketAddr,
}

impl Sink {
    /// Listens on a free port.
    pub(crate) fn start() -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let address = listener.local_addr()?;
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                std::thread::spawn(move || take(stream));
            }
        });
        Ok(Self { address })
    }
}

/// Answers until the sender goes away.
fn take(mut stream: TcpStream) {
    let (mut received, mut part) = (Vec::new(), vec![0; 256 * 1024]);
    let _ = stream.set_nodelay(true);
    while let Ok(count @ 1..) = stream.read(&mut part) {
        received.extend_from_slice(&part[..count]);
        while let Some(length) = http::request_len(&received) {
            let whole: Vec<u8> = received.drain(..length).collect();
            let body = memmem::find(&whole, b"\r\n\r\n").map_or(0, |at| at + 4);
            let digest = sha256(&whole[body..]);
            let answer = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n\r\n{digest}",
                digest.len()
            );
            if stream.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    }
}
