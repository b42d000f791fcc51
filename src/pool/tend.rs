//! What a pool does now and then, and what it tells people about itself.

use std::collections::HashSet;
use std::sync::Arc;

use super::{Pool, policy};
use crate::instance::Instance;

/// Figures of a pool for people.
#[derive(Debug)]
pub(crate) struct Census {
    /// Process ids of idle instances.
    pub(crate) idle: Vec<i32>,
    /// Process ids of parked instances.
    pub(crate) parked: Vec<i32>,
    /// All instances there are or will be.
    pub(crate) live: usize,
    /// Callers who wait.
    pub(crate) waiting: usize,
    /// Whether callers are refused because more come than can be served.
    pub(crate) overloaded: bool,
}

impl Pool {
    /// Looks after instances, and has the zygote made anew if it is due. Called now and then.
    pub(crate) fn tend(self: &Arc<Self>) {
        self.tend_instances();
        self.refresh_if_due();
    }

    /// Lets go of instances that died, were idle for too long or are of an old zygote, and parks new ones where some are
    /// missing.
    pub(super) fn tend_instances(self: &Arc<Self>) {
        let expired = self.take_expired();
        for instance in expired {
            self.discard(instance);
        }
        self.refill();
    }

    /// Figures for people: instances, with process ids, and who waits for one.
    pub(crate) fn census(&self) -> Census {
        let state = self.lock();
        let pids = |instances: &[Instance]| {
            let idle = instances.iter().filter(|instance| instance.is_idle());
            let mut pids: Vec<i32> = idle.filter_map(Instance::pid).collect();
            // Seats of one process come in one after another, but are used in any order.
            let mut seen = HashSet::new();
            pids.retain(|pid| seen.insert(*pid));
            pids
        };
        Census {
            idle: pids(&state.idle),
            parked: pids(&state.parked),
            live: state.live,
            waiting: state.waiters.count(),
            overloaded: state.waiters.is_overloaded(),
        }
    }

    fn take_expired(&self) -> Vec<Instance> {
        let mut state = self.lock();
        let mut may_expire = policy::may_expire(state.snapshot(), self.settings.bounds);
        let idle_timeout = self.settings.idle_timeout;
        // Processes that are let go, with all their seats.
        let mut old = HashSet::new();
        // The oldest are at the front.
        let mut expired: Vec<Instance> = state
            .idle
            .extract_if(.., |instance| {
                if may_expire > 0
                    && instance.idle_for() >= idle_timeout
                    && old.insert(instance.id())
                {
                    may_expire -= 1;
                }
                old.contains(&instance.id()) || !instance.is_usable()
            })
            .collect();
        expired.extend(
            state
                .parked
                .extract_if(.., |instance| !instance.is_usable()),
        );
        expired
    }
}
