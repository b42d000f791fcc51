//! How both versions do, and when the candidate does worse than is allowed.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Wrong, wrong};

/// So many of the candidate's invocations are waited for unless the user says otherwise.
const INVOCATIONS: u64 = 20;
/// Longer durations count as this one.
const LONGEST_US: u64 = 3_600_000_000;

/// What the candidate is held to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = RolloutGuard)]
pub(crate) struct Guard {
    /// The part of its invocations that may fail, 0 to 1: that have no answer, for whatever reason but the caller's, or one
    /// with a status of 500 or more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 1)]
    pub(crate) error_rate: Option<f64>,
    /// How long 95 of 100 invocations may take at most, in ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    pub(crate) p95_ms: Option<u64>,
    /// Nothing is decided before it has had so many; 20 when absent.
    #[serde(default = "invocations")]
    #[schema(minimum = 1)]
    pub(crate) invocations: u64,
}

fn invocations() -> u64 {
    INVOCATIONS
}

impl Guard {
    pub(super) fn check(&self) -> Result<(), Wrong> {
        if self
            .error_rate
            .is_some_and(|rate| !(0.0..=1.0).contains(&rate))
        {
            return Err(wrong("/rollback/errorRate", "must be a number from 0 to 1"));
        }
        if self.p95_ms == Some(0) {
            return Err(wrong("/rollback/p95Ms", "must be at least 1"));
        }
        if self.invocations == 0 {
            return Err(wrong("/rollback/invocations", "must be at least 1"));
        }
        if self.error_rate.is_none() && self.p95_ms.is_none() {
            let rule = "needs `errorRate`, `p95Ms` or both";
            return Err(wrong("/rollback", rule));
        }
        Ok(())
    }

    /// Why the candidate is to be taken back, if it is.
    pub(crate) fn verdict(&self, candidate: &Tally) -> Option<String> {
        if candidate.invocations < self.invocations {
            return None;
        }
        let (rate, p95) = (candidate.error_rate(), candidate.p95());
        if let Some(most) = self.error_rate.filter(|most| rate > *most) {
            return Some(format!(
                "{} of its {} invocations failed, {:.1} %; {:.1} % may",
                candidate.errors,
                candidate.invocations,
                rate * 100.0,
                most * 100.0
            ));
        }
        let most = self
            .p95_ms
            .filter(|most| p95 > Duration::from_millis(*most))?;
        Some(format!(
            "95 of 100 invocations took up to {} ms; {most} ms are allowed",
            p95.as_millis()
        ))
    }
}

/// What came of one invocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) is_error: bool,
    pub(crate) took: Duration,
}

/// What came of a version's invocations.
#[derive(Debug, Clone)]
pub(crate) struct Tally {
    pub(crate) invocations: u64,
    pub(crate) errors: u64,
    durations_us: Histogram<u64>,
}

impl Default for Tally {
    fn default() -> Self {
        // Two digits, from a microsecond to an hour: 20 KB.
        let durations = Histogram::new_with_bounds(1, LONGEST_US, 2);
        Self {
            invocations: 0,
            errors: 0,
            durations_us: durations.expect("bounds in order"),
        }
    }
}

impl Tally {
    fn add(&mut self, ended: Ended) {
        self.invocations += 1;
        self.errors += u64::from(ended.is_error);
        let us = u64::try_from(ended.took.as_micros()).unwrap_or(u64::MAX);
        self.durations_us.saturating_record(us.clamp(1, LONGEST_US));
    }

    /// From 0 to 1.
    pub(crate) fn error_rate(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "nobody counts that far")]
        let (errors, all) = (self.errors as f64, self.invocations.max(1) as f64);
        errors / all
    }

    /// How long 95 of 100 took at most.
    pub(crate) fn p95(&self) -> Duration {
        Duration::from_micros(self.durations_us.value_at_quantile(0.95))
    }
}

/// Both versions since the rollout began.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sides {
    pub(crate) current: Tally,
    pub(crate) candidate: Tally,
}

impl Sides {
    /// Adds what came of an invocation.
    pub(crate) fn add(&mut self, is_candidate: bool, ended: Ended) {
        match is_candidate {
            true => self.candidate.add(ended),
            false => self.current.add(ended),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(invocations: u64, errors: u64, took_ms: u64) -> Tally {
        let mut tally = Tally::default();
        for number in 0..invocations {
            tally.add(Ended {
                is_error: number < errors,
                took: Duration::from_millis(took_ms),
            });
        }
        tally
    }

    fn guard(error_rate: Option<f64>, p95_ms: Option<u64>) -> Guard {
        Guard {
            error_rate,
            p95_ms,
            invocations: 20,
        }
    }

    #[test]
    fn a_candidate_is_taken_back_for_errors_or_for_time_and_not_too_early() {
        let errors = guard(Some(0.1), None);
        assert_eq!(errors.verdict(&tally(19, 19, 1)), None);
        assert_eq!(errors.verdict(&tally(20, 2, 1)), None);
        let why = errors.verdict(&tally(20, 3, 1)).expect("a reason");
        assert_eq!(why, "3 of its 20 invocations failed, 15.0 %; 10.0 % may");
        let time = guard(None, Some(50));
        assert_eq!(time.verdict(&tally(100, 100, 40)), None);
        let why = time.verdict(&tally(100, 0, 80)).expect("a reason");
        assert!(why.ends_with("50 ms are allowed"), "{why}");
        assert_eq!(guard(Some(0.0), None).verdict(&tally(20, 0, 1)), None);
    }

    #[test]
    fn what_cannot_be_held_is_refused() {
        for (guard, pointer) in [
            (guard(None, None), "/rollback"),
            (guard(Some(1.5), None), "/rollback/errorRate"),
            (guard(Some(f64::NAN), None), "/rollback/errorRate"),
            (guard(None, Some(0)), "/rollback/p95Ms"),
        ] {
            assert_eq!(guard.check().expect_err("wrong").pointer, pointer);
        }
        assert_eq!(guard(Some(0.0), Some(1)).check(), Ok(()));
    }
}
