//! The instances of one version: who is idle, who waits, and who may be forked.
//!
//! ```text
//!                 ┌────────────── give back ──────────────┐
//!  acquire ─► idle (last in, first out) ─► lease ─► serve ─┤
//!          ─► parked ────────────────────► lease           └─► dropped: killed, its room goes to the first waiter
//!          ─► permit ─► fork ────────────► lease
//!          ─► queue (bounded, with a deadline) ─► lease or permit
//! ```
//! The state is written here alone, under one short lock that is never held across an await; what to do is decided by
//! `policy.rs`. A hop to a task of its own would cost a wake-up for each invocation.
//! Knows nothing of HTTP, and of invocations only that they need an instance.

mod capacity;
mod lease;
mod park;
mod policy;
mod refresh;
mod settings;
mod tend;
mod zygote_slot;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

pub(crate) use capacity::Capacity;
pub(crate) use lease::{Grant, Lease, Permit};
pub(crate) use policy::Bounds;
use policy::{Decision, Snapshot};
pub(crate) use settings::PoolSettings;
pub use settings::{Isolation, PoolError};
pub(crate) use zygote_slot::{Bundle, Ensured, Found, Times, ZygoteSlot};

use crate::instance::Instance;
use crate::invocation::StartKind;
use crate::packet_socket::Home;

/// The instances of one version.
#[derive(Debug)]
pub(crate) struct Pool {
    settings: PoolSettings,
    zygote: ZygoteSlot,
    capacity: Arc<Capacity>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Last in, first out: the one that served last is the warmest, and the others grow old enough to be let go.
    idle: Vec<Instance>,
    parked: Vec<Instance>,
    filling: usize,
    live: usize,
    waiters: VecDeque<oneshot::Sender<Grant>>,
    retired: bool,
}

impl State {
    fn snapshot(&self) -> Snapshot {
        Snapshot {
            idle: self.idle.len(),
            parked: self.parked.len(),
            filling: self.filling,
            live: self.live,
            waiting: self.waiters.len(),
        }
    }
}

/// What [`Pool::acquire`] does outside the lock.
enum Next {
    Go(Grant),
    Wait(oneshot::Receiver<Grant>),
    Fail(PoolError),
}

impl Pool {
    /// An empty pool over a version's zygote.
    pub(crate) fn new(
        settings: PoolSettings,
        zygote: ZygoteSlot,
        capacity: Arc<Capacity>,
    ) -> Arc<Self> {
        Arc::new(Self {
            settings,
            zygote,
            capacity,
            state: Mutex::default(),
        })
    }

    /// Gets an instance, or the permission to fork one.
    pub(crate) async fn acquire(self: &Arc<Self>) -> Result<Grant, PoolError> {
        match self.next() {
            Next::Go(grant) => Ok(grant),
            Next::Fail(error) => Err(error),
            Next::Wait(granted) => {
                match tokio::time::timeout(self.settings.queue_timeout, granted).await {
                    Ok(Ok(grant)) => Ok(grant),
                    Ok(Err(_)) => Err(PoolError::Retired),
                    Err(_) => Err(PoolError::QueueTimeout(self.settings.queue_timeout)),
                }
            }
        }
    }

    /// Whether callers are in the queue.
    fn has_waiters(&self) -> bool {
        !self.lock().waiters.is_empty()
    }

    /// The zygote of this version.
    pub(crate) fn zygote(&self) -> &ZygoteSlot {
        &self.zygote
    }

    /// Whether instances are reused.
    pub(crate) fn isolation(&self) -> Isolation {
        self.settings.isolation
    }

    /// Serves nobody any more: idle instances end now, busy ones when they are done.
    pub(crate) fn retire(self: &Arc<Self>) {
        let (waiting, instances) = {
            let mut state = self.lock();
            state.retired = true;
            let mut instances = std::mem::take(&mut state.idle);
            instances.append(&mut state.parked);
            (std::mem::take(&mut state.waiters), instances)
        };
        drop(waiting);
        for instance in instances {
            self.discard(instance);
        }
    }

    /// Serves again, after [`Self::retire`].
    pub(crate) fn revive(&self) {
        self.lock().retired = false;
    }

