//! The life of a function zygote: load the user's code, make sure that it can be forked, make it ready to be shared,
//! then fork instances.
//!
//! ```text
//!  load ─► check ─► share ─► ready ─► fork instances …
//!    └─ load failed ─┴─ unforkable ─► end
//! ```
//! What it is to load arrives on its own control socket, so the language zygote never sees a tenant's data.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Instant;

use zygo_wire::data::Usage;
use zygo_wire::{Failure, FailureKind, Function, Layer, LoadWhen, ZygoteCommand, ZygoteEvent};

use crate::forkable::{self, Baseline};
use crate::newborn::Newborn;
use crate::runtime::Runtime;
use crate::zygote::{Zygote, report};
use crate::{memory, orphans, pages, process, sink};

/// The whole life, in the process that was just forked. `output` is for what native code prints.
pub(crate) fn run<R: Runtime>(zygote: &mut Zygote<R>, output: OwnedFd) -> ! {
    let code = match receive_function(zygote) {
        Some((function, groups)) => live(zygote, function, groups, output),
        // The supervisor changed its mind.
        None => 0,
    };
    // Instances, and what the load or they have left behind.
    orphans::end_unknown(|_| false);
    process::end(code)
}

/// What to load, and which groups to join first.
fn receive_function<R: Runtime>(zygote: &mut Zygote<R>) -> Option<(Box<Function>, Vec<OwnedFd>)> {
    match zygote.receive() {
        Ok((ZygoteCommand::Load { function }, groups)) => Some((function, groups)),
        _ => None,
    }
}

/// Returns the exit code.
fn live<R: Runtime>(
    zygote: &mut Zygote<R>,
    mut function: Box<Function>,
    groups: Vec<OwnedFd>,
    output: OwnedFd,
) -> i32 {
    process::set_title("zygote", &function.name);
    let started = enter_sandbox(zygote, &mut function, groups)
        .and_then(|()| start(zygote, &function, output));
    match started {
        Ok(()) => i32::from(zygote.serve(Some(&function)).is_err()),
        Err(NotReady::LoadFailed(failure)) => {
            // When nobody listens any more, there is nobody to tell.
            let _ = sink::fail(failure, Usage::default());
            1
        }
        Err(NotReady::Unforkable(culprits)) => {
            report(&ZygoteEvent::Unforkable(culprits), &[]);
            1
        }
    }
}

/// Why a function zygote did not become ready.
enum NotReady {
    LoadFailed(Failure),
    Unforkable(Vec<String>),
}

impl From<Failure> for NotReady {
    fn from(failure: Failure) -> Self {
        Self::LoadFailed(failure)
    }
}

/// From here on nothing outside can be reached, whatever the code does. The function's files are elsewhere in there.
fn enter_sandbox<R: Runtime>(
    zygote: &Zygote<R>,
    function: &mut Function,
    groups: Vec<OwnedFd>,
) -> Result<(), NotReady> {
    let Some(plan) = &function.sandbox else {
        return Ok(());
    };
    let bundle = Path::new(&function.directory);
    let inside = zygo_sandbox::enter(plan, groups, bundle, &zygote.filters).map_err(|error| {
        let kind = FailureKind::Isolation;
        NotReady::LoadFailed(Failure::new(kind, "Isolation", error.to_string()))
    })?;
    process::die_with_parent();
    if plan.has(Layer::Pid) {
        process::end_by_abort();
    }
    function.directory = inside.directory.to_string_lossy().into_owned();
    Ok(())
}

fn start<R: Runtime>(
    zygote: &mut Zygote<R>,
    function: &Function,
    output: OwnedFd,
) -> Result<(), NotReady> {
    let started = Instant::now();
    redirect_output(&output).map_err(platform_failure)?;
    // Descriptors 1 and 2 are enough.
    drop(output);
    memory::limit(function.memory_limit_mb.saturating_add(R::MEMORY_SLACK_MB))
        .map_err(platform_failure)?;
    if function.load_when == LoadWhen::BeforeFork {
        load_for_sharing(&mut zygote.runtime, function)?;
    }
    zygote.adopt_control().map_err(platform_failure)?;
    if function.once {
        zygote.newborn = Newborn::serving_once();
    }
    process::outlive_parent();
    zygote.report_ready(started);
    Ok(())
}

/// What native code writes, past the shim's capture, goes to the pipe that the supervisor reads.
fn redirect_output(output: &OwnedFd) -> io::Result<()> {
    rustix::stdio::dup2_stdout(output)?;
    rustix::stdio::dup2_stderr(output)?;
    Ok(())
}

fn platform_failure(error: impl std::fmt::Display) -> NotReady {
    let kind = FailureKind::Runtime;
    NotReady::LoadFailed(Failure::new(kind, "Runtime", error.to_string()))
}

fn load_for_sharing<R: Runtime>(runtime: &mut R, function: &Function) -> Result<(), NotReady> {
    let baseline = Baseline::take();
    runtime.load(function)?;
    let mut culprits = runtime.fork_blockers();
    culprits.extend(forkable::threads(runtime.thread_names()));
    culprits.extend(forkable::unnamed(baseline.new_descriptors(), &culprits));
    culprits.extend(forkable::child_processes());
    if !culprits.is_empty() {
        return Err(NotReady::Unforkable(culprits));
    }
    runtime.before_snapshot()?;
    pages::give_back_free();
    pages::join();
    Ok(())
}
