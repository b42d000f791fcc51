//! The group of one function: its zygote in one leaf, each instance in one of its own, and empty leaves for the next.
//!
//! ```text
//!  zygo-<pid>-<start>/          the platform
//!    function-<name>/           limits of the function as a whole
//!      zygote/                  the function zygote, and instances that were not attached yet
//!      instance-<n>/            limits of one instance
//! ```
//! The tree is the same in both versions; version 2 would not have processes anywhere but in leaves.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::backend::{Version, Victim};
use super::instance::{Instance, Place};
use super::kill::kill_all;
use super::limits::Limits;
use super::node::Node;
use super::retry::within;
use super::{CgroupError, Root};

/// Empty leaves that are kept for later instances. More would be memory of the kernel for nothing.
pub(super) const SPARE_MAX: usize = 8;
/// Leaves whose processes were not gone yet and that are tried again each time a leaf is asked for.
const SWEEP_MAX: usize = 4;

/// A function's group. Removed when it and its instances are dropped.
#[derive(Debug)]
pub struct Group {
    shared: Arc<Shared>,
}

/// What the group and its instances need.
#[derive(Debug)]
pub(super) struct Shared {
    node: Node,
    zygote: Node,
    made: AtomicU64,
    leaves: Mutex<Leaves>,
    /// Last, so that the platform's group is removed after this one.
    _root: Arc<Root>,
}

#[derive(Debug, Default)]
struct Leaves {
    spare: Vec<Place>,
    leaving: Vec<Node>,
    /// What leaves had counted that are no more.
    gone_kills: u64,
}

impl Group {
    pub(super) fn make(root: &Arc<Root>, name: &str, limits: &Limits) -> Result<Self, CgroupError> {
        let node = root.node.child(&format!("function-{}", checked(name)?));
        let zygote = node.child("zygote");
        node.create_limited(limits, Victim::One)?;
        let group = Self {
            shared: Arc::new(Shared {
                node,
                zygote,
                made: AtomicU64::new(0),
                leaves: Mutex::default(),
                _root: Arc::clone(root),
            }),
        };
        let Shared { node, zygote, .. } = &*group.shared;
        node.backend.divide(&node.path)?;
        zygote.create()?;
        Ok(group)
    }

    /// Open files for the function zygote, who writes `0` into each before it loads anything. What decides whether it may
    /// is that the supervisor opened them.
    pub fn procs(&self) -> io::Result<Vec<OwnedFd>> {
        self.shared.zygote.procs()
    }

    /// Attaches a function zygote from outside.
    pub fn attach_zygote(&self, pid: u32) -> io::Result<()> {
        self.shared.zygote.attach(pid)
    }

    /// Makes empty groups for later instances, up to a bound.
    pub fn prepare(&self, limits: &Limits, count: usize) -> Result<(), CgroupError> {
        let is_same = |place: &&Place| place.limits == *limits;
        let there = self.shared.leaves().spare.iter().filter(is_same).count();
        for _ in there..count.min(SPARE_MAX) {
            let place = self.shared.new_place(limits)?;
            self.shared.keep(place);
        }
        Ok(())
    }

    /// A group for one instance: an empty one with these limits if there is one, a new one otherwise.
    pub fn instance(&self, limits: &Limits) -> Result<Instance, CgroupError> {
        self.shared.sweep();
        let place = match self.shared.take_spare(limits) {
            Some(place) => place,
            None => self.shared.new_place(limits)?,
        };
        Ok(Instance::new(Arc::clone(&self.shared), place))
    }

    /// How many processes the kernel has ended for want of memory, in this group and all that were below it.
    pub fn out_of_memory_kills(&self) -> io::Result<u64> {
        let node = &self.shared.node;
        if node.backend.version() == Version::V2 {
            return node.out_of_memory_kills();
        }
        // Version 1 counts for each group alone. Under the lock, so that no leaf is counted twice or not at all.
        let leaves = self.shared.leaves();
        let mut kills = leaves.gone_kills + node.out_of_memory_kills()?;
        for leaf in node.children()? {
            kills += leaf.out_of_memory_kills()?;
        }
        Ok(kills)
    }

    /// The most memory that was in use at one time.
    pub fn memory_peak(&self) -> io::Result<u64> {
        self.shared.node.memory_peak()
    }

