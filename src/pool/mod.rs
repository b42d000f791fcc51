//! The instances of one version: who is idle, who waits, and who may be forked.
//!
//! ```text
//!                 ┌────────────── give back ──────────────┐
//!  acquire ─► idle (last in, first out) ─► lease ─► serve ─┤
//!          ─► parked ────────────────────► lease           └─► dropped: killed, its room goes to the first waiter
//!          ─► permit ─► fork ────────────► lease            (so many at a time, see `starts.rs`)
//!          ─► queue (bounded, with a deadline) ─► lease or permit
//!                └─ more come than can be served: told at once
//! ```
//! Where a process serves several invocations at once, each of its seats is an instance here, and its room is counted once.
//! The state is written here alone, under one short lock that is never held across an await; what to do is decided by
//! `policy.rs`. A hop to a task of its own would cost a wake-up for each invocation.
//! Where the platform has no room for another instance, the pool is hungry: `capacity.rs` knows all that are, and gives each
//! its part (`room.rs`).
//! Knows nothing of HTTP, and of invocations only that they need an instance.

mod capacity;
mod in_use;
mod lease;
mod park;
mod policy;
mod refresh;
mod room;
mod scarce;
mod settings;
mod share;
mod starts;
mod state;
mod tend;
mod waiters;
mod zygote_slot;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot::Receiver;

pub(crate) use capacity::Capacity;
pub(crate) use in_use::InUse;
pub(crate) use lease::{Grant, Lease, Permit};
pub(crate) use policy::Bounds;
use policy::Decision;
#[cfg(feature = "fuzzing")]
pub(crate) use policy::{Snapshot, decide, to_park};
pub(crate) use settings::PoolSettings;
pub use settings::{Isolation, PoolError};
pub(crate) use starts::starts_max;
use state::{State, take_nearest};
use waiters::{Granted, Queue, Turned};
pub(crate) use zygote_slot::{Bundle, Ensured, Found, Times, ZygoteSlot};

use crate::instance::{Instance, Seats};
use crate::invocation::StartKind;
use crate::zygote::ZygoteError;

/// The instances of one version.
#[derive(Debug)]
pub(crate) struct Pool {
    settings: PoolSettings,
    zygote: ZygoteSlot,
    capacity: Arc<Capacity>,
    state: Mutex<State>,
}

/// What [`Pool::acquire`] does outside the lock.
enum Next {
    Go(Grant),
    Wait(Receiver<Granted>),
    /// The same, and the platform has to look for room.
    Hungry(Receiver<Granted>),
    Fail(PoolError),
}

impl Pool {
    /// An empty pool over a version's zygote.
    pub(crate) fn new(
        settings: PoolSettings,
        zygote: ZygoteSlot,
        capacity: Arc<Capacity>,
    ) -> Arc<Self> {
        let pool = Arc::new(Self {
            state: Mutex::new(State::new(settings.tolerance, settings.steering)),
            settings,
            zygote,
            capacity,
        });
        pool.capacity.enter(&pool);
        pool
    }

    /// Gets an instance, or the permission to fork one.
    pub(crate) async fn acquire(self: &Arc<Self>) -> Result<Grant, PoolError> {
        let granted = match self.next() {
            Next::Go(grant) => return Ok(grant),
            Next::Fail(error) => return Err(error),
            Next::Wait(granted) => granted,
            Next::Hungry(granted) => {
                self.capacity.relieve();
                granted
            }
        };
        let patience = self.patience();
        match tokio::time::timeout(patience, granted).await {
            Ok(Ok(granted)) => granted,
            Ok(Err(_)) => Err(PoolError::Retired),
            Err(_) if self.lock().live < self.settings.bounds.instances_max => {
                Err(PoolError::PlatformFull)
            }
            Err(_) => Err(PoolError::QueueTimeout(patience)),
        }
    }

