//! PID namespaces. A function zygote is born as the first process of one, so what it does not fork is not there for it,
//! and its death is the death of everything in it.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;

use nix::sched::{CloneFlags, setns, unshare};

/// The way into a new namespace for the next child, and back.
#[derive(Debug)]
pub struct PidNamespaces {
    own: OwnedFd,
}

impl PidNamespaces {
    /// Remembers the namespace in which this process's children are born.
    ///
    /// # Errors
    /// Without `/proc`.
    pub fn remember(keep: impl FnOnce(OwnedFd) -> io::Result<OwnedFd>) -> io::Result<Self> {
        let own = keep(File::open("/proc/self/ns/pid")?.into())?;
        Ok(Self { own })
    }

    /// The next child is the first process of a new namespace.
    ///
    /// # Errors
    /// When the system refuses, for lack of rights or because there are too many.
    pub fn enter_with_next_child(&self) -> io::Result<()> {
        Ok(unshare(CloneFlags::CLONE_NEWPID)?)
    }

    /// Later children are born where this process was. Called by the parent alone.
    ///
    /// # Errors
    /// Never, once [`Self::enter_with_next_child`] has succeeded; a process for which it fails must not fork again.
    pub fn leave(&self) -> io::Result<()> {
        Ok(setns(&self.own, CloneFlags::CLONE_NEWPID)?)
    }
}

/// Files in memory are no programs, in this namespace. A mount says so of files in folders, but these lie in none.
pub(crate) fn forbid_programs_in_memory() {
    // Older kernels do not know it, and someone who is no administrator outside may not say it; what may be executed is
    // decided by the list of system calls first.
    let _ = std::fs::write("/proc/sys/vm/memfd_noexec", "2");
}
