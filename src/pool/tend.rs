//! What a pool does now and then, and what it tells people about itself.

use std::collections::HashSet;
use std::sync::Arc;

use super::{Pool, policy};
use crate::instance::Instance;
use crate::scaling::{Sample, Steering};

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
    /// Looks after instances, ends the zygote if it was not needed for long, and has it made anew if it is due. Called now
    /// and then.
    pub(crate) fn tend(self: &Arc<Self>) {
        self.tend_instances();
        self.let_old_zygote_go();
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

    fn let_old_zygote_go(&self) {
        let rests = || self.rests_since().map(|since| since.elapsed());
        if let Some(age) = self.settings.zygote_idle
            && rests().is_some_and(|rested| rested >= age)
        {
            self.let_zygote_go();
        }
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

    /// What came since this was last asked, and how it stands.
    pub(crate) fn take_sample(&self) -> Sample {
        let mut state = self.lock();
        Sample {
            live: state.live,
            busy: state.busy(self.settings.concurrency),
            busy_peak: std::mem::take(&mut state.busy_peak),
            waiting: state.waiters.len(),
            arrivals: std::mem::take(&mut state.arrivals),
            ..Sample::default()
        }
    }

    /// Tells what to have and to keep from now on. What is missing is seen to when the pool is tended.
    pub(crate) fn steer(&self, steering: Steering) {
        self.lock().steering = steering;
    }

    fn take_expired(&self) -> Vec<Instance> {
        let mut state = self.lock();
        let Steering {
            floor,
            hold,
            keep,
            spare,
        } = state.steering;
        let now = state.snapshot();
        let (idle_max, parked_max) = policy::may_expire(now, self.settings.bounds, floor.max(hold));
        // Processes that are let go, with all their seats.
        let mut gone = HashSet::new();
        // The oldest are at the front; of those that live, one after the other is the one too many.
        let is_over = |instance: &mut Instance| {
            let is_one_too_many = gone.len() < idle_max
                && instance.idle_for() >= keep.of(now.live.saturating_sub(gone.len()));
            if is_one_too_many {
                gone.insert(instance.id());
            }
            gone.contains(&instance.id()) || !instance.is_usable()
        };
        let mut expired: Vec<Instance> = state.idle.extract_if(.., is_over).collect();
        let mut parked_max = parked_max;
        let is_over = |instance: &mut Instance| {
            let is_one_too_many = parked_max > 0 && instance.idle_for() >= spare;
            parked_max -= usize::from(is_one_too_many);
            is_one_too_many || !instance.is_usable()
        };
        expired.extend(state.parked.extract_if(.., is_over));
        expired
    }
}
