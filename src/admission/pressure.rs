//! Whether a queue is a burst, which passes, or more than can ever be served, which does not. Pure; time is given.
//!
//! ```text
//!           a queue stands, and grows in its second interval, or later
//!  Calm ────────────────────────────────────────────────────────────────► Overloaded
//!    ▲                                                                        │
//!    └───────────────── nobody was refused for an interval ───────────────────┘
//! ```
//! A burst fills its queue in the first interval and drains it from then on, however long it is: all of it may wait. A
//! load that is too high makes the queue longer and longer. Then few may wait, for about half as long as an invocation
//! takes, and all others are told at once; whoever waited longer is told as well. So those that are served are served
//! soon, and instances are busy with them alone.
//!
//! While a queue grows and nothing is decided, the newest is served first: for the oldest it is too late in any case.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// What an operator may set: the table `[overload]` of the file, `ZYGO_OVERLOAD_…` in the environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OverloadSettings {
    /// For how long a queue may grow before callers are refused, in ms; 0 lets it grow to its end.
    pub interval_ms: u64,
    /// How long callers may wait then, in ms, where half an invocation is shorter.
    pub target_ms: u64,
}

impl Default for OverloadSettings {
    fn default() -> Self {
        Self {
            interval_ms: 500,
            target_ms: 5,
        }
    }
}

/// The same as times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tolerance {
    interval: Duration,
    target: Duration,
}

impl From<OverloadSettings> for Tolerance {
    fn from(settings: OverloadSettings) -> Self {
        Self {
            interval: Duration::from_millis(settings.interval_ms),
            target: Duration::from_millis(settings.target_ms),
        }
    }
}

/// The queue that a caller finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Line {
    /// Callers who wait.
    pub(crate) waiting: usize,
    /// The most that may.
    pub(crate) waiting_max: usize,
    /// Instances that work.
    pub(crate) working: usize,
}

/// What becomes of a caller for whom no instance is free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The caller waits.
    Wait,
    /// The queue is full.
    Full,
    /// More come than can be served: so many of those who came last may go on waiting, and the caller does not.
    Refuse {
        /// So many may wait.
        keep: usize,
    },
}

/// Who is served next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// Who waits longest.
    Oldest,
    /// Who came last.
    Newest,
}

/// What came and what went while a queue stood.
#[derive(Debug, Clone, Copy)]
struct Window {
    begun: Instant,
    is_first: bool,
    came: usize,
    went: usize,
    was_full: bool,
}

impl Window {
    fn new(begun: Instant, is_first: bool) -> Self {
        Self {
            begun,
            is_first,
            came: 0,
            went: 0,
            was_full: false,
        }
    }

    /// A sixteenth more is within what chance does.
    fn grows(&self) -> bool {
        self.was_full || self.came > self.went + self.went / 16 + 1
    }
}

/// What is known of one queue.
#[derive(Debug, Default)]
pub(crate) struct Pressure {
    /// Since when the queue stands.
    stands: Option<Instant>,
    window: Option<Window>,
    /// Set while the queue is overloaded: when somebody was last refused.
    refused: Option<Instant>,
    /// Callers served in a second, when that was last known.
    rate: f64,
}

impl Pressure {
    /// Decides for a caller for whom no instance is free.
    pub(crate) fn arrive(&mut self, how: Tolerance, now: Instant, line: Line) -> Verdict {
        if line.waiting == 0 && self.refused.is_none() {
            self.empty();
        }
        self.stands.get_or_insert(now);
        let is_full = line.waiting >= line.waiting_max;
        let window = self.window.get_or_insert_with(|| Window::new(now, true));
        window.came += 1;
        window.was_full |= is_full;
        if !how.interval.is_zero() {
            self.turn(how, now, line);
        }
        if !self.is_overloaded() {
            return match is_full {
                true => Verdict::Full,
                false => Verdict::Wait,
            };
        }
        let keep = self.keep(how, line);
        if line.waiting < keep {
            return Verdict::Wait;
        }
        self.refused = Some(now);
        Verdict::Refuse { keep }
    }

    /// Whoever came last only asked, and will come again.
    pub(crate) fn forget(&mut self) {
        if let Some(window) = &mut self.window {
            window.came = window.came.saturating_sub(1);
        }
    }

    /// Somebody who waited is served.
    pub(crate) fn served(&mut self) {
        if let Some(window) = &mut self.window {
            window.went += 1;
        }
    }

    /// Nobody waits.
    pub(crate) fn empty(&mut self) {
        if self.refused.is_none() {
            (self.stands, self.window) = (None, None);
        }
    }

    /// Whether callers are refused who could wait otherwise.
    pub(crate) fn is_overloaded(&self) -> bool {
        self.refused.is_some()
    }

    /// Whether somebody was a moment ago.
    pub(crate) fn was_overloaded(&self, how: Tolerance, now: Instant) -> bool {
        let since = |last| now.saturating_duration_since(last);
        self.refused.is_some_and(|last| since(last) < how.interval)
    }

    /// Who is served next.
    pub(crate) fn order(&self, how: Tolerance, now: Instant) -> Order {
        let stands_long = self
            .stands
            .is_some_and(|since| now.saturating_duration_since(since) >= how.interval / 10);
        let grows = self.window.is_some_and(|window| window.grows());
        match !how.interval.is_zero() && !self.is_overloaded() && stands_long && grows {
            true => Order::Newest,
            false => Order::Oldest,
        }
    }

    /// Looks back on an interval that is over. One in which hardly anyone was served tells nothing, and goes on.
    fn turn(&mut self, how: Tolerance, now: Instant, line: Line) {
        if let Some(last) = self.refused
            && now.saturating_duration_since(last) >= how.interval
        {
            self.refused = None;
            (self.stands, self.window) = (Some(now), Some(Window::new(now, true)));
            return;
        }
        let Some(window) = self.window else {
            return;
        };
        let took = now.saturating_duration_since(window.begun);
        if took < how.interval || window.went < 2 * line.working.max(1) {
            return;
        }
        #[expect(clippy::cast_precision_loss, reason = "no queue is so long")]
        let went = window.went as f64;
        self.rate = went / took.as_secs_f64();
        if !window.is_first && window.grows() && !self.is_overloaded() {
            self.refused = Some(now);
        }
        self.window = Some(Window::new(now, false));
    }

    /// How many may wait: for half of what an invocation takes, as all instances together serve so many in that time,
    /// or for the target. One always may: otherwise an instance that is free finds nobody.
    fn keep(&self, how: Tolerance, line: Line) -> usize {
        let target = (self.rate * how.target.as_secs_f64()).min(1e6);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is between 0 and a million"
        )]
        let target = target as usize;
        let keep = line.working.div_ceil(2).max(target).max(1);
        keep.min(line.waiting_max)
    }
}

#[cfg(test)]
mod tests;
