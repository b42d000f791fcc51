//! One line that user code wrote, and where lines go until they are stored.

use std::sync::Arc;

use zygo_wire::control::Level;

/// A longer line is cut, and says so.
const TEXT_LEN_MAX: usize = 8 * 1024;

/// A line as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// Nanoseconds since the Unix epoch when the platform had it, made unique: lines are in the order of their ids.
    pub(crate) id: i64,
    pub(crate) function_id: Arc<str>,
    pub(crate) version: u32,
    pub(crate) level: Level,
    pub(crate) text: String,
    /// Absent for lines that belong to no invocation.
    pub(crate) request_id: Option<Arc<str>>,
    /// The instance's own number.
    pub(crate) instance: Option<i64>,
}

/// Nanoseconds in a millisecond: ids are nanoseconds.
pub(crate) const NS_PER_MS: i64 = 1_000_000;

/// An instance's number as people see it.
pub(crate) fn instance_name(number: i64) -> String {
    format!("i-{number:012x}")
}

/// Levels in the order of their weight, as numbers of the store.
pub(crate) fn weight(level: Level) -> i64 {
    match level {
        Level::Debug => 0,
        Level::Info => 1,
        Level::Warn => 2,
        Level::Error => 3,
    }
}

/// The level of a number of the store.
pub(super) fn level(weight: i64) -> Level {
    match weight {
        0 => Level::Debug,
        2 => Level::Warn,
        3 => Level::Error,
        _ => Level::Info,
    }
}

/// A text that is not too long, cut at a character.
pub(super) fn cut(text: String) -> String {
    if text.len() <= TEXT_LEN_MAX {
        return text;
    }
    let end = text.floor_char_boundary(TEXT_LEN_MAX);
    let rest = text.len() - end;
    format!("{}… ({rest} bytes more)", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_cut_between_characters() {
        let text = format!("{}é{}", "a".repeat(TEXT_LEN_MAX - 1), "b".repeat(100));
        let text = cut(text);
        assert!(text.ends_with("… (102 bytes more)"), "{}", &text[8_000..]);
        assert_eq!(cut("short".to_owned()), "short");
    }
}
