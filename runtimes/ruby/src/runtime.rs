//! Ruby as the core sees it. Knows the order of things; how they are done is in the modules beside it.

use std::io;
use std::path::Path;

use magnus::{Error, IntoValue, Ruby as Vm, Value};
use runtime_core::desk::Desk;
use runtime_core::entry::{self, Entry};
use runtime_core::runtime::{Fork, Invocation, Response, Runtime};
use runtime_core::wire::{Failure, FailureKind, Function, LoadWhen, WireError};

use crate::convert::{self, ConvertError};
use crate::shim::{self, Shim};
use crate::{errors, fork_hooks, several, syntax, vm};

/// What every function sees beside its own variables.
const ENVIRONMENT: [(&str, &str); 4] = [
    ("PATH", "/usr/local/bin:/usr/bin:/bin"),
    ("LANG", "C.UTF-8"),
    ("HOME", "/tmp"),
    ("TZ", "UTC"),
];

/// CRuby, embedded.
pub(crate) struct Ruby {
    vm: Vm,
    shim: Shim,
    may_compact: bool,
    /// How many objects the packed heap of the language zygote had.
    packed: usize,
}

impl Runtime for Ruby {
    const NAME: &'static str = "ruby";

    fn prepare() -> Result<Self, String> {
        let may_compact = fork_hooks::may_compact();
        let vm = vm::start(vm::Use::Functions)?;
        let shim = Shim::load(&vm).map_err(|error| format!("the shim did not load: {error}"))?;
        errors::report_fatal_ends();
        // Packed here already, so that function zygotes share most pages with this process and with each other.
        let packed = fork_hooks::pack(&shim, may_compact).map_err(|error| error.to_string())?;
        runtime_core::pages::settle();
        Ok(Self {
            vm,
            shim,
            may_compact,
            packed,
        })
    }

    fn engine(&self) -> String {
        let version = self
            .vm
            .eval("RUBY_VERSION")
            .unwrap_or_else(|_| "?".to_owned());
        format!("CRuby {version}")
    }

    fn build(directory: &Path) -> Result<(), Failure> {
        syntax::check(directory)
    }

    fn load(&mut self, function: &Function) -> Result<(), Failure> {
        let entry = entry::resolve(Path::new(&function.directory), &function.handler, &["rb"])?;
        let loaded = errors::in_user_code(|| self.load_entry(function, &entry));
        shim::flush_lines();
        loaded.map_err(|error| self.failure(&error, FailureKind::Load))?;
        if function.load_when == LoadWhen::AfterFork {
            // The core restored this process before there were any hooks.
            self.run_hooks("run_after")?;
            self.stop_recording();
        }
        Ok(())
    }

    fn fork_blockers(&mut self) -> Vec<String> {
        fork_hooks::settle_threads(&self.shim);
        shim::call(self.shim.resources, "open_ios", &[]).unwrap_or_default()
    }

    fn thread_names(&mut self) -> Vec<String> {
        shim::call(self.shim.resources, "threads", &[]).unwrap_or_default()
    }

    fn before_snapshot(&mut self) -> Result<(), Failure> {
        self.run_hooks("run_before")?;
        self.stop_recording();
        fork_hooks::settle_threads(&self.shim);
        fork_hooks::pack_growth(&self.shim, self.may_compact, self.packed)
            .map_err(|error| self.failure(&error, FailureKind::Runtime))
    }

    fn fork(&mut self) -> io::Result<Fork> {
        fork_hooks::fork(&self.shim)
    }

    fn reseed(&mut self) {
        // Only a lack of memory can make this fail; then the first invocation will fail too.
        let _ = fork_hooks::reseed(&self.shim);
    }

    fn after_restore(&mut self) -> Result<(), Failure> {
        self.run_hooks("run_after")
    }

    fn rehearse(&mut self) {
        // Without it, the first invocation is slower, and that is all.
        let _ = shim::call::<Value>(self.shim.runtime, "rehearse", &[]);
    }

    fn invoke(&mut self, invocation: &Invocation<'_>) -> Result<Response, Failure> {
        let answered = errors::in_user_code(|| {
            let parts = convert::invoke(&self.shim, invocation)?;
            convert::response(&self.shim, parts)
        });
        if let Err(ConvertError::Raised(error)) = &answered {
            errors::end_if_asked(error);
        }
        shim::flush_lines();
        answered.map_err(|error| match error {
            ConvertError::Raised(error) => self.failure(&error, FailureKind::Handler),
            ConvertError::Unsendable(message) => convert::unsendable(message),
        })
    }

    fn serve_several(&mut self, desk: &'static Desk) -> Result<(), WireError> {
        several::serve(&self.vm, self.shim, desk)
    }
}

impl Ruby {
    fn load_entry(&self, function: &Function, entry: &Entry) -> Result<(), Error> {
        let text = |value: &str| value.into_value_with(&self.vm);
        let number = |value: u32| value.into_value_with(&self.vm);
        let context = [
            text(&function.name),
            number(function.version),
            number(function.memory_limit_mb),
        ];
        shim::call::<Value>(self.shim.context, "configure", &context)?;
        let arguments = [
            text(&function.directory),
            text(&entry.file.to_string_lossy()),
            text(&entry.export),
            environment(function).into_value_with(&self.vm),
        ];
        shim::call::<Value>(self.shim.runtime, "load", &arguments).map(|_| ())
    }

    fn run_hooks(&self, which: &str) -> Result<(), Failure> {
        let ran = errors::in_user_code(|| shim::call::<Value>(self.shim.hooks, which, &[]));
        shim::flush_lines();
        ran.map(|_| ())
            .map_err(|error| self.failure(&error, FailureKind::Load))
    }

    fn stop_recording(&self) {
        // Fails only when it was done before.
        let _ = shim::call::<Value>(self.shim.generators, "stop_recording", &[]);
    }

    fn failure(&self, error: &Error, kind: FailureKind) -> Failure {
        errors::failure(&self.shim, error, kind)
    }
}

/// Names and values in turn, the function's own last, so that they win.
fn environment(function: &Function) -> Vec<String> {
    let common = ENVIRONMENT.map(|(name, value)| (name.to_owned(), value.to_owned()));
    common
        .into_iter()
        .chain(function.environment.iter().cloned())
        .flat_map(|(name, value)| [name, value])
        .collect()
}
