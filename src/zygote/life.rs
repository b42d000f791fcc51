//! One life of a language zygote: a process, from exec to its end.
//!
//! It ends when nobody holds it any more: neither its language, nor a function zygote that is being made from it. Function
//! zygotes that have loaded their code live on without it.

use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::sync::watch;
use zygo_wire::{PROTOCOL, ZygoteCommand, ZygoteEvent};

use super::children::Children;
use super::lineage::Lineage;
use super::process::Process;
use crate::packet_socket::PacketSocket;
use crate::zygote::ZygoteError;

/// An engine that is not up by then never will be.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// A fork takes milliseconds; whoever has said nothing of it by then hears nothing any more.
const FORK_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a process may take to end by itself.
const END_PATIENCE: Duration = Duration::from_millis(500);

/// A process that is ready to fork.
#[derive(Debug)]
pub(crate) struct Life {
    lineage: Arc<Lineage>,
    children: Arc<Children>,
    child: Shared,
    /// Closed when the process has ended.
    alive: watch::Receiver<()>,
    engine: String,
    boot: Duration,
}

type Shared = Arc<Mutex<Option<Child>>>;

/// Why a life never came to be.
#[derive(Debug)]
pub(super) struct NotStarted {
    /// For people.
    pub(super) reason: String,
    /// Whether somebody ended it with a signal.
    pub(super) was_killed: bool,
}

impl From<String> for NotStarted {
    fn from(reason: String) -> Self {
        Self {
            reason,
            was_killed: false,
        }
    }
}

impl Life {
    /// Starts the process, and waits until it is ready.
    pub(super) async fn begin(binary: &Path, lineage: Lineage) -> Result<Self, NotStarted> {
        let (control, theirs) = PacketSocket::pair().map_err(|error| error.to_string())?;
        let mut child = spawn(binary, theirs)?;
        let children = Arc::new(Children::new(control, None, None));
        let ready = tokio::time::timeout(START_TIMEOUT, children.next_event()).await;
        let (engine, boot) = match ready {
            Ok(Ok(ZygoteEvent::Ready {
                protocol: PROTOCOL,
                engine,
                duration_us,
            })) => (engine, Duration::from_micros(duration_us)),
            Ok(Ok(ZygoteEvent::Ready { .. })) => {
                let binary = binary.display();
                let reason = format!("{binary} is of another build; build all of zygo anew");
                return Err(NotStarted::from(reason));
            }
            _ => return Err(why_not_started(binary, &mut child).await),
        };
        let child = Arc::new(Mutex::new(Some(child)));
        let (living, alive) = watch::channel(());
        let followed = follow(Arc::clone(&children), Arc::clone(&child), living);
        tokio::spawn(followed);
        Ok(Self {
            lineage: Arc::new(lineage),
            children,
            child,
            alive,
            engine,
            boot,
        })
    }

    /// What function zygotes inherit from it.
    pub(super) fn lineage(&self) -> &Arc<Lineage> {
        &self.lineage
    }

    /// The engine's name and version.
    pub(super) fn engine(&self) -> &str {
        &self.engine
    }

    /// How long the engine took to start.
    pub(super) fn boot_duration(&self) -> Duration {
        self.boot
    }

    /// Whether it can fork no more.
    pub(super) fn has_ended(&self) -> bool {
        self.alive.has_changed().is_err()
    }

    /// Waits for its end.
    pub(super) async fn ended(&self) {
        let mut alive = self.alive.clone();
        while alive.changed().await.is_ok() {}
    }

    /// Forks a process that is to become a function zygote.
    async fn fork(
        &self,
        in_namespace: bool,
        control: OwnedFd,
        output: OwnedFd,
    ) -> Result<Arc<Process>, ZygoteError> {
        let command = |child| ZygoteCommand::ForkFunctionZygote {
            child,
            in_namespace,
        };
        Ok(self.children.fork(command, &[control, output]).await?)
    }

    /// The same, until its word of it is there. A process that gives none is ended, and another takes its place.
    pub(super) async fn fork_in_time(
        &self,
        in_namespace: bool,
        control: OwnedFd,
        output: OwnedFd,
    ) -> Result<Arc<Process>, ZygoteError> {
        let forked = async {
            let process = self.fork(in_namespace, control, output).await?;
            process.settled().await;
            Ok(process)
        };
        if let Ok(forked) = tokio::time::timeout(FORK_TIMEOUT, forked).await {
            return forked;
        }
        let engine = &self.engine;
        tracing::error!(%engine, "a language zygote hears nothing any more, and is ended");
        self.end().await;
        // Or whoever tries again would be given this one once more.
        let _ = tokio::time::timeout(END_PATIENCE, self.ended()).await;
        Err(ZygoteError::Gone)
    }

    /// Ends it now.
    pub(super) async fn end(&self) {
        if let Some(mut child) = take(&self.child) {
            // Only a process that is already gone cannot be killed.
            let _ = child.kill().await;
        }
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        let child = take(&self.child);
        // Without a reactor, whoever drops the child last kills it, and the platform's end reaps it.
        if let (Some(mut child), Ok(reactor)) = (child, tokio::runtime::Handle::try_current()) {
            reactor.spawn(async move { child.kill().await });
        }
    }
}

/// Listens until the process has ended.
async fn follow(children: Arc<Children>, child: Shared, living: watch::Sender<()>) {
    while children.next_event().await.is_ok() {}
    // Whoever is told of an end below must not find it alive here.
    drop(living);
    // Function zygotes have sockets of their own and go on forking.
    children.release();
    if let Some(mut child) = take(&child) {
        reap(&mut child).await;
    }
}

fn take(child: &Shared) -> Option<Child> {
    child.lock().unwrap_or_else(PoisonError::into_inner).take()
}

fn spawn(binary: &Path, control: OwnedFd) -> Result<Child, String> {
    Command::new(binary)
        .arg("zygote")
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("LANG", "C.UTF-8")
        .env("HOME", "/tmp")
        .stdin(Stdio::from(control))
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        // A Ctrl-C in the terminal is for the supervisor, which then drains.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| explain(binary, &error))
}

fn explain(binary: &Path, error: &std::io::Error) -> String {
    let binary = binary.display();
    match error.kind() {
        std::io::ErrorKind::NotFound => {
            format!("{binary} is missing; build it with scripts/build")
        }
        _ => format!("{binary} cannot be started: {error}"),
    }
}

async fn why_not_started(binary: &Path, child: &mut Child) -> NotStarted {
    let binary = binary.display();
    let status = reap(child).await;
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
async fn reap(child: &mut Child) -> Option<ExitStatus> {
    match tokio::time::timeout(END_PATIENCE, child.wait()).await {
        Ok(status) => status.ok(),
        Err(_) => {
            let _ = child.kill().await;
            None
        }
    }
}
