//! How slow a client may be, and for how long a connection may lie idle. Policy: knows neither sockets nor HTTP.

use std::time::Duration;

use crate::config::Config;

/// What clients are held to. A client that sends or reads slower than `bytes_per_s`, after a grace, gives up its place.
/// After Apache's `RequestReadTimeout body=20,MinRate=500`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// The head of a request must have come by then.
    pub(super) head: Duration,
    /// A connection without requests is let go after so long.
    pub(super) idle: Duration,
    /// How long bytes may take that come or go too slowly.
    pub(super) grace: Duration,
    /// What is fast enough for ever.
    pub(super) bytes_per_s: u32,
}

/// What is known of a connection at one moment.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Seen {
    /// Requests that were ever begun.
    pub(super) requests: u64,
    /// Those that are not answered yet.
    pub(super) in_flight: u64,
    /// Since when nothing was read, written or answered.
    pub(super) quiet: Duration,
    /// For how long the client has been taking less than there is to send, and how many bytes it took in that time.
    pub(super) stalled: Option<(Duration, u64)>,
}

/// What to do with a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Look at it again after so long.
    Keep(Duration),
    /// Ask the client to use another one.
    LetGo,
    /// Close it.
    Cut,
}

impl Pace {
    /// As the operator wants it.
    pub(super) fn of(config: &Config) -> Self {
        Self {
            head: Duration::from_millis(config.header_timeout_ms),
            idle: Duration::from_millis(config.connection_idle_ms),
            grace: Duration::from_millis(config.slow_client_grace_ms),
            bytes_per_s: config.slow_client_bytes_per_s,
        }
    }

    /// By when so many bytes must have come or gone, from when the first was waited for.
    pub(super) fn allowance(&self, bytes: u64) -> Duration {
        match u64::from(self.bytes_per_s) {
            0 => Duration::MAX,
            rate => self.grace + Duration::from_millis(bytes.saturating_mul(1_000) / rate),
        }
    }

    /// What to do with a connection.
    pub(super) fn judge(&self, seen: Seen) -> Verdict {
        let left = |limit: Duration, passed: Duration| limit.checked_sub(passed);
        if let Some((passed, bytes)) = seen.stalled {
            return left(self.allowance(bytes), passed)
                .map_or(Verdict::Cut, |wait| self.again(wait));
        }
        match (seen.requests, seen.in_flight) {
            // What says nothing is not told anything either.
            (0, _) => left(self.head, seen.quiet).map_or(Verdict::Cut, |wait| self.again(wait)),
            (_, 0) => left(self.idle, seen.quiet).map_or(Verdict::LetGo, |wait| self.again(wait)),
            _ => self.again(self.grace),
        }
    }

    /// A stall can begin at any time, so none is overlooked for longer than the grace.
    fn again(&self, wait: Duration) -> Verdict {
        Verdict::Keep(wait.min(self.grace).max(Duration::from_millis(10)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace {
        head: Duration::from_secs(10),
        idle: Duration::from_secs(60),
        grace: Duration::from_secs(20),
        bytes_per_s: 500,
    };

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn silence_before_the_first_request_is_cut() {
        let silent = |quiet| Seen {
            quiet,
            ..Seen::default()
        };
        assert_eq!(PACE.judge(silent(seconds(4))), Verdict::Keep(seconds(6)));
        assert_eq!(PACE.judge(silent(seconds(11))), Verdict::Cut);
    }

    #[test]
    fn an_idle_connection_is_let_go_and_a_busy_one_is_not() {
        let quiet = seconds(61);
        let idle = Seen {
            requests: 3,
            quiet,
            ..Seen::default()
        };
        assert_eq!(PACE.judge(idle), Verdict::LetGo);
        let busy = Seen {
            in_flight: 1,
            ..idle
        };
        assert_eq!(PACE.judge(busy), Verdict::Keep(seconds(20)));
    }

    #[test]
    fn whoever_takes_bytes_fast_enough_may_take_them_for_ever() {
        let stalled = |passed, bytes| Seen {
            requests: 1,
            in_flight: 1,
            stalled: Some((seconds(passed), bytes)),
            ..Seen::default()
        };
        assert_eq!(PACE.judge(stalled(19, 0)), Verdict::Keep(seconds(1)));
        assert_eq!(PACE.judge(stalled(21, 0)), Verdict::Cut);
        assert_eq!(
            PACE.judge(stalled(1_000, 490_000)),
            Verdict::Keep(Duration::from_millis(10))
        );
        assert_eq!(
            PACE.judge(stalled(1_000, 1_000_000)),
            Verdict::Keep(seconds(20))
        );
    }

    #[test]
    fn no_rate_is_no_limit() {
        let pace = Pace {
            bytes_per_s: 0,
            ..PACE
        };
        assert_eq!(pace.allowance(0), Duration::MAX);
    }
}
