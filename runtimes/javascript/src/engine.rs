//! Starts V8 so that it can be forked: one thread, no mapping that a child would lack. Knows no function.

use std::rc::Rc;

use deno_core::{JsRuntime, RuntimeOptions, v8};

use crate::loader::Loader;
use crate::{extensions, fork_hooks, heap, rejections};

/// What the engine is told before it starts.
const FLAGS: [&str; 5] = [
    // No helper threads for compilation and collection: a fork copies only the calling thread.
    "--single-threaded",
    // The snapshot inside V8 has a constant hash seed; draw another one for this process.
    "--rehash-snapshot",
    // Bytecode that the zygote compiled is shared by all instances, so it is never thrown away.
    "--no-flush-bytecode",
    // An instance is idle most of its life; collecting then would only copy shared pages.
    "--no-memory-reducer",
    // `compile_eagerly` changes one of them while it runs.
    "--no-freeze-flags-after-init",
];

/// V8 with the web's API.
pub(crate) struct Engine {
    /// The runtime that holds the one isolate.
    pub(crate) js: JsRuntime,
    platform: v8::SharedRef<v8::Platform>,
}

impl Engine {
    /// Starts the engine.
    ///
    /// # Errors
    /// A text for the operator.
    pub(crate) fn start(loader: Rc<Loader>) -> Result<Self, String> {
        let flags = std::iter::once("zygo")
            .chain(FLAGS)
            .map(str::to_owned)
            .collect();
        let unknown = deno_core::v8_set_flags(flags);
        if unknown.len() > 1 {
            return Err(format!("V8 does not know {}", unknown[1..].join(" ")));
        }
        let platform = v8::new_single_threaded_default_platform(false).make_shared();
        JsRuntime::init_platform(Some(platform.clone()));
        let mut js = JsRuntime::try_new(RuntimeOptions {
            module_loader: Some(loader),
            extensions: extensions::all(),
            create_params: Some(v8::CreateParams::default().heap_limits(0, heap::INITIAL_LIMIT)),
            ..RuntimeOptions::default()
        })
        .map_err(|error| format!("V8 does not start: {error}"))?;
        let isolate = js.v8_isolate();
        heap::watch(isolate);
        isolate.set_promise_reject_callback(rejections::on_promise_reject);
        fork_hooks::require_forkable_memory()?;
        Ok(Self { js, platform })
    }

    /// Whether code that is compiled from now on is compiled as a whole, or each function when it is first called.
    /// Whole before the fork, so that instances share it.
    pub(crate) fn compile_eagerly(eager: bool) {
        v8::V8::set_flags_from_string(if eager { "--no-lazy" } else { "--lazy" });
    }

    /// Runs what V8 posted to itself; `deno_core` only knows the tasks of its own platform. True if there was any.
    pub(crate) fn pump(&mut self) -> bool {
        let mut any = false;
        while v8::Platform::pump_message_loop(&self.platform, self.js.v8_isolate(), false) {
            any = true;
        }
        any
    }
}
