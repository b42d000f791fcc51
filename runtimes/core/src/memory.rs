//! The memory limit of one process. Knows nothing of control groups, which limit a whole instance with its children.

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use zygo_wire::data::Usage;
use zygo_wire::{Failure, FailureKind};

use crate::{desk, process, sink};

const MIB: u64 = 1024 * 1024;

/// What a shell reports for a process that the kernel's out-of-memory killer ended.
const EXIT_CODE: i32 = 137;

/// Limits what this process and those forked from it may still allocate: `limit_mb` on top of what it has now.
/// Private writable memory counts (`RLIMIT_DATA`), reserved address space does not, which suits engines that reserve
/// gigabytes.
pub(crate) fn limit(limit_mb: u32) -> Result<(), String> {
    let base = data_len().ok_or("the size of the data segment is not in /proc/self/statm")?;
    let wanted = base + u64::from(limit_mb) * MIB;
    let (_, hard) = getrlimit(Resource::RLIMIT_DATA).map_err(|error| error.to_string())?;
    let limit = wanted.min(hard);
    // The hard one as well: whoever is limited could raise the soft one again.
    setrlimit(Resource::RLIMIT_DATA, limit, limit).map_err(|error| error.to_string())
}

/// Private writable memory in bytes; the kernel checks this figure against the limit.
fn data_len() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split_ascii_whitespace().nth(5)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}

/// For an engine that finds its heap full where it cannot unwind: reports the failure of the running invocation (or of
/// the load) and ends the process.
pub fn over_limit(message: &str) -> ! {
    let failure = Failure::new(FailureKind::OutOfMemory, "OutOfMemory", message);
    desk::give_out();
    // When the report cannot be sent, the end of the process still tells.
    let _ = sink::fail(failure, Usage::default());
    process::end(EXIT_CODE)
}
