//! The figures of the last hour, in pieces that are the longer the older they are: a window of any length is right to a
//! sixteenth, and a busy function has some hundred pieces however often it is looked at. Pure.
//!
//! Pieces are differences between sums that telemetry keeps anyway, so invocations have nothing more to do.

use std::collections::VecDeque;

use super::rules::WINDOW_MS_MAX;
use crate::cost::{Billed, float};
use crate::telemetry::Figures;

/// A piece is at most so many times shorter than it is old.
const FINENESS: i64 = 16;

/// Counts that rules are measured by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) invocations: u64,
    pub(super) errors: u64,
    pub(super) cold: u64,
    mb_ms: u64,
}

impl Counts {
    fn of(figures: &Figures) -> Self {
        Self {
            invocations: figures.invocations,
            errors: figures.error_count(),
            cold: figures.starts.cold(),
            mb_ms: figures.mb_ms,
        }
    }

    /// What came since an earlier moment.
    fn since(self, earlier: Self) -> Self {
        Self {
            invocations: self.invocations.saturating_sub(earlier.invocations),
            errors: self.errors.saturating_sub(earlier.errors),
            cold: self.cold.saturating_sub(earlier.cold),
            mb_ms: self.mb_ms.saturating_sub(earlier.mb_ms),
        }
    }

    fn add(&mut self, other: Self) {
        self.invocations += other.invocations;
        self.errors += other.errors;
        self.cold += other.cold;
        self.mb_ms += other.mb_ms;
    }

    /// The part of the invocations.
    pub(super) fn percent(self, count: u64) -> f64 {
        float(count) * 100.0 / float(self.invocations.max(1))
    }

    pub(super) fn cost_usd(self) -> f64 {
        let billed = Billed {
            invocations: self.invocations,
            mb_ms: self.mb_ms,
        };
        billed.cost().total()
    }
}

/// How many invocations took how many microseconds, the quickest first.
type Durations = Vec<(u64, u64)>;

fn durations_of(figures: &Figures) -> Durations {
    let recorded = figures.durations.iter().flat_map(|all| all.iter_recorded());
    let pairs = recorded.map(|step| (step.value_iterated_to(), step.count_at_value()));
    pairs.collect()
}

/// What came since an earlier moment.
fn durations_since(now: &Durations, earlier: &Durations) -> Durations {
    let mut before = earlier.iter().peekable();
    let fresh = now.iter().filter_map(|(us, count)| {
        while before.next_if(|(earlier_us, _)| earlier_us < us).is_some() {}
        let known = before.next_if(|(earlier_us, _)| earlier_us == us);
        let fresh = count.saturating_sub(known.map_or(0, |(_, count)| *count));
        (fresh > 0).then_some((*us, fresh))
    });
    fresh.collect()
}

/// The same, the quickest first, each duration once.
fn sorted(mut durations: Durations) -> Durations {
    durations.sort_unstable_by_key(|(us, _)| *us);
    durations.dedup_by(|later, kept| {
        let is_same = later.0 == kept.0;
        if is_same {
            kept.1 += later.1;
        }
        is_same
    });
    durations
}

/// What came between two moments.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Piece {
    start_unix_ms: i64,
    end_unix_ms: i64,
    counts: Counts,
    durations: Durations,
}

impl Piece {
    fn middle_unix_ms(&self) -> i64 {
        self.start_unix_ms.midpoint(self.end_unix_ms)
    }
}

/// One function's last hour.
#[derive(Debug, Clone)]
pub(super) struct Recent {
    /// The sums at the last look, and when that was.
    counts: Counts,
    durations: Durations,
    seen_unix_ms: i64,
    pieces: VecDeque<Piece>,
}

impl Recent {
    /// From these sums on.
    pub(super) fn new(figures: &Figures, now_unix_ms: i64) -> Self {
        Self {
            counts: Counts::of(figures),
            durations: durations_of(figures),
            seen_unix_ms: now_unix_ms,
            pieces: VecDeque::new(),
        }
    }

    /// Adds what is known of a time before the first look.
    pub(super) fn add_earlier(&mut self, start_unix_ms: i64, end_unix_ms: i64, figures: &Figures) {
        self.pieces.push_back(Piece {
            start_unix_ms,
            end_unix_ms,
            counts: Counts::of(figures),
            durations: durations_of(figures),
        });
    }

    /// Looks at the sums of now. Durations are asked for over at most `durations_ms`, and older ones are not kept.
    pub(super) fn look(&mut self, figures: &Figures, durations_ms: u64, now_unix_ms: i64) {
        if figures.invocations != self.counts.invocations {
            let (counts, durations) = (Counts::of(figures), durations_of(figures));
            self.pieces.push_back(Piece {
                start_unix_ms: self.seen_unix_ms,
                end_unix_ms: now_unix_ms,
                counts: counts.since(self.counts),
                durations: durations_since(&durations, &self.durations),
            });
            (self.counts, self.durations) = (counts, durations);
        }
        self.seen_unix_ms = now_unix_ms;
        self.join_the_old(signed(durations_ms), now_unix_ms);
    }

    /// What came in the last `window_ms`. A piece counts when most of its time lies in the window: a minute of an earlier
    /// run is no part of a window of seconds.
    pub(super) fn over(&self, window_ms: u64, now_unix_ms: i64) -> Counts {
        let mut sum = Counts::default();
        for piece in self.within(window_ms, now_unix_ms) {
            sum.add(piece.counts);
        }
        sum
    }

