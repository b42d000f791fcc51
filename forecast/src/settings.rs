//! How memory is weighed against cold starts.

use serde::{Deserialize, Serialize};

use crate::learner::Learner;
use crate::number::{float, whole};
use crate::time::MINUTE;

/// How to weigh memory against cold starts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// One cold start less is worth so many minutes of one parked instance.
    pub worth_minutes: f32,
    /// 0 for the fewest cold starts in all; towards 1, those of functions that are rarely called weigh more, so that
    /// each function has a small share of them.
    pub evenness: f32,
    /// An instance stays at least so many seconds after a call.
    pub shortest_keep: u64,
    /// Instances are forked so many seconds before they are expected to be needed.
    pub lead: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            worth_minutes: 60.0,
            evenness: 0.2,
            shortest_keep: MINUTE,
            lead: 5,
        }
    }
}

impl Settings {
    /// What a minute of one instance costs, in cold starts.
    pub(crate) fn price(&self, learner: &Learner) -> f32 {
        let rare = (USUAL_DAILY / learner.daily().max(0.1)).powf(self.evenness);
        1.0 / (self.worth_minutes * rare.clamp(0.1, 10.0)).max(0.01)
    }
}

/// Minutes with a call per day, of a function that is neither rare nor busy.
const USUAL_DAILY: f32 = 24.0;

impl Learner {
    /// Seconds that the instance number `rank`, from the second on, stays after its last use.
    #[must_use]
    pub fn keep_further(&self, settings: &Settings, rank: usize) -> u64 {
        let longest =
            whole(settings.worth_minutes * 4.0 * float(MINUTE)).max(settings.shortest_keep);
        self.crowd
            .keep(rank, settings.price(self), settings.shortest_keep)
            .min(longest)
    }
}
