//! [`Runtime`] for V8: one method for each station of a process's life, and what they share.

use std::io;
use std::path::Path;
use std::rc::Rc;

use deno_core::v8;
use runtime_core::runtime::{Fork, Invocation, Response, Runtime};
use runtime_core::wire::{Failure, FailureKind, Function};

use crate::engine::Engine;
use crate::event_loop::{self, Settled};
use crate::loader::Loader;
use crate::shim::{self, Shim};
use crate::{bundle, convert, failure, fork_hooks, load, ops, rejections};

/// The engine with the shim, and in time with one function.
pub(crate) struct JavaScript {
    pub(crate) engine: Engine,
    pub(crate) shim: Shim,
    pub(crate) loader: Rc<Loader>,
    /// Knows only time before the fork, and everything after it.
    pub(crate) tokio: tokio::runtime::Runtime,
    /// The bundle's address, `file:///…/`.
    pub(crate) root: String,
    /// What the load left open.
    pub(crate) blockers: Vec<String>,
    /// Why the module's top level has not ended, if it has not.
    pub(crate) unfinished: Option<String>,
}

type Promise = v8::Global<v8::Promise>;

/// What a call into user code came to at once.
enum Step {
    Done(Result<Response, Failure>),
    Waiting(Promise),
}

impl Runtime for JavaScript {
    const NAME: &'static str = "javascript";

    fn prepare() -> Result<Self, String> {
        let tokio = event_loop::time_only().map_err(|error| error.to_string())?;
        let loader = Rc::new(Loader::default());
        let mut engine = Engine::start(loader.clone())?;
        let shim = Shim::take(&mut engine.js)?;
        fork_hooks::reseed(&mut engine.js.op_state().borrow_mut());
        fork_hooks::compact(&mut engine.js);
        Ok(Self { engine, shim, loader, tokio, root: String::new(), blockers: Vec::new(), unfinished: None })
    }

    fn engine(&self) -> String {
        format!("V8 {}", v8::V8::get_version())
    }

    fn build(directory: &Path) -> Result<(), Failure> {
        bundle::build(directory)
    }

    fn load(&mut self, function: &Function) -> Result<(), Failure> {
        load::load(self, function)
    }

    fn fork_blockers(&mut self) -> Vec<String> {
        std::mem::take(&mut self.blockers)
    }

    fn before_snapshot(&mut self) -> Result<(), Failure> {
        self.run_hooks(|shim| &shim.before_snapshot)?;
        fork_hooks::compact(&mut self.engine.js);
        Ok(())
    }

    fn fork(&mut self) -> io::Result<Fork> {
        runtime_core::fork::libc_fork()
    }

    fn reseed(&mut self) {
        fork_hooks::reseed(&mut self.engine.js.op_state().borrow_mut());
    }

    fn after_restore(&mut self) -> Result<(), Failure> {
        let tokio = event_loop::full()
            .map_err(|error| Failure::new(FailureKind::Runtime, "Error", format!("no event loop: {error}")))?;
        // Taking the zygote's loop apart would only copy shared pages.
        std::mem::forget(std::mem::replace(&mut self.tokio, tokio));
        fork_hooks::restart_clock(&mut self.engine.js.op_state().borrow_mut());
        let entered = self.tokio.handle().clone();
        let _entered = entered.enter();
        self.call_shim(|shim| &shim.reset, |_| Vec::new())?;
        self.run_hooks(|shim| &shim.after_restore)
    }

    fn invoke(&mut self, invocation: &Invocation<'_>) -> Result<Response, Failure> {
        let entered = self.tokio.handle().clone();
        let _entered = entered.enter();
        let answer = match self.dispatch(invocation) {
            Step::Done(answer) => answer,
            Step::Waiting(promise) => self.wait_for_answer(promise),
        };
        self.log_uncaught();
        ops::flush_logs();
        answer
    }
}

