//! The group of one instance, which may be one after another's. Counters begin anew for each.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::CgroupError;
use super::backend::Controller;
use super::backend::{Version, write};
use super::group::Shared;
use super::kill::kill_all;
use super::limits::Limits;
use super::node::Node;
use super::retry::within;

/// An instance tells of its end a little before the kernel has taken it out of its group.
const LEAVE_TIME: Duration = Duration::from_millis(20);
/// Memory that may still be charged to an empty group that is used again, such as page cache and what the kernel counts
/// in batches. Whoever comes next has that much less.
const RESIDUE_MAX_BYTES: u64 = 1 << 20;

/// One instance's group. Removed when it is dropped, unless it was recycled.
#[derive(Debug)]
pub struct Instance {
    shared: Arc<Shared>,
    /// None only when it has been handed back.
    place: Option<Place>,
}

/// A leaf and what its counters said when its present user came.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) node: Node,
    pub(super) limits: Limits,
    kills: u64,
    cpu: Duration,
    peak: u64,
}

impl Place {
    pub(super) fn new(node: Node, limits: Limits) -> Self {
        Self {
            node,
            limits,
            kills: 0,
            cpu: Duration::ZERO,
            peak: 0,
        }
    }

    /// For the next user. What the kernel does not count begins with nothing.
    pub(super) fn renewed(self) -> Self {
        let is_reset = self.reset_peak();
        Self {
            kills: self.node.out_of_memory_kills().unwrap_or(0),
            cpu: self.node.cpu_usage().unwrap_or_default(),
            peak: if is_reset {
                0
            } else {
                self.node.memory_peak().unwrap_or(0)
            },
            ..self
        }
    }

    /// Version 2 has it since 6.12, for an open file only; that is not worth a descriptor for each instance.
    fn reset_peak(&self) -> bool {
        let file = self.node.backend.files().memory_peak;
        let path = self.node.file(Controller::Memory, file);
        self.node.backend.version() == Version::V1
            && path.is_ok_and(|path| write(&path, "0").is_ok())
    }

    fn is_clean(&self) -> bool {
        let is_left = || {
            self.node
                .processes()
                .is_ok_and(|pids| pids.is_empty())
                .then_some(())
        };
        within(LEAVE_TIME, is_left).is_some()
            && self
                .node
                .memory_now()
                .is_ok_and(|bytes| bytes <= RESIDUE_MAX_BYTES)
    }
}

impl Instance {
    pub(super) fn new(shared: Arc<Shared>, place: Place) -> Self {
        let place = Some(place);
        Self { shared, place }
    }

    pub(super) fn place(&self) -> &Place {
        self.place.as_ref().expect("handed back only by value")
    }

    /// Moves a process in. Memory that it has touched before stays with the group that it was in, and so do processes
    /// that it has started before. The caller knows that the process id is still its own.
    pub fn attach(&self, pid: u32) -> io::Result<()> {
        self.place().node.attach(pid)
    }

    /// Whether it has more processes and threads than it may: the limit stops new ones, and none that came along.
    pub fn has_too_many_tasks(&self) -> io::Result<bool> {
        let Place { node, limits, .. } = self.place();
        Ok(node.tasks()? > u64::from(limits.pids))
    }

    /// How many processes the kernel has ended for want of memory. Version 2 counts the one that wanted it twice when all
    /// of the group end with it.
    pub fn out_of_memory_kills(&self) -> io::Result<u64> {
        let Place { node, kills, .. } = self.place();
        Ok(node.out_of_memory_kills()?.saturating_sub(*kills))
    }

    /// The most memory that was in use at one time; none when that is not known, because an earlier user of the group had
    /// as much and the kernel cannot forget it.
    pub fn memory_peak(&self) -> io::Result<Option<u64>> {
        let Place { node, peak, .. } = self.place();
        Ok(Some(node.memory_peak()?).filter(|now| now > peak))
    }

    /// Memory in use.
    pub fn memory_now(&self) -> io::Result<u64> {
        self.place().node.memory_now()
    }

    /// Time on processors.
    pub fn cpu_usage(&self) -> io::Result<Duration> {
        let Place { node, cpu, .. } = self.place();
        Ok(node.cpu_usage()?.saturating_sub(*cpu))
    }

    /// Whether no process is left.
    pub fn is_empty(&self) -> io::Result<bool> {
        Ok(self.place().node.processes()?.is_empty())
    }

    /// Ends all processes, also those that no longer belong to anybody.
    pub fn kill_all(&self, time: Duration) -> Result<(), CgroupError> {
        kill_all(&self.place().node, time)
    }

    /// Hands the group back for the next instance if it is as good as new, and removes it otherwise. Waits a little for
    /// processes that are about to be gone; ends none.
    pub fn recycle(mut self) {
        let Some(place) = self.place.take() else {
            return;
        };
        match place.is_clean() {
            true => self.shared.keep(place),
            false => self.shared.give_up(place),
        }
    }

    /// Removes the group, trying again for so long while processes are leaving.
    pub fn remove(mut self, time: Duration) -> Result<(), CgroupError> {
        let Some(place) = self.place.take() else {
            return Ok(());
        };
        let path = place.node.path.clone();
        self.shared
            .remove(place, time)
            .map_err(CgroupError::file("remove", &path))
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if let Some(place) = self.place.take() {
            self.shared.give_up(place);
        }
    }
}
