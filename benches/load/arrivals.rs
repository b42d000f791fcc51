//! When requests start. Knows nothing of connections.

use std::time::{Duration, Instant};

/// The rule by which requests start.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Arrivals {
    /// Each connection asks again as soon as it has its reply. Requests that start in the warm-up are not counted.
    Closed {
        warmup: Duration,
        duration: Duration,
        count: u64,
    },
    /// At fixed moments, whatever the server does. `every` of zero is a burst.
    Open { every: Duration, count: u64 },
}

impl Arrivals {
    /// An open loop at a rate per second.
    pub(crate) fn open(rate: f64, count: u64) -> Self {
        Self::Open {
            every: Duration::from_secs_f64(1.0 / rate),
            count,
        }
    }

    /// A burst.
    pub(crate) const fn at_once(count: u64) -> Self {
        Self::Open {
            every: Duration::ZERO,
            count,
        }
    }

    /// A closed loop for a time.
    pub(crate) fn closed(warmup: Duration, duration: Duration) -> Self {
        Self::Closed {
            warmup,
            duration,
            count: u64::MAX,
        }
    }

    /// One request after the other, this many.
    pub(crate) fn sequence(count: u64) -> Self {
        Self::Closed {
            warmup: Duration::ZERO,
            duration: Duration::from_secs(60),
            count,
        }
    }
}

/// A rule in progress.
#[derive(Debug)]
pub(crate) struct Schedule {
    arrivals: Arrivals,
    begun: Instant,
    issued: u64,
}

impl Schedule {
    /// Begins now.
    pub(crate) fn begin(arrivals: Arrivals) -> Self {
        Self {
            arrivals,
            begun: Instant::now(),
            issued: 0,
        }
    }

    /// When the next request is meant to start; none when all have.
    pub(crate) fn next(&self, now: Instant) -> Option<Instant> {
        match self.arrivals {
            Arrivals::Closed {
                warmup,
                duration,
                count,
            } => (self.issued < count && now < self.begun + warmup + duration).then_some(now),
            Arrivals::Open { every, count } => (self.issued < count).then(|| {
                self.begun + Duration::from_secs_f64(every.as_secs_f64() * self.issued as f64)
            }),
        }
    }

    /// One more has started.
    pub(crate) fn issue(&mut self) {
        self.issued += 1;
    }

    /// From when on requests are counted.
    pub(crate) fn counted_from(&self) -> Instant {
        match self.arrivals {
            Arrivals::Closed { warmup, .. } => self.begun + warmup,
            Arrivals::Open { .. } => self.begun,
        }
    }

    /// Since when no reply should be outstanding any more.
    pub(crate) fn give_up(&self) -> Instant {
        let length = match self.arrivals {
            Arrivals::Closed {
                warmup, duration, ..
            } => warmup + duration,
            Arrivals::Open { every, count } => {
                Duration::from_secs_f64(every.as_secs_f64() * count as f64)
            }
        };
        self.begun + length + super::PATIENCE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_loop_keeps_its_moments_whatever_happens() {
        let mut schedule = Schedule::begin(Arrivals::open(100.0, 2));
        let late = schedule.begun + Duration::from_secs(5);
        schedule.issue();
        assert_eq!(
            schedule.next(late),
            Some(schedule.begun + Duration::from_millis(10))
        );
        schedule.issue();
        assert_eq!(schedule.next(late), None);
    }

    #[test]
    fn a_closed_loop_ends_with_its_time() {
        let schedule = Schedule::begin(Arrivals::closed(
            Duration::from_secs(1),
            Duration::from_secs(2),
        ));
        let now = schedule.begun + Duration::from_millis(2_900);
        assert_eq!(schedule.next(now), Some(now));
        assert_eq!(schedule.next(now + Duration::from_millis(200)), None);
    }
}
