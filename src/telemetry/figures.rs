//! Sums over invocations: for a function since its beginning, for one of its minutes, for one of its days. The same
//! records always make the same sums. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use super::record::Record;
use crate::cost::{Billed, float};
use crate::invocation::StartKind;

/// Sums. What is not an integer is made of these when it is shown.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Figures {
    pub(crate) invocations: u64,
    /// How often each error happened, by its stable code.
    pub(crate) errors: BTreeMap<String, u64>,
    pub(crate) throttles: u64,
    pub(crate) starts: Starts,
    pub(crate) duration_us: u64,
    pub(crate) duration_us_min: u64,
    pub(crate) duration_us_max: u64,
    /// Time that cold starts spent before their handlers.
    pub(crate) cold_us: u64,
    pub(crate) queue_us: u64,
    pub(crate) billed_ms: u64,
    pub(crate) mb_ms: u64,
    pub(crate) memory_kib: u64,
    pub(crate) memory_kib_max: u64,
    pub(crate) cpu_us: u64,
    pub(crate) concurrency_max: u64,
    /// Durations in microseconds.
    #[serde(with = "super::histogram")]
    pub(crate) durations: Option<Histogram<u64>>,
}

/// How many invocations had which start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Starts {
    pub(crate) warm: u64,
    pub(crate) parked: u64,
    pub(crate) forked: u64,
    pub(crate) booted: u64,
}

impl Starts {
    pub(crate) fn cold(self) -> u64 {
        self.forked + self.booted
    }

    fn of(&mut self, kind: StartKind) -> &mut u64 {
        match kind {
            StartKind::Warm => &mut self.warm,
            StartKind::Parked => &mut self.parked,
            StartKind::Forked => &mut self.forked,
            StartKind::Booted => &mut self.booted,
        }
    }
}

impl Figures {
    /// Adds one record.
    pub(crate) fn add(&mut self, record: &Record) {
        if record.is_throttle() {
            self.throttles += record.count;
            return;
        }
        let total_us = micros(record.timeline.total);
        let each_us = total_us / record.count.max(1);
        self.duration_us_min = match self.invocations {
            0 => each_us,
            _ => self.duration_us_min.min(each_us),
        };
        self.duration_us_max = self.duration_us_max.max(each_us);
        self.invocations += record.count;
        self.duration_us += total_us;
        self.queue_us += micros(record.timeline.queue);
        if record.is_error() {
            *self.errors.entry(record.outcome.to_owned()).or_default() += record.count;
        }
        if let Some(kind) = record.start_kind {
            *self.starts.of(kind) += record.count;
        }
        if record.is_cold() {
            self.cold_us += micros(record.timeline.fork + record.timeline.load);
        }
        self.billed_ms += record.billed_ms;
        self.mb_ms += record.mb_ms();
        self.memory_kib += record.memory_used_kib;
        self.memory_kib_max = self
            .memory_kib_max
            .max(record.memory_used_kib / record.count.max(1));
        self.cpu_us += record.cpu_us;
        let durations = self.durations.get_or_insert_with(super::histogram::empty);
        // It grows as it needs to; only a duration beyond half a million years finds no room.
        let _ = durations.record_n(each_us, record.count);
    }

