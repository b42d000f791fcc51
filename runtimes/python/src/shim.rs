//! The Python side of the runtime, embedded in this binary: loads it and holds what the native side calls.

use std::ffi::CString;

use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Name and source of each module, dependencies first. `bootstrap` imports the common library.
const MODULES: [(&str, &str); 14] = [
    (
        "_zygo.forks",
        include_str!("../../../shims/python/forks.py"),
    ),
    ("_zygo.log", include_str!("../../../shims/python/log.py")),
    ("_zygo.loop", include_str!("../../../shims/python/loop.py")),
    (
        "_zygo.event",
        include_str!("../../../shims/python/event.py"),
    ),
    (
        "_zygo.webhooks",
        include_str!("../../../shims/python/webhooks.py"),
    ),
    (
        "_zygo.hooks",
        include_str!("../../../shims/python/hooks.py"),
    ),
    ("_zygo.apps", include_str!("../../../shims/python/apps.py")),
    (
        "_zygo.bootstrap",
        include_str!("../../../shims/python/bootstrap.py"),
    ),
    (
        "_zygo.context",
        include_str!("../../../shims/python/context.py"),
    ),
    (
        "_zygo.response",
        include_str!("../../../shims/python/response.py"),
    ),
    (
        "_zygo.error",
        include_str!("../../../shims/python/error.py"),
    ),
    (
        "_zygo.stream",
        include_str!("../../../shims/python/stream.py"),
    ),
    (
        "_zygo.several",
        include_str!("../../../shims/python/several.py"),
    ),
    (
        "_zygo.snapshot",
        include_str!("../../../shims/python/snapshot.py"),
    ),
];

/// Makes the package whose modules tracebacks show under `<zygo>`.
const PACKAGE: &str = "__path__ = []\n";

/// What the native side calls in the shim.
#[derive(Debug)]
pub(crate) struct Shim {
    /// `bootstrap.load`, `.blockers`, `.thread_names`.
    pub(crate) bootstrap: Py<PyModule>,
    /// `snapshot.before_snapshot`, `.share_heap`, `.reseed`, `.after_restore`.
    pub(crate) snapshot: Py<PyModule>,
    /// `snapshot.seed_random`.
    pub(crate) seed_random: Py<PyAny>,
    /// `error.describe`.
    pub(crate) error: Py<PyModule>,
    /// `event.scan`.
    pub(crate) scan: Py<PyAny>,
    /// `context.Context`.
    pub(crate) context: Py<PyAny>,
    /// `context.describe_function`.
    pub(crate) describe_function: Py<PyAny>,
    /// `loop.run`.
    pub(crate) run: Py<PyAny>,
    /// `response.decode_base64`.
    pub(crate) decode_base64: Py<PyAny>,
    /// `stream.give`.
    pub(crate) give: Py<PyAny>,
    /// `stream.give_async`.
    pub(crate) give_async: Py<PyAny>,
    /// `several.serve`.
    pub(crate) serve_several: Py<PyAny>,
}

impl Shim {
    /// Loads every module and lets each install itself.
    pub(crate) fn load(py: Python<'_>) -> PyResult<Self> {
        module(py, "_zygo", PACKAGE)?;
        for (name, source) in MODULES {
            module(py, name, source)?;
        }
        let get = |name: &str| py.import(name);
        let bootstrap = get("_zygo.bootstrap")?;
        bootstrap.call_method0("install")?;
        get("_zygo.hooks")?.call_method0("_install")?;
        let context = get("_zygo.context")?;
        Ok(Self {
            bootstrap: bootstrap.unbind(),
            snapshot: get("_zygo.snapshot")?.unbind(),
            seed_random: get("_zygo.snapshot")?.getattr("seed_random")?.unbind(),
            error: get("_zygo.error")?.unbind(),
            scan: get("_zygo.event")?.getattr("scan")?.unbind(),
            describe_function: context.getattr("describe_function")?.unbind(),
            context: context.getattr("Context")?.unbind(),
            run: get("_zygo.loop")?.getattr("run")?.unbind(),
            decode_base64: get("_zygo.response")?.getattr("decode_base64")?.unbind(),
            give: get("_zygo.stream")?.getattr("give")?.unbind(),
            give_async: get("_zygo.stream")?.getattr("give_async")?.unbind(),
            serve_several: get("_zygo.several")?.getattr("serve")?.unbind(),
        })
    }
}

/// Runs a module's source and puts it where `import` finds it, also as an attribute of its package.
pub(crate) fn module<'py>(
    py: Python<'py>,
    name: &str,
    source: &str,
) -> PyResult<Bound<'py, PyModule>> {
    let text = |text: String| CString::new(text).map_err(PyErr::from);
    let file = text(format!(
        "<zygo>/{}.py",
        name.rsplit('.').next().unwrap_or(name)
    ))?;
    let made = PyModule::from_code(
        py,
        &text(source.to_owned())?,
        &file,
        &text(name.to_owned())?,
    )?;
    if let Some((package, own)) = name.rsplit_once('.') {
        let modules = py.import("sys")?.getattr("modules")?;
        modules
            .cast::<PyDict>()?
            .get_item(package)?
            .map(|parent| parent.setattr(own, &made))
            .transpose()?;
    }
    Ok(made)
}