    /// The zygote to fork from, made now if there is none. If there are too many of them then, one that nobody needs ends.
    pub(crate) async fn zygote_to_fork(&self) -> Result<Found, ZygoteError> {
        let found = self.zygote.get().await?;
        if found.booted.is_some() {
            self.capacity.trim_zygotes();
        }
        Ok(found)
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
            (state.waiters.take_all(), instances)
        };
        drop(waiting);
        for instance in instances {
            self.discard(instance);
        }
    }

    /// Serves again, after [`Self::retire`].
    pub(crate) fn revive(&self) {
        let mut state = self.lock();
        (state.retired, state.rests_since) = (false, Instant::now());
    }

    /// How long a caller may wait; where the zygote is still being made, that comes on top.
    fn patience(&self) -> Duration {
        let making = match self.zygote.present() {
            Some(_) => Duration::ZERO,
            None => self.zygote.load_limit(),
        };
        self.settings.queue_timeout.saturating_add(making)
    }

    fn next(self: &Arc<Self>) -> Next {
        let mut state = self.lock();
        if state.retired {
            return Next::Fail(PoolError::Retired);
        }
        let next = self.choose(&mut state);
        state.note_arrival(self.settings.concurrency);
        next
    }

    fn choose(self: &Arc<Self>, state: &mut State) -> Next {
        loop {
            match policy::decide(state.snapshot(), self.settings.bounds) {
                Decision::Reuse => {
                    let idle = take_nearest(&mut state.idle);
                    if let Some(lease) = self.lease_of_living(idle, StartKind::Warm, state) {
                        return Next::Go(Grant::Ready(lease));
                    }
                }
                Decision::TakeParked => {
                    let parked = state.parked.pop();
                    if let Some(lease) = self.lease_of_living(parked, StartKind::Parked, state) {
                        let lease = self.share(lease, None, state);
                        return Next::Go(Grant::Ready(lease));
                    }
                }
                // Nobody overtakes those who wait for the platform's room.
                Decision::Fork if state.hungry => return self.wait(state),
                Decision::Fork => match self.permit(state) {
                    Some(grant) => return Next::Go(grant),
                    None => return self.wait(state),
                },
                Decision::Wait => return self.wait(state),
            }
        }
    }

    /// Why a caller would be refused now, if so; then it is. Asked before anything is read that the caller sends.
    pub(crate) fn turn_away(&self) -> Option<PoolError> {
        let mut state = self.lock();
        let decision = policy::decide(state.snapshot(), self.settings.bounds);
        if state.retired || decision != Decision::Wait {
            return None;
        }
        let (queue, is_short) = self.queue(&state);
        let turned = state.waiters.turn_away(queue)?;
        state.note_arrival(self.settings.concurrency);
        Some(self.told(turned, queue, is_short))
    }

    /// Queues a caller, unless too many wait.
    fn wait(self: &Arc<Self>, state: &mut State) -> Next {
        let (queue, is_short) = self.queue(state);
        match state.waiters.arrive(queue) {
            Ok(granted) if is_short && self.get_hungry(state) => Next::Hungry(granted),
            Ok(granted) => Next::Wait(granted),
            Err(turned) => Next::Fail(self.told(turned, queue, is_short)),
        }
    }

    /// The queue as a caller finds it, and whether it is for want of room on the platform.
    fn queue(&self, state: &State) -> (Queue, bool) {
        let Bounds {
            instances_max,
            waiters_max,
            ..
        } = self.settings.bounds;
        // Who waits for a seat of a process that is being forked, or for a turn to fork, needs no room.
        let awaits_seat = state.waiters.len() < state.coming;
        let may_start = self.settings.bounds.may_start(state.snapshot());
        let is_short = !awaits_seat && may_start && state.live < instances_max;
        let over = match is_short {
            true => PoolError::PlatformFull,
            false => PoolError::Overloaded { instances_max },
        };
        let queue = Queue {
            waiting_max: waiters_max,
            working: (state.live - state.filling) * self.settings.concurrency,
            over,
        };
        (queue, is_short)
    }

    /// What a caller is told who need not wait.
    fn told(&self, turned: Turned, queue: Queue, is_short: bool) -> PoolError {
        match turned {
            Turned::Full if !is_short => PoolError::QueueFull {
                instances_max: self.settings.bounds.instances_max,
                waiters_max: queue.waiting_max,
            },
            Turned::Full | Turned::Overloaded => queue.over,
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
            if instance.seats().is_none_or(Seats::leave) {
                state.lose_one();
                self.capacity.put_back();
            }
            return None;
        }
        let permit = Permit::of(self, &instance);
        Some(Lease::new(instance, permit, kind))
    }

    fn permit(self: &Arc<Self>, state: &mut State) -> Option<Grant> {
        self.capacity.take().then(|| {
            state.live += 1;
            Grant::Permit(self.promise(state))
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
