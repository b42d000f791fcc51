//! Processes that user code started and left behind. Every zygote is their heir (`PR_SET_CHILD_SUBREAPER`): when the
//! instance that started them ends, they become children of its zygote, which ends them.
//!
//! A process that outlives its zygote too goes to the next zygote above, and at last to the supervisor.

use nix::sys::prctl;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::waitpid;
use nix::unistd::Pid;

/// Makes this process the heir of what its children leave behind.
pub(crate) fn inherit() {
    // Linux has it since 3.4; without it the orphans go to the system's first process.
    let _ = prctl::set_child_subreaper(true);
}

/// Ends and reaps every child of this process that is not `known`.
pub(crate) fn end_unknown(known: impl Fn(i32) -> bool) {
    for pid in children().into_iter().filter(|&pid| !known(pid)) {
        // They are children that nobody waited for, so their numbers cannot have been used again. One that is gone
        // already only has to be reaped.
        let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        let _ = waitpid(Pid::from_raw(pid), None);
    }
}

fn children() -> Vec<i32> {
    let path = format!("/proc/self/task/{}/children", nix::unistd::gettid());
    let list = std::fs::read_to_string(path).unwrap_or_default();
    list.split_ascii_whitespace()
        .filter_map(|pid| pid.parse().ok())
        .collect()
}
