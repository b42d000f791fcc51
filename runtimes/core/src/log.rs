//! Lines that user code writes. Knows nothing of how a language writes them.

pub use zygo_wire::control::Level;

use crate::{process, sink};

/// A longer line is cut: a packet must hold it, and a reader must bear it.
const LINE_LEN_MAX: usize = 32 * 1024;

/// Sends one line, without its end, as output of the running invocation, or of the load. May be called on any thread.
/// A line that cannot be sent is lost: its reader is gone, and this process will be too.
pub fn write(level: Level, line: &str) {
    write_of(sink::number(), level, line);
}

/// The same as output of this invocation, where several run at once; 0 is none of them.
pub fn write_of(number: u64, level: Level, line: &str) {
    if line.len() <= LINE_LEN_MAX {
        let _ = sink::log(number, level, line);
        return;
    }
    let end = process::floor_char_boundary(line, LINE_LEN_MAX);
    let _ = sink::log(
        number,
        level,
        &format!("{}… ({} bytes cut)", &line[..end], line.len() - end),
    );
}

/// The invocation that this thread works for, 0 for none or where there is only one at a time.
#[must_use]
pub fn works_for() -> u64 {
    sink::own_number()
}

/// Says which invocation this thread works for from now on, where several run at once; 0 is none.
pub fn this_thread_works_for(number: u64) {
    sink::set_own_number(number);
}