impl JavaScript {
    /// Calls the handler. Most handlers are done when the microtasks are.
    fn dispatch(&mut self, invocation: &Invocation<'_>) -> Step {
        let Self { engine, shim, .. } = self;
        deno_core::scope!(scope, engine.js);
        let Some(event) = convert::event(scope, shim, invocation) else {
            let message = "the event is too large for the engine";
            return Step::Done(Err(Failure::new(FailureKind::OutOfMemory, "RangeError", message)));
        };
        let request_id = convert::text(scope, invocation.request_id.as_bytes());
        let Some(request_id) = request_id else {
            return Step::Done(Err(Failure::new(FailureKind::Runtime, "Error", "no memory for a string")));
        };
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of this age fit a double")]
        let deadline = v8::Number::new(scope, invocation.deadline_unix_ms as f64);
        match shim::call(scope, &shim.dispatch, &[event, request_id.into(), deadline.into()]) {
            Err(thrown) => Step::Done(Err(failure::thrown(scope, shim, FailureKind::Handler, thrown))),
            Ok(value) => {
                scope.perform_microtask_checkpoint();
                answer(scope, shim, value)
            }
        }
    }

    fn wait_for_answer(&mut self, mut promise: Promise) -> Result<Response, Failure> {
        loop {
            match event_loop::settle(&self.tokio, &mut self.engine, &promise, None) {
                Settled::Yes => {}
                Settled::Uncaught => return Err(self.first_uncaught(FailureKind::Handler)),
                Settled::Failed(error) => return Err(failure::from_core(FailureKind::Handler, &self.root, &error)),
                Settled::Never | Settled::TimedOut => {
                    let message = "the handler's promise can never be settled: nothing is left to wait for";
                    return Err(Failure::new(FailureKind::Handler, "UnsettledPromise", message));
                }
            }
            let Self { engine, shim, .. } = self;
            deno_core::scope!(scope, engine.js);
            let settled = v8::Local::new(scope, &promise);
            match answer(scope, shim, settled.into()) {
                Step::Done(answer) => return answer,
                Step::Waiting(next) => promise = next,
            }
        }
    }

    /// Errors that nobody caught, after the answer is known: they are lines in the log.
    fn log_uncaught(&mut self) {
        if !rejections::any() {
            return;
        }
        for uncaught in rejections::take() {
            let failure = self.failure(FailureKind::Handler, &uncaught.value);
            let mut line = format!("Uncaught {}: {}", failure.error_type, failure.message);
            for frame in failure.stack {
                line.push_str("\n    ");
                line.push_str(&frame);
            }
            for line in line.lines() {
                runtime_core::log::write(runtime_core::log::Level::Error, line);
            }
        }
    }

    /// The first error that nobody caught; the others go to the log.
    pub(crate) fn first_uncaught(&mut self, kind: FailureKind) -> Failure {
        let mut all = rejections::take().into_iter();
        let Some(first) = all.next() else {
            return Failure::new(kind, "Error", "unknown");
        };
        self.failure(kind, &first.value)
    }

    fn failure(&mut self, kind: FailureKind, value: &v8::Global<v8::Value>) -> Failure {
        let Self { engine, shim, .. } = self;
        deno_core::scope!(scope, engine.js);
        let value = v8::Local::new(scope, value);
        failure::thrown(scope, shim, kind, Some(value))
    }

    pub(crate) fn set_root(&mut self, directory: &Path) {
        load::set_root(self, directory);
        let root = self.root.clone();
        // A root that is too long for a string is no path either.
        drop(self.call_shim(
            |shim| &shim.set_root,
            |scope| convert::text(scope, root.as_bytes()).map(Into::into).into_iter().collect(),
        ));
    }

    /// Runs hooks of the user to their end.
    fn run_hooks(&mut self, which: fn(&Shim) -> &v8::Global<v8::Function>) -> Result<(), Failure> {
        let promise = {
            let Self { engine, shim, .. } = self;
            deno_core::scope!(scope, engine.js);
            let returned = shim::call(scope, which(shim), &[])
                .map_err(|thrown| failure::thrown(scope, shim, FailureKind::Load, thrown))?;
            match v8::Local::<v8::Promise>::try_from(returned) {
                Err(_) => return Ok(()),
                Ok(promise) => v8::Global::new(scope, promise),
            }
        };
        match event_loop::settle(&self.tokio, &mut self.engine, &promise, Some(std::time::Duration::from_secs(10))) {
            Settled::Yes => self.outcome(&promise, FailureKind::Load).map(drop),
            Settled::Uncaught => Err(self.first_uncaught(FailureKind::Load)),
            Settled::Failed(error) => Err(failure::from_core(FailureKind::Load, &self.root, &error)),
            Settled::Never | Settled::TimedOut => {
                Err(Failure::new(FailureKind::Load, "Error", "a hook did not end within 10 s"))
            }
        }
    }

