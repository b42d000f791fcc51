//! [`Runtime`] for V8: one method for each station of a process's life, and what they share.

use std::io;
use std::path::Path;
use std::rc::Rc;

use deno_core::v8;
use runtime_core::desk::Desk;
use runtime_core::runtime::{Fork, Invocation, Response, Runtime};
use runtime_core::wire::{Failure, FailureKind, Function, LoadWhen, WireError};

use crate::engine::Engine;
use crate::event_loop::{self, Settled};
use crate::loader::Loader;
use crate::shim::{self, Shim};
use crate::{bundle, failure, fork_hooks, load, ops, rehearsal, rejections};

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
    /// Whether the handler is to get JSON as it was sent: an application reads it itself.
    pub(crate) takes_text: bool,
}

pub(crate) type Promise = v8::Global<v8::Promise>;

impl Runtime for JavaScript {
    const NAME: &'static str = "javascript";

    /// V8 notices a full heap before the kernel does when collections and code have room beside it.
    const MEMORY_SLACK_MB: u32 = 64;

    fn prepare() -> Result<Self, String> {
        let tokio = event_loop::time_only().map_err(|error| error.to_string())?;
        let loader = Rc::new(Loader::default());
        let mut engine = Engine::start(loader.clone())?;
        let shim = Shim::take(&mut engine.js)?;
        fork_hooks::reseed(&mut engine.js.op_state().borrow_mut());
        let mut runtime = Self {
            engine,
            shim,
            loader,
            tokio,
            root: String::new(),
            blockers: Vec::new(),
            unfinished: None,
            takes_text: false,
        };
        rehearsal::run(&mut runtime)?;
        runtime.compact()?;
        Ok(runtime)
    }

    fn engine(&self) -> String {
        format!("V8 {}", v8::V8::get_version())
    }

    fn build(directory: &Path) -> Result<(), Failure> {
        bundle::build(directory)
    }

    fn load(&mut self, function: &Function) -> Result<(), Failure> {
        let entered = self.tokio.handle().clone();
        let _entered = entered.enter();
        fork_hooks::restart_clock(&mut self.engine.js.op_state().borrow_mut());
        load::load(self, function)?;
        match function.load_when {
            LoadWhen::BeforeFork => Ok(()),
            // The core restored this process before there were any hooks.
            LoadWhen::AfterFork => self.run_hooks(|shim| &shim.after_restore),
        }
    }

    fn fork_blockers(&mut self) -> Vec<String> {
        std::mem::take(&mut self.blockers)
    }

    fn before_snapshot(&mut self) -> Result<(), Failure> {
        self.run_hooks(|shim| &shim.before_snapshot)?;
        self.compact()
            .map_err(|message| Failure::new(FailureKind::Runtime, "Error", message))
    }

    fn fork(&mut self) -> io::Result<Fork> {
        runtime_core::fork::libc_fork()
    }

    fn reseed(&mut self) {
        fork_hooks::reseed(&mut self.engine.js.op_state().borrow_mut());
    }

    fn after_restore(&mut self) -> Result<(), Failure> {
        let tokio = event_loop::full().map_err(|error| {
            Failure::new(
                FailureKind::Runtime,
                "Error",
                format!("no event loop: {error}"),
            )
        })?;
        // Taking the zygote's loop apart would only copy shared pages.
        std::mem::forget(std::mem::replace(&mut self.tokio, tokio));
        self.restore()
    }

    fn rehearse(&mut self) {
        // Without it, the first invocation is slower, and that is all.
        let _ = rehearsal::run_parked(self);
    }

    fn invoke(&mut self, invocation: &Invocation<'_>) -> Result<Response, Failure> {
        let entered = self.tokio.handle().clone();
        let _entered = entered.enter();
        let answer = self.answer(invocation);
        // Nothing of an answer that failed midway is left for the next one.
        drop(runtime_core::stream::take());
        self.log_uncaught();
        ops::flush_logs();
        answer
    }

    fn serve_several(&mut self, desk: &'static Desk) -> Result<(), WireError> {
        self.serve_all(desk)
    }
}

