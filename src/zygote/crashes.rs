//! The crashes of one function's instances in the last minute, and when it may fork again. Told of the time, so that tests
//! need not wait.
//!
//! A crash is an end by a signal that the kernel, or the process itself, answers a mistake with. An end by SIGKILL is none:
//! that is how the platform ends what is late, and the kernel what lacks memory.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use zygo_wire::control::ExitStatus;

use super::ageing::Limits;

/// How long a crash counts.
const WINDOW: Duration = Duration::from_secs(60);
/// The longest wait for a fork. Whoever would wait longer is sent away.
const WAIT_MAX: Duration = Duration::from_secs(5);
/// More crashes than the limit need not be counted, because the pause is the longest by then.
const COUNTED_BEYOND: usize = 16;
/// SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGSYS.
const SIGNALS: [i32; 7] = [4, 5, 6, 7, 8, 11, 31];

/// Whether this end is a crash.
pub(super) fn is_crash(status: ExitStatus) -> bool {
    matches!(status, ExitStatus::Signal(signal) if SIGNALS.contains(&signal))
}

/// What is known of a function's crashes.
#[derive(Debug)]
pub(crate) struct Crashes {
    limits: Limits,
    /// Whether forks may have to wait: all that the way of an invocation looks at as long as they need not.
    is_troubled: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// When they were, the oldest first.
    recent: VecDeque<Instant>,
    /// When the next fork may be.
    next_fork: Option<Instant>,
}

impl Crashes {
    /// None yet.
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            is_troubled: AtomicBool::new(false),
            state: Mutex::default(),
        }
    }

    /// Notes one.
    pub(crate) fn note(&self, now: Instant) {
        let Some(max) = self.limits.max_crashes() else {
            return;
        };
        let mut state = self.lock();
        state.forget(now);
        if state.recent.len() >= max.saturating_add(COUNTED_BEYOND) {
            state.recent.pop_front();
        }
        state.recent.push_back(now);
        if state.recent.len() >= max {
            self.is_troubled.store(true, Ordering::Relaxed);
        }
    }

    /// How many there were in the last minute, and since `born`.
    pub(crate) fn since(&self, born: Instant, now: Instant) -> usize {
        let mut state = self.lock();
        state.forget(now);
        state.recent.iter().filter(|crash| **crash >= born).count()
    }

    /// Whether forks have to wait now.
    pub(crate) fn is_troubled(&self, now: Instant) -> bool {
        self.is_troubled.load(Ordering::Relaxed) && !self.pause(&mut self.lock(), now).is_zero()
    }

    /// Lets a caller fork after a wait, or says how long the wait would be.
    pub(crate) fn admit(&self, now: Instant) -> Result<Duration, Duration> {
        if !self.is_troubled.load(Ordering::Relaxed) {
            return Ok(Duration::ZERO);
        }
        let mut state = self.lock();
        let pause = self.pause(&mut state, now);
        let (Some(last), false) = (state.recent.back().copied(), pause.is_zero()) else {
            return Ok(Duration::ZERO);
        };
        // One after another: a thousand callers may guess no more often than one.
        let at = state.next_fork.unwrap_or(last + pause).max(now);
        let wait = at - now;
        if wait > WAIT_MAX {
            return Err(wait);
        }
        state.next_fork = Some(at + pause);
        Ok(wait)
    }

    fn pause(&self, state: &mut State, now: Instant) -> Duration {
        state.forget(now);
        let pause = self.limits.pause(state.recent.len());
        if pause.is_zero() {
            state.next_fork = None;
            self.is_troubled.store(false, Ordering::Relaxed);
        }
        pause
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn forget(&mut self, now: Instant) {
        let is_over = |crash: &Instant| now.saturating_duration_since(*crash) >= WINDOW;
        while self.recent.front().is_some_and(is_over) {
            self.recent.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    const MS: Duration = Duration::from_millis(1);

    fn crashes(max: u32) -> Crashes {
        Crashes::new(Limits::new(&Config {
            zygote_max_crashes_per_minute: max,
            ..Config::default()
        }))
    }

    #[test]
    fn mistakes_are_crashes_and_the_platforms_own_signal_is_none() {
        for signal in [4, 5, 6, 7, 8, 11, 31] {
            assert!(is_crash(ExitStatus::Signal(signal)), "{signal}");
        }
        for status in [
            ExitStatus::Signal(9),
            ExitStatus::Signal(15),
            ExitStatus::Code(134),
        ] {
            assert!(!is_crash(status), "{status:?}");
        }
    }

    #[test]
    fn forks_wait_from_the_limit_on_and_no_longer_when_a_minute_has_passed() {
        let (crashes, start) = (crashes(3), Instant::now());
        for _ in 0..2 {
            crashes.note(start);
        }
        assert_eq!(crashes.admit(start), Ok(Duration::ZERO));
        crashes.note(start);
        assert!(crashes.is_troubled(start));
        assert_eq!(crashes.since(start, start), 3);
        assert_eq!(crashes.since(start + MS, start), 0);
        // One after the other, however many ask at once.
        assert_eq!(
            [0, 0, 0].map(|_| crashes.admit(start)),
            [Ok(MS * 10), Ok(MS * 20), Ok(MS * 30)]
        );
        let later = start + WINDOW;
        assert_eq!(crashes.admit(later), Ok(Duration::ZERO));
        assert!(!crashes.is_troubled(later));
        assert_eq!(crashes.since(start, later), 0);
    }

    #[test]
    fn whoever_would_wait_too_long_is_sent_away() {
        let (crashes, start) = (crashes(1), Instant::now());
        for _ in 0..1_000 {
            crashes.note(start);
        }
        assert_eq!(crashes.admit(start), Ok(WAIT_MAX));
        assert_eq!(crashes.admit(start), Err(WAIT_MAX * 2));
        // Who was sent away has taken nobody's turn.
        assert_eq!(crashes.admit(start + WAIT_MAX), Ok(WAIT_MAX));
    }

    #[test]
    fn without_a_limit_nothing_is_counted() {
        let (crashes, start) = (crashes(0), Instant::now());
        for _ in 0..100 {
            crashes.note(start);
        }
        assert_eq!(crashes.since(start, start), 0);
        assert_eq!(crashes.admit(start), Ok(Duration::ZERO));
    }
}
