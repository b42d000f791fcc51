//! What time it is, and points in time as everyone outside is shown them.

use std::time::SystemTime;

use jiff::Timestamp;

/// ns since 1970; good until the year 2262.
pub(crate) fn unix_ns() -> i64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.map_or(0, |since| {
        i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
    })
}

/// ms since 1970, as points in time are stored.
pub(crate) fn now_unix_ms() -> i64 {
    unix_ns() / 1_000_000
}

/// RFC 3339 in UTC with milliseconds.
pub(crate) fn rfc3339(unix_ms: i64) -> String {
    let time = Timestamp::from_millisecond(unix_ms).unwrap_or_default();
    format!("{time:.3}")
}

/// `24/Nov/2026:09:00:00 +0000`, as logs of web servers write it, and AWS in events.
pub(crate) fn common_log(unix_ms: i64) -> String {
    let time = Timestamp::from_millisecond(unix_ms).unwrap_or_default();
    time.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string()
}
