//! How much waits, and how much may: asked before anything is accepted, without a lock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::work::QueueError;

/// What became of deliveries since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) accepted: u64,
    pub(crate) succeeded: u64,
    /// Attempts that are followed by another.
    pub(crate) retried: u64,
    pub(crate) dead: u64,
}

/// What is open, and its bounds.
#[derive(Debug)]
pub(super) struct Room {
    rows: AtomicU64,
    bytes: AtomicU64,
    rows_max: u64,
    bytes_max: u64,
    totals: Mutex<Totals>,
}

impl Room {
    pub(super) fn new(rows_max: u64, bytes_max: u64) -> Self {
        Self {
            rows: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            rows_max,
            bytes_max,
            totals: Mutex::default(),
        }
    }

    /// Takes room, or says what there is too much of.
    pub(super) fn reserve(&self, rows: u64, bytes: u64) -> Result<(), QueueError> {
        if self.rows.fetch_add(rows, Ordering::Relaxed) + rows > self.rows_max {
            self.rows.fetch_sub(rows, Ordering::Relaxed);
            return Err(QueueError::Full("too many deliveries wait"));
        }
        if self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes > self.bytes_max {
            self.release(rows, bytes);
            return Err(QueueError::Full("too many bytes wait"));
        }
        Ok(())
    }

    /// Takes room for what follows from what is there already, and cannot be refused.
    pub(super) fn take(&self, rows: u64, bytes: u64) {
        self.rows.fetch_add(rows, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// What is open of all supervisors that share a database: each knows only what it has accepted and ended itself.
    pub(super) fn set(&self, rows: u64, bytes: u64) {
        self.rows.store(rows, Ordering::Relaxed);
        self.bytes.store(bytes, Ordering::Relaxed);
    }

    pub(super) fn release(&self, rows: u64, bytes: u64) {
        let less = |by: u64| move |now: u64| Some(now.saturating_sub(by));
        let (order, load) = (Ordering::Relaxed, Ordering::Relaxed);
        let _ = self.rows.fetch_update(order, load, less(rows));
        let _ = self.bytes.fetch_update(order, load, less(bytes));
    }

    /// Counts what became of deliveries.
    pub(super) fn count(&self, add: impl FnOnce(&mut Totals)) {
        add(&mut self.totals.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// What became of deliveries.
    pub(super) fn totals(&self) -> Totals {
        *self.totals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many deliveries are open, and their bytes.
    pub(super) fn used(&self) -> (u64, u64) {
        let load = |of: &AtomicU64| of.load(Ordering::Relaxed);
        (load(&self.rows), load(&self.bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_takes_no_room() {
        let room = Room::new(3, 100);
        room.reserve(2, 60).expect("room");
        assert!(room.reserve(2, 1).is_err());
        assert!(room.reserve(1, 41).is_err());
        assert_eq!(room.used(), (2, 60));
        room.take(9, 900);
        assert!(room.reserve(1, 0).is_err());
        room.release(10, 2_000);
        assert_eq!(room.used(), (1, 0));
        room.reserve(2, 100).expect("room");
    }
}
