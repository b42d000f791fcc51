//! The engine's heap limit. It begins small, so that the engine collects early and pages stay shared, and grows up to
//! the function's limit; beyond that the process ends with a report. Knows nothing of the kernel's limits.

use std::ffi::{c_char, c_void};
use std::sync::atomic::{AtomicUsize, Ordering};

use deno_core::v8;

/// What the engine is told at first.
pub(crate) const INITIAL_LIMIT: usize = 64 << 20;

/// How much is added when the engine comes near its limit.
const STEP: usize = 32 << 20;

/// What the engine may use at most, in bytes.
static LIMIT: AtomicUsize = AtomicUsize::new(INITIAL_LIMIT);

/// Sets what the engine may use at most.
pub(crate) fn set_limit(limit_mb: u32) {
    LIMIT.store((limit_mb as usize) << 20, Ordering::Relaxed);
}

/// Makes the engine ask before it runs out of memory.
pub(crate) fn watch(isolate: &mut v8::OwnedIsolate) {
    isolate.add_near_heap_limit_callback(on_near_limit, std::ptr::null_mut());
    isolate.set_oom_error_handler(on_out_of_memory);
}

unsafe extern "C" fn on_near_limit(_: *mut c_void, current: usize, _: usize) -> usize {
    let limit = LIMIT.load(Ordering::Relaxed);
    if current >= limit {
        runtime_core::memory::over_limit(&format!(
            "the heap is over the limit of {} MB",
            limit >> 20
        ));
    }
    (current + STEP).min(limit)
}

unsafe extern "C" fn on_out_of_memory(_: *const c_char, _: &v8::OomDetails) {
    let limit = LIMIT.load(Ordering::Relaxed) >> 20;
    runtime_core::memory::over_limit(&format!("no memory left within the limit of {limit} MB"));
}