    /// Adds what others have summed up.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.duration_us_min = match (self.invocations, other.invocations) {
            (_, 0) => self.duration_us_min,
            (0, _) => other.duration_us_min,
            _ => self.duration_us_min.min(other.duration_us_min),
        };
        self.duration_us_max = self.duration_us_max.max(other.duration_us_max);
        self.invocations += other.invocations;
        for (code, count) in &other.errors {
            *self.errors.entry(code.clone()).or_default() += count;
        }
        self.throttles += other.throttles;
        self.starts.warm += other.starts.warm;
        self.starts.parked += other.starts.parked;
        self.starts.forked += other.starts.forked;
        self.starts.booted += other.starts.booted;
        self.duration_us += other.duration_us;
        self.cold_us += other.cold_us;
        self.queue_us += other.queue_us;
        self.billed_ms += other.billed_ms;
        self.mb_ms += other.mb_ms;
        self.memory_kib += other.memory_kib;
        self.memory_kib_max = self.memory_kib_max.max(other.memory_kib_max);
        self.cpu_us += other.cpu_us;
        self.concurrency_max = self.concurrency_max.max(other.concurrency_max);
        if let Some(theirs) = &other.durations {
            let ours = self.durations.get_or_insert_with(super::histogram::empty);
            // Both grow as they need to.
            let _ = ours.add(theirs);
        }
    }

    pub(crate) fn error_count(&self) -> u64 {
        self.errors.values().sum()
    }

    /// What is billed.
    pub(crate) fn billed(&self) -> Billed {
        Billed {
            invocations: self.invocations,
            mb_ms: self.mb_ms,
        }
    }

    /// A duration that this part of the invocations did not exceed, in milliseconds; 0 without any.
    pub(crate) fn percentile_ms(&self, quantile: f64) -> f64 {
        let value = |durations: &Histogram<u64>| durations.value_at_quantile(quantile);
        let value = self.durations.as_ref().map_or(0, value);
        // A bucket's upper end may lie beyond everything that was ever seen.
        float(value.min(self.duration_us_max)) / 1e3
    }

    /// The part of the invocations, in percent with two decimals.
    pub(crate) fn percent(&self, count: u64) -> f64 {
        match self.invocations {
            0 => 0.0,
            all => (float(count) / float(all) * 1e4).round() / 1e2,
        }
    }
}

pub(super) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invocation::Timeline;

    fn record(outcome: &'static str, ms: u64) -> Record {
        Record {
            function_id: "fn-1".into(),
            version: 1,
            trigger: "http",
            outcome,
            request_id: "req-1".into(),
            unix_ms: 0,
            start_kind: Some(StartKind::Forked),
            timeline: Timeline {
                fork: Duration::from_millis(1),
                handler: Duration::from_millis(ms - 1),
                total: Duration::from_millis(ms),
                ..Timeline::default()
            },
            billed_ms: ms,
            memory_limit_mb: 256,
            memory_used_kib: 1_024,
            cpu_us: 10,
            count: 1,
        }
    }

    #[test]
    fn sums_are_the_same_however_records_are_folded_and_merged() {
        let records = [
            record("ok", 10),
            record("ok", 20),
            record("timeout", 30),
            record("ok", 5),
        ];
        let mut one_by_one = Figures::default();
        records.iter().for_each(|record| one_by_one.add(record));
        let (mut left, mut right) = (Figures::default(), Figures::default());
        let mut folded = records[0].clone();
        folded.fold(&records[1]);
        left.add(&folded);
        right.add(&records[2]);
        right.add(&records[3]);
        left.merge(&right);
        for figures in [&one_by_one, &left] {
            assert_eq!((figures.invocations, figures.error_count()), (4, 1));
            assert_eq!((figures.billed_ms, figures.mb_ms), (65, 65 * 256));
            assert_eq!(figures.duration_us, 65_000);
            assert_eq!((figures.cold_us, figures.starts.cold()), (4_000, 4));
        }
        assert_eq!(one_by_one.duration_us_min, 5_000);
        assert!((one_by_one.percentile_ms(0.99) - 30.0).abs() < 0.5);
    }

    #[test]
    fn a_throttle_is_no_invocation() {
        let mut figures = Figures::default();
        figures.add(&record("rate_limited", 2));
        assert_eq!(
            (figures.throttles, figures.invocations, figures.mb_ms),
            (1, 0, 0)
        );
    }

    #[test]
    fn figures_come_back_as_they_were_written() {
        let mut figures = Figures::default();
        figures.add(&record("ok", 12));
        let text = serde_json::to_string(&figures).expect("written");
        let back: Figures = serde_json::from_str(&text).expect("read");
        assert_eq!(back.durations, figures.durations);
        assert_eq!(back.invocations, 1);
    }
}
