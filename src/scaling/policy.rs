//! How many instances load asks for, as a pure function of figures. Knows no clock and no process.
//!
//! The specification's triggers, and what each asks for:
//!
//! | trigger | when | so many |
//! |---|---|---|
//! | utilization | instances or their processors are busy above the upper threshold (70 %) | as would be busy just so much |
//! | queue | more than 10 callers wait | one for each that waits, besides those that live |
//! | response time | 95 of 100 take more than a second, and wait for a good part of it | as were needed at once, and half as many again |
//! | cold starts | more than 10 % of a minute's invocations had one | as were needed at once |
//!
//! A handler that takes two seconds by itself is not made faster by more instances: that is what the wait is asked for.

use std::time::{Duration, Instant};

use super::rules::Rules;
use super::window::Figures;
use crate::cost::float;

/// More callers than these are too many.
const WAITING_MAX: usize = 10;
/// A higher part of cold starts is too high.
const COLD_RATE_MAX: f64 = 0.10;
/// Fewer invocations, or fewer cold starts, say nothing.
const COLD_ENDED_MIN: u64 = 10;
const COLD_MIN: u64 = 3;
/// When more than this part is slow, the 95th percentile is.
const SLOW_RATE_MAX: f64 = 0.05;
/// Fewer slow invocations say nothing: one cold start on a busy machine may take a second.
const SLOW_MIN: u64 = 3;
/// Below this part of their time, slow invocations did not wait.
const WAITED_MIN: f64 = 0.10;

/// What asks for instances, or lets them go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trigger {
    Utilization,
    Queue,
    ResponseTime,
    ColdStarts,
    /// Utilisation has been below the lower threshold for long enough.
    Calm,
}

impl Trigger {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Utilization => "utilization",
            Self::Queue => "queue",
            Self::ResponseTime => "responseTime",
            Self::ColdStarts => "coldStarts",
            Self::Calm => "calm",
        }
    }
}

/// What load asked for so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Standing {
    /// So many instances; 0 for no more than the minimum.
    pub(crate) target: usize,
    changed: Option<Instant>,
    /// Since when utilisation of that many has been below the lower threshold.
    calm_since: Option<Instant>,
}

impl Standing {
    /// Decides once more; what led to a change, if there was one.
    pub(crate) fn step(
        &mut self,
        figures: &Figures,
        rules: &Rules,
        now: Instant,
    ) -> Option<Trigger> {
        let asked = asked(figures, rules);
        if let Some((trigger, wanted)) = asked
            && wanted > self.target.max(rules.instances_min)
        {
            (self.target, self.changed, self.calm_since) = (wanted, Some(now), None);
            return Some(trigger);
        }
        let is_calm = asked.is_none() && float(self.target as u64) * rules.down > figures.needed();
        if self.target == 0 || !is_calm {
            self.calm_since = None;
            return None;
        }
        let calm_since = *self.calm_since.get_or_insert(now);
        let lasted = |since: Instant| now.saturating_duration_since(since);
        let changed = self.changed.map_or(Duration::MAX, lasted);
        if lasted(calm_since).min(changed) < rules.cooldown {
            return None;
        }
        let fewer = fewer(self.target, figures, rules);
        if fewer >= self.target {
            return None;
        }
        (self.target, self.changed) = (fewer, Some(now));
        Some(Trigger::Calm)
    }
}

/// What is enough for the load, but not all at once; nothing beyond the minimum is no target.
fn fewer(target: usize, figures: &Figures, rules: &Rules) -> usize {
    let fewer = enough(figures, rules).max(target / 2);
    if fewer <= rules.instances_min || (fewer <= 1 && figures.needed() < rules.down) {
        return 0;
    }
    fewer
}

/// As many as would be busy just as much as they may.
fn enough(figures: &Figures, rules: &Rules) -> usize {
    whole((figures.needed() / rules.up.max(0.01)).ceil())
}

/// The trigger that asks for most, and how many.
fn asked(figures: &Figures, rules: &Rules) -> Option<(Trigger, usize)> {
    // What has ended asks for nothing.
    let is_cold = figures.ended_lately > 0
        && figures.ended >= COLD_ENDED_MIN
        && figures.cold >= COLD_MIN
        && figures.cold_rate() > COLD_RATE_MAX;
    let is_slow = figures.slow >= SLOW_MIN
        && figures.slow_rate() > SLOW_RATE_MAX
        && figures.slow_waited > WAITED_MIN;
    let triggers = [
        (
            figures.utilization() > rules.up,
            Trigger::Utilization,
            enough(figures, rules),
        ),
        (
            figures.waiting > WAITING_MAX,
            Trigger::Queue,
            figures.live + figures.waiting.div_ceil(rules.concurrency.max(1)),
        ),
        (
            is_slow,
            Trigger::ResponseTime,
            // Not of those that live: what they are asked for would make them more with each look, without any call.
            figures.busy_peak + (figures.busy_peak / 2).max(1),
        ),
        (is_cold, Trigger::ColdStarts, figures.busy_peak),
    ];
    let asking = triggers.into_iter().filter(|(asks, ..)| *asks);
    let most = asking.max_by_key(|(_, _, wanted)| *wanted)?;
    Some((most.1, most.2.min(rules.instances_max)))
}

fn whole(value: f64) -> usize {
    // As far as a float and an instance go.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "within 0 and a million"
    )]
    let whole = value.clamp(0.0, 1e6) as usize;
    whole
}

#[cfg(test)]
mod tests;
