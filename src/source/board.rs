//! What is told of a source: where it stands, and how many messages it has seen.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::lifecycle::State;

/// Figures since the source was started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    /// Messages that were handled, and acknowledged.
    pub(crate) delivered: u64,
    /// Attempts that failed.
    pub(crate) failed: u64,
    /// Messages that are tried no more.
    pub(crate) dead: u64,
    /// Messages that were given back untried, or that could not be acknowledged.
    pub(crate) returned: u64,
    /// Messages in hand now.
    pub(crate) in_hand: u64,
}

/// What counts a message.
#[derive(Debug, Clone, Copy)]
pub(super) enum Count {
    Delivered,
    Failed,
    Dead,
    Returned,
}

/// The board of one source.
#[derive(Debug, Default)]
pub(crate) struct Board {
    state: Mutex<State>,
    counts: [AtomicU64; 4],
    in_hand: AtomicU64,
}

impl Board {
    pub(crate) fn state(&self) -> State {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn set(&self, next: State) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        debug_assert!(state.leads_to(&next), "{state:?} cannot lead to {next:?}");
        *state = next;
    }

    pub(super) fn count(&self, what: Count) {
        self.counts[what as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn took(&self) {
        self.in_hand.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn left(&self) {
        self.in_hand.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn totals(&self) -> Totals {
        let count = |what: Count| self.counts[what as usize].load(Ordering::Relaxed);
        Totals {
            delivered: count(Count::Delivered),
            failed: count(Count::Failed),
            dead: count(Count::Dead),
            returned: count(Count::Returned),
            in_hand: self.in_hand.load(Ordering::Relaxed),
        }
    }
}
