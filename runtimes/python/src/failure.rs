//! Exceptions, as what users are told. Knows nothing of how they came about.

use pyo3::exceptions::{PyMemoryError, PySystemExit};
use pyo3::prelude::*;
use runtime_core::log::{self, Level};
use runtime_core::wire::{Failure, FailureKind};

use crate::native;
use crate::shim::Shim;
use crate::stream::ResponseError;

/// Describes an exception. A `SystemExit` ends the process instead, as it does everywhere in Python.
pub(crate) fn of(
    py: Python<'_>,
    shim: &Shim,
    error: PyErr,
    kind: FailureKind,
    root: &str,
) -> Failure {
    attach_traceback(py, &error);
    if error.is_instance_of::<PyMemoryError>(py) {
        return out_of_memory(py, shim, &error, root);
    }
    if error.is_instance_of::<ResponseError>(py) {
        let message = error.value(py).to_string();
        return Failure::new(FailureKind::Response, "ResponseError", message);
    }
    if error.is_instance_of::<PySystemExit>(py) && kind == FailureKind::Handler {
        exit(py, &error);
    }
    let described = shim
        .error
        .bind(py)
        .call_method1("describe", (error.value(py), root));
    match described.and_then(|described| described.extract()) {
        Ok((error_type, message, stack)) => Failure {
            kind,
            error_type,
            message,
            stack,
        },
        // The exception could not be described, most likely for want of memory or stack; what is here always works.
        Err(_) => Failure::new(kind, "Exception", error.to_string()),
    }
}

/// Before Python 3.12 an exception that leaves Python code has its traceback beside it, not in it.
fn attach_traceback(py: Python<'_>, error: &PyErr) {
    if let Some(traceback) = error.traceback(py) {
        // Only fails for what is no traceback.
        let _ = error.value(py).setattr("__traceback__", traceback);
    }
}

/// The handler needed more than its limit. Its own frames may hold what fills the memory, so they are let go first.
fn out_of_memory(py: Python<'_>, shim: &Shim, error: &PyErr, root: &str) -> Failure {
    let described = shim
        .error
        .bind(py)
        .call_method1("describe_out_of_memory", (error.value(py), root));
    let described: PyResult<(String, String, Vec<String>)> =
        described.and_then(|value| value.extract());
    let (error_type, own, stack) = described.unwrap_or_default();
    let message = match own.as_str() {
        "" => "the function needed more memory than its limit".to_owned(),
        own => format!("the function needed more memory than its limit: {own}"),
    };
    let error_type = if error_type.is_empty() {
        "MemoryError".to_owned()
    } else {
        error_type
    };
    Failure {
        kind: FailureKind::OutOfMemory,
        error_type,
        message,
        stack,
    }
}

/// Does what the interpreter's own main program does with a `SystemExit`.
fn exit(py: Python<'_>, error: &PyErr) -> ! {
    let code = error.value(py).getattr("code").ok();
    let code = match code {
        Some(code) if !code.is_none() => code.extract::<i32>().unwrap_or_else(|_| {
            log::write(Level::Error, &code.to_string());
            1
        }),
        _ => 0,
    };
    // What the user registered for the exit; an exception in it is the interpreter's to print.
    let _ = py
        .import("atexit")
        .and_then(|atexit| atexit.call_method0("_run_exitfuncs"));
    native::flush();
    // SAFETY: ends the process without touching the interpreter, whose state belongs to the zygote.
    unsafe { libc::_exit(code) }
}
