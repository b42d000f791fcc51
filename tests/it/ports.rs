//! Ports for servers that are told one before they listen: outside the range from which connections and other listeners are
//! given theirs, so that nobody takes it meanwhile.

use std::net::TcpListener;
use std::ops::Range;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU16, Ordering};

/// Linux gives out ports from 32,768 on.
const PORTS: Range<u16> = 10_000..32_000;
/// Somebody else has some of them.
const TRIES: usize = 1_000;

/// A port that nobody has now, and that is given to nobody else.
pub(crate) fn free() -> u16 {
    // Other runs of tests begin elsewhere.
    static NEXT: LazyLock<AtomicU16> = LazyLock::new(|| AtomicU16::new(fastrand::u16(..)));
    let count = PORTS.end - PORTS.start;
    let next = || PORTS.start + NEXT.fetch_add(1, Ordering::Relaxed) % count;
    let mut tried = std::iter::repeat_with(next).take(TRIES);
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    tried.find(is_free).expect("a free port")
}