    /// The value of a settled promise.
    pub(crate) fn outcome(
        &mut self,
        promise: &Promise,
        kind: FailureKind,
    ) -> Result<v8::Global<v8::Value>, Failure> {
        let Self { engine, shim, .. } = self;
        deno_core::scope!(scope, engine.js);
        let promise = v8::Local::new(scope, promise);
        rejections::forget(scope, promise);
        let value = promise.result(scope);
        if promise.state() == v8::PromiseState::Rejected {
            return Err(failure::thrown(scope, shim, kind, Some(value)));
        }
        Ok(v8::Global::new(scope, value))
    }

    /// This value as a promise.
    pub(crate) fn promise(&mut self, value: &v8::Global<v8::Value>) -> Result<Promise, Failure> {
        deno_core::scope!(scope, self.engine.js);
        let value = v8::Local::new(scope, value);
        v8::Local::<v8::Promise>::try_from(value)
            .map(|promise| v8::Global::new(scope, promise))
            .map_err(|_| Failure::new(FailureKind::Runtime, "Error", "an import is no promise"))
    }

    /// This value as an object.
    pub(crate) fn object(&mut self, value: &v8::Global<v8::Value>) -> Result<v8::Global<v8::Object>, Failure> {
        deno_core::scope!(scope, self.engine.js);
        let value = v8::Local::new(scope, value);
        v8::Local::<v8::Object>::try_from(value)
            .map(|object| v8::Global::new(scope, object))
            .map_err(|_| Failure::new(FailureKind::Runtime, "Error", "a module is no object"))
    }

    /// Calls a function of the shim for its effect.
    pub(crate) fn call_shim(
        &mut self,
        which: fn(&Shim) -> &v8::Global<v8::Function>,
        arguments: impl for<'s> FnOnce(&mut v8::PinScope<'s, '_>) -> Vec<v8::Local<'s, v8::Value>>,
    ) -> Result<(), Failure> {
        let Self { engine, shim, .. } = self;
        deno_core::scope!(scope, engine.js);
        let arguments = arguments(scope);
        shim::call(scope, which(shim), &arguments)
            .map(drop)
            .map_err(|thrown| failure::thrown(scope, shim, FailureKind::Runtime, thrown))
    }

    /// Calls a function of the shim that returns a list of texts.
    pub(crate) fn strings(
        &mut self,
        which: fn(&Shim) -> &v8::Global<v8::Function>,
    ) -> Result<Vec<String>, Failure> {
        let Self { engine, shim, .. } = self;
        deno_core::scope!(scope, engine.js);
        let list = shim::call(scope, which(shim), &[])
            .map_err(|thrown| failure::thrown(scope, shim, FailureKind::Runtime, thrown))?;
        let Ok(list) = v8::Local::<v8::Array>::try_from(list) else { return Ok(Vec::new()) };
        Ok((0..list.length())
            .filter_map(|index| list.get_index(scope, index))
            .map(|text| text.to_rust_string_lossy(scope))
            .collect())
    }
}

/// What the handler returned, as an answer, or as the promise that the answer waits for.
fn answer(scope: &mut v8::PinScope<'_, '_>, shim: &Shim, returned: v8::Local<'_, v8::Value>) -> Step {
    let mut value = v8::Local::new(scope, returned);
    // Twice: the handler's promise, and that of the conversion, when the answer is a web `Response`.
    let mut converted = false;
    loop {
        if let Ok(promise) = v8::Local::<v8::Promise>::try_from(value) {
            match promise.state() {
                v8::PromiseState::Pending => return Step::Waiting(v8::Global::new(scope, promise)),
                v8::PromiseState::Fulfilled => value = promise.result(scope),
                v8::PromiseState::Rejected => {
                    rejections::forget(scope, promise);
                    let thrown = promise.result(scope);
                    return Step::Done(Err(failure::thrown(scope, shim, FailureKind::Handler, Some(thrown))));
                }
            }
        }
        if converted {
            return Step::Done(convert::response(scope, value).ok_or_else(|| {
                Failure::new(FailureKind::Response, "ResponseError", "the handler's answer cannot be read")
            }));
        }
        match shim::call(scope, &shim.respond, &[value]) {
            Ok(answer) => value = answer,
            Err(thrown) => return Step::Done(Err(failure::thrown(scope, shim, FailureKind::Response, thrown))),
        }
        scope.perform_microtask_checkpoint();
        converted = true;
    }
}