    /// The duration that 95 of 100 invocations did not exceed, in ms; 0 without any.
    pub(super) fn p95_ms(&self, window_ms: u64, now_unix_ms: i64) -> f64 {
        let pieces = self.within(window_ms, now_unix_ms);
        let mut durations: Durations = pieces
            .flat_map(|piece| piece.durations.iter().copied())
            .collect();
        durations.sort_unstable_by_key(|(us, _)| *us);
        let all: u64 = durations.iter().map(|(_, count)| count).sum();
        let wanted = all.saturating_mul(95).div_ceil(100);
        let mut counted = 0;
        let reached = durations.iter().find(|(_, count)| {
            counted += count;
            counted >= wanted
        });
        reached.map_or(0.0, |(us, _)| float(*us) / 1e3)
    }

    fn within(&self, window_ms: u64, now_unix_ms: i64) -> impl Iterator<Item = &Piece> {
        let from = now_unix_ms.saturating_sub(signed(window_ms));
        let pieces = self.pieces.iter().rev();
        pieces.take_while(move |piece| piece.middle_unix_ms() > from)
    }

    fn join_the_old(&mut self, durations_ms: i64, now_unix_ms: i64) {
        let mut joined: VecDeque<Piece> = VecDeque::with_capacity(self.pieces.len());
        for mut piece in self.pieces.drain(..) {
            let age = now_unix_ms - piece.end_unix_ms;
            if age >= signed(WINDOW_MS_MAX) {
                continue;
            }
            if age >= durations_ms {
                piece.durations = Durations::new();
            }
            match joined.back_mut() {
                Some(last) if (piece.end_unix_ms - last.start_unix_ms) * FINENESS <= age => {
                    last.end_unix_ms = piece.end_unix_ms;
                    last.counts.add(piece.counts);
                    piece.durations.append(&mut last.durations);
                    last.durations = sorted(piece.durations);
                }
                _ => joined.push_back(piece),
            }
        }
        self.pieces = joined;
    }
}

fn signed(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hdrhistogram::Histogram;
    use proptest::prelude::*;

    fn figures(invocations: u64) -> Figures {
        Figures {
            invocations,
            ..Figures::default()
        }
    }

    proptest! {
        #[test]
        fn windows_are_right_to_a_sixteenth_and_pieces_are_few(
            counts in prop::collection::vec(0_u64..50, 1..900),
            interval_ms in 1_000_i64..20_000,
            window_ms in 20_000_u64..3_600_000,
        ) {
            let mut recent = Recent::new(&figures(0), 0);
            let (mut sum, mut ends) = (0, Vec::new());
            for (index, count) in counts.iter().enumerate() {
                sum += count;
                let now = (i64::try_from(index).expect("few") + 1) * interval_ms;
                recent.look(&figures(sum), 0, now);
                ends.push((now, *count));
            }
            let now = ends.last().expect("one").0;
            let exact = |window: i64| -> u64 {
                ends.iter().filter(|(end, _)| *end > now - window).map(|(_, count)| count).sum()
            };
            let window = i64::try_from(window_ms).expect("short");
            let found = recent.over(window_ms, now).invocations;
            let blur = window / FINENESS + interval_ms;
            prop_assert!(found >= exact(window - blur));
            prop_assert!(found <= exact(window + blur));
            prop_assert!(recent.pieces.len() < 200, "{} pieces", recent.pieces.len());
        }
    }

    #[test]
    fn joined_durations_lose_none() {
        let joined = sorted(vec![(5, 1), (9, 2), (1, 1), (5, 4)]);
        assert_eq!(joined, [(1, 1), (5, 5), (9, 2)]);
        let fresh = durations_since(&joined, &vec![(5, 2), (7, 1), (9, 2)]);
        assert_eq!(fresh, [(1, 1), (5, 3)]);
    }

    #[test]
    fn the_slowest_are_those_since_the_last_look() {
        let mut durations = Histogram::new(2).expect("two digits");
        durations.record_n(2_000_000, 100).expect("recorded");
        let before = Figures {
            invocations: 100,
            durations: Some(durations.clone()),
            ..Figures::default()
        };
        let mut recent = Recent::new(&before, 0);
        durations.record_n(1_000, 95).expect("recorded");
        durations.record_n(500_000, 5).expect("recorded");
        let after = Figures {
            invocations: 200,
            durations: Some(durations),
            ..Figures::default()
        };
        recent.look(&after, 60_000, 1_000);
        assert_eq!(recent.over(60_000, 1_000).invocations, 100);
        let p95_ms = recent.p95_ms(60_000, 1_000);
        assert!((p95_ms - 1.0).abs() < 0.02, "{p95_ms}");
        assert!(recent.p95_ms(60_000, 70_000).abs() < f64::EPSILON);
    }

    #[test]
    fn what_was_known_before_the_first_look_counts() {
        let mut recent = Recent::new(&figures(30), 60_000);
        recent.add_earlier(0, 60_000, &figures(30));
        recent.look(&figures(35), 0, 61_000);
        assert_eq!(recent.over(60_000, 61_000).invocations, 35);
        assert_eq!(recent.over(2_000, 61_000).invocations, 5);
    }
}
