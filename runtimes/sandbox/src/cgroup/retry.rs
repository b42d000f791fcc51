//! Trying again until it works or a time is over. Knows nothing of what is tried.

use std::time::{Duration, Instant};

const PAUSE_FIRST: Duration = Duration::from_micros(100);
const PAUSE_MAX: Duration = Duration::from_millis(5);

/// What the attempt gives, tried at least once and until the time is over.
pub(super) fn within<T>(time: Duration, mut attempt: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + time;
    let mut pause = PAUSE_FIRST;
    loop {
        if let Some(result) = attempt() {
            return Some(result);
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return None;
        }
        std::thread::sleep(pause.min(left));
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_with_the_first_result() {
        let mut tries = 0;
        let result = within(Duration::from_secs(60), || {
            tries += 1;
            (tries == 3).then_some("done")
        });
        assert_eq!((result, tries), (Some("done"), 3));
    }

    #[test]
    fn tries_once_even_without_time_and_then_gives_up() {
        assert_eq!(within(Duration::ZERO, || Some(1)), Some(1));
        assert_eq!(within(Duration::from_millis(1), || None::<()>), None);
    }
}
