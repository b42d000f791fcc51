//! Rehearses in the language zygote what every instance will do: CPython rewrites bytecode as it runs it, fills caches
//! and imports lazily, and each of these writes would otherwise copy a page in every instance.

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use runtime_core::runtime::Invocation;
use runtime_core::wire::BodyKind;

use crate::convert::{self, Unusable};
use crate::runtime::{self, Handler};
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

/// Goes once through what every instance does, many times, so that caches and specialised bytecode are in the zygote.
#[derive(Debug)]
struct Rehearsal;

impl Rehearsal {
    /// Runs a handler that is no user's.
    fn run(py: Python<'_>, shim: &Shim, callable: &Bound<'_, PyAny>) -> PyResult<()> {
        let handler = Handler {
            callable: callable.clone().unbind(),
            argument_count: 2,
            takes_bytes: false,
        };
        let invocation = Invocation {
            request_id: "req-rehearsal",
            deadline_unix_ms: 0,
            traceparent: "",
            tracestate: None,
            event: br#"{"method":"POST","path":"/","headers":{"host":"localhost"},"query":{}}"#,
            body_kind: BodyKind::Json,
            body: br#"{"name":"world","count":1}"#,
        };
        let result = runtime::call(py, shim, &handler, &invocation)?;
        convert::response(shim, &result)
            .map(drop)
            .map_err(|unusable| match unusable {
                Unusable::Raised(error) => error,
                Unusable::Wrong(failure) => PyRuntimeError::new_err(failure.message),
            })
    }
}
