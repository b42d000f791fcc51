//! When a function's calls are expected, and what is kept and forked ahead for them. Pure: what decides is the crate
//! `zygo-forecast`; this knows when to ask it.
//!
//! ```text
//!  called ──► none ── a second without a call ──► planned ── time to look again ──► planned
//!    ▲                                               │
//!    └───────────────────── called ──────────────────┘
//! ```

use std::time::Duration;

use zygo_forecast::{Arrival, Learner, Moment, Plan, Reason, Settings};

use super::steering::Keep;

/// What is wanted for calls that are expected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Ahead {
    /// So many are forked if they are not there.
    pub(crate) floor: usize,
    /// So many stay.
    pub(crate) hold: usize,
}

/// One function's pattern.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pattern {
    pub(crate) learner: Learner,
    /// None while it is called.
    plan: Option<Plan>,
    /// Whether it has learned something that is not stored.
    pub(crate) is_fresh: bool,
}

impl Pattern {
    /// With what was learned earlier.
    pub(crate) fn new(learner: Learner) -> Self {
        Self {
            learner,
            ..Self::default()
        }
    }

    /// The plan, unless calls are coming in.
    pub(crate) fn plan(&self) -> Option<&Plan> {
        self.plan.as_ref()
    }

    /// Makes the next look a new plan.
    pub(crate) fn forget_plan(&mut self) {
        self.plan = None;
    }

    /// Calls came, for which so many instances were busy at once.
    pub(crate) fn arrived(&mut self, at: Moment, together: usize) {
        let together = together.max(1);
        self.learner.arrived(Arrival { at, together });
        (self.plan, self.is_fresh) = (None, true);
    }

    /// No call came: makes a plan if there is none, or if it is time to. `ticks` are the next of its schedules. Whether
    /// there is another plan.
    pub(crate) fn rest(
        &mut self,
        now: Moment,
        settings: &Settings,
        ticks: impl FnOnce() -> Vec<Moment>,
    ) -> bool {
        let is_due = |plan: &Plan| plan.look_again.is_some_and(|again| again <= now);
        let renews = self.plan.as_ref().is_none_or(is_due);
        if renews {
            self.plan = Some(zygo_forecast::plan(&self.learner, settings, &ticks(), now));
        }
        renews
    }

    /// What is wanted now.
    pub(crate) fn ahead(&self, now: Moment) -> Ahead {
        let Some(plan) = self.plan else {
            return Ahead { floor: 0, hold: 1 };
        };
        if let Some(prewarm) = plan.prewarm
            && (prewarm.at..prewarm.until).contains(&now)
        {
            let floor = plan.parked;
            return Ahead { floor, hold: floor };
        }
        let is_kept = now < plan.keep_until;
        // Right after a call, what is there is kept; later, an instance is worth having.
        let is_expected = is_kept && plan.reason != Reason::Busy;
        Ahead {
            floor: if is_expected { plan.kept } else { 0 },
            hold: usize::from(is_kept),
        }
    }

    /// How long instances stay that nothing holds.
    pub(crate) fn keep(&self, settings: &Settings) -> Keep {
        Keep::by_rank(|rank| match rank {
            // The first one is held as the plan says. One that served after the plan was made stays all the same.
            1 => Duration::from_secs(settings.shortest_keep),
            _ => Duration::from_secs(self.learner.keep_further(settings, rank)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: u64 = 1_700_000_000;

    /// Called every ten minutes, by `together` at once.
    fn periodic(together: usize) -> (Pattern, Settings, Moment) {
        let (mut pattern, settings) = (
            Pattern::default(),
            Settings {
                worth_minutes: 5.0,
                ..Settings::default()
            },
        );
        let mut now = Moment(START);
        for _ in 0..20 {
            now = now.after(600);
            pattern.arrived(now, together);
        }
        (pattern, settings, now)
    }

    #[test]
    fn what_was_called_a_moment_ago_is_kept_and_nothing_is_forked() {
        let (mut pattern, settings, now) = periodic(1);
        assert_eq!(pattern.ahead(now), Ahead { floor: 0, hold: 1 });
        assert!(pattern.rest(now.after(1), &settings, Vec::new));
        assert_eq!(pattern.ahead(now.after(1)), Ahead { floor: 0, hold: 1 });
        assert!(!pattern.rest(now.after(2), &settings, Vec::new));
    }

    #[test]
    fn a_burst_that_comes_every_ten_minutes_is_met_by_as_many_as_it_needs() {
        let (mut pattern, settings, last) = periodic(8);
        let mut wanted = Vec::new();
        for second in 1..=600 {
            let now = last.after(second);
            pattern.rest(now, &settings, Vec::new);
            wanted.push(pattern.ahead(now).floor);
        }
        let none = wanted.iter().filter(|floor| **floor == 0).count();
        assert!(none > 300, "nothing in between");
        assert_eq!(wanted[599], 8, "{wanted:?}");
    }

    #[test]
    fn a_schedule_is_met_by_what_was_never_called() {
        let (mut pattern, settings) = (Pattern::default(), Settings::default());
        let (now, tick) = (Moment(START), Moment(START + 30));
        pattern.rest(now, &settings, || vec![tick]);
        assert_eq!(pattern.ahead(now), Ahead::default());
        assert_eq!(pattern.ahead(tick), Ahead { floor: 1, hold: 1 });
        assert_eq!(pattern.ahead(tick.after(60)), Ahead::default());
    }
}
