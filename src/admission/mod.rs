//! Who may be invoked now: a function's rate limit and its circuit breaker, asked before an invocation and told after
//! it, and whether callers may wait when all instances are busy. All are of one function, and none waits itself. Knows
//! neither HTTP nor processes.

mod breaker;
mod pressure;

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

pub(crate) use breaker::{Breaker, Mode, State, Trip};
pub(crate) use pressure::{Line, Order, OverloadSettings, Pressure, Tolerance, Verdict};

use crate::cluster::share;
use crate::error::Origin;

/// Why an invocation is refused before it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The function's rate limit is used up.
    #[error("the function may be invoked {max} times in {window_ms} ms; try again in {} ms", retry_after.as_millis())]
    RateLimited {
        /// The limit.
        max: u32,
        /// Its window.
        window_ms: u64,
        /// When there is room again.
        retry_after: Duration,
    },
    /// The function failed too often in a row.
    #[error("the function failed {failures} times in a row and is not tried now; try again in {} ms", retry_after.as_millis())]
    CircuitOpen {
        /// How often.
        failures: u32,
        /// When it is tried again.
        retry_after: Duration,
    },
}

impl Refusal {
    /// Whose fault it is.
    #[must_use]
    pub fn origin(&self) -> Origin {
        match self {
            Self::RateLimited { .. } => Origin::Caller,
            Self::CircuitOpen { .. } => Origin::Function,
        }
    }

    /// When it makes sense to try again.
    #[must_use]
    pub fn retry_after(&self) -> Duration {
        match self {
            Self::RateLimited { retry_after, .. } | Self::CircuitOpen { retry_after, .. } => {
                *retry_after
            }
        }
    }
}

/// A rate limit: so many in such a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rate {
    pub(crate) max: u32,
    pub(crate) window: Duration,
}

/// What is left of a rate limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Remaining {
    pub(crate) rate: Rate,
    pub(crate) remaining: u32,
    /// When all of it is there again, at the latest.
    pub(crate) reset: Duration,
}

type Governor = RateLimiter<NotKeyed, InMemoryState, DefaultClock, StateInformationMiddleware>;

struct Limiter {
    /// The limit.
    rate: Rate,
    /// The part of it that is this node's.
    own: u32,
    governor: Governor,
}

impl std::fmt::Debug for Limiter {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.rate.fmt(formatter)
    }
}

/// The gate before one function.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    /// How many nodes share its limit; 0 as long as that is unknown.
    nodes: AtomicU32,
    limiter: ArcSwapOption<Limiter>,
    breaker: Mutex<Breaker>,
}

impl Gate {
    /// A rate limit, or none, from now on. The same limit again goes on counting.
    pub(crate) fn limit(&self, rate: Option<Rate>) {
        let nodes = self.nodes.load(Ordering::Relaxed);
        let own = |rate: Rate| (rate, share(rate.max, nodes));
        let current = self.limiter.load();
        let current = current.as_ref().map(|limiter| (limiter.rate, limiter.own));
        let wanted = rate.map(own);
        if current != wanted {
            let limiter = wanted.and_then(|(rate, own)| limiter(rate, own));
            self.limiter.store(limiter.map(Arc::new));
        }
    }

    /// So many nodes have an equal part of the limit from now on.
    pub(crate) fn share(&self, nodes: u32) {
        if self.nodes.swap(nodes, Ordering::Relaxed) != nodes {
            let rate = self.limiter.load().as_ref().map(|limiter| limiter.rate);
            self.limit(rate);
        }
    }

    /// Lets an invocation through, or says why not.
    pub(crate) fn enter(&self, trip: Trip) -> Result<Option<Remaining>, Refusal> {
        let remaining = match self.limiter.load().as_ref() {
            Some(limiter) => Some(limiter.take()?),
            None => None,
        };
        if trip.failures > 0 {
            self.breaker().enter(trip, Instant::now())?;
        }
        Ok(remaining)
    }

    /// Tells how an invocation that was let through has ended. What is the caller's fault says nothing of the function.
    pub(crate) fn leave(&self, trip: Trip, ended: Result<(), Origin>) {
        if trip.failures > 0 {
            self.breaker().leave(trip, ended, Instant::now());
        }
    }

    /// The breaker, to be shown or set.
    pub(crate) fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `None` for a rate that cannot be: those were refused when the function was deployed.
fn limiter(rate: Rate, own: u32) -> Option<Limiter> {
    let max = NonZeroU32::new(own)?;
    // Shorter than a nanosecond is no period; the burst bounds such a rate.
    let period = (rate.window / own).max(Duration::from_nanos(1));
    let quota = Quota::with_period(period)?.allow_burst(max);
    let governor = RateLimiter::direct(quota).with_middleware();
    Some(Limiter {
        rate,
        own,
        governor,
    })
}

impl Limiter {
    fn take(&self) -> Result<Remaining, Refusal> {
        match self.governor.check() {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                let used = self.own.saturating_sub(remaining);
                Ok(Remaining {
                    rate: self.rate,
                    remaining,
                    reset: self.rate.window / self.own * used,
                })
            }
            Err(not_until) => Err(Refusal::RateLimited {
                max: self.rate.max,
                window_ms: u64::try_from(self.rate.window.as_millis()).unwrap_or(u64::MAX),
                retry_after: not_until.wait_time_from(DefaultClock::default().now()),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFF: Trip = Trip {
        failures: 0,
        open_for: Duration::ZERO,
    };

    #[test]
    fn a_window_holds_no_more_than_its_number() {
        let gate = Gate::default();
        assert_eq!(gate.enter(OFF), Ok(None));
        let rate = Rate {
            max: 3,
            window: Duration::from_secs(3_600),
        };
        gate.limit(Some(rate));
        let remaining = |gate: &Gate| gate.enter(OFF).map(|left| left.map(|left| left.remaining));
        assert_eq!(remaining(&gate), Ok(Some(2)));
        gate.limit(Some(rate));
        assert_eq!(
            (remaining(&gate), remaining(&gate)),
            (Ok(Some(1)), Ok(Some(0)))
        );
        let refused = remaining(&gate).expect_err("used up");
        assert!(
            refused.retry_after() > Duration::from_secs(1_000),
            "{refused}"
        );
        gate.limit(None);
        assert_eq!(gate.enter(OFF), Ok(None));
    }

    #[test]
    fn nodes_share_a_limit_and_say_what_it_is() {
        let rate = Rate {
            max: 10,
            window: Duration::from_secs(3_600),
        };
        let gates: [Gate; 3] = Default::default();
        let passed = |gate: &Gate| (0..100).filter(|_| gate.enter(OFF).is_ok()).count();
        for gate in &gates {
            gate.limit(Some(rate));
            gate.share(3);
            assert_eq!(passed(gate), 3);
            let refused = gate.enter(OFF).expect_err("used up");
            assert!(
                matches!(refused, Refusal::RateLimited { max: 10, .. }),
                "{refused}"
            );
        }
        gates[0].share(1);
        assert_eq!(passed(&gates[0]), 10);
    }
}
