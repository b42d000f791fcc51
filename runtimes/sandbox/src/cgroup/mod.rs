//! Groups of processes that share a limit of memory, processors and processes, in both versions of the kernel's control
//! groups. Memory means all of it: files in tmpfs and memfds are charged to the group as heaps are.
//!
//! ```text
//!  mod (open) ─► detect (what there is) ─► v1 | v2 ─► left_behind
//!  group (a function) ─► instance (one of its leaves, used again) ─► node (files) · kill
//! ```
//! Every function here blocks for as long as the kernel takes, mostly microseconds. Attaching a process after some 50 ms
//! without is the exception: the kernel waits until all processors have seen that it is going to happen, about 10 ms. Those
//! that follow at once take 0.1 ms, so a caller does well to attach from one thread, one after another, off its reactor.

mod backend;
mod detect;
mod error;
mod group;
mod instance;
mod kill;
mod left_behind;
mod limits;
pub(crate) mod mount;
mod node;
mod owner;
mod retry;
mod v1;
mod v2;

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub use backend::{Controller, Version};
pub use detect::Report;
pub use error::{CgroupError, Missing};
pub use group::Group;
pub use instance::Instance;
pub use limits::{CpuQuota, CpuShare, Limits};

use backend::{Backend, Filesystem};
use detect::Found;
use node::Node;
use owner::Owner;

/// How long the end of the platform is held up by processes that are leaving.
const CLOSE_TIME: Duration = Duration::from_millis(50);

/// The platform's groups. Removed, if they are empty, when it and all groups are dropped.
#[derive(Debug)]
pub struct Cgroups {
    root: Arc<Root>,
    report: Report,
}

/// The platform's own group, which holds the functions'.
#[derive(Debug)]
pub(crate) struct Root {
    node: Node,
    /// Tells platforms of other namespaces that the owner is alive.
    _lock: Option<File>,
}

impl Cgroups {
    /// Finds out what the machine has, removes what an earlier platform of this name has left, and makes a group of its
    /// own. With version 2 this process may be moved into a leaf, with all its threads; so the platform opens its groups
    /// before it starts other processes, which would stay behind.
    pub fn open(name: &str) -> Result<Self, CgroupError> {
        let found = detect::this_machine()?;
        let report = Report::of(&found);
        let backend: Arc<dyn Backend> = match found {
            Found::V1(hierarchies) => Arc::new(v1::V1::new(hierarchies)),
            Found::V2(own) => {
                let backend = v2::V2::new(&own, Filesystem::KERNEL);
                backend.settle()?;
                Arc::new(backend)
            }
        };
        Self::open_in(backend, name, report)
    }

    fn open_in(
        backend: Arc<dyn Backend>,
        name: &str,
        mut report: Report,
    ) -> Result<Self, CgroupError> {
        let place = Node::place(backend);
        report.notes.extend(left_behind::remove(&place, name));
        let stat = CgroupError::file("read", Path::new("/proc/self/stat"));
        let node = place.child(&Owner::this().map_err(stat)?.folder(name));
        node.create()?;
        let folders = node.backend.folders(&node.path);
        // Without a lock the name still tells whose it is.
        let lock = folders.first().and_then(|folder| owner::lock(folder).ok()?);
        let root = Root { node, _lock: lock };
        root.node.backend.divide(&root.node.path)?;
        let root = Arc::new(root);
        Ok(Self { root, report })
    }

    /// Which interface of the kernel is in use.
    pub fn version(&self) -> Version {
        self.report.version
    }

    /// What was found and done at the start.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// A group for a function's zygote and all its instances. The name is a function's and a version's.
    pub fn function(&self, name: &str, limits: &Limits) -> Result<Group, CgroupError> {
        Group::make(&self.root, name, limits)
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        let _ = self.node.remove(CLOSE_TIME);
    }
}

#[cfg(test)]
mod test_process;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod v2_tests;
