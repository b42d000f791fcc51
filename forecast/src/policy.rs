//! One face for all policies, so that the simulator and the platform cannot tell them apart.

use crate::learner::{Arrival, Learner};
use crate::plan::Plan;
use crate::search::plan;
use crate::settings::Settings;
use crate::time::Moment;

/// Decides for one function.
pub trait Policy {
    /// Notes calls that came.
    fn arrived(&mut self, arrival: Arrival);

    /// Says what to do from now on if no call comes.
    fn plan(&self, now: Moment) -> Plan;

    /// Seconds that the instance number `rank`, from the second on, stays after its last use.
    fn keep_further(&self, rank: usize) -> u64;
}

/// The policy of the platform.
#[derive(Clone, Debug, Default)]
pub struct Learned {
    /// What it knows.
    pub learner: Learner,
    /// How it weighs.
    pub settings: Settings,
    /// When the function's schedules are due next, if it has any.
    pub ticks: Vec<Moment>,
}

impl Policy for Learned {
    fn arrived(&mut self, arrival: Arrival) {
        self.learner.arrived(arrival);
    }

    fn plan(&self, now: Moment) -> Plan {
        let over = self.ticks.partition_point(|tick| tick.after(60) < now);
        plan(&self.learner, &self.settings, &self.ticks[over..], now)
    }

    fn keep_further(&self, rank: usize) -> u64 {
        self.learner.keep_further(&self.settings, rank)
    }
}
