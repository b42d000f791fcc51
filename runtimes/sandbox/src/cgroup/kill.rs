//! Ends every process of a group, also those that fork in the meantime and those that nobody is the parent of.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::CgroupError;
use super::backend::{Controller, write};
use super::node::Node;
use super::retry::within;

/// So many at once, because each needs a descriptor.
const BATCH: usize = 128;

/// Returns when nobody is left, or with those who are when the time is over.
pub(super) fn kill_all(node: &Node, time: Duration) -> Result<(), CgroupError> {
    let failed = |error| CgroupError::file("end the processes of", &node.path)(error);
    if node.backend.kill_at_once(&node.path).map_err(failed)? {
        return wait_until_empty(node, time, |_, _| Ok(()));
    }
    // Without the kernel's own way: nobody may fork any more, so that the list can only get shorter.
    let forks = forbid_forks(node).map_err(failed)?;
    let result = wait_until_empty(node, time, end);
    allow_forks(node, &forks).map_err(failed)?;
    result
}

fn wait_until_empty(
    node: &Node,
    time: Duration,
    each: impl Fn(&Node, &BTreeSet<u32>) -> io::Result<()>,
) -> Result<(), CgroupError> {
    let mut left = BTreeSet::new();
    let mut round = || {
        left = node.processes()?;
        each(node, &left)?;
        Ok(left.is_empty())
    };
    let ended = within(time, || match round() {
        Ok(is_empty) => is_empty.then_some(Ok(())),
        Err(error) => Some(Err(error)),
    });
    match ended {
        Some(result) => result.map_err(CgroupError::file("end the processes of", &node.path)),
        None => Err(CgroupError::Alive {
            group: node.path.clone(),
            pids: left.into_iter().collect(),
        }),
    }
}

fn forbid_forks(node: &Node) -> io::Result<String> {
    let path = node.file(Controller::Pids, "pids.max")?;
    let before = fs::read_to_string(&path)?;
    write(&path, "0")?;
    Ok(before)
}

fn allow_forks(node: &Node, before: &str) -> io::Result<()> {
    write(&node.file(Controller::Pids, "pids.max")?, before.trim())
}

/// Sends the signal. A process id may have passed to a stranger since the list was read: the handle is opened first, and
/// the signal sent only if the id is still on the list afterwards, so it reaches a member or nobody.
fn end(node: &Node, pids: &BTreeSet<u32>) -> io::Result<()> {
    let pids: Vec<u32> = pids.iter().copied().collect();
    for batch in pids.chunks(BATCH) {
        let open = |pid: &u32| Some((*pid, open(*pid)?));
        let handles: Vec<(u32, OwnedFd)> = batch.iter().filter_map(open).collect();
        let still = node.processes()?;
        for (_, handle) in handles.iter().filter(|(pid, _)| still.contains(pid)) {
            match pidfd_send_signal(handle, Signal::KILL) {
                Ok(()) | Err(rustix::io::Errno::SRCH) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(())
}

/// None when the process has ended, or when it is no process any more but a thread of one that is ending.
fn open(pid: u32) -> Option<OwnedFd> {
    let pid = Pid::from_raw(i32::try_from(pid).ok()?)?;
    pidfd_open(pid, PidfdFlags::empty()).ok()
}
