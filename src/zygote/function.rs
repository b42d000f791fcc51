//! One function zygote: the process that has loaded one version of a function and forks its instances.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use zygo_wire::control::{ExitStatus, Purpose};
use zygo_wire::{Function, LoadWhen, WireError, ZygoteCommand, ZygoteEvent};

use super::ZygoteError;
use super::ageing::Condition;
use super::children::Children;
use super::crashes::Crashes;
use super::language::LanguageZygote;
use super::life::Life;
use super::lineage::Lineage;
use super::output::{Output, output_pipe, pass_on};
use super::process::Process;
use crate::isolation::Held;
use crate::packet_socket::PacketSocket;

/// How long to wait for the word on how a process ended, once its socket has closed.
const EXIT_STATUS_PATIENCE: Duration = Duration::from_millis(500);

/// A ready function zygote.
#[derive(Debug)]
pub(crate) struct FunctionZygote {
    process: Arc<Process>,
    children: Arc<Children>,
    /// How long it took to make it, seen from here.
    boot: Duration,
    /// What kept the loaded code from being forked; empty when the code is loaded in the zygote.
    culprits: Vec<String>,
    /// What it has from the language zygote.
    lineage: Arc<Lineage>,
    born: Instant,
    /// How often it has forked.
    forks: AtomicU64,
    /// Whether another has taken its place.
    is_replaced: AtomicBool,
}

/// What a function zygote is made of, besides the process that it is forked from.
pub(crate) struct Making<'a> {
    /// The zygote of its language.
    pub(crate) language: &'a LanguageZygote,
    /// Where its code lies, and what it may.
    pub(crate) function: &'a Function,
    /// Where its lines go.
    pub(crate) output: &'a Output,
    /// Where crashes of its instances are counted.
    pub(crate) crashes: &'a Arc<Crashes>,
    /// How long loading may take.
    pub(crate) limit: Duration,
}

impl FunctionZygote {
    /// Forks one from the language zygote's process and lets it load the code. Code that cannot be forked once loaded is
    /// loaded in each instance instead.
    pub(crate) async fn boot(life: &Life, making: Making<'_>) -> Result<Arc<Self>, ZygoteError> {
        let started = Instant::now();
        let lineage = Arc::clone(life.lineage());
        let mut function = making.function.clone();
        match Self::boot_once(life, &making, &function).await? {
            Boot::Ready(process, children) => {
                let culprits = Vec::new();
                Ok(Self::adopt(process, children, started, culprits, lineage))
            }
            Boot::Unforkable(culprits) => {
                function.load_when = LoadWhen::AfterFork;
                match Self::boot_once(life, &making, &function).await? {
                    Boot::Ready(process, children) => {
                        Ok(Self::adopt(process, children, started, culprits, lineage))
                    }
                    // With nothing loaded there is nothing that cannot be forked.
                    Boot::Unforkable(_) => Err(ZygoteError::Gone),
                }
            }
        }
    }

    async fn boot_once(
        life: &Life,
        making: &Making<'_>,
        function: &Function,
    ) -> Result<Boot, ZygoteError> {
        let Making {
            language,
            output,
            limit,
            ..
        } = *making;
        let (control, theirs) = PacketSocket::pair()?;
        let (reader, writer) = output_pipe().map_err(WireError::from)?;
        let held = hold(language, function).await?;
        let crashes = Some(Arc::clone(making.crashes));
        let children = Children::new(control, held.group, crashes);
        let command = ZygoteCommand::Load {
            function: Box::new(held.function),
        };
        // It waits in the socket until the process is there: no round trip, and nobody else reads it.
        children.tell(&command, &held.groups).await?;
        let in_namespace = language.forks_into_namespaces();
        let process = life.fork_in_time(in_namespace, theirs, writer).await?;
        tokio::spawn(pass_on(reader, Arc::clone(output)));
        let ready = wait_until_loaded(&children, &process, output);
        match tokio::time::timeout(limit, ready).await {
            Ok(Ok(None)) => Ok(Boot::Ready(process, children)),
            Ok(Ok(Some(culprits))) => Ok(Boot::Unforkable(culprits)),
            Ok(Err(error)) => Err(error),
            Err(_) => {
                process.kill();
                Err(ZygoteError::LoadTimedOut {
                    limit_ms: limit.as_millis(),
                })
            }
        }
    }

    fn adopt(
        process: Arc<Process>,
        children: Children,
        started: Instant,
        culprits: Vec<String>,
        lineage: Arc<Lineage>,
    ) -> Arc<Self> {
        let children = Arc::new(children);
        let zygote = Arc::new(Self {
            process,
            children: Arc::clone(&children),
            boot: started.elapsed(),
            culprits,
            lineage,
            born: Instant::now(),
            forks: AtomicU64::new(0),
            is_replaced: AtomicBool::new(false),
        });
        tokio::spawn(listen(children, Arc::clone(&zygote.process)));
        zygote
    }

