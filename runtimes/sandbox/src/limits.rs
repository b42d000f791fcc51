//! What one process may have: limits that hold without control groups.

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{SigHandler, Signal, signal};
use zygo_wire::{Layer, Sandbox};

use crate::error::{LayerError, Step};

/// Open files of one process. A zygote holds one for each living instance, above 512.
const FILES_MAX: u64 = 4_096;

/// Processes and threads of one function, all instances together.
const TASKS_MAX: u64 = 1_024;

/// Lowers the limits of this process and of those forked from it.
pub(crate) fn lower(plan: &Sandbox) -> Result<(), LayerError> {
    let limits = [
        (Resource::RLIMIT_CORE, 0),
        (Resource::RLIMIT_NOFILE, FILES_MAX),
        (Resource::RLIMIT_NPROC, TASKS_MAX),
        (Resource::RLIMIT_FSIZE, plan.tmp_bytes),
        (Resource::RLIMIT_MEMLOCK, 64 * 1_024),
        (Resource::RLIMIT_MSGQUEUE, 0),
        (Resource::RLIMIT_SIGPENDING, 1_024),
        (Resource::RLIMIT_NICE, 0),
        (Resource::RLIMIT_RTPRIO, 0),
    ];
    for (resource, limit) in limits {
        let (_, hard) = getrlimit(resource).step(Layer::Limits, format!("reading {resource:?}"))?;
        let limit = limit.min(hard);
        setrlimit(resource, limit, limit).step(Layer::Limits, format!("setting {resource:?}"))?;
    }
    // Who writes too much is told so by the call, rather than ended.
    // SAFETY: no handler runs.
    let ignored = unsafe { signal(Signal::SIGXFSZ, SigHandler::SigIgn) };
    ignored
        .map(drop)
        .step(Layer::Limits, "ignoring the signal of too long files")
}