    fn next(self: &Arc<Self>) -> Next {
        let mut state = self.lock();
        if state.retired {
            return Next::Fail(PoolError::Retired);
        }
        loop {
            match policy::decide(state.snapshot(), self.settings.bounds) {
                Decision::Reuse => {
                    let idle = take_nearest(&mut state.idle);
                    if let Some(lease) = self.lease_of_living(idle, StartKind::Warm, &mut state) {
                        return Next::Go(Grant::Ready(lease));
                    }
                }
                Decision::TakeParked => {
                    let parked = state.parked.pop();
                    if let Some(lease) = self.lease_of_living(parked, StartKind::Parked, &mut state)
                    {
                        return Next::Go(Grant::Ready(lease));
                    }
                }
                Decision::Fork => {
                    return self
                        .permit(&mut state)
                        .map_or(Next::Fail(PoolError::PlatformFull), Next::Go);
                }
                Decision::Wait => {
                    let (grant, granted) = oneshot::channel();
                    state.waiters.push_back(grant);
                    return Next::Wait(granted);
                }
                Decision::Reject if forget_gone_waiters(&mut state) => {}
                Decision::Reject => {
                    let Bounds {
                        instances_max,
                        waiters_max,
                        ..
                    } = self.settings.bounds;
                    return Next::Fail(PoolError::QueueFull {
                        instances_max,
                        waiters_max,
                    });
                }
            }
        }
    }

    /// `None` when the instance died, or spoke unasked, while it waited; it is killed, and its room is free again.
    fn lease_of_living(
        self: &Arc<Self>,
        instance: Option<Instance>,
        kind: StartKind,
        state: &mut State,
    ) -> Option<Lease> {
        let instance = instance?;
        if !instance.is_usable() {
            state.live -= 1;
            self.capacity.give_back();
            return None;
        }
        Some(Lease::new(instance, Permit::new(self), kind))
    }

    fn permit(self: &Arc<Self>, state: &mut State) -> Option<Grant> {
        self.capacity.take().then(|| {
            state.live += 1;
            Grant::Permit(Permit::new(self))
        })
    }

    /// An instance is free: the first waiter gets it, or it becomes idle.
    fn give_back(self: &Arc<Self>, lease: Lease) {
        let mut state = self.lock();
        let Some(lease) = offer(&mut state, lease.into_warm()) else {
            return;
        };
        if state.retired || lease.is_replaced() {
            // Dropping the lease takes the lock again.
            drop(state);
            drop(lease);
            return;
        }
        let mut instance = lease.into_instance();
        instance.rest();
        state.idle.push(instance);
    }

    /// An instance that was forked ahead of demand is ready: the first waiter gets it, or it stays parked.
    fn add_parked(self: &Arc<Self>, instance: Instance) {
        let lease = Lease::new(instance, Permit::new(self), StartKind::Parked);
        let mut state = self.lock();
        state.filling -= 1;
        let Some(lease) = offer(&mut state, lease) else {
            return;
        };
        if state.retired || lease.is_replaced() {
            drop(state);
            drop(lease);
            return;
        }
        state.parked.push(lease.into_instance());
    }

    /// The room of an instance that is no more goes to the first waiter, or becomes free.
    fn release_room(self: &Arc<Self>) {
        let mut state = self.lock();
        while let Some(waiter) = state.waiters.pop_front() {
            match waiter.send(Grant::Permit(Permit::new(self))) {
                Ok(()) => return,
                Err(Grant::Permit(permit)) => permit.defuse(),
                Err(Grant::Ready(_)) => {}
            }
        }
        state.live -= 1;
        drop(state);
        self.capacity.give_back();
    }

    /// Kills an instance that the pool held, and frees its room.
    fn discard(self: &Arc<Self>, instance: Instance) {
        drop(instance);
        self.release_room();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The instance that served last on this thread, or else the one that served last at all.
fn take_nearest(idle: &mut Vec<Instance>) -> Option<Instance> {
    let here = Home::here();
    match idle.iter().rposition(|instance| instance.home() == here) {
        Some(index) => Some(idle.remove(index)),
        None => idle.pop(),
    }
}

/// Offers an instance to the waiters in their order; returns it when nobody waits any more.
fn offer(state: &mut State, mut lease: Lease) -> Option<Lease> {
    while let Some(waiter) = state.waiters.pop_front() {
        match waiter.send(Grant::Ready(lease)) {
            Err(Grant::Ready(returned)) => lease = returned,
            // A waiter is only ever offered what this function sent.
            Ok(()) | Err(Grant::Permit(_)) => return None,
        }
    }
    Some(lease)
}

/// Waiters whose callers went away take up no room in the queue. Whether any did.
fn forget_gone_waiters(state: &mut State) -> bool {
    let before = state.waiters.len();
    state.waiters.retain(|waiter| !waiter.is_closed());
    state.waiters.len() < before
}
