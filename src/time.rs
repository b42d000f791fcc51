//! Points in time as everyone outside is shown them.

use jiff::Timestamp;

/// RFC 3339 in UTC with milliseconds.
pub(crate) fn rfc3339(unix_ms: i64) -> String {
    let time = Timestamp::from_millisecond(unix_ms).unwrap_or_default();
    format!("{time:.3}")
}
