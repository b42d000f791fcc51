//! The life of a source, and how long it waits before it tries again. Pure.
//!
//! ```text
//!                connected                   lost
//!  Connecting ──────────────► Consuming ────────────┐
//!    ▲    │                       │                 ▼
//!    │    └────── refused ────────┼──────────► BackingOff
//!    │                            │                 │
//!    └──────── the pause is over ─┼─────────────────┤
//!                                 ▼  told to end    ▼
//!                              Draining ───────► Ended
//!                                   nothing is in hand
//! ```

use std::time::Duration;

/// The pause after the first failure; doubled each time.
const PAUSE_FIRST: Duration = Duration::from_millis(250);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// A connection that held so long makes the failures before it forgotten.
const GOOD_AFTER: Duration = Duration::from_secs(10);

/// Where a source stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum State {
    /// It asks for a connection.
    #[default]
    Connecting,
    /// It takes messages.
    Consuming,
    /// It waits before it asks again, and why.
    BackingOff(String),
    /// It takes no more, and waits for what is in hand.
    Draining,
    /// It is over.
    Ended,
}

impl State {
    pub(crate) const NAMES: [&str; 5] = [
        "connecting",
        "consuming",
        "backing-off",
        "draining",
        "ended",
    ];

    pub(crate) fn name(&self) -> &'static str {
        let at = match self {
            Self::Connecting => 0,
            Self::Consuming => 1,
            Self::BackingOff(_) => 2,
            Self::Draining => 3,
            Self::Ended => 4,
        };
        Self::NAMES[at]
    }

    /// Whether the next state may follow this one.
    pub(super) fn leads_to(&self, next: &Self) -> bool {
        match (self, next) {
            (Self::Connecting, Self::Consuming)
            | (Self::Connecting | Self::Consuming, Self::BackingOff(_))
            | (Self::BackingOff(_), Self::Connecting)
            | (Self::Draining, Self::Ended) => true,
            (Self::Ended | Self::Draining, _) => false,
            (_, Self::Draining) => true,
            _ => false,
        }
    }
}

/// Failures in a row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Failures(u32);

impl Failures {
    /// One more, after a connection that held so long.
    pub(super) fn one_more(self, held: Duration) -> Self {
        match held >= GOOD_AFTER {
            true => Self(1),
            false => Self(self.0.saturating_add(1)),
        }
    }

    /// How long to wait. `jitter` is between 0 and 1, and keeps sources that lost one server from coming back together.
    pub(super) fn pause(self, jitter: f64) -> Duration {
        let doubled = 2_u32.saturating_pow(self.0.saturating_sub(1));
        let bound = PAUSE_FIRST.saturating_mul(doubled).min(PAUSE_MAX);
        bound.mul_f64(f64::midpoint(1.0, jitter.clamp(0.0, 1.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn pauses_double_and_a_good_connection_makes_them_short_again() {
        let mut failures = Failures::default();
        let mut pauses = Vec::new();
        for _ in 0..9 {
            failures = failures.one_more(Duration::ZERO);
            pauses.push(failures.pause(1.0).as_millis());
        }
        let expected = [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000];
        assert_eq!(pauses, expected);
        failures = failures.one_more(GOOD_AFTER);
        assert_eq!(failures.pause(0.0), Duration::from_millis(125));
    }

    #[test]
    fn what_has_ended_never_begins_again() {
        let all = [
            State::Connecting,
            State::Consuming,
            State::BackingOff(String::new()),
            State::Draining,
            State::Ended,
        ];
        for next in &all {
            assert!(!State::Ended.leads_to(next), "{next:?}");
        }
        for state in &all[..3] {
            assert!(state.leads_to(&State::Draining) && !state.leads_to(&State::Ended));
        }
        let names: Vec<&str> = all.iter().map(State::name).collect();
        assert_eq!(names, State::NAMES);
    }

    proptest! {
        #[test]
        fn no_pause_is_longer_than_the_longest(count in 0_u32..200, jitter in 0.0_f64..1.0) {
            let failures = (0..count).fold(Failures::default(), |before, _| before.one_more(Duration::ZERO));
            let pause = failures.pause(jitter);
            prop_assert!(pause <= PAUSE_MAX && pause >= PAUSE_FIRST / 2);
        }
    }
}
