//! What the supervisor knows of a process that a zygote forked.
//!
//! ```text
//!  Requested ──Forked──► Running ──Exited──► Ended
//!      └───────────── zygote gone ────────────┘
//! ```
//! Processes are killed through pidfds, so a process id that was used again is never hit.

use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use rustix::process::{Signal, pidfd_send_signal};
use tokio::sync::Notify;
use zygo_wire::control::ExitStatus;

use crate::isolation::{Leaf, Member};

/// A process forked, or to be forked, by a zygote.
#[derive(Debug)]
pub(crate) struct Process {
    state: Mutex<State>,
    changed: Notify,
    /// Why it will never be.
    refusal: OnceLock<String>,
    /// Its own limits, from a moment after the fork on.
    leaf: OnceLock<Leaf>,
}

impl Member for Process {
    fn pid(&self) -> Option<i32> {
        self.pid()
    }

    fn keep(&self, leaf: Leaf) {
        // Nobody else puts it anywhere.
        let _ = self.leaf.set(leaf);
    }

    fn end(&self) {
        self.kill();
    }
}

#[derive(Debug)]
enum State {
    /// The zygote was told to fork; whether to kill the child as soon as it is there.
    Requested { kill: bool },
    /// The zygote said that the child is there.
    Running { pid: i32, pidfd: OwnedFd },
    /// The child ended, or will never be. The status is unknown when its zygote died first.
    Ended(Option<ExitStatus>),
}

impl Process {
    /// A process that is about to be asked for.
    pub(crate) fn requested() -> Self {
        Self {
            state: Mutex::new(State::Requested { kill: false }),
            changed: Notify::new(),
            refusal: OnceLock::new(),
            leaf: OnceLock::new(),
        }
    }

    /// The zygote forked it.
    pub(crate) fn forked(&self, pid: i32, pidfd: OwnedFd) {
        let mut state = self.lock();
        if let State::Requested { kill } = *state {
            *state = State::Running { pid, pidfd };
            if kill {
                signal(&state);
            }
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// The zygote could not fork it.
    pub(crate) fn refused(&self, reason: String) {
        let _ = self.refusal.set(reason);
        self.ended(None);
    }

    /// Why it could not be forked, if that is so.
    pub(crate) fn refusal(&self) -> Option<&str> {
        self.refusal.get().map(String::as_str)
    }

    /// It ended, or will never be.
    pub(crate) fn ended(&self, status: Option<ExitStatus>) {
        let mut state = self.lock();
        if matches!(*state, State::Running { .. }) && status.is_none() {
            // Its zygote is gone; whatever still runs must not outlive it.
            signal(&state);
        }
        if !matches!(*state, State::Ended(_)) {
            *state = State::Ended(status);
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// Its zygote is gone, but it may live on: only one that was not forked yet will never be.
    pub(crate) fn orphaned(&self) {
        if matches!(*self.lock(), State::Requested { .. }) {
            self.ended(None);
        }
    }

    /// Kills it, now or as soon as it is there.
    pub(crate) fn kill(&self) {
        match &mut *self.lock() {
            State::Requested { kill } => *kill = true,
            state => signal(state),
        }
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&self) -> bool {
        matches!(*self.lock(), State::Ended(_))
    }

    /// Whether the kernel has ended it, or what it started, for want of memory.
    pub(crate) fn was_out_of_memory(&self) -> bool {
        self.leaf.get().is_some_and(Leaf::was_out_of_memory)
    }

    /// How many processes and threads it may have, if it was ended because it had more.
    pub(crate) fn tasks_exceeded(&self) -> Option<u32> {
        self.leaf.get().and_then(Leaf::tasks_exceeded)
    }

    /// Its process id while it runs.
    pub(crate) fn pid(&self) -> Option<i32> {
        match *self.lock() {
            State::Running { pid, ref pidfd } => Some(pid_seen_from_here(pidfd).unwrap_or(pid)),
            _ => None,
        }
    }

    /// Waits until its zygote has said that it is there, or that it will never be.
    pub(crate) async fn settled(&self) {
        loop {
            let changed = self.changed.notified();
            if !matches!(*self.lock(), State::Requested { .. }) {
                return;
            }
            changed.await;
        }
    }

    /// Waits for its end; `None` when that takes longer than `patience`, or when nobody saw the status.
    pub(crate) async fn exit_status(&self, patience: Duration) -> Option<ExitStatus> {
        let ended = async {
            loop {
                let changed = self.changed.notified();
                if let State::Ended(status) = *self.lock() {
                    return status;
                }
                changed.await;
            }
        };
        tokio::time::timeout(patience, ended).await.ok().flatten()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The process id that a zygote knows counts in its own namespace.
fn pid_seen_from_here(pidfd: &OwnedFd) -> Option<i32> {
    let path = format!("/proc/self/fdinfo/{}", pidfd.as_raw_fd());
    let text = std::fs::read_to_string(path).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pid:"))?;
    line.trim().parse().ok()
}

fn signal(state: &State) {
    if let State::Running { pidfd, .. } = state {
        // The only possible failure is that the process is gone already.
        let _ = pidfd_send_signal(pidfd, Signal::KILL);
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::task::{Context, Waker};

    use super::*;

    #[test]
    fn is_settled_by_the_word_of_its_fork_or_of_its_end() {
        for is_forked in [true, false] {
            let process = Process::requested();
            let mut settled = std::pin::pin!(process.settled());
            let mut context = Context::from_waker(Waker::noop());
            assert!(settled.as_mut().poll(&mut context).is_pending());
            match is_forked {
                true => process.forked(1, std::io::pipe().expect("a pipe").0.into()),
                false => process.orphaned(),
            }
            assert!(settled.as_mut().poll(&mut context).is_ready());
            assert_eq!(process.has_ended(), !is_forked);
        }
    }
}
