//! One language zygote: started with exec, asked for function zygotes, started again when it dies.

use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::process::{Child, Command};
use tokio::sync::watch;
use zygo_wire::{Layer, PROTOCOL, ZygoteCommand, ZygoteEvent};

use super::ZygoteError;
use super::children::Children;
use super::process::Process;
use super::state::BackOff;
use crate::isolation::Isolation;
use crate::packet_socket::PacketSocket;

/// An engine that is not up by then never will be.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a caller waits for a zygote that is being started again.
const READY_TIMEOUT: Duration = Duration::from_secs(10);

/// A runtime that died this often in a row without ever being ready is reported as unavailable meanwhile.
const FAILED_STARTS_MAX: u32 = 3;

/// The supervised process of one runtime.
#[derive(Debug)]
pub(crate) struct LanguageZygote {
    runtime: &'static str,
    binary: PathBuf,
    /// What holds the functions.
    isolation: Arc<Isolation>,
    state: watch::Sender<State>,
    /// The running process, for the end of the platform.
    child: Mutex<Option<Child>>,
}

/// Why a life of the process never came to be.
struct NotStarted {
    /// For people.
    reason: String,
    /// Whether somebody ended it with a signal.
    was_killed: bool,
}

impl From<String> for NotStarted {
    fn from(reason: String) -> Self {
        Self {
            reason,
            was_killed: false,
        }
    }
}

#[derive(Debug, Clone)]
enum State {
    /// On its way.
    Spawning,
    /// Ready to fork.
    Ready {
        children: Arc<Children>,
        engine: String,
        boot: Duration,
    },
    /// Not to be had; the reason is for people.
    Unavailable(String),
    /// The platform is ending.
    Stopped,
}

impl LanguageZygote {
    /// Starts the process, and again whenever it ends.
    pub(super) fn start(
        runtime: &'static str,
        directory: &Path,
        isolation: Arc<Isolation>,
    ) -> Arc<Self> {
        let zygote = Arc::new(Self {
            runtime,
            binary: directory.join(format!("zygo-{runtime}")),
            isolation,
            state: watch::Sender::new(State::Spawning),
            child: Mutex::new(None),
        });
        tokio::spawn(Arc::clone(&zygote).supervise());
        zygote
    }

