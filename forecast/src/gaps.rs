//! How long a function stays idle: a histogram of the gaps between its calls.
//!
//! Read in two resolutions. The fine one sees that gaps are 20 minutes and not 19; the coarse one, two bins to a
//! doubling, says something sensible after five gaps. Which of them is right for a function, the mixture finds out.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::number::{Counters, float, index};

/// Bins of one minute up to an hour, of five up to four hours, of twenty up to a day, of two hours up to a week.
pub(crate) const BINS: usize = 228;
/// Two to a doubling, from a minute to a week.
const OCTAVES: usize = 27;
/// Beyond this many gaps the older half weighs half.
const GAPS_MAX: f32 = 1024.0;
const OCTAVE: f32 = std::f32::consts::SQRT_2;
/// Calls expected per e-fold of the gap, before any was seen.
const TAIL: f32 = 0.35;
/// As many seen gaps weigh as much as this belief.
const WEIGHT: f32 = 1.5;

/// Powers and logarithms, which would otherwise be most of the work.
static TABLES: LazyLock<Tables> = LazyLock::new(Tables::new);

#[derive(Debug)]
struct Tables {
    octaves: [usize; BINS],
    believed_fine: [f32; BINS],
    believed_coarse: f32,
}

impl Tables {
    fn new() -> Self {
        let starts: [u64; BINS] = std::array::from_fn(bin_start);
        let octaves = starts.map(|start| octave(float(start)));
        let believed_fine = starts.map(|start| {
            let start = start.max(1);
            let (_, _, length) = bin(start);
            believed(float(start), float(start + length))
        });
        let believed_coarse = believed(1.0, OCTAVE);
        Self {
            octaves,
            believed_fine,
            believed_coarse,
        }
    }
}

/// What is believed of a function that has not been seen yet: the chance of a call falls as the gap grows.
fn believed(from: f32, to: f32) -> f32 {
    1.0 - (from / to).powf(TAIL)
}

/// Gaps of at least a minute, counted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Gaps {
    counts: Counters<BINS>,
}

/// Where a bin starts and how long it is, in minutes.
pub(crate) fn bin(minutes: u64) -> (usize, u64, u64) {
    let within = |first: u64, start: u64, length: u64| {
        let number = (minutes - start) / length;
        (index(first + number), start + number * length, length)
    };
    match minutes {
        0..60 => within(0, 0, 1),
        60..240 => within(60, 60, 5),
        240..1440 => within(96, 240, 20),
        1440..10080 => within(156, 1440, 120),
        _ => (BINS, 10080, 10080),
    }
}

fn bin_start(number: usize) -> u64 {
    let number = number as u64;
    match number {
        0..60 => number,
        60..96 => 60 + (number - 60) * 5,
        96..156 => 240 + (number - 96) * 20,
        _ => 1440 + (number - 156) * 120,
    }
}

fn octave(minutes: f32) -> usize {
    index(crate::number::whole(
        (2.0 * minutes.max(1.0).log2()).floor(),
    ))
    .min(OCTAVES - 1)
}

impl Gaps {
    pub(crate) fn add(&mut self, minutes: u64) {
        self.counts.add_one(bin(minutes).0);
        if self.counts.sum() >= GAPS_MAX {
            self.counts.halve();
        }
    }

    /// What the histogram says of every age, ready to be asked often.
    pub(crate) fn view(&self) -> View<'_> {
        let tables = &*TABLES;
        let mut at_risk = [0.0; BINS];
        let mut octaves = [0.0; OCTAVES];
        let mut sum = 0.0;
        for number in (0..BINS).rev() {
            let count = self.counts.get(number);
            sum += count;
            at_risk[number] = sum;
            octaves[tables.octaves[number]] += count;
        }
        let mut octaves_at_risk = octaves;
        for number in (0..OCTAVES - 1).rev() {
            octaves_at_risk[number] += octaves_at_risk[number + 1];
        }
        View {
            gaps: self,
            tables,
            at_risk,
            octaves,
            octaves_at_risk,
        }
    }
}

#[derive(Debug)]
pub(crate) struct View<'a> {
    gaps: &'a Gaps,
    tables: &'a Tables,
    at_risk: [f32; BINS],
    octaves: [f32; OCTAVES],
    octaves_at_risk: [f32; OCTAVES],
}

impl View<'_> {
    /// Chance per minute that a gap of this age ends, by the fine bins.
    pub(crate) fn fine(&self, age: u64) -> f32 {
        let (number, _, length) = bin(age);
        let Some(at_risk) = self.at_risk.get(number) else {
            return TAIL / float(age);
        };
        let believed = self.tables.believed_fine[number];
        ends(self.gaps.counts.get(number), *at_risk, believed) / float(length)
    }

    /// The same by the coarse bins, within which the chance falls as the age grows.
    pub(crate) fn coarse(&self, age: f32) -> f32 {
        let number = octave(age);
        let (hits, at_risk) = (self.octaves[number], self.octaves_at_risk[number]);
        ends(hits, at_risk, self.tables.believed_coarse) / OCTAVE.ln() / age.max(1.0)
    }
}

/// Expected ends of gaps within a bin, for those that reach it.
fn ends(hits: f32, at_risk: f32, believed: f32) -> f32 {
    let chance = (hits + WEIGHT * believed) / (at_risk + WEIGHT);
    -(1.0 - chance.min(0.999)).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_follow_one_another_without_holes() {
        let mut last = 0;
        for minutes in 0..10080 {
            let (number, start, length) = bin(minutes);
            assert!(number == last || number == last + 1, "at {minutes}");
            assert!(start <= minutes && minutes < start + length);
            assert_eq!(bin_start(number), start);
            last = number;
        }
        assert_eq!(last, BINS - 1);
    }

    #[test]
    fn gaps_of_one_length_are_expected_at_that_length() {
        let mut gaps = Gaps::default();
        (0..20).for_each(|_| gaps.add(30));
        let view = gaps.view();
        assert!(view.fine(30) > 1.0, "{}", view.fine(30));
        assert!(view.fine(20) < 0.01, "{}", view.fine(20));
        assert!(view.coarse(30.0) > view.coarse(12.0));
    }

    #[test]
    fn old_gaps_fade_and_counters_do_not_overflow() {
        let mut gaps = Gaps::default();
        (0..5000).for_each(|_| gaps.add(10));
        (0..3000).for_each(|_| gaps.add(90));
        assert!(gaps.counts.sum() < GAPS_MAX);
        assert!(gaps.counts.get(bin(90).0) > 5.0 * gaps.counts.get(bin(10).0));
    }
}
