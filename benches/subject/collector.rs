//! A collector of spans on loopback that takes whatever it gets, counts it and forgets it. Knows HTTP, not OTLP.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Result;

use crate::http;

/// An empty message of success.
const TAKEN: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";

/// A collector; it takes spans as long as this program runs.
#[derive(Debug)]
pub(crate) struct Collector {
    pub(crate) address: SocketAddr,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    batches: AtomicU64,
    bytes: AtomicU64,
}

impl Collector {
    /// Listens on a free port.
    pub(crate) fn start() -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let address = listener.local_addr()?;
        let counts = Arc::new(Counts::default());
        let counting = Arc::clone(&counts);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let counts = Arc::clone(&counting);
                std::thread::spawn(move || take(stream, &counts));
            }
        });
        Ok(Self { address, counts })
    }

    /// How many batches came, and how many bytes with their heads.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (read(&self.counts.batches), read(&self.counts.bytes))
    }
}

/// Answers until the sender goes away.
fn take(mut stream: TcpStream, counts: &Counts) {
    let (mut received, mut part) = (Vec::new(), vec![0; 256 * 1024]);
    while let Ok(count @ 1..) = stream.read(&mut part) {
        received.extend_from_slice(&part[..count]);
        while let Some(length) = http::request_len(&received) {
            received.drain(..length);
            counts.batches.fetch_add(1, Ordering::Relaxed);
            counts.bytes.fetch_add(length as u64, Ordering::Relaxed);
            if stream.write_all(TAKEN).is_err() {
                return;
            }
        }
    }
}
