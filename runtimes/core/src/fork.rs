//! The one call of `fork`, with its precondition asserted.

use std::io;

use rustix::fs::stat;

use crate::runtime::Fork;

/// A directory of `n` tasks has `n + 2` links.
const LINKS_OF_ONE_THREAD: u64 = 3;

/// Forks through the C library, whose `atfork` handlers keep allocator, locks and generators usable in the child.
///
/// # Errors
/// When the process has more than one thread, or the system refuses.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that forks"
)]
pub fn libc_fork() -> io::Result<Fork> {
    require_one_thread()?;
    // SAFETY: the process has exactly one thread (checked above), so no lock can be held by a thread that the child
    // lacks, and the child may go on with any code.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(Fork::Child),
        pid => Ok(Fork::Parent(pid)),
    }
}

/// Fails unless the kernel says that this process has one thread. One system call, no directory listing.
///
/// # Errors
/// When there are more threads, or `/proc` is missing.
pub fn require_one_thread() -> io::Result<()> {
    #[allow(
        clippy::useless_conversion,
        reason = "the kernel's type is u32 on other processors"
    )]
    let links = u64::from(stat("/proc/self/task")?.st_nlink);
    if links == LINKS_OF_ONE_THREAD {
        return Ok(());
    }
    let count = links.saturating_sub(2);
    Err(io::Error::other(format!(
        "a process with {count} threads cannot be forked"
    )))
}
