//! Rehearses in the language zygote what every instance will do: CPython rewrites bytecode as it runs it, fills caches
//! and imports lazily, and each of these writes would otherwise copy a page in every instance.

use pyo3::prelude::*;

use crate::runtime::Rehearsal;
use crate::shim::Shim;

/// Bytecode is specialised after a few runs.
const ROUNDS: usize = 24;

/// Handlers that do what many do.
const HANDLERS: &str = include_str!("../../../shims/python/rehearsal.py");

/// Those handlers, kept for instances that are forked ahead of demand.
#[derive(Debug)]
pub(crate) struct Samples {
    synchronous: Py<PyAny>,
    asynchronous: Py<PyAny>,
}

impl Samples {
    /// Once more, in an instance: like the user's handler, but not it.
    pub(crate) fn run_like(
        &self,
        py: Python<'_>,
        shim: &Shim,
        handler: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let inspect = py.import("inspect")?;
        let is_async = inspect
            .call_method1("iscoroutinefunction", (handler,))?
            .is_truthy()?;
        let sample = if is_async {
            &self.asynchronous
        } else {
            &self.synchronous
        };
        Rehearsal::run(py, shim, sample.bind(py))
    }
}

/// Runs the rehearsal. Nothing of it stays: no event loop, no output.
pub(crate) fn run(py: Python<'_>, shim: &Shim) -> PyResult<Samples> {
    let module = crate::shim::module(py, "_zygo.rehearsal", HANDLERS)?;
    let samples = Samples {
        synchronous: module.getattr("handler")?.unbind(),
        asynchronous: module.getattr("async_handler")?.unbind(),
    };
    for handler in [&samples.synchronous, &samples.asynchronous] {
        for _ in 0..ROUNDS {
            Rehearsal::run(py, shim, handler.bind(py))?;
        }
    }
    module.call_method0("end")?;
    Ok(samples)
}
