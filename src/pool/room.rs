//! Where the room of an instance goes when it is free: to the pool's own callers, to those of another pool that has fewer
//! instances, or back to the platform.
//!
//! Whatever may end in another pool's lock happens without this one's.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::lease::{Grant, Lease, Permit};
use super::{Pool, State, policy};
use crate::instance::Instance;
use crate::invocation::StartKind;

impl Pool {
    /// Whether somebody waits for the room of an instance, here or elsewhere.
    pub(super) fn is_wanted(&self) -> bool {
        self.capacity.hungry() > 0 || !self.lock().waiters.is_empty()
    }

    /// An instance is free: the next caller gets it, or it becomes idle.
    pub(super) fn give_back(self: &Arc<Self>, lease: Lease) {
        self.give(lease.into_warm(), |state, mut instance| {
            instance.rest();
            state.idle.push(instance);
        });
    }

    /// An instance that was forked ahead of demand is ready: the next caller gets it, or it stays parked.
    pub(super) fn add_parked(self: &Arc<Self>, instance: Instance) {
        self.lock().filling -= 1;
        let lease = Lease::new(instance, Permit::new(self), StartKind::Parked);
        self.give(lease, |state, instance| state.parked.push(instance));
    }

    fn give(self: &Arc<Self>, lease: Lease, keep: impl FnOnce(&mut State, Instance)) {
        let mut state = self.lock();
        let lease = match self.yields(&state) {
            true => Err(Grant::Ready(lease)),
            false => state.waiters.hand(Grant::Ready(lease)),
        };
        let Err(Grant::Ready(lease)) = lease else {
            return;
        };
        if state.retired || lease.is_replaced() || self.yields(&state) {
            // Dropping the lease takes the lock again.
            drop(state);
            drop(lease);
            return;
        }
        keep(&mut state, lease.into_instance());
    }

    /// The room of an instance that is no more goes to the next caller, or becomes free.
    pub(super) fn release_room(self: &Arc<Self>) {
        let mut state = self.lock();
        if !self.yields(&state) {
            match state.waiters.hand(Grant::Permit(Permit::new(self))) {
                Ok(()) => return,
                Err(Grant::Permit(permit)) => permit.defuse(),
                Err(Grant::Ready(_)) => {}
            }
        }
        state.lose_one();
        if !state.waiters.is_empty() {
            self.get_hungry(&mut state);
        }
        drop(state);
        self.capacity.give_back();
    }

    /// Gives room that the platform has for this pool to its next caller. Whether there was one.
    pub(super) fn offer_room(self: &Arc<Self>) -> bool {
        let mut state = self.lock();
        state.hungry = false;
        if state.retired || state.live >= self.settings.bounds.instances_max {
            return false;
        }
        let is_taken = match state.waiters.hand(Grant::Permit(Permit::new(self))) {
            Ok(()) => true,
            Err(Grant::Permit(permit)) => {
                permit.defuse();
                false
            }
            Err(Grant::Ready(_)) => false,
        };
        state.live += usize::from(is_taken);
        if !state.waiters.is_empty() && state.live < self.settings.bounds.instances_max {
            self.get_hungry(&mut state);
        }
        is_taken
    }

    /// Tells the platform that callers wait for room. Whether it did not know.
    pub(super) fn get_hungry(self: &Arc<Self>, state: &mut State) -> bool {
        let is_new = !state.hungry;
        if is_new {
            state.hungry = true;
            self.capacity.ask(self, state.live);
        }
        is_new
    }

    /// How long the instance has been idle, or parked, that was so for longest and may be ended; and how many there are.
    pub(super) fn idle_longest(&self) -> Option<(Duration, usize)> {
        let state = self.lock();
        if state.live <= self.settings.bounds.instances_min {
            return None;
        }
        let oldest = [state.idle.first(), state.parked.first()];
        let longest = oldest.into_iter().flatten().map(Instance::idle_for).max();
        Some((longest?, state.live))
    }

    /// Ends that instance. Whether there was one.
    pub(super) fn end_oldest(self: &Arc<Self>) -> bool {
        let oldest = {
            let mut state = self.lock();
            if state.live <= self.settings.bounds.instances_min {
                return false;
            }
            match (!state.idle.is_empty(), !state.parked.is_empty()) {
                (true, _) => state.idle.remove(0),
                (false, true) => state.parked.remove(0),
                (false, false) => return false,
            }
        };
        self.discard(oldest);
        true
    }

    /// Since when no instance lives and nobody waits for one.
    pub(super) fn rests_since(&self) -> Option<Instant> {
        let state = self.lock();
        let rests = state.live == 0 && state.waiters.is_empty();
        rests.then_some(state.rests_since)
    }

    /// Ends the zygote, if it still serves nobody. Who wants it next makes a new one.
    pub(super) fn let_zygote_go(&self) {
        let state = self.lock();
        if state.live == 0 && state.waiters.is_empty() {
            self.zygote.rest();
        }
    }

    /// Kills an instance that the pool held, and frees its room.
    pub(super) fn discard(self: &Arc<Self>, instance: Instance) {
        drop(instance);
        self.release_room();
    }

    fn yields(&self, state: &State) -> bool {
        let hungriest = self.capacity.hungriest();
        policy::yields(state.snapshot(), self.settings.bounds, hungriest)
    }
}
