//! Python behind the seam of `runtime_core`. What happens, in order, is written there.

use std::io;
use std::path::Path;

use pyo3::prelude::*;
use runtime_core::Runtime;
use runtime_core::desk::Desk;
use runtime_core::runtime::{Fork, Invocation, Response};
use runtime_core::wire::{Failure, FailureKind, Function, LoadWhen, WireError};

use crate::convert::{self, Answered, Unusable};
use crate::engine::{self, Detached};
use crate::shim::Shim;
use crate::{bundle, failure, fork_hooks, native, several, stream, warm_up};

/// An interpreter with the shim, and the user's handler once it is loaded.
#[derive(Debug)]
pub(crate) struct Python {
    shim: &'static Shim,
    samples: warm_up::Samples,
    handler: Option<&'static Handler>,
    detached: Detached,
    /// The folder of the bundle; paths are told relative to it.
    root: String,
    /// Process id of the zygote that forks, as it sees itself.
    forked_by: u32,
    /// Whether the loaded code left something to do in each instance.
    needs_restore: bool,
}

/// The user's function.
#[derive(Debug)]
pub(crate) struct Handler {
    pub(crate) callable: Py<PyAny>,
    pub(crate) argument_count: u8,
    /// Whether it is to get the body as bytes, whatever they are: applications read them themselves.
    pub(crate) takes_bytes: bool,
}

impl Runtime for Python {
    const NAME: &'static str = "python";

    fn prepare() -> Result<Self, String> {
        engine::start()?;
        let prepared = pyo3::Python::attach(|py| {
            native::install(py)?;
            // Both live as long as the process.
            let shim: &Shim = Box::leak(Box::new(Shim::load(py)?));
            let samples = warm_up::run(py, shim)?;
            fork_hooks::share_heap(py, shim)?;
            Ok(Self {
                shim,
                samples,
                handler: None,
                detached: Detached::default(),
                root: String::new(),
                forked_by: std::process::id(),
                needs_restore: false,
            })
        });
        prepared.map_err(|error: PyErr| format!("the shim does not load: {error}"))
    }

    fn engine(&self) -> String {
        engine::version()
    }

    fn build(directory: &Path) -> Result<(), Failure> {
        bundle::build(directory)
    }

    fn load(&mut self, function: &Function) -> Result<(), Failure> {
        self.root.clone_from(&function.directory);
        let located = bundle::locate(Path::new(&function.directory), &function.handler)?;
        let loaded = pyo3::Python::attach(|py| {
            let loaded = self.load_located(py, function, &located);
            loaded.map_err(|error| self.load_failure(py, error))
        });
        native::flush();
        self.handler = Some(Box::leak(Box::new(loaded?)));
        match function.load_when {
            LoadWhen::BeforeFork => Ok(()),
            // The core restored this process before there were any hooks.
            LoadWhen::AfterFork => self.run_hooks(fork_hooks::after_restore),
        }
    }

    fn fork_blockers(&mut self) -> Vec<String> {
        self.ask_bootstrap("blockers")
    }

    fn thread_names(&mut self) -> Vec<String> {
        self.ask_bootstrap("thread_names")
    }

    fn before_snapshot(&mut self) -> Result<(), Failure> {
        self.needs_restore = self.run_hooks(fork_hooks::before_snapshot)?;
        Ok(())
    }

    fn fork(&mut self) -> io::Result<Fork> {
        self.forked_by = std::process::id();
        fork_hooks::fork()
    }

    fn reseed(&mut self) {
        let is_instance = self.handler.is_some();
        let openssl = !is_instance || std::process::id() == self.forked_by;
        let reseeded = pyo3::Python::attach(|py| fork_hooks::reseed(py, self.shim, openssl));
        // Siblings that share their random numbers are worse than no siblings.
        reseeded.expect("generators cannot be reseeded");
    }

    fn after_restore(&mut self) -> Result<(), Failure> {
        if self.needs_restore {
            self.run_hooks(fork_hooks::after_restore)
        } else {
            Ok(())
        }
    }

    fn rehearse(&mut self) {
        let Some(handler) = self.handler else { return };
        pyo3::Python::attach(|py| {
            // Without it, the first invocation is slower, and that is all.
            let _ = self
                .samples
                .run_like(py, self.shim, handler.callable.bind(py));
        });
    }

    fn invoke(&mut self, invocation: &Invocation<'_>) -> Result<Response, Failure> {
        self.detached.come_back();
        let result = pyo3::Python::attach(|py| self.answer(py, invocation));
        native::flush();
        self.detached.leave_to_threads();
        result
    }

