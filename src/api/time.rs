//! Points in time as the API writes them, and as it reads them.

use std::time::Duration;

use jiff::Timestamp;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{
    AnyOfBuilder, KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type,
};
use utoipa::{PartialSchema, ToSchema};

use crate::gateway::problem::RequestError;

pub(super) use crate::time::rfc3339;

/// The day, `2026-11-24`.
pub(super) fn day(unix_ms: i64) -> String {
    rfc3339(unix_ms).chars().take(10).collect()
}

/// A moment: so long ago (`90s`, `30m`, `1h`, `2d`), or in RFC 3339. In nanoseconds since the Unix epoch.
pub(super) fn moment(field: &str, text: &str, now_ns: i64) -> Result<i64, RequestError> {
    if let Some(ago) = span(text) {
        let ago = i64::try_from(ago.as_nanos()).unwrap_or(i64::MAX);
        return Ok(now_ns.saturating_sub(ago).max(0));
    }
    let time = text.parse::<Timestamp>().ok();
    // Years that nanoseconds do not reach are before or after everything there is.
    let within = |ns: i128| i64::try_from(ns.clamp(0, i64::MAX.into())).unwrap_or_default();
    time.map(|time| within(time.as_nanosecond())).ok_or_else(|| {
        let rule = format!("{field} must be a span such as 90s, 30m, 1h or 2d, or a time such as 2026-11-24T09:00:00Z");
        RequestError::malformed(format!("/query/{field}"), rule)
    })
}

/// A length of time.
pub(super) fn length(field: &str, text: &str) -> Result<Duration, RequestError> {
    span(text).filter(|span| !span.is_zero()).ok_or_else(|| {
        let rule = format!("{field} must be a span such as 90s, 30m, 1h or 2d");
        RequestError::malformed(format!("/query/{field}"), rule)
    })
}

/// A span or a time, for the API's description.
#[derive(Debug)]
pub(super) struct Moment;

impl ToSchema for Moment {}

impl PartialSchema for Moment {
    fn schema() -> RefOr<Schema> {
        let text = || ObjectBuilder::new().schema_type(Type::String);
        let time = SchemaFormat::KnownFormat(KnownFormat::DateTime);
        let either = AnyOfBuilder::new()
            .item(text().pattern(Some("^[0-9]{1,9}[smhd]$")))
            .item(text().format(Some(time)));
        Schema::from(either).into()
    }
}

fn span(text: &str) -> Option<Duration> {
    let unit = text.chars().last()?;
    let count: u64 = text.strip_suffix(unit)?.parse().ok()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    Some(Duration::from_secs(count.checked_mul(seconds)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_milliseconds_and_a_zone() {
        assert_eq!(rfc3339(1_700_000_000_120), "2023-11-14T22:13:20.120Z");
        assert_eq!(day(1_700_000_000_120), "2023-11-14");
    }

    #[test]
    fn moments_are_spans_or_times() {
        let now = 10_000_000_000_000;
        let read = |text| moment("since", text, now).ok();
        assert_eq!(read("1h"), Some(now - 3_600_000_000_000));
        assert_eq!(read("9999999d"), Some(0));
        assert_eq!(read("1970-01-01T00:00:01Z"), Some(1_000_000_000));
        assert_eq!(read("0001-01-01T00:00:00Z"), Some(0));
        assert_eq!(read("9999-01-01T00:00:00Z"), Some(i64::MAX));
        for wrong in [
            "",
            "h",
            "1",
            "1w",
            "-1h",
            "yesterday",
            "18446744073709551615d",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        assert!(length("window", "0s").is_err());
    }
}
