//! Runs the shim's sample handlers in the language zygote, so that the code of every invocation is compiled before
//! the first fork and shared ever after. Nothing of it is seen or kept.

use deno_core::v8;
use runtime_core::runtime::{Invocation, Runtime};
use runtime_core::wire::{BodyKind, Failure};

use crate::runtime::JavaScript;
use crate::{convert, ops, rejections};

/// The engine's inline caches are set in the second round.
const ROUNDS: usize = 2;

const EVENT: &[u8] = br#"{"method":"POST","path":"/","headers":{"host":"localhost","content-type":"application/json"},"query":{"a":"1"},"requestId":"req-rehearsal"}"#;

const SAMPLE: Invocation<'_> = Invocation {
    request_id: "req-rehearsal",
    deadline_unix_ms: u64::MAX >> 12,
    traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00",
    tracestate: None,
    event: EVENT,
    body_kind: BodyKind::Json,
    body: b"{\"a\":[1,\"b\",null]}",
};

/// Runs every sample.
///
/// # Errors
/// A text for the operator.
pub(crate) fn run(runtime: &mut JavaScript) -> Result<(), String> {
    ops::mute(true);
    let outcome =
        run_all(runtime).map_err(|failure| format!("the shim fails: {}", failure.message));
    ops::mute(false);
    drop(rejections::take());
    if runtime.tokio.metrics().num_alive_tasks() > 0 {
        return Err(
            "the rehearsal left an operation behind, which forked processes would miss".to_owned(),
        );
    }
    outcome
}

/// In an instance that was forked ahead of demand: goes the way of an invocation with a handler that is no user's.
pub(crate) fn run_parked(runtime: &mut JavaScript) -> Result<(), Failure> {
    runtime.call_shim(|shim| &shim.begin_rehearsal, |_| Vec::new())?;
    drop(runtime.invoke(&SAMPLE));
    runtime.call_shim(|shim| &shim.end_rehearsal, |_| Vec::new())
}

fn run_all(runtime: &mut JavaScript) -> Result<(), Failure> {
    let names = runtime.strings(|shim| &shim.rehearsals)?;
    for _ in 0..ROUNDS {
        runtime.restore()?;
        for name in &names {
            runtime.call_shim(
                |shim| &shim.rehearse,
                |scope| {
                    convert::text(scope, name.as_bytes())
                        .map(v8::Local::into)
                        .into_iter()
                        .collect()
                },
            )?;
            // One of the samples fails, which is what it is for.
            drop(runtime.invoke(&SAMPLE));
        }
    }
    Ok(())
}
