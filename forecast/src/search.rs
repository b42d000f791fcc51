//! Makes a plan.
//!
//! One rule decides all: an instance is worth its memory exactly while the chance per minute that it is needed is at
//! least the price of that minute, counted in cold starts. Keeping it after a call, letting it go between calls,
//! forking it ahead of the next one, and how many: all follow from where the hazard is above the price.

use crate::learner::Learner;
use crate::mixture::{Expert, JUDGED, Mixture, Step, Weights};
use crate::plan::{Plan, Prewarm, Reason};
use crate::settings::Settings;
use crate::time::{HOUR, MINUTE, Moment};

/// How far ahead one plan looks, before it is made again: as far as the function has been idle, within these bounds.
const NEAREST_HORIZON: u64 = 20 * MINUTE;
const FARTHEST_HORIZON: u64 = 4 * HOUR;
/// A schedule may be off by so much: its own lateness, and that of the machine.
const SCHEDULE_SLACK: u64 = 20;

/// Plans for a function that has been idle since its last call. `ticks` are the next times that its schedules are due,
/// in order; what is over is ignored. The same state, settings and time give the same plan.
#[must_use]
pub fn plan(learner: &Learner, settings: &Settings, ticks: &[Moment], now: Moment) -> Plan {
    let busy_until = learner.last.after(settings.shortest_keep);
    let scheduled = ticks
        .iter()
        .find(|tick| tick.after(SCHEDULE_SLACK) > now)
        .copied();
    if learner.last().is_none() {
        return on_schedule(
            Search::new(learner, settings, now).nothing(now),
            settings,
            scheduled,
            now,
        );
    }
    if now < busy_until {
        let kept = Plan {
            keep_until: busy_until,
            prewarm: None,
            kept: 1,
            parked: 1,
            look_again: Some(busy_until),
            reason: Reason::Busy,
        };
        return kept;
    }
    let found = Search::new(learner, settings, now).run();
    on_schedule(found, settings, scheduled, now)
}

/// Puts the next tick of a schedule into a plan, unless the instance is there then anyway.
fn on_schedule(plan: Plan, settings: &Settings, tick: Option<Moment>, now: Moment) -> Plan {
    let Some(tick) = tick else { return plan };
    let at = Moment(tick.0.saturating_sub(settings.lead)).max(now);
    let until = tick.after(SCHEDULE_SLACK);
    let is_far = plan.look_again.is_some_and(|again| again <= at);
    let is_earlier = plan.prewarm.is_some_and(|warm| warm.at <= at);
    if is_far || is_earlier || plan.keep_until >= until {
        let look_again = plan
            .look_again
            .or(Some(at))
            .map(|again| again.max(now.after(1)));
        return Plan { look_again, ..plan };
    }
    let planned = Plan {
        look_again: Some(until),
        reason: Reason::Schedule,
        ..plan
    };
    if at <= plan.keep_until {
        return Plan {
            keep_until: until,
            prewarm: None,
            ..planned
        };
    }
    Plan {
        prewarm: Some(Prewarm { at, until }),
        ..planned
    }
}

/// Calls that are expected, over some minutes.
#[derive(Clone, Copy, Default)]
struct Expected {
    calls: f32,
    minutes: f32,
}

impl Expected {
    fn add(&mut self, step: &Step, hazard: f32) {
        self.calls += hazard * step.minutes();
        self.minutes += step.minutes();
    }

    /// A silence ends with one call, so there is no second to expect.
    fn per_minute(self) -> f32 {
        self.calls.min(1.0) / self.minutes.max(0.1)
    }
}

/// Walks through the silence that may come, and finds where an instance is worth its memory.
struct Search<'a> {
    learner: &'a Learner,
    settings: &'a Settings,
    price: f32,
    now: Moment,
    keep_until: Moment,
    prewarm: Option<Prewarm>,
    likeliest: f32,
    /// Expected calls and minutes: until then, and of the pre-warm.
    kept: Expected,
    warmed: Expected,
    leader: Expert,
}

impl<'a> Search<'a> {
    fn new(learner: &'a Learner, settings: &'a Settings, now: Moment) -> Self {
        Self {
            learner,
            settings,
            price: settings.price(learner),
            now,
            keep_until: now,
            prewarm: None,
            likeliest: 0.0,
            kept: Expected::default(),
            warmed: Expected::default(),
            leader: Expert::RoughGaps,
        }
    }

    fn run(mut self) -> Plan {
        let mixture = Mixture::new(self.learner);
        let mut weights = Weights::new(self.learner);
        let start = self
            .learner
            .last
            .after(MINUTE)
            .max(Moment(self.now.0.saturating_sub(JUDGED)));
        let idle = self.now.since(self.learner.last);
        let horizon = self
            .now
            .after(idle.clamp(NEAREST_HORIZON, FARTHEST_HORIZON));
        for step in mixture.steps(start) {
            let is_ahead = step.to > self.now;
            if is_ahead && (step.from >= horizon || self.take(&step, weights.mix(&step))) {
                break;
            }
            weights.survive(&step);
        }
        self.finish(horizon)
    }

    /// Notes what a step is worth; true when the plan is complete.
    fn take(&mut self, step: &Step, (hazard, leader): (f32, Expert)) -> bool {
        let is_worth = hazard >= self.price;
        if is_worth && hazard > self.likeliest {
            (self.likeliest, self.leader) = (hazard, leader);
        }
        let from = Moment(step.from.0.saturating_sub(self.settings.lead));
        match &mut self.prewarm {
            None if is_worth && from <= self.keep_until => {
                self.keep_until = step.to;
                self.kept.add(step, hazard);
            }
            Some(prewarm) if is_worth => prewarm.until = step.to,
            None if is_worth => {
                self.prewarm = Some(Prewarm {
                    at: from,
                    until: step.to,
                })
            }
            Some(_) => return true,
            None => {}
        }
        if self.prewarm.is_some() {
            self.warmed.add(step, hazard);
        }
        false
    }

    fn finish(self, horizon: Moment) -> Plan {
        if self.likeliest <= 0.0 {
            return self.nothing(horizon);
        }
        let reason = match self.leader {
            Expert::Gaps | Expert::RoughGaps => Reason::Gaps,
            Expert::Profile => Reason::TimeOfDay,
            Expert::Trend => Reason::Trend,
            Expert::Period => self
                .learner
                .period
                .minutes()
                .map_or(Reason::Gaps, |minutes| Reason::Period { minutes }),
        };
        let worth = |expected: Expected| {
            let crowd = &self.learner.crowd;
            crowd.worth_parking(expected.per_minute(), self.price)
        };
        let again = self.prewarm.map_or(horizon, |prewarm| prewarm.until);
        Plan {
            keep_until: self.keep_until,
            kept: match self.learner.crowd.is_known() {
                true => worth(self.kept),
                false => 1,
            },
            prewarm: self.prewarm,
            parked: worth(self.warmed),
            look_again: Some(again),
            reason,
        }
    }

    /// Nothing is worth its memory before a moment; a function that was never called is not looked at again.
    fn nothing(&self, until: Moment) -> Plan {
        let look_again = (until > self.now).then_some(until);
        Plan {
            keep_until: self.now,
            prewarm: None,
            kept: 1,
            parked: 1,
            look_again,
            reason: Reason::Quiet,
        }
    }
}
