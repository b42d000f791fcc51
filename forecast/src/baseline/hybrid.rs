//! The hybrid histogram policy of Shahrad et al., "Serverless in the Wild" (USENIX ATC 2020), per function.
//!
//! A histogram of idle times in bins of a minute. When it is representative (the bins' counts differ enough), the
//! instance goes after each call, comes back shortly before the 5th percentile of idle times and stays until shortly
//! after the 99th, with margins of 10 %. When it is not, the instance stays for the whole range of the histogram. When
//! most idle times are longer than the range, the paper forecasts the next one by ARIMA; here that is either left out,
//! and the instance stays for the range, or replaced by the mean of the last such times, with the paper's margins of
//! 15 %.
//!
//! As in the paper's trace, calls within one minute are one. The paper looks at applications, loaded or not; here further
//! instances of a function stay until the tail after their own last use, or go at once when that is beyond the range.

use crate::learner::Arrival;
use crate::number::{float, index, whole};
use crate::plan::{Plan, Prewarm, Reason};
use crate::policy::Policy;
use crate::time::{MINUTE, Moment};

const HEAD: f32 = 0.05;
const TAIL: f32 = 0.99;
const MARGIN: f32 = 0.10;
const MARGIN_OUT_OF_BOUNDS: f32 = 0.15;
/// Coefficient of variation of the bins' counts from which a histogram is representative.
const REPRESENTATIVE: f32 = 2.0;
/// Share of idle times beyond the range from which the histogram says nothing.
const OUT_OF_BOUNDS: f32 = 0.5;

/// What to do for functions whose idle times are mostly longer than the histogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutOfBounds {
    /// Keep for the range.
    Keep,
    /// Expect the mean of the last such times, as a stand-in for the paper's ARIMA.
    Mean,
}

/// The policy's state for one function.
#[derive(Clone, Debug)]
pub struct Hybrid {
    bins: Vec<u32>,
    out_of_bounds: u32,
    recent: [u64; 8],
    count: u32,
    squares: f32,
    mode: OutOfBounds,
    last: Option<Moment>,
}

impl Hybrid {
    /// With a histogram of so many minutes; the paper's is 240.
    #[must_use]
    pub fn new(minutes: usize, mode: OutOfBounds) -> Self {
        let bins = vec![0; minutes.max(1)];
        Self {
            bins,
            out_of_bounds: 0,
            recent: [0; 8],
            count: 0,
            squares: 0.0,
            mode,
            last: None,
        }
    }

    fn range(&self) -> u64 {
        self.bins.len() as u64 * MINUTE
    }

    fn is_representative(&self) -> bool {
        let bins = float(self.bins.len() as u64);
        let mean = float(u64::from(self.count)) / bins;
        let variance = self.squares / bins - mean * mean;
        mean > 0.0 && variance.max(0.0).sqrt() / mean >= REPRESENTATIVE
    }

    /// The bin in which a share of all idle times within the range is reached.
    fn percentile(&self, share: f32) -> u64 {
        let wanted = share * float(u64::from(self.count));
        let mut seen = 0;
        let reached = self.bins.iter().position(|count| {
            seen += count;
            float(u64::from(seen)) >= wanted
        });
        reached.unwrap_or(self.bins.len()) as u64
    }

    /// Seconds after the last call: when to have an instance again, and when to let it go.
    fn window(&self) -> (u64, u64) {
        let out = float(u64::from(self.out_of_bounds));
        if out > 0.0 && out >= OUT_OF_BOUNDS * (out + float(u64::from(self.count))) {
            return self.beyond();
        }
        if !self.is_representative() {
            return (0, self.range());
        }
        let head = float(self.percentile(HEAD) * MINUTE) * (1.0 - MARGIN);
        let tail = float((self.percentile(TAIL) + 1) * MINUTE) * (1.0 + MARGIN);
        (whole(head), whole(tail))
    }

    fn beyond(&self) -> (u64, u64) {
        let known = self.recent.iter().filter(|seconds| **seconds > 0);
        let (count, sum) = known.fold((0, 0), |(count, sum), seconds| (count + 1, sum + seconds));
        if self.mode == OutOfBounds::Keep || count < 2 {
            return (0, self.range());
        }
        let mean = float(sum / count);
        (
            whole(mean * (1.0 - MARGIN_OUT_OF_BOUNDS)),
            whole(mean * (1.0 + MARGIN_OUT_OF_BOUNDS)),
        )
    }
}

impl Policy for Hybrid {
    fn arrived(&mut self, arrival: Arrival) {
        let last = self.last.replace(arrival.at);
        let Some(last) = last.filter(|last| last.0 / MINUTE != arrival.at.0 / MINUTE) else {
            return;
        };
        let idle = arrival.at.since(last);
        if let Some(bin) = self.bins.get_mut(index(idle / MINUTE)) {
            self.squares += 2.0 * float(u64::from(*bin)) + 1.0;
            *bin += 1;
            self.count += 1;
        } else {
            self.out_of_bounds += 1;
            self.recent.rotate_right(1);
            self.recent[0] = idle;
        }
    }

    fn plan(&self, now: Moment) -> Plan {
        let last = self.last.unwrap_or(now);
        let (head, tail) = self.window();
        let (at, until) = (last.after(head), last.after(tail));
        let is_ahead = head > 0 && at > now;
        let prewarm = is_ahead.then_some(Prewarm { at, until });
        let keep_until = if is_ahead { now } else { until.max(now) };
        Plan {
            keep_until,
            prewarm,
            kept: 1,
            parked: 1,
            look_again: None,
            reason: Reason::Gaps,
        }
    }

    fn keep_further(&self, _rank: usize) -> u64 {
        let (head, tail) = self.window();
        if head >= self.range() { 0 } else { tail }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn called_every(minutes: u64, times: u64) -> Hybrid {
        let mut policy = Hybrid::new(240, OutOfBounds::Mean);
        (1..=times).for_each(|n| {
            policy.arrived(Arrival {
                at: Moment(n * minutes * MINUTE),
                together: 1,
            })
        });
        policy
    }

    #[test]
    fn an_unknown_function_is_kept_for_the_range() {
        let plan = called_every(30, 1).plan(Moment(30 * MINUTE));
        assert_eq!(plan.keep_until, Moment((30 + 240) * MINUTE));
    }

    #[test]
    fn a_regular_function_goes_and_comes_back_with_margins() {
        let now = Moment(20 * 30 * MINUTE);
        let plan = called_every(30, 20).plan(now);
        assert_eq!(plan.keep_until, now);
        let expected = Prewarm {
            at: now.after(27 * MINUTE),
            until: now.after(31 * MINUTE * 11 / 10),
        };
        assert_eq!(plan.prewarm, Some(expected));
    }

    #[test]
    fn gaps_beyond_the_range_are_expected_at_their_mean() {
        let now = Moment(10 * 600 * MINUTE);
        let plan = called_every(600, 10).plan(now);
        let expected = Prewarm {
            at: now.after(510 * MINUTE),
            until: now.after(690 * MINUTE),
        };
        assert_eq!(plan.prewarm, Some(expected));
    }
}