    /// The runtime's name.
    pub(crate) fn runtime(&self) -> &'static str {
        self.runtime
    }

    /// The runtime's binary.
    pub(crate) fn binary(&self) -> &Path {
        &self.binary
    }

    /// The engine and how long it took to start, or why there is none.
    pub(crate) async fn status(&self) -> Result<(String, Duration), String> {
        match self.settled().await {
            State::Ready { engine, boot, .. } => Ok((engine, boot)),
            State::Unavailable(reason) => Err(reason),
            State::Spawning | State::Stopped => Err("not ready".to_owned()),
        }
    }

    /// What holds the functions.
    pub(crate) fn isolation(&self) -> &Arc<Isolation> {
        &self.isolation
    }

    /// Forks a process that is to become a function zygote.
    pub(crate) async fn fork(
        &self,
        control: OwnedFd,
        output: OwnedFd,
    ) -> Result<Arc<Process>, ZygoteError> {
        let children = match self.settled().await {
            State::Ready { children, .. } => children,
            State::Unavailable(reason) => {
                return Err(ZygoteError::Unavailable {
                    runtime: self.runtime.to_owned(),
                    reason,
                });
            }
            State::Spawning | State::Stopped => return Err(ZygoteError::Gone),
        };
        let in_namespace = self.isolation.has(Layer::Pid);
        let command = |child| ZygoteCommand::ForkFunctionZygote {
            child,
            in_namespace,
        };
        Ok(children.fork(command, &[control, output]).await?)
    }

    /// Ends the process and stops looking after it.
    pub(crate) async fn stop(&self) {
        self.state.send_replace(State::Stopped);
        let child = self.lock_child().take();
        if let Some(mut child) = child {
            // Only a process that is already gone cannot be killed.
            let _ = child.kill().await;
        }
    }

    async fn settled(&self) -> State {
        let mut state = self.state.subscribe();
        let settled = state.wait_for(|state| !matches!(state, State::Spawning));
        match tokio::time::timeout(READY_TIMEOUT, settled).await {
            Ok(Ok(state)) => state.clone(),
            _ => State::Spawning,
        }
    }

    async fn supervise(self: Arc<Self>) {
        let mut back_off = BackOff::default();
        let mut failed_starts = 0_u32;
        while !matches!(*self.state.borrow(), State::Stopped) {
            let born = Instant::now();
            match self.live().await {
                Ok(()) => failed_starts = 0,
                // Whoever killed it may do so again; it is no sign that the binary cannot start.
                Err(NotStarted {
                    was_killed: true, ..
                }) => {}
                Err(NotStarted { reason, .. }) => {
                    failed_starts += 1;
                    let stopped = matches!(*self.state.borrow(), State::Stopped);
                    if failed_starts == 1 && !stopped {
                        tracing::error!(runtime = self.runtime, %reason, "language zygote did not start");
                    }
                    if failed_starts >= FAILED_STARTS_MAX || !self.binary.exists() {
                        self.become_unless_stopped(State::Unavailable(reason));
                    }
                }
            }
            tokio::time::sleep(back_off.after_death(born.elapsed())).await;
        }
    }

    /// One life of the process, from exec to its end. Fails when it never became ready.
    async fn live(&self) -> Result<(), NotStarted> {
        let children = Arc::new(self.spawn()?);
        let ready = tokio::time::timeout(START_TIMEOUT, children.next_event()).await;
        let (engine, boot) = match ready {
            Ok(Ok(ZygoteEvent::Ready {
                protocol: PROTOCOL,
                engine,
                duration_us,
            })) => (engine, Duration::from_micros(duration_us)),
            Ok(Ok(ZygoteEvent::Ready { .. })) => {
                let reason = format!(
                    "{} is of another build; build all of zygo anew",
                    self.binary.display()
                );
                return Err(NotStarted::from(reason));
            }
            _ => return Err(self.why_not_started().await),
        };
        tracing::info!(runtime = self.runtime, %engine, ?boot, "language zygote is ready");
        self.become_unless_stopped(State::Ready {
            children: Arc::clone(&children),
            engine,
            boot,
        });
        while children.next_event().await.is_ok() {}
        self.become_unless_stopped(State::Spawning);
        // Function zygotes have sockets of their own and go on forking.
        children.release();
        self.reap().await;
        Ok(())
    }

    fn spawn(&self) -> Result<Children, String> {
        let (control, theirs) = PacketSocket::pair().map_err(|error| error.to_string())?;
        let child = Command::new(&self.binary)
            .arg("zygote")
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("LANG", "C.UTF-8")
            .env("HOME", "/tmp")
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            // A Ctrl-C in the terminal is for the supervisor, which then drains.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| self.explain(&error))?;
        *self.lock_child() = Some(child);
        Ok(Children::new(control, None))
    }

    fn explain(&self, error: &std::io::Error) -> String {
        let binary = self.binary.display();
        match error.kind() {
            std::io::ErrorKind::NotFound => {
                format!("{binary} is missing; build it with scripts/build")
            }
            _ => format!("{binary} cannot be started: {error}"),
        }
    }

    async fn why_not_started(&self) -> NotStarted {
        let binary = self.binary.display();
        let status = self.reap().await;
        let was_killed = status.is_some_and(|status| status.signal().is_some());
        let reason = match status {
            Some(status) if status.code() == Some(127) => {
                format!("{binary} lacks a shared library; install it with scripts/setup")
            }
            Some(status) => format!("{binary} ended during its start ({status})"),
            None => format!("{binary} was not ready within {START_TIMEOUT:?}"),
        };
        NotStarted { reason, was_killed }
    }

    /// Collects the ended process, killing it if it lingers.
    async fn reap(&self) -> Option<std::process::ExitStatus> {
        let mut child = self.lock_child().take()?;
        match tokio::time::timeout(Duration::from_millis(500), child.wait()).await {
            Ok(status) => status.ok(),
            Err(_) => {
                let _ = child.kill().await;
                None
            }
        }
    }

    fn become_unless_stopped(&self, next: State) {
        self.state.send_if_modified(|state| {
            let stopped = matches!(state, State::Stopped);
            if !stopped {
                *state = next;
            }
            !stopped
        });
    }

    fn lock_child(&self) -> std::sync::MutexGuard<'_, Option<Child>> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
