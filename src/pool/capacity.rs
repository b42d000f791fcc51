//! How many instances the whole platform may have, whatever its functions want, and who gets room when there is too little.
//!
//! Room that becomes free goes to the function that has the fewest instances of all that wait for some. Before anybody
//! waits long, instances that nobody uses are ended, those first that were idle longest. Functions that have no more than
//! whoever waits keep theirs for a moment.
//! Locks no pool while it holds a lock of its own, because pools ask it while they hold theirs.

use std::cmp::Reverse;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::Semaphore;

use super::Pool;

/// Function zygotes that are made at a time, for each processor: more would only make each other late.
const BOOTS_PER_PROCESSOR: usize = 2;

/// For so long an instance is idle between two callers, and not because nobody needs it.
const MOMENT: Duration = Duration::from_secs(1);

/// A count with a bound, shared by all pools.
#[derive(Debug)]
pub(crate) struct Capacity {
    live: AtomicUsize,
    max: usize,
    zygotes_max: usize,
    /// Pools whose callers wait for room.
    hungry: Mutex<Vec<Hungry>>,
    /// Their number, to be looked at without the lock.
    hungry_len: AtomicUsize,
    pools: Mutex<Vec<Weak<Pool>>>,
    boots: Arc<Semaphore>,
    /// Whether the machine is short of memory.
    is_short: AtomicBool,
}

/// A pool that could use one more instance.
#[derive(Debug)]
struct Hungry {
    pool: Weak<Pool>,
    /// How many it had when it asked.
    live: usize,
}

impl Capacity {
    /// Room for `max` instances, and for about `zygotes_max` function zygotes.
    pub(crate) fn new(max: usize, zygotes_max: usize) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            live: AtomicUsize::new(0),
            max,
            zygotes_max,
            hungry: Mutex::default(),
            hungry_len: AtomicUsize::new(0),
            pools: Mutex::default(),
            boots: Arc::new(Semaphore::new(BOOTS_PER_PROCESSOR * processors)),
            is_short: AtomicBool::new(false),
        }
    }

    /// Turns to make a function zygote.
    pub(crate) fn boots(&self) -> Arc<Semaphore> {
        Arc::clone(&self.boots)
    }

    /// Instances that live now.
    pub(crate) fn live(&self) -> usize {
        self.live.load(Ordering::Relaxed)
    }

    /// Pools whose callers wait for room.
    pub(crate) fn hungry(&self) -> usize {
        self.hungry_len.load(Ordering::Relaxed)
    }

    /// Whether there is something left for what nobody has asked for yet.
    pub(super) fn has_to_spare(&self) -> bool {
        self.hungry() == 0 && !self.is_short.load(Ordering::Relaxed)
    }

    /// Notes whether the machine is short of memory. While it is, nothing is forked ahead of demand.
    pub(crate) fn set_short(&self, is_short: bool) {
        self.is_short.store(is_short, Ordering::Relaxed);
    }

    /// Knows a pool from now on.
    pub(super) fn enter(&self, pool: &Arc<Pool>) {
        lock(&self.pools).push(Arc::downgrade(pool));
    }

    /// Takes room for one instance, if there is any.
    pub(super) fn take(&self) -> bool {
        let grow = |live| (live < self.max).then_some(live + 1);
        self.live
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, grow)
            .is_ok()
    }

    /// Puts room back without a look at who could use it: for those who hold a pool's lock.
    pub(super) fn put_back(&self) {
        self.live.fetch_sub(1, Ordering::AcqRel);
    }

    /// Gives the room of one instance to whoever has the fewest and waits, or back. Not to be called with a pool's lock.
    pub(super) fn give_back(&self) {
        while let Some(pool) = self.pop_hungriest() {
            if pool.offer_room() {
                return;
            }
        }
        self.put_back();
    }

    /// Notes that a pool's callers wait for room. Whoever calls this calls [`Self::relieve`] once it has no lock any more.
    pub(super) fn ask(&self, pool: &Arc<Pool>, live: usize) {
        let pool = Arc::downgrade(pool);
        let mut hungry = lock(&self.hungry);
        hungry.push(Hungry { pool, live });
        self.hungry_len.store(hungry.len(), Ordering::Release);
    }

    /// How many instances the hungry pool has that has the fewest; `None` while there is room for all.
    pub(super) fn hungriest(&self) -> Option<usize> {
        if self.hungry() == 0 {
            return None;
        }
        lock(&self.hungry).iter().map(|hungry| hungry.live).min()
    }

    /// Gives what room there is to those who wait for it, then that of instances that nobody uses.
    pub(crate) fn relieve(&self) {
        self.settle();
        while self.hungry() > 0 && self.evict() {}
    }

    /// Room that became free while nobody looked.
    fn settle(&self) {
        while self.hungry() > 0 && self.take() {
            self.give_back();
        }
    }

    /// Ends the instances that were idle longest, one of each pool at most, as long as somebody needs their room. Whether
    /// any was ended.
    fn evict(&self) -> bool {
        let mut has_ended = false;
        for ((idle_for, live), pool) in self.idle_longest_first() {
            let Some(theirs) = self.hungriest() else {
                break;
            };
            if idle_for >= MOMENT || live > theirs {
                has_ended |= pool.end_oldest();
            }
        }
        has_ended
    }

    /// Pools with an instance that may be ended, and what [`Pool::idle_longest`] says of each; the longest idle first.
    pub(super) fn idle_longest_first(&self) -> Vec<((Duration, usize), Arc<Pool>)> {
        let pools = self.pools().into_iter();
        let mut idle: Vec<_> = pools
            .filter_map(|pool| Some((pool.idle_longest()?, pool)))
            .collect();
        idle.sort_by_key(|((idle_for, _), _)| Reverse(*idle_for));
        idle
    }

    /// Ends function zygotes beyond their number that serve nobody, those first that have not for longest.
    pub(super) fn trim_zygotes(&self) {
        let has_zygote = |pool: &&Arc<Pool>| pool.zygote().present().is_some();
        let count = self.pools().iter().filter(has_zygote).count();
        let over = count.saturating_sub(self.zygotes_max);
        if over == 0 {
            return;
        }
        for pool in self.resting().iter().take(over) {
            pool.let_zygote_go();
        }
    }

    /// Pools with a zygote that serves nobody; those that rest longest first.
    pub(super) fn resting(&self) -> Vec<Arc<Pool>> {
        let mut resting: Vec<_> = self
            .pools()
            .into_iter()
            .filter(|pool| pool.zygote().present().is_some())
            .filter_map(|pool| Some((pool.rests_since()?, pool)))
            .collect();
        resting.sort_by_key(|(since, _)| *since);
        resting.into_iter().map(|(_, pool)| pool).collect()
    }

    /// All pools that are still there.
    fn pools(&self) -> Vec<Arc<Pool>> {
        let mut pools = lock(&self.pools);
        pools.retain(|pool| pool.strong_count() > 0);
        pools.iter().filter_map(Weak::upgrade).collect()
    }

    /// Of those that have equally few, the one that asked first.
    fn pop_hungriest(&self) -> Option<Arc<Pool>> {
        if self.hungry() == 0 {
            return None;
        }
        let mut hungry = lock(&self.hungry);
        loop {
            let (index, _) = hungry
                .iter()
                .enumerate()
                .min_by_key(|(_, hungry)| hungry.live)?;
            let found = hungry.remove(index).pool.upgrade();
            self.hungry_len.store(hungry.len(), Ordering::Release);
            if found.is_some() {
                return found;
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
