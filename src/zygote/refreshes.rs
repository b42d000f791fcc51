//! Which zygotes of one language were made anew, and how many may be made at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::ageing::Reason;

/// Function zygotes of one language that are made anew at once. Each loads its user's code, which may need a processor.
const AT_ONCE: usize = 2;

/// Counts by reason.
type Counts = [AtomicU64; Reason::ALL.len()];

/// Counters and turns.
#[derive(Debug)]
pub(crate) struct Refreshes {
    languages: Counts,
    functions: Counts,
    /// Those whose layout may have been guessed wait for no others.
    urgent: Arc<Semaphore>,
    others: Arc<Semaphore>,
}

impl Default for Refreshes {
    fn default() -> Self {
        Self {
            languages: Counts::default(),
            functions: Counts::default(),
            urgent: Arc::new(Semaphore::new(AT_ONCE)),
            others: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }
}

impl Refreshes {
    /// Leave to make a function zygote anew, if not too many are being made.
    pub(super) fn turn(&self, reason: Reason) -> Option<OwnedSemaphorePermit> {
        let turns = match reason {
            Reason::Crashes => &self.urgent,
            _ => &self.others,
        };
        Arc::clone(turns).try_acquire_owned().ok()
    }

    /// The language zygote was made anew.
    pub(super) fn count_language(&self, reason: Reason) {
        count(&self.languages, reason);
    }

    /// A function zygote was made anew.
    pub(crate) fn count_function(&self, reason: Reason) {
        count(&self.functions, reason);
    }

    /// How often, by what was made anew and why.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (&'static str, Reason, u64)> {
        let kinds = [("language", &self.languages), ("function", &self.functions)];
        kinds.into_iter().flat_map(|(kind, counts)| {
            let counts = Reason::ALL.into_iter().zip(counts);
            counts.map(move |(reason, count)| (kind, reason, count.load(Ordering::Relaxed)))
        })
    }
}

fn count(counts: &Counts, reason: Reason) {
    for (one, count) in Reason::ALL.into_iter().zip(counts) {
        if one == reason {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
}