    fn serve_several(&mut self, desk: &'static Desk) -> Result<(), WireError> {
        self.detached.come_back();
        let handler = self.handler.ok_or(WireError::Violation("no handler"))?;
        several::serve(self.shim, handler, &self.root, desk)
    }
}

impl Python {
    fn load_located(
        &self,
        py: pyo3::Python<'_>,
        function: &Function,
        located: &bundle::Located,
    ) -> PyResult<Handler> {
        let described = (&function.name, function.version, function.memory_limit_mb);
        self.shim.describe_function.bind(py).call1(described)?;
        let arguments = (
            &self.root,
            function.environment.clone(),
            &located.module,
            located.file.to_string_lossy(),
            &located.export,
        );
        let (callable, argument_count, takes_bytes) = self
            .shim
            .bootstrap
            .bind(py)
            .call_method1("load", arguments)?
            .extract()?;
        Ok(Handler {
            callable,
            argument_count,
            takes_bytes,
        })
    }

    fn load_failure(&self, py: pyo3::Python<'_>, error: PyErr) -> Failure {
        let not_found = self.shim.bootstrap.bind(py).getattr("HandlerNotFound");
        let kind = match not_found {
            Ok(class) if error.is_instance(py, &class) => FailureKind::HandlerNotFound,
            _ => FailureKind::Load,
        };
        failure::of(py, self.shim, error, kind, &self.root)
    }

    fn ask_bootstrap(&self, function: &str) -> Vec<String> {
        pyo3::Python::attach(|py| {
            let asked = self.shim.bootstrap.bind(py).call_method0(function);
            let texts = asked.and_then(|texts| texts.extract());
            texts.unwrap_or_else(|error: PyErr| {
                vec![format!("{function} cannot be listed: {error}")]
            })
        })
    }

    fn run_hooks<T>(
        &self,
        hooks: impl FnOnce(pyo3::Python<'_>, &Shim) -> PyResult<T>,
    ) -> Result<T, Failure> {
        pyo3::Python::attach(|py| {
            let ran = hooks(py, self.shim);
            native::flush();
            ran.map_err(|error| failure::of(py, self.shim, error, FailureKind::Load, &self.root))
        })
    }

    fn answer(
        &self,
        py: pyo3::Python<'_>,
        invocation: &Invocation<'_>,
    ) -> Result<Response, Failure> {
        let handler = self.handler.ok_or_else(|| {
            Failure::new(
                FailureKind::Runtime,
                "Runtime",
                "invoked before the handler was loaded",
            )
        })?;
        let failed = |error, kind| failure::of(py, self.shim, error, kind, &self.root);
        let result = call(py, self.shim, handler, invocation)
            .map_err(|error| failed(error, FailureKind::Handler))?;
        match convert::response(self.shim, &result) {
            Ok(Answered::Whole(response)) => Ok(response),
            // What makes the pieces is the handler's own code.
            Ok(Answered::InPieces(head, source)) => stream::give(py, self.shim, head, &source)
                .map_err(|error| failed(error, FailureKind::Handler)),
            Err(Unusable::Wrong(failure)) => Err(failure),
            Err(Unusable::Raised(error)) => Err(failed(error, FailureKind::Response)),
        }
    }
}

/// Calls the handler, and waits for what it promises.
pub(crate) fn call<'py>(
    py: pyo3::Python<'py>,
    shim: &Shim,
    handler: &Handler,
    invocation: &Invocation<'_>,
) -> PyResult<Bound<'py, PyAny>> {
    let event = convert::event(py, shim, invocation, handler.takes_bytes)?;
    let callable = handler.callable.bind(py);
    let result = match handler.argument_count {
        0 => callable.call0()?,
        1 => callable.call1((event,))?,
        _ => callable.call1((event, context(py, shim, invocation)?))?,
    };
    if is_awaitable(&result) {
        shim.run.bind(py).call1((result,))
    } else {
        Ok(result)
    }
}

/// The handler's second argument.
pub(crate) fn context<'py>(
    py: pyo3::Python<'py>,
    shim: &Shim,
    invocation: &Invocation<'_>,
) -> PyResult<Bound<'py, PyAny>> {
    let context = (
        invocation.request_id,
        invocation.deadline_unix_ms,
        invocation.traceparent,
        invocation.tracestate,
    );
    shim.context.bind(py).call1(context)
}

/// Whether the value's type has `__await__`: coroutines, tasks, and what a decorator made of them.
fn is_awaitable(value: &Bound<'_, PyAny>) -> bool {
    convert::has_async(value, |methods| methods.am_await.is_some())
}
