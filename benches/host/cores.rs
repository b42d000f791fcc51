//! Which process may use which core.

use std::fs;

use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use super::tree;

/// While this lives, the generator has the last core for itself and the given servers have all others.
#[derive(Debug)]
pub(crate) struct Split {
    all: CpuSet,
    server: Pid,
}

impl Split {
    /// None where there is only one core, or where the kernel does not allow it.
    pub(crate) fn new(server: Pid) -> Option<Self> {
        let all = sched_getaffinity(None).ok()?;
        let last = (0..CpuSet::MAX_CPU).rev().find(|core| all.is_set(*core))?;
        let mut rest = all;
        rest.unset(last);
        if rest.count() == 0 {
            return None;
        }
        let mut own = CpuSet::new();
        own.set(last);
        sched_setaffinity(None, &own).ok()?;
        give(server, &rest);
        Some(Self { all, server })
    }
}

impl Drop for Split {
    fn drop(&mut self) {
        let _ = sched_setaffinity(None, &self.all);
        give(self.server, &self.all);
    }
}

/// Every thread of every process in the tree; what they fork later inherits it.
fn give(root: Pid, cores: &CpuSet) {
    for process in tree::of(root.as_raw_nonzero().get()) {
        let Ok(threads) = fs::read_dir(format!("/proc/{}/task", process.pid)) else {
            continue;
        };
        for thread in threads
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        {
            // One that has ended meanwhile needs no core.
            let _ = sched_setaffinity(Pid::from_raw(thread), cores);
        }
    }
}
