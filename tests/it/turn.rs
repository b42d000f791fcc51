//! Tests that load the machine and tests that measure time take turns; the others run beside them.

use std::sync::{Mutex, MutexGuard, PoisonError};

static TURN: Mutex<()> = Mutex::new(());

/// Waits for its turn, which lasts as long as the guard.
pub(crate) fn take() -> MutexGuard<'static, ()> {
    // A test that failed in its turn has ended it all the same.
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}
