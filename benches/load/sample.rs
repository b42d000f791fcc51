//! What the generator counted: a histogram for each start kind, the phases, the errors. Knows nothing of reports.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde::Deserialize;

use super::Reading;

/// The name of the only series when replies are not looked at.
pub(crate) const PLAIN: &str = "plain";
const NANOSECONDS_MAX: u64 = 120_000_000_000;

/// All that one run counted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outcome {
    /// Latencies by start kind.
    pub(crate) samples: BTreeMap<String, Sample>,
    /// Failed requests by what went wrong.
    pub(crate) errors: BTreeMap<String, u64>,
    /// How long it took to refuse requests, where that is no failure.
    pub(crate) refused: Sample,
    /// Refusals that did not say when to come again.
    pub(crate) not_told_when: u64,
    /// From the first counted start to the last reply.
    pub(crate) elapsed: Duration,
    /// The longest that the generator itself was late.
    pub(crate) lag_max: Duration,
    /// When the last reply came.
    pub(crate) last: Option<Instant>,
}

/// Latencies of one kind, in nanoseconds.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    pub(crate) histogram: Histogram<u64>,
    pub(crate) phases: Phases,
}

/// Times that the platform itself gave for each phase, in milliseconds, unsorted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Phases(pub(crate) BTreeMap<String, Vec<f64>>);

impl Default for Sample {
    fn default() -> Self {
        let histogram = Histogram::new_with_bounds(1, NANOSECONDS_MAX, 3)
            .unwrap_or_else(|_| unreachable!("valid bounds"));
        Self {
            histogram,
            phases: Phases::default(),
        }
    }
}

impl Sample {
    /// Counts a latency; one beyond the bounds counts as the largest.
    pub(crate) fn record(&mut self, latency: Duration) {
        self.histogram
            .saturating_record(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX));
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    start_kind: String,
    #[serde(default)]
    timeline: BTreeMap<String, f64>,
}

impl Outcome {
    /// Counts a reply.
    pub(crate) fn reply(
        &mut self,
        reading: Reading,
        status: u16,
        body: &[u8],
        latency: Duration,
        now: Instant,
    ) {
        self.last = Some(now);
        if status != 200 {
            let text: String = String::from_utf8_lossy(body).chars().take(300).collect();
            return self.error(format!("{status}: {text}"));
        }
        match reading {
            Reading::Plain | Reading::Refusals => self.sample(PLAIN).record(latency),
            Reading::StartKind => self.sample(start_kind(body)).record(latency),
            Reading::Phases => self.reply_with_phases(body, latency),
        }
    }

    /// Counts a refusal.
    pub(crate) fn refusal(&mut self, tells_when: bool, latency: Duration, now: Instant) {
        self.last = Some(now);
        self.refused.record(latency);
        self.not_told_when += u64::from(!tells_when);
    }

    fn reply_with_phases(&mut self, body: &[u8], latency: Duration) {
        let Ok(envelope) = serde_json::from_slice::<Envelope>(body) else {
            return self.error(format!("no envelope: {}", String::from_utf8_lossy(body)));
        };
        let sample = self.sample(&envelope.start_kind);
        sample.record(latency);
        for (phase, milliseconds) in envelope.timeline {
            sample.phases.0.entry(phase).or_default().push(milliseconds);
        }
    }

    fn sample(&mut self, kind: &str) -> &mut Sample {
        // Not the entry API: this runs for every reply, and the entry would need an owned key.
        if !self.samples.contains_key(kind) {
            self.samples.insert(kind.to_owned(), Sample::default());
        }
        self.samples
            .get_mut(kind)
            .unwrap_or_else(|| unreachable!("just inserted"))
    }

    /// Counts a failure.
    pub(crate) fn error(&mut self, what: String) {
        // Request ids differ from reply to reply; a hundred examples are enough for everybody.
        let key = if self.errors.len() < 100 {
            what
        } else {
            "other".to_owned()
        };
        *self.errors.entry(key).or_default() += 1;
    }

    /// Notes how late a request started for reasons of the generator.
    pub(crate) fn lag(&mut self, late: Duration) {
        self.lag_max = self.lag_max.max(late);
    }

    /// All replies of any kind as one sample.
    pub(crate) fn merged(&self) -> Sample {
        let mut all = Sample::default();
        for sample in self.samples.values() {
            // Cannot fail: all samples have the same bounds.
            let _ = all.histogram.add(&sample.histogram);
        }
        all
    }

    /// Adds what another run counted.
    pub(crate) fn absorb(&mut self, other: Self) {
        for (kind, sample) in other.samples {
            let mine = self.sample(&kind);
            let _ = mine.histogram.add(&sample.histogram);
            for (phase, mut times) in sample.phases.0 {
                mine.phases.0.entry(phase).or_default().append(&mut times);
            }
        }
        for (what, count) in other.errors {
            *self.errors.entry(what).or_default() += count;
        }
        let _ = self.refused.histogram.add(&other.refused.histogram);
        self.not_told_when += other.not_told_when;
        self.elapsed += other.elapsed;
        self.lag_max = self.lag_max.max(other.lag_max);
    }

    /// How many replies of each kind.
    pub(crate) fn kinds(&self) -> BTreeMap<String, u64> {
        self.samples
            .iter()
            .map(|(kind, sample)| (kind.clone(), sample.histogram.len()))
            .collect()
    }
}

/// Finds `"startKind":"…"` without reading the rest.
fn start_kind(body: &[u8]) -> &str {
    const KEY: &[u8] = b"\"startKind\":\"";
    memchr::memmem::find(body, KEY)
        .map(|at| &body[at + KEY.len()..])
        .and_then(|rest| memchr::memchr(b'"', rest).map(|end| &rest[..end]))
        .and_then(|kind| std::str::from_utf8(kind).ok())
        .unwrap_or("unknown")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_never_mixed() {
        let mut outcome = Outcome::default();
        let now = Instant::now();
        for kind in ["forked", "warm", "forked"] {
            let body =
                format!(r#"{{"statusCode":200,"startKind":"{kind}","timeline":{{"fork":0.5}}}}"#);
            outcome.reply(
                Reading::Phases,
                200,
                body.as_bytes(),
                Duration::from_millis(1),
                now,
            );
            outcome.reply(
                Reading::StartKind,
                200,
                body.as_bytes(),
                Duration::from_millis(1),
                now,
            );
        }
        assert_eq!(
            outcome.kinds(),
            BTreeMap::from([("forked".to_owned(), 4), ("warm".to_owned(), 2)])
        );
        assert_eq!(outcome.samples["forked"].phases.0["fork"], [0.5, 0.5]);
    }

    #[test]
    fn a_status_of_failure_is_no_latency() {
        let mut outcome = Outcome::default();
        outcome.reply(
            Reading::Plain,
            503,
            b"full",
            Duration::from_millis(1),
            Instant::now(),
        );
        assert_eq!(
            (
                outcome.merged().histogram.len(),
                outcome.errors["503: full"]
            ),
            (0, 1)
        );
    }
}
