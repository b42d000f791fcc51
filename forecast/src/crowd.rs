//! How many instances a function needs at once: how soon each further one is needed again, and how many its first calls
//! after a silence take.

use serde::{Deserialize, Serialize};

use crate::number::{Counters, float, index};
use crate::time::{MINUTE, Moment};

/// Instances beyond the first, in groups that double: the 2nd, 3rd–4th, 5th–8th, …
const LEVELS: usize = 7;
/// No more than this many are ever parked for one function.
pub(crate) const INSTANCES_MAX: usize = 128;
/// Bins of time until the next use, each twice as long as the one before; the first ends after half a minute.
const BINS: usize = 14;
const COUNTS_MAX: f32 = 512.0;
/// So many awakenings say something.
const KNOWN_FROM: f32 = 3.0;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Crowd {
    levels: [Level; LEVELS],
    /// Awakenings that needed one instance, two, up to four, …
    awakenings: Counters<8>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Level {
    last: Moment,
    waits: Counters<BINS>,
}

fn level(rank: usize) -> usize {
    index(u64::from(rank.max(2).saturating_sub(1).ilog2())).min(LEVELS - 1)
}

fn wait_bin(seconds: u64) -> usize {
    let halves = seconds / (MINUTE / 2);
    index(u64::from((halves + 1).ilog2())).min(BINS - 1)
}

/// Where a bin of waits starts and ends, in minutes.
fn wait_span(number: usize) -> (f32, f32) {
    let edge = |number: usize| (float(1 << number) - 1.0) / 2.0;
    (edge(number), edge(number + 1))
}

impl Crowd {
    /// So many instances were needed at once; `awoke` when the function had been idle.
    pub(crate) fn arrived(&mut self, at: Moment, together: usize, awoke: bool) {
        if awoke {
            let number = if together < 2 { 0 } else { level(together) + 1 };
            self.awakenings.add_one(number);
            if self.awakenings.sum() >= COUNTS_MAX {
                self.awakenings.halve();
            }
        }
        if together >= 2 {
            let needed = level(together) + 1;
            self.levels
                .iter_mut()
                .take(needed)
                .for_each(|level| level.arrived(at));
        }
    }

    /// How long instance number `rank` stays after its last use, when keeping it a minute costs `price` of a cold start.
    pub(crate) fn keep(&self, rank: usize, price: f32, shortest: u64) -> u64 {
        self.levels[level(rank)].keep(price).max(shortest)
    }

    /// Chance that the first calls after a silence need at least so many; none for more than were ever needed.
    fn needs(&self, rank: usize) -> f32 {
        let level = level(rank);
        let more: f32 = (level + 2..8)
            .map(|number| self.awakenings.get(number))
            .sum();
        // The numbers of a group are taken to be equally likely: of 5 to 8, three quarters are at least 6.
        let size = float(1 << level);
        let below = float((rank - 1) as u64) - size;
        let share = ((size - below) / size).clamp(0.0, 1.0);
        (more + self.awakenings.get(level + 1) * share) / (self.awakenings.sum() + 1.0)
    }

    /// Whether enough silences have ended to say how many are needed then.
    pub(crate) fn is_known(&self) -> bool {
        self.awakenings.sum() >= KNOWN_FROM
    }

    /// How many are worth parking for a call that is this likely per minute.
    pub(crate) fn worth_parking(&self, hazard: f32, price: f32) -> usize {
        let is_worth = |rank: &usize| hazard * self.needs(*rank) >= price;
        (2..=INSTANCES_MAX).take_while(is_worth).last().unwrap_or(1)
    }
}

impl Level {
    fn arrived(&mut self, at: Moment) {
        if self.last.0 > 0 {
            self.waits.add_one(wait_bin(at.since(self.last)));
            if self.waits.sum() >= COUNTS_MAX {
                self.waits.halve();
            }
        }
        self.last = at;
    }

    /// How long to stay so that uses met are worth most above what the memory costs. One that went is not brought back,
    /// so that a quiet time is sat out when enough comes after it.
    fn keep(&self, price: f32) -> u64 {
        let mut at_risk = self.waits.sum() + 1.0;
        let (mut gain, mut most, mut keep) = (0.0, 0.0, 0.0);
        for number in 0..BINS {
            let (from, to) = wait_span(number);
            let believed = 0.3 * ((to + 1.0) / (from + 1.0)).ln() / float(BINS as u64).sqrt();
            let hits = (self.waits.get(number) + believed).min(at_risk);
            gain += hits - price * (to - from) * (at_risk - hits / 2.0);
            if gain > most {
                (most, keep) = (gain, to);
            }
            at_risk -= hits;
        }
        crate::number::whole(keep * float(MINUTE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_fall_into_groups_that_double() {
        assert_eq!([2, 3, 4, 5, 8, 9, 1000].map(level), [0, 1, 1, 2, 2, 3, 6]);
        assert_eq!([0, 29, 30, 89, 90].map(wait_bin), [0, 0, 1, 1, 2]);
    }

    #[test]
    fn an_instance_that_is_needed_often_stays_and_one_that_is_not_goes() {
        let mut crowd = Crowd::default();
        for minute in 1..500 {
            let together = if minute % 4 == 0 { 2 } else { 1 };
            crowd.arrived(Moment(minute * MINUTE), together, false);
        }
        assert!(crowd.keep(2, 1.0 / 60.0, 60) >= 4 * MINUTE);
        assert!(crowd.keep(100, 1.0 / 5.0, 60) <= 2 * MINUTE);
    }

    #[test]
    fn as_many_are_parked_as_awakenings_need() {
        let mut crowd = Crowd::default();
        (1..50).for_each(|hour| crowd.arrived(Moment(hour * 3600), 4, true));
        assert_eq!(crowd.worth_parking(0.5, 1.0 / 60.0), 4);
        assert_eq!(crowd.worth_parking(0.01, 1.0 / 60.0), 1);
    }
}
