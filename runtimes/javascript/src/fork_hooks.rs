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

/// Fills the holes between living blocks, so that a child's first allocations lie side by side at the end of the
/// heap. From the holes they would lie all over it, and each would copy a shared page. What fills the holes is lost, but
/// only once for all children.
pub(crate) fn settle_malloc() {
    /// Larger holes are few, and what is cut from one lies side by side as well.
    const HOLE_MAX: usize = 64 * 1024;
    const ALIGNMENT: usize = 16;
    // SAFETY: `malloc_trim` only gives free pages back to the system.
    unsafe { libc::malloc_trim(0) };
    let end = end_of_blocks();
    for size in (1..=HOLE_MAX / ALIGNMENT)
        .rev()
        .map(|count| count * ALIGNMENT - size_of::<usize>())
    {
        loop {
            // SAFETY: the block is not used; it is lost or, when it lies beyond the holes, freed.
            unsafe {
                let block = libc::malloc(size);
                if block.is_null() || block as usize >= end {
                    libc::free(block);
                    break;
                }
            }
        }
    }
    // What the loop freed at the end is given back too: a child gets zeroed pages there instead of copies.
    // SAFETY: as above.
    unsafe { libc::malloc_trim(0) };
}

/// Where the heap's unbroken free memory begins.
fn end_of_blocks() -> usize {
    // SAFETY: neither call changes anything.
    let (end, free) = unsafe { (libc::sbrk(0) as usize, libc::mallinfo2().keepcost) };
    end.saturating_sub(free)
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
