//! What is left when zygotes die: the supervisor is the heir of every process below it, reaps those that end, and at the
//! platform's end ends the rest.

use std::collections::HashSet;

use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, WaitOptions, kill_process, waitid, waitpid,
};

/// Makes this process the heir of all that its children leave behind.
pub(crate) fn inherit() {
    // Without it, orphans go to the system's first process.
    let _ = rustix::process::set_child_subreaper(Pid::from_raw(1));
}

/// Reaps ended children that nobody waits for. Whoever started one reaps it at once, so those are meant that had ended
/// before the last look too; `ended` keeps them between two looks.
pub(crate) fn reap(ended: &mut HashSet<Pid>) {
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    let has_ended = |pid: &Pid| matches!(waitid(WaitId::Pid(*pid), look), Ok(Some(_)));
    let now: HashSet<Pid> = children().into_iter().filter(has_ended).collect();
    for pid in now.intersection(ended) {
        let _ = waitpid(Some(*pid), WaitOptions::NOHANG);
    }
    *ended = now;
}

/// Ends all that is left, generation after generation, as often as something is left.
pub(crate) fn end_all() {
    const GENERATIONS_MAX: u32 = 64;
    for _ in 0..GENERATIONS_MAX {
        let left = children();
        if left.is_empty() {
            return;
        }
        for pid in left {
            // Children that nobody waited for keep their numbers, so no other process is hit.
            let _ = kill_process(pid, Signal::KILL);
            let _ = waitpid(Some(pid), WaitOptions::empty());
        }
    }
    tracing::warn!("some processes could not be ended");
}

/// The children of all threads of this process.
fn children() -> Vec<Pid> {
    let tasks = std::fs::read_dir("/proc/self/task")
        .into_iter()
        .flatten()
        .flatten();
    let lists = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    lists
        .flat_map(|list| {
            list.split_ascii_whitespace()
                .filter_map(|pid| pid.parse().ok())
                .collect::<Vec<i32>>()
        })
        .filter_map(Pid::from_raw)
        .collect()
}
