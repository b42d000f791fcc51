//! What to do for a function while nothing calls it, and why.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::time::Moment;

/// What to do until the next call, or until it is time to look again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The idle instance may go at this time; not before the plan was made. If that is later and none is there, one is
    /// to be forked now.
    pub keep_until: Moment,
    /// How many instances are worth having until then, at least one: for who does not keep those that have served.
    pub kept: usize,
    /// When to have instances parked again, and when to let them go if no call came.
    pub prewarm: Option<Prewarm>,
    /// How many instances to have during the pre-warm, at least one.
    pub parked: usize,
    /// When to plan again if no call came; never, when there is nothing to expect.
    pub look_again: Option<Moment>,
    /// Why.
    pub reason: Reason,
}

/// A time to have instances parked ahead of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prewarm {
    /// From when.
    pub at: Moment,
    /// Until when.
    pub until: Moment,
}

/// Why a plan is as it is; its text is for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Reason {
    /// The last call was a moment ago.
    Busy,
    /// Gaps between calls were often as long as this one will then be.
    Gaps,
    /// Calls come at this time of the day or week.
    TimeOfDay,
    /// There were many calls of late.
    Trend,
    /// Calls come at an interval.
    #[serde(rename_all = "camelCase")]
    Period {
        /// Its length.
        minutes: u64,
    },
    /// A schedule says when.
    Schedule,
    /// A fixed rule, the same for all functions.
    Fixed,
    /// Nothing is expected that would be worth the memory.
    Quiet,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy => f.write_str("called a moment ago"),
            Self::Gaps => f.write_str("gaps between calls often end then"),
            Self::TimeOfDay => f.write_str("usually called at this time of the day"),
            Self::Trend => f.write_str("called often of late"),
            Self::Period { minutes } => write!(f, "called every {minutes} minutes"),
            Self::Schedule => f.write_str("due by its schedule"),
            Self::Fixed => f.write_str("kept for a fixed time after each call"),
            Self::Quiet => f.write_str("no call expected soon enough"),
        }
    }
}
