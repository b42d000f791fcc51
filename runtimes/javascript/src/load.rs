//! From a function's description to its handler: environment, module, export.

use std::path::Path;
use std::time::Duration;

use deno_core::{ModuleSpecifier, v8};
use runtime_core::entry::{self, Entry};
use runtime_core::wire::{Failure, FailureKind, Function, LoadWhen};

use crate::convert;
use crate::engine::Engine;
use crate::event_loop::{self, Settled};
use crate::heap;
use crate::rejections;
use crate::runtime::JavaScript;
use crate::shim;
use crate::{commonjs, failure, ops};

/// Extensions of files that may hold a handler.
const EXTENSIONS: [&str; 8] = ["ts", "tsx", "mts", "js", "mjs", "cjs", "jsx", "cts"];

/// How long a module's top level may wait before the fork: for timers, there is nothing else to wait for.
const TOP_LEVEL_WAIT_MAX: Duration = Duration::from_secs(10);

/// Loads the module and binds its handler. What hinders a fork is left in `runtime.blockers`.
pub(crate) fn load(runtime: &mut JavaScript, function: &Function) -> Result<(), Failure> {
    let directory = Path::new(&function.directory);
    let entry = entry::resolve(directory, &function.handler, &EXTENSIONS)?;
    let before_fork = function.load_when == LoadWhen::BeforeFork;
    heap::set_limit(function.memory_limit_mb);
    set_root(runtime, directory)?;
    set_environment(runtime, function)?;
    runtime.call_shim(
        |shim| &shim.begin_load,
        |scope| vec![v8::Boolean::new(scope, before_fork).into()],
    )?;
    Engine::compile_eagerly(before_fork);
    let namespace = import(runtime, &entry, before_fork);
    Engine::compile_eagerly(false);
    runtime.blockers = open_operations(runtime, before_fork)?;
    ops::flush_logs();
    match namespace? {
        Some(namespace) => bind(runtime, function, &entry, &namespace),
        // The top level still waits for something, and the blockers say for what.
        None => Ok(()),
    }
}

/// The environment as the engine and its libraries see it, and as `process.env`.
fn set_environment(runtime: &mut JavaScript, function: &Function) -> Result<(), Failure> {
    let kept: Vec<(String, String)> = ["PATH", "LANG", "TZ"]
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)))
        .collect();
    let home = [("HOME".to_owned(), "/tmp".to_owned())];
    let all: Vec<(String, String)> = kept
        .into_iter()
        .chain(home)
        .chain(function.environment.iter().cloned())
        .collect();
    replace_environment(&all);
    runtime
        .engine
        .js
        .v8_isolate()
        .date_time_configuration_change_notification(v8::TimeZoneDetection::Redetect);
    runtime.call_shim(
        |shim| &shim.set_environment,
        |scope| {
            let pairs: Vec<v8::Local<'_, v8::Value>> = all
                .iter()
                .filter_map(|(name, value)| {
                    let pair = [
                        convert::text(scope, name.as_bytes())?.into(),
                        convert::text(scope, value.as_bytes())?.into(),
                    ];
                    Some(v8::Array::new_with_elements(scope, &pair).into())
                })
                .collect();
            vec![v8::Array::new_with_elements(scope, &pairs).into()]
        },
    )
}

#[expect(
    clippy::disallowed_methods,
    reason = "the engine and its libraries read this process's own environment"
)]
fn replace_environment(all: &[(String, String)]) {
    for (name, _) in std::env::vars_os() {
        // SAFETY: this process has one thread, so nobody reads the environment meanwhile.
        unsafe { std::env::remove_var(name) };
    }
    for (name, value) in all {
        // SAFETY: as above.
        unsafe { std::env::set_var(name, value) };
    }
}

