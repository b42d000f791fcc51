//! How many instances are being forked for callers at a time: no more than their zygote forks in a few milliseconds.
//!
//! ```text
//!  caller ─► permit ─► told to fork ─(the zygote says that it did, or never will)─► over: the next caller's turn
//! ```
//! A zygote forks one after the other, so those beyond this number would wait in its socket, each for its own process. Here
//! they wait for whatever comes first: a turn, or an instance that another caller is done with. So a burst of short calls
//! needs few processes, and one of long calls gets them as fast as they can be made.

use std::sync::{Arc, LazyLock};

use super::Pool;
use super::state::State;
use crate::zygote::Process;

/// Forks under way, for each processor: enough for the zygote to have always another to do, as its word of one comes up to
/// three milliseconds later.
const STARTS_PER_PROCESSOR: usize = 8;

/// Forks under way of one function.
pub(crate) fn starts_max() -> usize {
    static MAX: LazyLock<usize> = LazyLock::new(|| {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        STARTS_PER_PROCESSOR * processors
    });
    *MAX
}

/// A turn to fork. Dropped, it is the next caller's.
#[derive(Debug)]
pub(super) struct Start(Option<Arc<Pool>>);

impl Start {
    /// Takes a turn, which the caller has counted.
    pub(super) fn of(pool: &Arc<Pool>) -> Self {
        Self(Some(Arc::clone(pool)))
    }

    /// Holds the turn until the process is there, or never will be.
    pub(super) fn until_settled(self, process: Arc<Process>) {
        tokio::spawn(async move {
            process.settled().await;
            drop(self);
        });
    }

    /// Gives it back under the pool's lock, when there is nobody who could have it.
    pub(super) fn take_back(mut self, state: &mut State) {
        self.0 = None;
        state.starting -= 1;
    }
}

impl Drop for Start {
    fn drop(&mut self) {
        if let Some(pool) = self.0.take() {
            pool.start_over();
        }
    }
}

impl Pool {
    /// A fork is over: those who wait and may fork do.
    fn start_over(self: &Arc<Self>) {
        let mut state = self.lock();
        state.starting -= 1;
        let bounds = self.settings.bounds;
        let has_turn = |state: &State| {
            let is_wanted = state.waiters.len() > state.coming && !state.retired && !state.hungry;
            is_wanted && state.live < bounds.instances_max && bounds.may_start(state.snapshot())
        };
        while has_turn(&state) {
            if !self.capacity.take() {
                let is_new = self.get_hungry(&mut state);
                drop(state);
                if is_new {
                    self.capacity.relieve();
                }
                return;
            }
            if !self.hand_permit(&mut state) {
                self.capacity.put_back();
                return;
            }
            state.live += 1;
        }
    }
}
