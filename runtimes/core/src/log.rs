//! Lines that user code writes. Knows nothing of how a language writes them.

pub use zygo_wire::control::Level;

use crate::{process, sink};

/// A longer line is cut: a packet must hold it, and a reader must bear it.
const LINE_LEN_MAX: usize = 32 * 1024;

/// Sends one line, without its end, as output of the running invocation, or of the load. May be called on any thread.
/// A line that cannot be sent is lost: its reader is gone, and this process will be too.
pub fn write(level: Level, line: &str) {
    if line.len() <= LINE_LEN_MAX {
        let _ = sink::log(level, line);
        return;
    }
    let end = process::floor_char_boundary(line, LINE_LEN_MAX);
    let _ = sink::log(
        level,
        &format!("{}… ({} bytes cut)", &line[..end], line.len() - end),
    );
}
