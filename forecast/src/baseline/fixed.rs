//! The same time for all functions: what most platforms do.

use crate::learner::Arrival;
use crate::plan::{Plan, Reason};
use crate::policy::Policy;
use crate::time::{MINUTE, Moment};

/// Keeps each instance for a fixed time after its last call.
#[derive(Clone, Copy, Debug)]
pub struct Fixed {
    keep: u64,
    last: Moment,
}

impl Fixed {
    /// Keeps for so many minutes.
    #[must_use]
    pub fn minutes(minutes: u64) -> Self {
        Self {
            keep: minutes * MINUTE,
            last: Moment(0),
        }
    }
}

impl Policy for Fixed {
    fn arrived(&mut self, arrival: Arrival) {
        self.last = arrival.at;
    }

    fn plan(&self, now: Moment) -> Plan {
        let keep_until = self.last.after(self.keep).max(now);
        Plan {
            keep_until,
            prewarm: None,
            kept: 1,
            parked: 1,
            look_again: None,
            reason: Reason::Fixed,
        }
    }

    fn keep_further(&self, _rank: usize) -> u64 {
        self.keep
    }
}
