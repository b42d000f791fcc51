//! One function zygote: the process that has loaded one version of a function and forks its instances.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use zygo_wire::control::{ExitStatus, Level, Purpose};
use zygo_wire::{Function, LoadWhen, WireError, ZygoteCommand, ZygoteEvent};

use super::ZygoteError;
use super::children::Children;
use super::language::LanguageZygote;
use super::process::Process;
use crate::isolation::Held;
use crate::packet_socket::PacketSocket;

/// Where lines go that are written outside any invocation: at load, or by native code to its standard output.
pub(crate) type Output = Arc<dyn Fn(Level, String) + Send + Sync>;

/// How long to wait for the word on how a process ended, once its socket has closed.
const EXIT_STATUS_PATIENCE: Duration = Duration::from_millis(500);

/// A longer line of native output is passed on in pieces.
const LINE_LEN_MAX: usize = 8 * 1024;

/// A ready function zygote.
#[derive(Debug)]
pub(crate) struct FunctionZygote {
    process: Arc<Process>,
    children: Arc<Children>,
    /// How long it took to make it, seen from here.
    boot: Duration,
    /// What kept the loaded code from being forked; empty when the code is loaded in the zygote.
    culprits: Vec<String>,
}

impl FunctionZygote {
    /// Forks one from the language zygote and lets it load the code. Code that cannot be forked once loaded is loaded
    /// in each instance instead.
    pub(crate) async fn boot(
        language: &LanguageZygote,
        mut function: Function,
        output: &Output,
        limit: Duration,
    ) -> Result<Arc<Self>, ZygoteError> {
        let started = Instant::now();
        match Self::boot_once(language, &function, output, limit).await? {
            Boot::Ready(process, children) => {
                Ok(Self::adopt(process, children, started, Vec::new()))
            }
            Boot::Unforkable(culprits) => {
                function.load_when = LoadWhen::AfterFork;
                match Self::boot_once(language, &function, output, limit).await? {
                    Boot::Ready(process, children) => {
                        Ok(Self::adopt(process, children, started, culprits))
                    }
                    // With nothing loaded there is nothing that cannot be forked.
                    Boot::Unforkable(_) => Err(ZygoteError::Gone),
                }
            }
        }
    }

    async fn boot_once(
        language: &LanguageZygote,
        function: &Function,
        output: &Output,
        limit: Duration,
    ) -> Result<Boot, ZygoteError> {
        let (control, theirs) = PacketSocket::pair()?;
        let (reader, writer) = output_pipe().map_err(WireError::from)?;
        let held = hold(language, function).await?;
        let children = Children::new(control, held.group);
        let command = ZygoteCommand::Load {
            function: Box::new(held.function),
        };
        // It waits in the socket until the process is there: no round trip, and nobody else reads it.
        children.tell(&command, &held.groups).await?;
        let process = language.fork(theirs, writer).await?;
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
    ) -> Arc<Self> {
        let children = Arc::new(children);
        let zygote = Arc::new(Self {
            process,
            children: Arc::clone(&children),
            boot: started.elapsed(),
            culprits,
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

    /// Forks an instance that serves `data`.
    pub(crate) async fn fork(
        &self,
        purpose: Purpose,
        data: OwnedFd,
    ) -> Result<Arc<Process>, ZygoteError> {
        let command = |child| ZygoteCommand::ForkInstance { child, purpose };
        Ok(self.children.fork(command, &[data]).await?)
    }

    /// Ends it and every instance it forked.
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
            Ok(ZygoteEvent::Ready { .. }) => return Ok(None),
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

fn output_pipe() -> std::io::Result<(pipe::Receiver, OwnedFd)> {
    let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
    rustix::io::ioctl_fionbio(&reader, true)?;
    Ok((pipe::Receiver::from_owned_fd(reader)?, writer))
}

/// Passes lines of native output on until every process that could write is gone.
async fn pass_on(mut reader: pipe::Receiver, output: Output) {
    let mut pending = Vec::with_capacity(LINE_LEN_MAX);
    while let Ok(count @ 1..) = reader.read_buf(&mut pending).await {
        debug_assert!(count > 0);
        while let Some(end) = pending.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = pending.drain(..=end).collect();
            output(
                Level::Info,
                String::from_utf8_lossy(&line[..end]).into_owned(),
            );
        }
        if pending.len() >= LINE_LEN_MAX {
            output(Level::Info, String::from_utf8_lossy(&pending).into_owned());
            pending.clear();
        }
    }
    if !pending.is_empty() {
        output(Level::Info, String::from_utf8_lossy(&pending).into_owned());
    }
}
