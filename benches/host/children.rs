//! Processes that this program started: each leads its own process group, and none outlives this program.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, Once, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use signal_hook::consts::{SIGINT, SIGTERM};

/// Leaders of the groups that are alive.
static GROUPS: Mutex<Vec<Pid>> = Mutex::new(Vec::new());
static SIGNALS: Once = Once::new();

/// A process group, ended when this value is dropped.
#[derive(Debug)]
pub(crate) struct Group {
    child: Child,
    leader: Pid,
}

impl Group {
    /// Starts a command as the leader of its own group; its output goes to a file.
    pub(crate) fn start(command: &mut Command, log: &Path) -> Result<Self> {
        SIGNALS.call_once(end_all_on_signals);
        let output = File::create(log).with_context(|| format!("creating {}", log.display()))?;
        command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output);
        let child = command
            .spawn()
            .with_context(|| format!("starting {}", command.get_program().display()))?;
        let leader = Pid::from_child(&child);
        groups().push(leader);
        Ok(Self { child, leader })
    }

    /// The leader's id.
    pub(crate) fn pid(&self) -> Pid {
        self.leader
    }

    /// Whether the leader has ended by itself.
    pub(crate) fn ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Asks the leader to end, and the group too if that takes too long. Returns whether asking was enough.
    pub(crate) fn stop(&mut self, patience: Duration) -> bool {
        self.ask(Signal::TERM, patience)
    }

    /// The same as if Ctrl-C had been typed.
    pub(crate) fn interrupt(&mut self, patience: Duration) -> bool {
        self.ask(Signal::INT, patience)
    }

    /// Ends the leader at once, and nobody else.
    pub(crate) fn kill_leader(&mut self) {
        let _ = rustix::process::kill_process(self.leader, Signal::KILL);
        let _ = self.child.wait();
    }

    fn ask(&mut self, signal: Signal, patience: Duration) -> bool {
        let _ = rustix::process::kill_process(self.leader, signal);
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            if self.ended() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        self.kill();
        false
    }

    /// Ends the whole group at once.
    pub(crate) fn kill(&mut self) {
        if test_kill_process_group(self.leader).is_ok() {
            let _ = kill_process_group(self.leader, Signal::KILL);
        }
        let _ = self.child.wait();
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
        groups().retain(|leader| *leader != self.leader);
    }
}

/// Ends every group that is still alive.
pub(crate) fn end_all() {
    for leader in groups().drain(..) {
        let _ = kill_process_group(leader, Signal::KILL);
    }
}

fn groups() -> std::sync::MutexGuard<'static, Vec<Pid>> {
    GROUPS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ctrl-C reaches this program alone, because the children have groups of their own.
fn end_all_on_signals() {
    let Ok(mut signals) = signal_hook::iterator::Signals::new([SIGINT, SIGTERM]) else {
        return;
    };
    std::thread::spawn(move || {
        if signals.forever().next().is_some() {
            end_all();
            #[expect(
                clippy::exit,
                reason = "the user asked for the end, and nothing is left to unwind for"
            )]
            std::process::exit(130);
        }
    });
}
