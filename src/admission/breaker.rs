//! The circuit breaker of one function. Pure; time is given.
//!
//! ```text
//!              failures in a row reach the limit              the time is over
//!  Closed ───────────────────────────────────────► Open ─────────────────────────► HalfOpen
//!     ▲                                              ▲  the one that was let through fails │
//!     │                                              └──────────────────────────────────┤
//!     └──────────────────────────────── it succeeds ────────────────────────────────────┘
//! ```

use std::time::{Duration, Instant};

use super::Refusal;
use crate::error::Origin;

/// When the breaker trips.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Trip {
    /// After so many failures in a row; never when 0.
    pub(crate) failures: u32,
    /// For so long.
    pub(crate) open_for: Duration,
}

/// Where the breaker stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum State {
    /// Everyone passes.
    #[default]
    Closed,
    /// Nobody passes, since then.
    Open(Instant),
    /// One passes, and since then is on its way.
    HalfOpen(Instant),
}

/// Who decides.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The failures.
    #[default]
    Auto,
    /// An operator said: nobody passes.
    ForcedOpen,
    /// An operator said: everyone passes.
    ForcedClosed,
}

/// The state of one function.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    state: State,
    mode: Mode,
    failures: u32,
}

impl Breaker {
    pub(crate) fn state(&self) -> State {
        self.state
    }

    pub(crate) fn mode(&self) -> Mode {
        self.mode
    }

    /// Failures since the last success.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    /// An operator decides, or lets the failures decide again, from the beginning.
    pub(crate) fn set(&mut self, mode: Mode) {
        *self = Self {
            mode,
            ..Self::default()
        };
    }

    pub(super) fn enter(&mut self, trip: Trip, now: Instant) -> Result<(), Refusal> {
        let refuse = |retry_after| {
            Err(Refusal::CircuitOpen {
                failures: self.failures,
                retry_after,
            })
        };
        match (self.mode, self.state) {
            (Mode::ForcedClosed, _) | (Mode::Auto, State::Closed) => Ok(()),
            (Mode::ForcedOpen, _) => refuse(trip.open_for),
            // One that was let through and never came back must not keep the breaker half open for ever.
            (Mode::Auto, State::Open(since) | State::HalfOpen(since)) => {
                let passed = now.saturating_duration_since(since);
                match trip
                    .open_for
                    .checked_sub(passed)
                    .filter(|rest| !rest.is_zero())
                {
                    Some(rest) => refuse(rest),
                    None => {
                        self.state = State::HalfOpen(now);
                        Ok(())
                    }
                }
            }
        }
    }

    pub(super) fn leave(&mut self, trip: Trip, ended: Result<(), Origin>, now: Instant) {
        match ended {
            Ok(()) => {
                self.failures = 0;
                self.state = State::Closed;
            }
            Err(Origin::Caller) => {}
            Err(Origin::Function | Origin::Platform) => {
                self.failures = self.failures.saturating_add(1);
                let opens = match self.state {
                    State::Closed => self.failures >= trip.failures,
                    State::HalfOpen(_) => true,
                    State::Open(_) => false,
                };
                if opens {
                    self.state = State::Open(now);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TRIP: Trip = Trip {
        failures: 5,
        open_for: Duration::from_secs(30),
    };
    const FAILED: Result<(), Origin> = Err(Origin::Function);

    #[test]
    fn it_opens_after_five_failures_and_closes_on_a_success() {
        let (mut breaker, start) = (Breaker::default(), Instant::now());
        for _ in 0..5 {
            breaker.enter(TRIP, start).expect("closed");
            breaker.leave(TRIP, FAILED, start);
        }
        let refused = breaker.enter(TRIP, start + Duration::from_secs(10));
        assert_eq!(
            refused.expect_err("open").retry_after(),
            Duration::from_secs(20)
        );
        let later = start + Duration::from_secs(30);
        breaker.enter(TRIP, later).expect("one is let through");
        breaker.enter(TRIP, later).expect_err("and no other");
        breaker.leave(TRIP, FAILED, later);
        breaker.enter(TRIP, later).expect_err("open again");
        let later = later + Duration::from_secs(31);
        breaker.enter(TRIP, later).expect("one more");
        breaker.leave(TRIP, Ok(()), later);
        assert_eq!((breaker.state(), breaker.failures()), (State::Closed, 0));
    }

    #[test]
    fn an_operator_decides_over_the_failures() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        breaker.set(Mode::ForcedOpen);
        breaker.enter(TRIP, now).expect_err("forced open");
        breaker.set(Mode::ForcedClosed);
        (0..20).for_each(|_| breaker.leave(TRIP, FAILED, now));
        breaker.enter(TRIP, now).expect("forced closed");
        breaker.set(Mode::Auto);
        breaker.enter(TRIP, now).expect("from the beginning");
    }

    proptest! {
        #[test]
        fn fewer_failures_in_a_row_never_open_it(outcomes in prop::collection::vec(0..3_u8, 0..200)) {
            let (mut breaker, now) = (Breaker::default(), Instant::now());
            let mut in_a_row = 0;
            for outcome in outcomes {
                let entered = breaker.enter(TRIP, now);
                prop_assert_eq!(entered.is_ok(), in_a_row < TRIP.failures);
                if entered.is_err() {
                    break;
                }
                let ended = match outcome {
                    0 => { in_a_row = 0; Ok(()) }
                    1 => { in_a_row += 1; FAILED }
                    _ => Err(Origin::Caller),
                };
                breaker.leave(TRIP, ended, now);
            }
        }
    }
}