    /// Memory in use.
    pub fn memory_now(&self) -> io::Result<u64> {
        self.shared.node.memory_now()
    }

    /// Time on processors, of all that ever were in the group.
    pub fn cpu_usage(&self) -> io::Result<Duration> {
        self.shared.node.cpu_usage()
    }

    /// Whether no process is in the group or below.
    pub fn is_empty(&self) -> io::Result<bool> {
        Ok(self.shared.node.processes()?.is_empty())
    }

    /// Ends the zygote, all instances and whatever they have started.
    pub fn kill_all(&self, time: Duration) -> Result<(), CgroupError> {
        kill_all(&self.shared.node, time)
    }

    /// Removes the group and what is below, trying again for so long while processes are leaving.
    pub fn remove(self, time: Duration) -> Result<(), CgroupError> {
        let Shared { node, .. } = &*self.shared;
        node.remove(time)
            .map_err(CgroupError::file("remove", &node.path))
    }
}

impl Shared {
    fn leaves(&self) -> MutexGuard<'_, Leaves> {
        self.leaves.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn new_place(&self, limits: &Limits) -> Result<Place, CgroupError> {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let node = self.node.child(&format!("instance-{number}"));
        node.create_limited(limits, Victim::All)?;
        Ok(Place::new(node, *limits))
    }

    fn take_spare(&self, limits: &Limits) -> Option<Place> {
        let mut leaves = self.leaves();
        let index = leaves
            .spare
            .iter()
            .position(|place| place.limits == *limits)?;
        let place = leaves.spare.swap_remove(index);
        drop(leaves);
        Some(place.renewed())
    }

    /// Keeps an empty leaf for a later instance, or removes it when there are enough. The oldest goes, because it may
    /// have limits that nobody asks for any more.
    pub(super) fn keep(&self, place: Place) {
        let mut leaves = self.leaves();
        leaves.spare.push(place);
        if leaves.spare.len() > SPARE_MAX {
            let oldest = leaves.spare.remove(0);
            leaves.remove_or_leave(oldest.node);
        }
    }

    /// Gives up a leaf whose processes may not be gone yet.
    pub(super) fn give_up(&self, place: Place) {
        self.leaves().remove_or_leave(place.node);
    }

    pub(super) fn remove(&self, place: Place, time: Duration) -> io::Result<()> {
        let mut last = Ok(());
        within(time, || {
            last = self.leaves().remove(&place.node);
            last.is_ok().then_some(())
        });
        if last.is_err() {
            self.give_up(place);
        }
        last
    }

    fn sweep(&self) {
        let mut leaves = self.leaves();
        let count = leaves.leaving.len().min(SWEEP_MAX);
        // From the front, and those that stay go to the back.
        let tried: Vec<Node> = leaves.leaving.drain(..count).collect();
        tried
            .into_iter()
            .for_each(|node| leaves.remove_or_leave(node));
    }
}

impl Leaves {
    fn remove(&mut self, node: &Node) -> io::Result<()> {
        let kills = node.out_of_memory_kills().unwrap_or(0);
        node.remove(Duration::ZERO)?;
        self.gone_kills += kills;
        Ok(())
    }

    /// Bounded by the processes that are alive: a leaf without them can be removed.
    fn remove_or_leave(&mut self, node: Node) {
        if self.remove(&node).is_err() {
            self.leaving.push(node);
        }
    }
}

impl Drop for Shared {
    /// As far as it goes without waiting. What stays is removed with the platform's group, or by the next platform.
    fn drop(&mut self) {
        let _ = self.node.remove(Duration::ZERO);
    }
}

/// What is safe in a path, and cannot be taken for one of the kernel's files because of the prefix before it.
fn checked(name: &str) -> Result<&str, CgroupError> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.@:".contains(c);
    let is_good = !name.is_empty() && name.len() <= 128 && name.chars().all(is_plain);
    is_good
        .then_some(name)
        .ok_or_else(|| CgroupError::Name(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_below_the_platforms_folder() {
        assert!(checked("hello@12").is_ok());
        for name in ["", "a/b", "..\n", "a b", "\0", &"x".repeat(129)] {
            assert!(
                matches!(checked(name), Err(CgroupError::Name(_))),
                "{name:?}"
            );
        }
    }
}
