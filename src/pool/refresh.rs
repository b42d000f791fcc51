//! Makes the zygote of a version anew while it serves.
//!
//! ```text
//!  due ─► successor booted beside the old one ─► swapped ─► idle and parked instances of the old one let go
//!   ▲          └─ failed: the old one stays ─┐                └─► busy ones serve what they have begun
//!   └────────── tried again later ───────────┘                     └─► with the last of them, the old one ends
//! ```
//! Nobody waits for any of it: until the swap the old one forks, and an instance holds the zygote that it came from.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Pool, ZygoteSlot};
use crate::zygote::{self, FunctionZygote, Reason, ZygoteError};

/// What is known of a version's successors, and of its replaced zygotes.
#[derive(Debug)]
pub(super) struct Refreshing {
    /// One successor at a time.
    turn: Arc<Semaphore>,
    /// How long a replaced zygote may live.
    patience: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Successors in a row that did not come to be.
    failures: usize,
    /// When the next is tried.
    retry_at: Option<Instant>,
    /// Replaced zygotes, and when each has to end.
    replaced: Vec<(Weak<FunctionZygote>, Instant)>,
}

/// A zygote that is to be made anew.
struct Due {
    old: Arc<FunctionZygote>,
    reason: Reason,
    /// Given back when it is done.
    _turns: [OwnedSemaphorePermit; 2],
}

impl Refreshing {
    /// Nothing yet.
    pub(super) fn new(patience: Duration) -> Self {
        Self {
            turn: Arc::new(Semaphore::new(1)),
            patience,
            state: Mutex::default(),
        }
    }

    /// Ends all replaced zygotes and their instances.
    pub(super) fn stop(&self) {
        let replaced = std::mem::take(&mut self.lock().replaced);
        for zygote in replaced.iter().filter_map(|(zygote, _)| zygote.upgrade()) {
            zygote.stop();
        }
    }

    /// Ends replaced zygotes that should have ended long ago.
    fn end_overdue(&self, now: Instant) {
        let overdue: Vec<_> = {
            let mut state = self.lock();
            let is_over = |entry: &mut (Weak<_>, Instant)| {
                entry.1 <= now || Weak::strong_count(&entry.0) == 0
            };
            state.replaced.extract_if(.., is_over).collect()
        };
        for zygote in overdue.iter().filter_map(|(zygote, _)| zygote.upgrade()) {
            tracing::warn!(pid = zygote.pid(), "a replaced zygote had to be ended");
            zygote.stop();
        }
    }

    fn is_waiting(&self, now: Instant) -> bool {
        self.lock().retry_at.is_some_and(|at| now < at)
    }

    fn replaced(&self, old: &Arc<FunctionZygote>) {
        let mut state = self.lock();
        (state.failures, state.retry_at) = (0, None);
        let end = Instant::now() + self.patience;
        state.replaced.push((Arc::downgrade(old), end));
    }

    /// How long until the next try.
    fn failed(&self) -> Duration {
        let mut state = self.lock();
        state.failures += 1;
        let wait = zygote::retry(state.failures);
        state.retry_at = Some(Instant::now() + wait);
        wait
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pool {
    /// Begins to make the zygote anew if it is due. Returns at once.
    pub(super) fn refresh_if_due(self: &Arc<Self>) {
        self.zygote.refreshing.end_overdue(Instant::now());
        if let Some(due) = self.zygote.due() {
            let pool = Arc::clone(self);
            tokio::spawn(async move {
                if pool.zygote.refresh(due).await {
                    pool.tend_instances();
                }
            });
        }
    }
}

impl ZygoteSlot {
    /// What is to be done now, if anything is and it is not too much.
    fn due(&self) -> Option<Due> {
        let old = self.present()?;
        let limits = self.language.limits();
        let reason = limits.due(old.condition(&self.crashes))?;
        if self.refreshing.is_waiting(Instant::now()) {
            return None;
        }
        let own = Arc::clone(&self.refreshing.turn).try_acquire_owned().ok()?;
        let shared = self.language.refresh_turn(reason)?;
        Some(Due {
            old,
            reason,
            _turns: [own, shared],
        })
    }

    /// Whether there is a new zygote now.
    async fn refresh(&self, due: Due) -> bool {
        let started = Instant::now();
        let (function, version) = (&*self.function.name, self.function.version);
        let reason = due.reason.name();
        match self.replace(&due).await {
            Ok(true) => {
                self.language.refreshes().count_function(due.reason);
                let took = started.elapsed();
                tracing::info!(function, version, reason, ?took, "zygote was made anew");
                true
            }
            // It ended meanwhile, and whoever needs another makes one.
            Ok(false) => false,
            Err(error) => {
                let again_in = self.refreshing.failed();
                tracing::warn!(function, version, reason, %error, ?again_in, "zygote was not made anew; the old one stays");
                false
            }
        }
    }

    /// Puts a successor in the old one's place, if that still has it.
    async fn replace(&self, due: &Due) -> Result<bool, ZygoteError> {
        if due.reason == Reason::Crashes {
            self.language.distrust(due.old.lineage());
        }
        let single = match due.reason.wants_own_layout() {
            true => Some(self.language.single_life().await?),
            false => None,
        };
        let mut births = self.making.lock().await;
        let successor = self.boot(single.as_deref()).await?;
        let old = Some(Arc::clone(&due.old));
        let before = self.current.compare_and_swap(&old, Some(successor));
        let is_done = before
            .as_ref()
            .is_some_and(|before| Arc::ptr_eq(before, &due.old));
        if is_done {
            births.born = Some(Instant::now());
            due.old.replace();
            self.refreshing.replaced(&due.old);
        }
        Ok(is_done)
    }
}
