//! Calls that come by the clock: finds an interval that repeats, and says when the next ticks are due.

use serde::{Deserialize, Serialize};

use crate::number::{float, whole};
use crate::time::{MINUTE, Moment};

const REMEMBERED: usize = 8;
/// Shorter intervals never leave an instance idle.
const SHORTEST: u64 = 90;
/// Ticks are first looked for this far from where they should be, and in this part of the interval.
const TOLERANCE: u64 = 3;
const TOLERANCE_PART: u64 = 50;
/// An interval that holds for less than this share of its ticks is given up.
const GIVE_UP: f32 = 0.3;
const FORGET: f32 = 0.9;

/// An interval and where its ticks stand.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Period {
    recent: [Moment; REMEMBERED],
    interval: f32,
    anchor: Moment,
    jitter: f32,
    hits: f32,
    misses: f32,
}

/// A span of time in which a tick is due, and the chance that it comes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Tick {
    pub(crate) from: Moment,
    pub(crate) to: Moment,
    pub(crate) chance: f32,
}

impl Period {
    pub(crate) fn arrived(&mut self, at: Moment) {
        if self.interval > 0.0 {
            self.follow(at);
        }
        if self.interval <= 0.0 {
            self.look_for(at);
        }
        self.recent.rotate_right(1);
        self.recent[0] = at;
    }

    /// Takes note of ticks that came and of those that did not. What comes between ticks is of no interest.
    fn follow(&mut self, at: Moment) {
        let passed = float(at.since(self.anchor)) / self.interval;
        let ticks = passed.round();
        let error = (passed - ticks).abs() * self.interval;
        if ticks >= 1.0 && error <= float(self.slack()) {
            self.missed(ticks - 1.0);
            self.hits = self.hits * FORGET + 1.0;
            self.misses *= FORGET;
            self.jitter += (error - self.jitter) * 0.1;
            let exact = float(at.since(self.anchor)) / ticks;
            self.interval += (exact - self.interval) * 0.1 / ticks;
            self.anchor = at;
        } else if passed > 1.5 {
            let over = (passed - 0.5).floor();
            self.missed(over);
            self.anchor = self.anchor.after(whole(over * self.interval));
        }
        if self.chance() < GIVE_UP {
            self.interval = 0.0;
        }
    }

    fn missed(&mut self, ticks: f32) {
        let faded = FORGET.powf(ticks.min(50.0));
        self.hits *= faded;
        self.misses = self.misses * faded + (1.0 - faded) / (1.0 - FORGET);
    }

    /// Three calls at equal distances make a period; the shortest such distance is taken.
    fn look_for(&mut self, at: Moment) {
        for middle in self.recent.into_iter().filter(|moment| moment.0 > 0) {
            let interval = at.since(middle);
            let tolerance = TOLERANCE.max(interval / TOLERANCE_PART);
            let expected = middle.0.saturating_sub(interval);
            let is_met = |moment: &Moment| moment.0 > 0 && moment.0.abs_diff(expected) <= tolerance;
            if interval >= SHORTEST && self.recent.iter().any(is_met) {
                let jitter = float(tolerance) / 2.0;
                *self = Self {
                    recent: self.recent,
                    interval: float(interval),
                    anchor: at,
                    jitter,
                    hits: 1.0,
                    misses: 0.5,
                };
                return;
            }
        }
    }

    fn slack(&self) -> u64 {
        whole(self.jitter * 3.0).clamp(TOLERANCE, TOLERANCE.max(whole(self.interval / 8.0)))
    }

    fn chance(&self) -> f32 {
        (self.hits + 0.2) / (self.hits + self.misses + 0.4)
    }

    /// The first tick that is not over at a moment.
    pub(crate) fn next(&self, at: Moment) -> Option<Tick> {
        if self.interval <= 0.0 {
            return None;
        }
        let slack = self.slack();
        let passed = (float(at.since(self.anchor)) - float(slack)) / self.interval;
        let number = passed.ceil().max(1.0);
        let mut due = self.anchor.after(whole(number * self.interval));
        if due.after(slack) <= at {
            due = due.after(whole(self.interval));
        }
        Some(Tick {
            from: Moment(due.0.saturating_sub(slack)),
            to: due.after(slack),
            chance: self.chance().min(0.98),
        })
    }

    /// The interval in minutes, for people.
    pub(crate) fn minutes(&self) -> Option<u64> {
        (self.interval > 0.0).then(|| whole(self.interval / float(MINUTE)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{DAY, HOUR};

    fn ticking(interval: u64, count: u64) -> Period {
        let mut period = Period::default();
        (1..=count).for_each(|number| period.arrived(Moment(DAY + number * interval)));
        period
    }

    #[test]
    fn three_equal_steps_make_a_period() {
        assert_eq!(ticking(HOUR, 2).next(Moment(DAY)), None);
        let tick = ticking(HOUR, 3)
            .next(Moment(DAY + 3 * HOUR + 100))
            .expect("a tick");
        assert!(
            tick.from.0 <= DAY + 4 * HOUR && DAY + 4 * HOUR <= tick.to.0,
            "{tick:?}"
        );
    }

    #[test]
    fn ticks_grow_narrow_and_sure() {
        let tick = ticking(HOUR, 40)
            .next(Moment(DAY + 40 * HOUR + 100))
            .expect("a tick");
        assert!(tick.to.since(tick.from) <= 2 * MINUTE, "{tick:?}");
        assert!(tick.chance > 0.9, "{tick:?}");
    }

    #[test]
    fn calls_between_ticks_do_not_hide_them() {
        let mut period = ticking(HOUR, 5);
        period.arrived(Moment(DAY + 5 * HOUR + 700));
        period.arrived(Moment(DAY + 5 * HOUR + 1500));
        let tick = period.next(Moment(DAY + 5 * HOUR + 1600)).expect("a tick");
        assert!(
            tick.from.0 <= DAY + 6 * HOUR && DAY + 6 * HOUR <= tick.to.0,
            "{tick:?}"
        );
    }

    #[test]
    fn a_period_that_ends_is_given_up() {
        let mut period = ticking(HOUR, 10);
        period.arrived(Moment(DAY + 40 * HOUR + 777));
        assert_eq!(period.next(Moment(DAY + 41 * HOUR)), None);
    }

    #[test]
    fn a_tick_is_never_over_when_it_is_told() {
        let period = ticking(10 * MINUTE, 10);
        for second in 0..7200 {
            let at = Moment(DAY + 100 * MINUTE + second);
            assert!(period.next(at).expect("a tick").to > at);
        }
    }
}
