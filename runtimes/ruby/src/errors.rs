//! Ruby exceptions as failures, and those that end the process instead. Knows nothing of when they occur.

use std::sync::atomic::{AtomicU32, Ordering};

use magnus::error::ErrorType;
use magnus::value::ReprValue;
use magnus::{Error, Exception, RArray, RString, Ruby};
use runtime_core::wire::{Failure, FailureKind};

use crate::convert;
use crate::shim::{self, Shim};

/// What Ruby answers to an allocation that fails.
const OUT_OF_MEMORY: &str = "the function needed more memory than its limit";

/// Value of [`IN_USER_CODE`] while none runs.
const NOBODY: u32 = 0;

/// The process that runs user code now; see [`report_fatal_ends`].
static IN_USER_CODE: AtomicU32 = AtomicU32::new(NOBODY);

/// Runs user code, marked as such. A child that the code forked and that comes back from it ends here: it would answer
/// a second time.
pub(crate) fn in_user_code<T>(body: impl FnOnce() -> T) -> T {
    let process = std::process::id();
    IN_USER_CODE.store(process, Ordering::Relaxed);
    let result = body();
    if std::process::id() != process {
        shim::flush_lines();
        end(0);
    }
    IN_USER_CODE.store(NOBODY, Ordering::Relaxed);
    result
}

/// Ends the process at once, without any clean-up, which belongs to the zygote's engine.
pub(crate) fn end(code: i32) -> ! {
    // SAFETY: `_exit` takes any integer and never returns.
    unsafe { libc::_exit(code) }
}

/// Ruby calls `exit(1)` after `[FATAL] failed to allocate memory`, when not even an exception can be made. Everything
/// else that ends this process on purpose skips the handlers of `atexit`, so one that is reached in the middle of user
/// code tells that end apart. Children that the user's code forks come by here as well and are let go.
pub(crate) fn report_fatal_ends() {
    extern "C" fn at_exit() {
        if IN_USER_CODE.load(Ordering::Relaxed) == std::process::id() {
            runtime_core::memory::over_limit(OUT_OF_MEMORY);
        }
    }
    // SAFETY: the function lives as long as the process and unwinds into nothing.
    unsafe {
        libc::atexit(at_exit);
    }
}

/// Describes what was raised; `kind` is what an ordinary exception means where it was raised.
pub(crate) fn failure(shim: &Shim, error: &Error, kind: FailureKind) -> Failure {
    match error.error_type() {
        ErrorType::Exception(exception) => of_exception(shim, *exception, kind),
        _ => Failure::new(kind, "Error", error.to_string()),
    }
}

fn of_exception(shim: &Shim, exception: Exception, kind: FailureKind) -> Failure {
    let ruby = Ruby::get_with(exception);
    if exception.is_kind_of(ruby.exception_no_mem_error()) {
        return Failure::new(FailureKind::OutOfMemory, "NoMemoryError", OUT_OF_MEMORY);
    }
    if convert::class_is(exception.as_value(), "Zygo::ResponseError") {
        return convert::unsendable(exception.to_string());
    }
    let (kind, renamed) = if convert::class_is(exception.as_value(), "Zygo::HandlerNotFound") {
        (FailureKind::HandlerNotFound, Some("HandlerNotFound"))
    } else {
        (kind, None)
    };
    let Ok((error_type, message, stack)) = describe(shim, exception) else {
        return Failure::new(kind, "Exception", "an exception that cannot be described");
    };
    Failure {
        kind,
        error_type: renamed.map_or(error_type, str::to_owned),
        message,
        stack,
    }
}

fn describe(shim: &Shim, exception: Exception) -> Result<(String, String, Vec<String>), Error> {
    let parts: RArray = shim::call(shim.failures, "describe", &[exception.as_value()])?;
    let lines: RArray = parts.entry(2)?;
    let mut stack = Vec::with_capacity(lines.len());
    for index in 0..lines.len().cast_signed() {
        stack.push(convert::text(lines.entry(index)?));
    }
    let text = |index| parts.entry::<RString>(index).map(convert::text);
    Ok((text(0)?, text(1)?, stack))
}

/// Ends the process when the exception asks for that: `exit` and `abort` with their code, an uncaught signal by it.
pub(crate) fn end_if_asked(error: &Error) {
    let ErrorType::Exception(exception) = error.error_type() else {
        return;
    };
    let ruby = Ruby::get_with(*exception);
    if exception.is_kind_of(ruby.exception_system_exit()) {
        shim::flush_lines();
        let code = shim::call(exception.as_value(), "status", &[]).unwrap_or(1);
        end(code);
    }
    if exception.is_kind_of(ruby.exception_signal()) {
        shim::flush_lines();
        let signal = shim::call(exception.as_value(), "signo", &[]).unwrap_or(libc::SIGTERM);
        // SAFETY: restores the default action and raises; nothing of this process is used afterwards.
        unsafe {
            libc::signal(signal, libc::SIG_DFL);
            libc::raise(signal);
        }
        // The signal does not kill by default.
        end(128 + signal);
    }
}
