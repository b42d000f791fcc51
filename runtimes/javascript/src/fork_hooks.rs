//! What V8 needs around a fork: mappings that children keep, a compact heap before it, fresh state after it.

use std::ffi::{c_int, c_void};

use deno_core::{JsRuntime, OpState};
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::random;

/// Takes the place of the C library's `madvise` in this binary, V8 included, which is linked in. V8 marks all its
/// mappings `MADV_DONTFORK`, so that a forked isolate would have no heap; that one advice is ignored.
///
/// # Safety
/// As for `madvise(2)`.
#[unsafe(no_mangle)]
unsafe extern "C" fn madvise(address: *mut c_void, len: usize, advice: c_int) -> c_int {
    if advice == libc::MADV_DONTFORK {
        return 0;
    }
    // SAFETY: the caller's arguments are passed on unchanged to the call that it asked for.
    let result = unsafe { libc::syscall(libc::SYS_madvise, address, len, advice) };
    c_int::try_from(result).unwrap_or(-1)
}

/// Fails when a mapping of this process would be missing in a child.
pub(crate) fn require_forkable_memory() -> Result<(), String> {
    let maps = std::fs::read_to_string("/proc/self/smaps").map_err(|error| error.to_string())?;
    let lost = maps
        .lines()
        .filter(|line| line.starts_with("VmFlags:") && line.contains(" dc"))
        .count();
    if lost == 0 {
        return Ok(());
    }
    Err(format!(
        "{lost} memory mappings are marked MADV_DONTFORK; this build of V8 cannot be forked"
    ))
}

/// Collects all garbage: less to copy at a fork, and less that a child must write into.
pub(crate) fn collect(js: &mut JsRuntime) {
    let isolate = js.v8_isolate();
    // Twice, because objects with finalizers only die in the second round.
    isolate.low_memory_notification();
    isolate.low_memory_notification();
    // Has to walk the heap, so it ends the sweeping that the collection put off; else every child would sweep.
    let _ = isolate.get_heap_code_and_metadata_statistics();
}

/// Gives this process generators of its own.
pub(crate) fn reseed(state: &mut OpState) {
    random::reseed();
    state.put(StdRng::from_entropy());
}

/// Lets the clock of the module that is about to be loaded begin now; it goes on in all instances.
pub(crate) fn restart_clock(state: &mut OpState) {
    state.put(deno_web::StartTime::default());
}
