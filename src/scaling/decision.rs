//! Why a function has as many instances ready as it has.

use std::collections::VecDeque;

use super::policy::Trigger;
use super::window::Figures;

/// So many decisions of a function are remembered.
const DECISIONS_MAX: usize = 50;

/// What asks for the instances that are kept ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The function's minimum.
    Minimum,
    /// Its scheduled warming.
    Scheduled,
    /// Load, or its end.
    Load(Trigger),
    /// Calls that are expected.
    Forecast,
}

impl Cause {
    /// Its name in answers and in the log.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Minimum => "minimum",
            Self::Scheduled => "scheduled",
            Self::Load(trigger) => trigger.name(),
            Self::Forecast => "forecast",
        }
    }
}

/// A change of the number of instances that are kept ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decision {
    pub(crate) unix_ms: i64,
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) cause: Cause,
    /// The same for people.
    pub(crate) reason: String,
}

/// The last decisions of a function, the newest first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Decisions(VecDeque<Decision>);

impl Decisions {
    pub(crate) fn add(&mut self, decision: Decision) {
        self.0.truncate(DECISIONS_MAX - 1);
        self.0.push_front(decision);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Decision> {
        self.0.iter()
    }
}

/// What load says, for people.
pub(super) fn told(trigger: Trigger, figures: &Figures) -> String {
    match trigger {
        Trigger::Utilization => format!(
            "{:.0} % of {} instances' time was used, over ten seconds",
            figures.utilization() * 100.0,
            figures.live
        ),
        Trigger::Queue => format!("{} callers wait for an instance", figures.waiting),
        Trigger::ResponseTime => format!(
            "{} of {} invocations took more than a second, of which they waited {:.0} %",
            figures.slow,
            figures.ended_lately,
            figures.slow_waited * 100.0
        ),
        Trigger::ColdStarts => format!(
            "{:.0} % of a minute's {} invocations had a cold start",
            figures.cold_rate() * 100.0,
            figures.ended
        ),
        Trigger::Calm => format!(
            "{:.1} instances would do, and did for the cooldown period",
            figures.needed()
        ),
    }
}