impl JavaScript {
    /// Makes the heap ready to be shared.
    fn compact(&mut self) -> Result<(), String> {
        fork_hooks::collect(&mut self.engine.js);
        // The collection gave all young pages back. Run a little, so that children begin on a page that is there.
        self.call_shim(|shim| &shim.reset, |_| Vec::new())
            .map_err(|failure| failure.message)?;
        runtime_core::pages::settle();
        Ok(())
    }

    /// Sets what the shim knows of time right, and runs the user's hooks.
    pub(crate) fn restore(&mut self) -> Result<(), Failure> {
        let entered = self.tokio.handle().clone();
        let _entered = entered.enter();
        self.call_shim(
            |shim| &shim.reset,
            |scope| vec![v8::Boolean::new(scope, true).into()],
        )?;
        self.run_hooks(|shim| &shim.after_restore)
    }

    /// The first error that nobody caught; the others go to the log.
    pub(crate) fn first_uncaught(&mut self, kind: FailureKind) -> Failure {
        let mut all = rejections::take().into_iter();
        let Some(first) = all.next() else {
            return Failure::new(kind, "Error", "unknown");
        };
        self.failure(kind, &first.value)
    }

    pub(crate) fn failure(&mut self, kind: FailureKind, value: &v8::Global<v8::Value>) -> Failure {
        let Self { engine, shim, .. } = self;
        shim::enter!(scope, engine, shim);
        let value = v8::Local::new(scope, value);
        failure::thrown(scope, shim, kind, Some(value))
    }

    /// Runs hooks of the user to their end.
    fn run_hooks(&mut self, which: fn(&Shim) -> &v8::Global<v8::Function>) -> Result<(), Failure> {
        let entered = self.tokio.handle().clone();
        let _entered = entered.enter();
        let promise = {
            let Self { engine, shim, .. } = self;
            shim::enter!(scope, engine, shim);
            let returned = shim::call(scope, which(shim), &[])
                .map_err(|thrown| failure::thrown(scope, shim, FailureKind::Load, thrown))?;
            match v8::Local::<v8::Promise>::try_from(returned) {
                Err(_) => return Ok(()),
                Ok(promise) => v8::Global::new(scope, promise),
            }
        };
        match event_loop::settle(
            &self.tokio,
            &mut self.engine,
            &promise,
            Some(std::time::Duration::from_secs(10)),
        ) {
            Settled::Yes => self.outcome(&promise, FailureKind::Load).map(drop),
            Settled::Uncaught => Err(self.first_uncaught(FailureKind::Load)),
            Settled::Failed(error) => {
                Err(failure::from_core(FailureKind::Load, &self.root, &error))
            }
            Settled::Never | Settled::TimedOut => Err(Failure::new(
                FailureKind::Load,
                "Error",
                "a hook did not end within 10 s",
            )),
        }
    }

    /// The value of a settled promise.
    pub(crate) fn outcome(
        &mut self,
        promise: &Promise,
        kind: FailureKind,
    ) -> Result<v8::Global<v8::Value>, Failure> {
        let Self { engine, shim, .. } = self;
        shim::enter!(scope, engine, shim);
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
        shim::enter!(scope, self.engine, self.shim);
        let value = v8::Local::new(scope, value);
        v8::Local::<v8::Promise>::try_from(value)
            .map(|promise| v8::Global::new(scope, promise))
            .map_err(|_| Failure::new(FailureKind::Runtime, "Error", "an import is no promise"))
    }

    /// This value as an object.
    pub(crate) fn object(
        &mut self,
        value: &v8::Global<v8::Value>,
    ) -> Result<v8::Global<v8::Object>, Failure> {
        shim::enter!(scope, self.engine, self.shim);
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
        shim::enter!(scope, engine, shim);
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
        shim::enter!(scope, engine, shim);
        let list = shim::call(scope, which(shim), &[])
            .map_err(|thrown| failure::thrown(scope, shim, FailureKind::Runtime, thrown))?;
        let Ok(list) = v8::Local::<v8::Array>::try_from(list) else {
            return Ok(Vec::new());
        };
        Ok((0..list.length())
            .filter_map(|index| list.get_index(scope, index))
            .map(|text| text.to_rust_string_lossy(scope))
            .collect())
    }
}