    /// How long it took to make.
    pub(crate) fn boot_duration(&self) -> Duration {
        self.boot
    }

    /// What kept the loaded code from being forked, if anything did.
    pub(crate) fn culprits(&self) -> &[String] {
        &self.culprits
    }

    /// Whether it can fork no more.
    pub(crate) fn has_ended(&self) -> bool {
        self.process.has_ended()
    }

    /// Its process id while it runs.
    pub(crate) fn pid(&self) -> Option<i32> {
        self.process.pid()
    }

    /// What it has from the language zygote.
    pub(crate) fn lineage(&self) -> &Lineage {
        &self.lineage
    }

    /// What says whether it is due to be made anew.
    pub(crate) fn condition(&self, crashes: &Crashes) -> Condition {
        Condition {
            is_outdated: self.lineage.is_outdated(),
            is_old: self.lineage.is_old(),
            forks: self.forks.load(Ordering::Relaxed),
            crashes: crashes.since(self.born, Instant::now()),
        }
    }

    /// Another has taken its place: its instances serve what they have begun, and it ends with the last of them.
    pub(crate) fn replace(&self) {
        self.is_replaced.store(true, Ordering::Relaxed);
    }

    /// Whether another has taken its place.
    pub(crate) fn is_replaced(&self) -> bool {
        self.is_replaced.load(Ordering::Relaxed)
    }

    /// Forks an instance that serves `data`.
    pub(crate) async fn fork(
        &self,
        purpose: Purpose,
        data: OwnedFd,
    ) -> Result<Arc<Process>, ZygoteError> {
        self.forks.fetch_add(1, Ordering::Relaxed);
        let command = |child| ZygoteCommand::ForkInstance { child, purpose };
        Ok(self.children.fork(command, &[data]).await?)
    }

    /// Ends it and every instance it forked. It ends too when nobody holds it: no slot, and no instance.
    pub(crate) fn stop(&self) {
        self.process.kill();
        self.children.abandon();
    }
}

impl Drop for FunctionZygote {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Where that keeps no invocation waiting.
async fn hold(language: &LanguageZygote, function: &Function) -> Result<Held, ZygoteError> {
    let (isolation, function) = (Arc::clone(language.isolation()), function.clone());
    let held = tokio::task::spawn_blocking(move || isolation.hold(function)).await;
    let held = held.map_err(|_| ZygoteError::Gone)?;
    held.map_err(|error| ZygoteError::NotHeld(error.to_string()))
}

enum Boot {
    Ready(Arc<Process>, Children),
    Unforkable(Vec<String>),
}

/// `None` when the zygote is ready, the culprits when the loaded code cannot be forked.
async fn wait_until_loaded(
    children: &Children,
    process: &Process,
    output: &Output,
) -> Result<Option<Vec<String>>, ZygoteError> {
    loop {
        match children.next_event().await {
            Ok(ZygoteEvent::Ready { .. }) => {
                // It may be quicker than its parent's word of it. A parent that nobody else needs ends once this is known,
                // and without that word the child would count as never forked.
                process.settled().await;
                return match process.has_ended() {
                    true => Err(ZygoteError::Gone),
                    false => Ok(None),
                };
            }
            Ok(ZygoteEvent::Unforkable(culprits)) => return Ok(Some(culprits)),
            Ok(ZygoteEvent::LoadFailed(failure)) => return Err(failure.into()),
            Ok(ZygoteEvent::Logged { level, text }) => output(level, text),
            // Children's events do not come this far.
            Ok(_) => {}
            Err(error) => return Err(how_it_ended(process, &error).await),
        }
    }
}

async fn how_it_ended(process: &Process, error: &WireError) -> ZygoteError {
    let status = process.exit_status(EXIT_STATUS_PATIENCE).await;
    // A function zygote that cannot have its namespace is never forked.
    if let Some(reason) = process.refusal() {
        return ZygoteError::NotHeld(reason.to_owned());
    }
    match status {
        // It had not read what to load: no fault of the code.
        _ if matches!(error, WireError::Unread) => ZygoteError::Gone,
        Some(ExitStatus::Code(code)) => ZygoteError::LoadCrashed(format!("exit code {code}")),
        Some(ExitStatus::Signal(signal)) => ZygoteError::LoadCrashed(format!("signal {signal}")),
        None => ZygoteError::Gone,
    }
}

/// Follows the children until the zygote is gone.
async fn listen(children: Arc<Children>, process: Arc<Process>) {
    while children.next_event().await.is_ok() {}
    process.kill();
    process.ended(None);
    children.abandon();
}
