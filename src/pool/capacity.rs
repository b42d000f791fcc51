//! How many instances the whole platform may have, whatever its functions want.

use std::sync::atomic::{AtomicUsize, Ordering};

/// A count with a bound, shared by all pools.
#[derive(Debug)]
pub(crate) struct Capacity {
    live: AtomicUsize,
    max: usize,
}

impl Capacity {
    /// Room for `max` instances.
    pub(crate) fn new(max: usize) -> Self {
        Self {
            live: AtomicUsize::new(0),
            max,
        }
    }

    /// Takes room for one instance, if there is any.
    pub(crate) fn take(&self) -> bool {
        let grow = |live| (live < self.max).then_some(live + 1);
        self.live
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, grow)
            .is_ok()
    }

    /// Gives the room of one instance back.
    pub(crate) fn give_back(&self) {
        self.live.fetch_sub(1, Ordering::Relaxed);
    }

    /// Instances that live now.
    pub(crate) fn live(&self) -> usize {
        self.live.load(Ordering::Relaxed)
    }
}
