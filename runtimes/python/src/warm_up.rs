//! Rehearses in the language zygote what every instance will do: CPython rewrites bytecode as it runs it, fills caches
//! and imports lazily, and each of these writes would otherwise copy a page in every instance.

use pyo3::prelude::*;

use crate::runtime::Rehearsal;
use crate::shim::Shim;

/// Bytecode is specialised after a few runs.
const ROUNDS: usize = 24;

/// Handlers that do what many do.
const HANDLERS: &str = include_str!("../../../shims/python/rehearsal.py");

/// Runs the rehearsal. Nothing of it stays: no event loop, no output.
pub(crate) fn run(py: Python<'_>, shim: &Shim) -> PyResult<()> {
    let module = crate::shim::module(py, "_zygo.rehearsal", HANDLERS)?;
    for name in ["handler", "async_handler"] {
        let handler = module.getattr(name)?;
        for _ in 0..ROUNDS {
            Rehearsal::run(py, shim, &handler)?;
        }
    }
    module.call_method0("end")?;
    Ok(())
}
