//! Guards that keep a pool's count true: whatever happens to a caller, room and instance are given back once.

use std::sync::Arc;
use std::time::Duration;

use super::starts::Start;
use super::state::State;
use super::{Isolation, Pool};
use crate::instance::{Instance, Seats};
use crate::invocation::StartKind;
use crate::zygote::Process;

/// How long an answer may need to reach its caller.
const DISCARD_DELAY: Duration = Duration::from_millis(2);

/// What a caller gets from a pool.
#[derive(Debug)]
pub(crate) enum Grant {
    /// An instance to use.
    Ready(Lease),
    /// Room for an instance, which the caller has to fork.
    Permit(Permit),
}

/// Room for one instance. Dropped, it goes to the first waiter.
#[derive(Debug)]
pub(crate) struct Permit {
    pool: Option<Arc<Pool>>,
    /// Set when it is shared with other seats of the same process; the last of them gives it back.
    seats: Option<Seats>,
    /// Seats that waiters count on, until there is a process.
    promised: usize,
    /// The turn to fork it, until that is done.
    start: Option<Start>,
}

impl Permit {
    /// For a process that is to be forked, and will have so many seats beside the first.
    pub(super) fn promising(pool: &Arc<Pool>, promised: usize) -> Self {
        Self {
            pool: Some(Arc::clone(pool)),
            seats: None,
            promised,
            start: Some(Start::of(pool)),
        }
    }

    /// That of an instance which is there.
    pub(super) fn of(pool: &Arc<Pool>, instance: &Instance) -> Self {
        Self {
            pool: Some(Arc::clone(pool)),
            seats: instance.seats().cloned(),
            promised: 0,
            start: None,
        }
    }

    /// Takes the promise back: there is a process, or it is known that there will be none.
    pub(super) fn take_promised(&mut self) -> usize {
        std::mem::take(&mut self.promised)
    }

    /// The zygote was told to fork this process: the turn is over once it has.
    pub(crate) fn told(&mut self, process: &Arc<Process>) {
        if let Some(start) = self.start.take() {
            start.until_settled(Arc::clone(process));
        }
    }

    /// Takes back what was given with it, under the pool's lock: nobody was there to have it. The room stays counted.
    pub(super) fn take_back(mut self, state: &mut State) {
        state.coming -= self.take_promised();
        if let Some(start) = self.start.take() {
            start.take_back(state);
        }
        self.defuse();
    }

    /// Gives up the guard but not the room: it stays counted.
    pub(super) fn defuse(mut self) {
        self.pool = None;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(pool) = self.pool.take() {
            pool.give_up(self.seats.as_ref(), self.promised);
        }
    }
}

/// An instance that serves one caller. Dropped before [`Lease::finish`], the instance is killed: it may still be busy.
#[derive(Debug)]
pub(crate) struct Lease {
    // Dropped in this order: first the process, then its room.
    instance: Instance,
    permit: Permit,
    kind: StartKind,
}

impl Lease {
    /// A lease on an instance that was just made or found.
    pub(crate) fn new(instance: Instance, permit: Permit, kind: StartKind) -> Self {
        Self {
            instance,
            permit,
            kind,
        }
    }

    /// The instance.
    pub(crate) fn instance(&mut self) -> &mut Instance {
        &mut self.instance
    }

    /// Whether the instance serves no more.
    pub(super) fn is_spent(&self) -> bool {
        self.instance.is_spent()
    }

    /// How the instance came to be.
    pub(crate) fn kind(&self) -> StartKind {
        self.kind
    }

    /// Ends the use of an instance that is healthy and silent: it is kept or killed as the function's isolation wants.
    pub(crate) fn finish(self) {
        let Some(pool) = self.permit.pool.clone() else {
            return;
        };
        match pool.isolation() {
            Isolation::Instance if !self.is_spent() => {
                let took_parked = self.kind == StartKind::Parked;
                pool.give_back(self);
                if took_parked {
                    pool.refill();
                }
            }
            _ => self.discard(),
        }
    }

    /// Ends an instance that must not be used again, and forks another ahead of demand if one is wanted. Both keep a
    /// processor busy inside the kernel, so they wait until the caller has the answer, unless somebody waits for room.
    pub(crate) fn discard(self) {
        tokio::spawn(async move {
            let pool = self.permit.pool.clone();
            if !pool.as_ref().is_some_and(|pool| pool.is_wanted()) {
                tokio::time::sleep(DISCARD_DELAY).await;
            }
            drop(self);
            tokio::time::sleep(DISCARD_DELAY).await;
            if let Some(pool) = pool {
                pool.refill();
            }
        });
    }

    pub(super) fn into_warm(self) -> Self {
        Self {
            kind: StartKind::Warm,
            ..self
        }
    }

    pub(super) fn into_instance(self) -> Instance {
        self.permit.defuse();
        self.instance
    }

    pub(super) fn into_parts(self) -> (Instance, Permit, StartKind) {
        (self.instance, self.permit, self.kind)
    }
}
