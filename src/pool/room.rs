//! Where the room of an instance goes when it is free: to the pool's own callers, to those of another pool that has fewer
//! instances, or back to the platform.
//!
//! Whatever may end in another pool's lock happens without this one's.

use std::sync::{Arc, MutexGuard};
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
        self.give(self.lock(), lease.into_warm(), |state, mut instance| {
            instance.rest();
            state.idle.push(instance);
        });
    }

    /// An instance that was forked ahead of demand is ready: the next caller gets it, or it stays parked.
    pub(super) fn add_parked(self: &Arc<Self>, instance: Instance) {
        let permit = Permit::of(self, &instance);
        let mut lease = Lease::new(instance, permit, StartKind::Parked);
        let mut state = self.lock();
        state.filling -= 1;
        if !state.waiters.is_empty() {
            lease = self.share(lease, None, &mut state);
        }
        self.give(state, lease, |state, instance| match instance.seats() {
            None => state.parked.push(instance),
            // There were waiters, but fewer than seats.
            Some(_) => state.idle.push(instance),
        });
    }

    fn give(
        self: &Arc<Self>,
        mut state: MutexGuard<'_, State>,
        lease: Lease,
        keep: impl FnOnce(&mut State, Instance),
    ) {
        let lease = match self.yields(&state) {
            true => Err(Grant::Ready(lease)),
            false => state.waiters.hand(Grant::Ready(lease)),
        };
        let Err(Grant::Ready(lease)) = lease else {
            return;
        };
        if state.retired || lease.is_spent() || self.yields(&state) {
            // Dropping the lease takes the lock again.
            drop(state);
            drop(lease);
            return;
        }
        keep(&mut state, lease.into_instance());
    }

    /// The room of an instance that is no more goes to the next caller, or becomes free. `promised` seats will not come.
    pub(super) fn release_room(self: &Arc<Self>, promised: usize) {
        let mut state = self.lock();
        state.coming -= promised;
        if !self.yields(&state) && self.hand_permit(&mut state) {
            return;
        }
        state.lose_one();
        if !state.waiters.is_empty() {
            self.get_hungry(&mut state);
        }
        drop(state);
        self.capacity.give_back();
    }

    /// Gives the room of an instance to the next caller. Whether there was one.
    pub(super) fn hand_permit(self: &Arc<Self>, state: &mut State) -> bool {
        let permit = self.promise(state);
        match state.waiters.hand(Grant::Permit(permit)) {
            Ok(()) => true,
            Err(Grant::Permit(permit)) => {
                permit.take_back(state);
                false
            }
            Err(Grant::Ready(_)) => false,
        }
    }

    /// Gives room that the platform has for this pool to its next caller. Whether there was one.
    pub(super) fn offer_room(self: &Arc<Self>) -> bool {
        let mut state = self.lock();
        state.hungry = false;
        if state.retired || state.live >= self.settings.bounds.instances_max {
            return false;
        }
        let is_taken = self.hand_permit(&mut state);
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

    /// Ends that instance, with all its seats. Whether there was one.
    pub(super) fn end_oldest(self: &Arc<Self>) -> bool {
        let ended: Vec<Instance> = {
            let mut state = self.lock();
            if state.live <= self.settings.bounds.instances_min {
                return false;
            }
            let State { idle, parked, .. } = &mut *state;
            let resting = if idle.is_empty() { parked } else { idle };
            let Some(oldest) = resting.first().map(Instance::id) else {
                return false;
            };
            resting
                .extract_if(.., |instance| instance.id() == oldest)
                .collect()
        };
        for instance in ended {
            self.discard(instance);
        }
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

    /// Gives up an instance that the pool held: it is killed, unless it is a seat and another is held, and its room is
    /// free.
    pub(super) fn discard(self: &Arc<Self>, instance: Instance) {
        let seats = instance.seats().cloned();
        drop(instance);
        if seats.is_none_or(|seats| seats.leave()) {
            self.release_room(0);
        }
    }

    fn yields(&self, state: &State) -> bool {
        let hungriest = self.capacity.hungriest();
        policy::yields(state.snapshot(), self.settings.bounds, hungriest)
    }
}
