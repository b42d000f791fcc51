//! The program that takes a running platform's place: what now lies where this one was started from, run with the same
//! arguments in the same process. It inherits the listening sockets, so whoever connects meanwhile waits in the kernel's
//! queue. A data folder has one platform at a time, so this one has drained before the next one begins.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::service::{Listeners, SocketsError};

/// A check takes some milliseconds.
const CHECK_TIMEOUT: Duration = Duration::from_secs(20);

/// Lines of a refusal that are told.
const REFUSAL_LINES: usize = 3;

/// The next program.
#[derive(Debug)]
pub(super) struct Successor {
    program: PathBuf,
    arguments: Vec<OsString>,
}

/// The successor did not take over.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotHandedOver {
    #[error(transparent)]
    Sockets(#[from] SocketsError),
    #[error("{program} cannot be run")]
    Run {
        program: String,
        #[source]
        source: std::io::Error,
    },
}

impl Successor {
    /// Whatever will lie where this program lies now.
    pub(super) fn of_this_program() -> std::io::Result<Self> {
        Ok(Self {
            program: std::env::current_exe()?,
            arguments: std::env::args_os().skip(1).collect(),
        })
    }

    /// Whether it could start; if not, why.
    pub(super) async fn can_start(&self) -> Result<(), String> {
        let mut command = tokio::process::Command::new(&self.program);
        command.args(&self.arguments).arg("--check");
        // What is said to the manager is said by this process.
        for name in ["NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID"] {
            command.env_remove(name);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(Stdio::piped()).kill_on_drop(true);
        let output = tokio::time::timeout(CHECK_TIMEOUT, command.output()).await;
        let program = self.program.display();
        match output {
            Err(_) => Err(format!("{program} did not end its check in time")),
            Ok(Err(error)) => Err(format!("{program} cannot be run: {error}")),
            Ok(Ok(output)) if output.status.success() => Ok(()),
            Ok(Ok(output)) => {
                let said = String::from_utf8_lossy(&output.stderr);
                let lines: Vec<&str> = said.lines().rev().take(REFUSAL_LINES).collect();
                let said: Vec<&str> = lines.into_iter().rev().collect();
                Err(format!("{program} refuses to start: {}", said.join("; ")))
            }
        }
    }

    /// Runs it in this process. Returns only when that cannot be done.
    pub(super) fn become_it(&self, listeners: Listeners) -> NotHandedOver {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments);
        match listeners.hand_over(&mut command) {
            Err(error) => error.into(),
            Ok(inherited) => {
                let source = command.exec();
                drop(inherited);
                NotHandedOver::Run {
                    program: self.program.display().to_string(),
                    source,
                }
            }
        }
    }
}