/// Imports the module. `None` when its top level has not ended, which only happens before the fork.
fn import(
    runtime: &mut JavaScript,
    entry: &Entry,
    before_fork: bool,
) -> Result<Option<v8::Global<v8::Object>>, Failure> {
    let url = ModuleSpecifier::from_file_path(&entry.file).map_err(|()| no_address(&entry.file))?;
    let url = serde_json::Value::from(url.as_str());
    let started = runtime
        .engine
        .js
        .execute_script("zygo:load", format!("import({url})"));
    let promise = match started {
        Ok(value) => runtime.promise(&value)?,
        Err(error) => {
            return Err(Failure::new(
                FailureKind::Runtime,
                "Error",
                error.exception_message.clone(),
            ));
        }
    };
    let limit = before_fork.then_some(TOP_LEVEL_WAIT_MAX);
    let settled = event_loop::settle(&runtime.tokio, &mut runtime.engine, &promise, limit);
    match settled {
        Settled::Yes => runtime
            .outcome(&promise, FailureKind::Load)
            .and_then(|value| runtime.object(&value))
            .map(Some),
        Settled::Uncaught => Err(runtime.first_uncaught(FailureKind::Load)),
        Settled::TimedOut => {
            runtime.unfinished = Some("a top-level await did not end within 10 s".to_owned());
            Ok(None)
        }
        Settled::Never => {
            runtime.unfinished =
                Some("a top-level await waits for something that never comes".to_owned());
            Ok(None)
        }
        Settled::Failed(error) => {
            let failure = failure::from_core(FailureKind::Load, &runtime.root, &error);
            if failure
                .message
                .contains("Top-level await promise never resolved")
                && before_fork
            {
                runtime.unfinished =
                    Some("a top-level await waits for something that never comes".to_owned());
                return Ok(None);
            }
            Err(failure)
        }
    }
    .inspect(|_| drop(rejections::take()))
}

/// What the module left open: its timers and requests by name, other operations by their task.
fn open_operations(runtime: &mut JavaScript, before_fork: bool) -> Result<Vec<String>, Failure> {
    let mut open = runtime.strings(|shim| &shim.end_load)?;
    if !before_fork {
        open.clear();
    } else if open.is_empty() && runtime.tokio.metrics().num_alive_tasks() > 0 {
        open.push("an asynchronous operation that the module's top level started".to_owned());
    }
    if let Some(reason) = runtime.unfinished.take() {
        if open.is_empty() {
            return Err(Failure::new(FailureKind::Load, "Error", reason));
        }
        open.push(reason);
    }
    Ok(open)
}

fn bind(
    runtime: &mut JavaScript,
    function: &Function,
    entry: &Entry,
    namespace: &v8::Global<v8::Object>,
) -> Result<(), Failure> {
    let file = entry
        .file
        .strip_prefix(&function.directory)
        .unwrap_or(&entry.file)
        .display()
        .to_string();
    let problem = {
        shim::enter!(scope, runtime.engine, runtime.shim);
        let settings = v8::Object::new(scope);
        for (name, value) in [
            ("name", function.name.clone()),
            ("version", function.version.to_string()),
            ("memoryLimitMb", function.memory_limit_mb.to_string()),
        ] {
            let key = convert::text(scope, name.as_bytes());
            let value = convert::text(scope, value.as_bytes());
            if let (Some(key), Some(value)) = (key, value) {
                settings.set(scope, key.into(), value.into());
            }
        }
        let namespace = v8::Local::new(scope, namespace);
        let export = convert::text(scope, entry.export.as_bytes());
        let file = convert::text(scope, file.as_bytes());
        let (Some(export), Some(file)) = (export, file) else {
            return Err(Failure::new(
                FailureKind::Runtime,
                "Error",
                "the handler's name is too long",
            ));
        };
        let arguments = [
            namespace.into(),
            export.into(),
            file.into(),
            settings.into(),
        ];
        match shim::call(scope, &runtime.shim.bind, &arguments) {
            Ok(bound) if bound.is_boolean() => {
                runtime.takes_text = bound.is_true();
                None
            }
            Ok(problem) => Some(problem.to_rust_string_lossy(scope)),
            Err(thrown) => {
                return Err(failure::thrown(
                    scope,
                    &runtime.shim,
                    FailureKind::Load,
                    thrown,
                ));
            }
        }
    };
    match problem {
        None => Ok(()),
        Some(problem) => Err(Failure::new(
            FailureKind::HandlerNotFound,
            "HandlerNotFound",
            problem,
        )),
    }
}

/// Makes the loaded bundle's folder known to everything that resolves or shows paths.
fn set_root(runtime: &mut JavaScript, directory: &Path) -> Result<(), Failure> {
    let url =
        ModuleSpecifier::from_directory_path(directory).map_err(|()| no_address(directory))?;
    runtime.loader.set_root(directory);
    let state = runtime.engine.js.op_state();
    state
        .borrow_mut()
        .put(commonjs::Root(directory.to_path_buf()));
    runtime.root = String::from(url);
    let root = runtime.root.clone();
    runtime.call_shim(
        |shim| &shim.set_root,
        |scope| {
            convert::text(scope, root.as_bytes())
                .map(Into::into)
                .into_iter()
                .collect()
        },
    )
}

fn no_address(path: &Path) -> Failure {
    Failure::new(
        FailureKind::Runtime,
        "Error",
        format!("{} is no absolute path", path.display()),
    )
}
