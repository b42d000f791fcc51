//! What is known of a function since the platform's start, in more detail than is stored: for who reads figures as they
//! run, and keeps them elsewhere. Pure.

use std::collections::BTreeMap;

use super::buckets::Buckets;
use super::record::Record;
use crate::invocation::StartKind;

/// More series of one function become one for each outcome; the oldest versions go first.
const SERIES_MAX: usize = 100;

/// Counts and distributions.
#[derive(Debug, Clone, Default)]
pub(crate) struct Detail {
    /// How many invocations each version answered, and how.
    pub(crate) invocations: BTreeMap<Series, u64>,
    /// Callers that were sent away, by the stable code.
    pub(crate) throttles: BTreeMap<&'static str, u64>,
    /// Waiting for an instance.
    pub(crate) queue: Buckets,
    /// From there to the handler, by the way the instance came to be.
    pub(crate) starts: BTreeMap<StartKind, Buckets>,
}

/// Invocations that are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Series {
    /// The version; 0 stands for older ones.
    pub(crate) version: u32,
    pub(crate) trigger: &'static str,
    pub(crate) outcome: &'static str,
}

impl Detail {
    /// Adds one record.
    pub(crate) fn add(&mut self, record: &Record) {
        if record.is_throttle() {
            *self.throttles.entry(record.outcome).or_default() += record.count;
            return;
        }
        let series = Series {
            version: record.version,
            trigger: record.trigger,
            outcome: record.outcome,
        };
        self.count(series, record.count);
        let timeline = record.timeline;
        self.queue.add(timeline.queue, record.count);
        if let Some(kind) = record.start_kind {
            let starts = self.starts.entry(kind).or_default();
            starts.add(timeline.fork + timeline.load, record.count);
        }
    }

    fn count(&mut self, series: Series, count: u64) {
        *self.invocations.entry(series).or_default() += count;
        let is_one = |series: &&Series| series.version > 0;
        while self.invocations.len() > SERIES_MAX
            && let Some(oldest) = self.invocations.keys().find(is_one).copied()
        {
            let count = self.invocations.remove(&oldest).unwrap_or_default();
            let older = Series {
                version: 0,
                ..oldest
            };
            *self.invocations.entry(older).or_default() += count;
        }
    }

    /// Adds what others have counted, of whatever version.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (series, count) in &other.invocations {
            let of_any = Series {
                version: 0,
                ..*series
            };
            *self.invocations.entry(of_any).or_default() += count;
        }
        for (code, count) in &other.throttles {
            *self.throttles.entry(code).or_default() += count;
        }
        self.queue.merge(&other.queue);
        for (kind, starts) in &other.starts {
            self.starts.entry(*kind).or_default().merge(starts);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_versions_become_one_series_and_none_is_lost() {
        let mut detail = Detail::default();
        for version in 1..=500 {
            for outcome in ["ok", "timeout"] {
                let series = Series {
                    version,
                    trigger: "http",
                    outcome,
                };
                detail.count(series, 2);
            }
        }
        assert!(detail.invocations.len() <= SERIES_MAX);
        assert_eq!(detail.invocations.values().sum::<u64>(), 2_000);
        let newest = detail.invocations.keys().next_back().expect("the newest");
        assert_eq!(newest.version, 500);
    }
}
