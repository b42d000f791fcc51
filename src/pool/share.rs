//! Processes that serve several invocations at once: how their seats come in, and how they go.

use std::sync::Arc;

use super::state::State;
use super::{Grant, Lease, Permit, Pool};
use crate::instance::{Instance, Seats, Terms};
use crate::invocation::StartKind;
use crate::telemetry::Journal;

impl Pool {
    /// Makes all seats of a process that was just forked for one caller, who keeps the first: the others go to those who
    /// wait, or become idle. `first` is where the lines of the invocation go that was sent ahead.
    pub(crate) fn seat(self: &Arc<Self>, lease: Lease, first: &Journal) -> Lease {
        if self.settings.concurrency == 1 {
            return lease;
        }
        self.share(lease, Some(first), &mut self.lock())
    }

    pub(super) fn share(
        self: &Arc<Self>,
        lease: Lease,
        first: Option<&Journal>,
        state: &mut State,
    ) -> Lease {
        let count = self.settings.concurrency;
        if count == 1 {
            return lease;
        }
        let (instance, mut permit, kind) = lease.into_parts();
        state.coming -= permit.take_promised();
        let terms = Terms {
            journal: &self.settings.journal,
            first,
            response_len_max: self.settings.response_len_max,
        };
        let (own, others) = instance.into_seats(count, terms);
        // The room is that of all seats from now on.
        permit.defuse();
        let permit = Permit::of(self, &own);
        for seat in others {
            self.add_seat(seat, state);
        }
        Lease::new(own, permit, kind)
    }

    fn add_seat(self: &Arc<Self>, seat: Instance, state: &mut State) {
        if state.retired {
            let seats = seat.seats().cloned();
            drop(seat);
            // It is not the last: the caller has one.
            let _ = seats.map(|seats| seats.leave());
            return;
        }
        let permit = Permit::of(self, &seat);
        let lease = Lease::new(seat, permit, StartKind::Warm);
        if let Err(Grant::Ready(lease)) = state.waiters.hand(Grant::Ready(lease)) {
            state.idle.push(lease.into_instance());
        }
    }

    /// Room for a process that is to be forked.
    pub(super) fn promise(self: &Arc<Self>, state: &mut State) -> Permit {
        let promised = self.settings.concurrency - 1;
        state.coming += promised;
        state.starting += 1;
        Permit::promising(self, promised)
    }

    /// A caller is done with an instance that is not used again, or with the permission to make one.
    pub(super) fn give_up(self: &Arc<Self>, seats: Option<&Seats>, promised: usize) {
        match seats {
            Some(seats) if !seats.leave() => self.drop_spent_seats(),
            _ => self.release_room(promised),
        }
    }

    /// A process that serves no more is killed with its last seat, so those that nobody uses go at once.
    fn drop_spent_seats(self: &Arc<Self>) {
        let is_spent = |instance: &mut Instance| instance.seats().is_some() && instance.is_spent();
        let spent: Vec<Instance> = self.lock().idle.extract_if(.., is_spent).collect();
        for seat in spent {
            self.discard(seat);
        }
    }
}
