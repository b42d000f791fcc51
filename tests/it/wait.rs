//! Waiting for a state, with a deadline. The one place of the tests that pauses; nothing else sleeps.

use std::time::{Duration, Instant};

/// How often a state is looked at.
const PAUSE: Duration = Duration::from_millis(5);

/// Waits until `look` finds something.
///
/// # Panics
/// When it finds nothing within `deadline`.
pub(crate) fn wait_for<T>(
    what: &str,
    deadline: Duration,
    mut look: impl FnMut() -> Option<T>,
) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(
            started.elapsed() < deadline,
            "waited {deadline:?} in vain for: {what}"
        );
        std::thread::sleep(PAUSE);
    }
}

/// Waits until `holds` says so.
pub(crate) fn wait_until(what: &str, deadline: Duration, mut holds: impl FnMut() -> bool) {
    wait_for(what, deadline, || holds().then_some(()));
}
