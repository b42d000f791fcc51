//! The state of a pool. Knows no lock.

use std::time::Instant;

use super::policy::Snapshot;
use super::waiters::Waiters;
use crate::admission::Tolerance;
use crate::instance::Instance;
use crate::packet_socket::Home;
use crate::scaling::Steering;

/// What a pool has and who wants it, behind its lock.
#[derive(Debug)]
pub(super) struct State {
    /// Last in, first out: the one that served last is the warmest, and the others grow old enough to be let go.
    pub(super) idle: Vec<Instance>,
    pub(super) parked: Vec<Instance>,
    pub(super) filling: usize,
    pub(super) live: usize,
    pub(super) waiters: Waiters,
    /// Seats of processes that are being forked, beside the first of each.
    pub(super) coming: usize,
    /// Forks for callers that are under way.
    pub(super) starting: usize,
    /// Whether the platform knows that callers wait for room.
    pub(super) hungry: bool,
    /// Since when no instance lives.
    pub(super) rests_since: Instant,
    pub(super) retired: bool,
    /// What it is to have and to keep.
    pub(super) steering: Steering,
    /// Calls since this was last looked at, and the most instances that they took at once.
    pub(super) arrivals: u64,
    pub(super) busy_peak: usize,
}

impl State {
    pub(super) fn new(tolerance: Tolerance, steering: Steering) -> Self {
        Self {
            idle: Vec::new(),
            parked: Vec::new(),
            filling: 0,
            live: 0,
            waiters: Waiters::new(tolerance),
            coming: 0,
            starting: 0,
            hungry: false,
            rests_since: Instant::now(),
            retired: false,
            steering,
            arrivals: 0,
            busy_peak: 0,
        }
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        Snapshot {
            idle: self.idle.len(),
            parked: self.parked.len(),
            filling: self.filling,
            live: self.live,
            waiting: self.waiters.len(),
            coming: self.coming,
            starting: self.starting,
        }
    }

    /// A caller came, and was given something or waits.
    pub(super) fn note_arrival(&mut self, concurrency: usize) {
        self.arrivals += 1;
        let needed = self.busy(concurrency) + self.waiters.len().div_ceil(concurrency);
        self.busy_peak = self.busy_peak.max(needed);
    }

    /// Instances that serve or are being forked to serve; of processes with several seats, as many as would do.
    pub(super) fn busy(&self, concurrency: usize) -> usize {
        let used = self.live.saturating_sub(self.filling + self.parked.len()) * concurrency;
        let free = self.idle.len() + self.coming;
        used.saturating_sub(free).div_ceil(concurrency)
    }

    /// One instance less.
    pub(super) fn lose_one(&mut self) {
        self.live -= 1;
        if self.live == 0 {
            self.rests_since = Instant::now();
        }
    }
}

/// The instance that served last on this thread, or else the one that served last at all.
pub(super) fn take_nearest(idle: &mut Vec<Instance>) -> Option<Instance> {
    let here = Home::here();
    match idle.iter().rposition(|instance| instance.home() == here) {
        Some(index) => Some(idle.remove(index)),
        None => idle.pop(),
    }
}
