//! One function's scaling, put together: figures in, what its pool is told out. Pure: times are passed in.

use std::time::{Duration, Instant};

use zygo_forecast::{Learner, Moment, Settings};

use super::decision::{Cause, Decision, Decisions, told};
use super::pattern::Pattern;
use super::policy::{Standing, Trigger};
use super::rules::Rules;
use super::settings::ScalingSettings;
use super::steering::{Keep, Steering};
use super::warming::{ScheduledWarming, Warming};
use super::window::{Figures, Sample, Window};
use crate::trigger::Schedule;

/// A moment, by the clock that never goes back and by the one on the wall.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    pub(crate) instant: Instant,
    pub(crate) unix_ms: i64,
}

impl Now {
    fn moment(self) -> Moment {
        moment(self.unix_ms)
    }
}

fn moment(unix_ms: i64) -> Moment {
    Moment(u64::try_from(unix_ms / 1_000).unwrap_or_default())
}

/// What one version says of its scaling.
#[derive(Debug, Clone)]
pub(crate) struct Terms {
    /// The version's number.
    pub(crate) version: u32,
    pub(crate) rules: Rules,
    pub(crate) scheduled: Vec<ScheduledWarming>,
    /// When it is invoked by schedule.
    pub(crate) schedules: Vec<Schedule>,
}

/// What is remembered of one function.
#[derive(Debug, Clone)]
pub(crate) struct Scaler {
    pub(crate) terms: Terms,
    warmings: Vec<Warming>,
    window: Window,
    pub(crate) figures: Figures,
    standing: Standing,
    last_trigger: Trigger,
    pub(crate) pattern: Pattern,
    /// None before the first look.
    keep: Option<Keep>,
    /// So many instances are kept ready, and what asks for them.
    pub(crate) ready: usize,
    pub(crate) cause: Cause,
    pub(crate) decisions: Decisions,
}

impl Scaler {
    /// Of a function that was seen before, or not.
    pub(crate) fn new(learner: Learner, terms: Terms, now: Now) -> Self {
        Self {
            warmings: warmings(&terms, now),
            ready: terms.rules.instances_min,
            terms,
            window: Window::default(),
            figures: Figures::default(),
            standing: Standing::default(),
            last_trigger: Trigger::Calm,
            pattern: Pattern::new(learner),
            keep: None,
            cause: Cause::Minimum,
            decisions: Decisions::default(),
        }
    }

    /// Another version serves.
    pub(crate) fn set_terms(&mut self, terms: Terms, now: Now) {
        self.warmings = warmings(&terms, now);
        self.terms = terms;
        self.pattern.forget_plan();
    }

    /// Decides for the next second. The decision, if anything has changed.
    pub(crate) fn step(
        &mut self,
        sample: Sample,
        operator: &ScalingSettings,
        now: Now,
    ) -> (Steering, Option<Decision>) {
        self.figures = self.window.add(sample, self.terms.rules.concurrency);
        let trigger = self
            .standing
            .step(&self.figures, &self.terms.rules, now.instant);
        self.last_trigger = trigger.unwrap_or(self.last_trigger);
        let settings = settings(&self.terms.rules, operator);
        self.foresee(sample, &settings, now);
        let ahead = self.pattern.ahead(now.moment());
        let decision = self.settle(ahead.floor, now);
        let steering = Steering {
            floor: self.ready,
            hold: ahead.hold,
            // What was called before anybody looked has no plan yet, and keeps its instances all the same.
            keep: *self
                .keep
                .get_or_insert_with(|| self.pattern.keep(&settings)),
            spare: Duration::from_millis(operator.idle_min_ms),
        };
        (steering, decision)
    }

    fn foresee(&mut self, sample: Sample, settings: &Settings, now: Now) {
        if sample.arrivals > 0 {
            self.pattern.arrived(now.moment(), sample.busy_peak);
            return;
        }
        let schedules = &self.terms.schedules;
        let is_new = self
            .pattern
            .rest(now.moment(), settings, || ticks(schedules, now));
        if is_new {
            self.keep = Some(self.pattern.keep(settings));
        }
    }

    /// Whatever asks for most wins.
    fn settle(&mut self, expected: usize, now: Now) -> Option<Decision> {
        let rules = self.terms.rules;
        let scheduled = self
            .warmings
            .iter_mut()
            .map(|warming| warming.wanted(now.unix_ms));
        let asking = [
            (rules.instances_min, Cause::Minimum),
            (scheduled.max().unwrap_or_default(), Cause::Scheduled),
            (self.standing.target, Cause::Load(self.last_trigger)),
            (expected, Cause::Forecast),
        ];
        let mut most = asking[0];
        for asks in asking {
            if asks.0 > most.0 {
                most = asks;
            }
        }
        let (to, cause) = (most.0.min(rules.instances_max), most.1);
        let from = std::mem::replace(&mut self.ready, to);
        let before = std::mem::replace(&mut self.cause, cause);
        if from == to {
            return None;
        }
        // What falls, falls because what asked for it is over.
        let cause = if to > from { cause } else { fallen(before) };
        let decision = Decision {
            unix_ms: now.unix_ms,
            from,
            to,
            cause,
            reason: self.reason(cause, to > from),
        };
        self.decisions.add(decision.clone());
        Some(decision)
    }

    fn reason(&self, cause: Cause, is_more: bool) -> String {
        match (cause, is_more) {
            (Cause::Minimum, _) => "the function's minimum".to_owned(),
            (Cause::Scheduled, true) => "scheduled warming".to_owned(),
            (Cause::Scheduled, false) => "scheduled warming is over".to_owned(),
            (Cause::Load(trigger), _) => told(trigger, &self.figures),
            (Cause::Forecast, true) => {
                let plan = self.pattern.plan();
                plan.map_or_else(String::new, |plan| plan.reason.to_string())
            }
            (Cause::Forecast, false) => "called, or no longer expected soon".to_owned(),
        }
    }
}

fn fallen(before: Cause) -> Cause {
    match before {
        Cause::Load(_) => Cause::Load(Trigger::Calm),
        other => other,
    }
}

fn warmings(terms: &Terms, now: Now) -> Vec<Warming> {
    let scheduled = terms.scheduled.iter();
    scheduled
        .filter_map(|written| Warming::new(written, now.unix_ms))
        .collect()
}

/// The next ticks, in order.
fn ticks(schedules: &[Schedule], now: Now) -> Vec<Moment> {
    let next = |schedule: &Schedule| schedule.next(now.unix_ms - 1_000);
    let mut ticks: Vec<Moment> = schedules.iter().filter_map(next).map(moment).collect();
    ticks.sort_unstable();
    ticks
}

fn settings(rules: &Rules, operator: &ScalingSettings) -> Settings {
    Settings {
        worth_minutes: rules.worth_minutes,
        shortest_keep: operator.idle_min_ms.div_ceil(1_000),
        lead: operator.lead_ms.div_ceil(1_000),
        ..Settings::default()
    }
}

#[cfg(test)]
mod tests;
