//! Histograms of durations in microseconds, with two significant digits, and their written form.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer as _, V2DeflateSerializer};
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Serialize};

/// Two digits tell 9.9 ms from 10 ms and cost a few kilobytes.
const DIGITS: u8 = 2;

pub(super) fn empty() -> Histogram<u64> {
    // Only a number of digits beyond 5 is refused.
    Histogram::new(DIGITS).unwrap_or_else(|_| unreachable!("two digits are possible"))
}

pub(super) fn serialize<S: serde::Serializer>(
    histogram: &Option<Histogram<u64>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let written = histogram.as_ref().map(|histogram| {
        let mut bytes = Vec::new();
        let done = V2DeflateSerializer::new().serialize(histogram, &mut bytes);
        done.map(|_| BASE64.encode(bytes))
    });
    let written = written.transpose().map_err(S::Error::custom)?;
    written.serialize(serializer)
}

pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Histogram<u64>>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else {
        return Ok(None);
    };
    let bytes = BASE64.decode(text).map_err(D::Error::custom)?;
    let read = Deserializer::new().deserialize(&mut bytes.as_slice());
    read.map(Some).map_err(D::Error::custom)
}
