//! The machine and the processes on it. Knows nothing of HTTP, Zygo or peers, except for the names in `memory`.

pub(crate) mod children;
pub(crate) mod cores;
pub(crate) mod machine;
pub(crate) mod memory;
pub(crate) mod tree;

use std::io::Write;

/// Writes a line of progress to stderr.
pub(crate) fn say(line: &str) {
    // Nobody reads the progress: then it need not be told.
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// Writes a result to stdout.
pub(crate) fn answer(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// A port that nobody listened on a moment ago.
pub(crate) fn free_port() -> std::io::Result<u16> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?
        .local_addr()?
        .port())
}
