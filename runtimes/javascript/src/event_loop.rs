//! Runs the engine until a promise is settled. Before the fork the loop knows only time; files and sockets need a
//! loop with descriptors of its own, which is made in each instance.

use std::future::poll_fn;
use std::io;
use std::task::Poll;
use std::time::Duration;

use deno_core::error::CoreError;
use deno_core::{PollEventLoopOptions, v8};
use tokio::runtime::{Builder, Runtime};

use crate::engine::Engine;
use crate::rejections;

/// How a wait for a promise ended.
pub(crate) enum Settled {
    /// It has a value, or was rejected with one.
    Yes,
    /// An error that nobody caught came first; it is on the list of [`rejections`].
    Uncaught,
    /// Nothing is left that could settle it.
    Never,
    /// The time is over.
    TimedOut,
    /// The engine failed.
    Failed(CoreError),
}

/// A loop without descriptors and threads: it can be made before a fork.
pub(crate) fn time_only() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_time().build()
}

/// A loop with everything, for a process that will not fork any more. Names are looked up on helper threads.
pub(crate) fn full() -> io::Result<Runtime> {
    Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(4)
        .build()
}

/// Waits for a promise, at most for `limit`.
pub(crate) fn settle(
    tokio: &Runtime,
    engine: &mut Engine,
    promise: &v8::Global<v8::Promise>,
    limit: Option<Duration>,
) -> Settled {
    let wait = poll_fn(|context| {
        loop {
            let pumped = engine.pump();
            let idle = match engine
                .js
                .poll_event_loop(context, PollEventLoopOptions::default())
            {
                Poll::Ready(Err(error)) => return Poll::Ready(Settled::Failed(error)),
                Poll::Ready(Ok(())) => true,
                Poll::Pending => false,
            };
            if is_settled(engine, promise) {
                return Poll::Ready(Settled::Yes);
            }
            if rejections::any() {
                return Poll::Ready(Settled::Uncaught);
            }
            if !idle {
                return Poll::Pending;
            }
            if !pumped && !engine.pump() {
                return Poll::Ready(Settled::Never);
            }
        }
    });
    match limit {
        None => tokio.block_on(wait),
        Some(limit) => tokio.block_on(async {
            tokio::time::timeout(limit, wait)
                .await
                .unwrap_or(Settled::TimedOut)
        }),
    }
}

fn is_settled(engine: &mut Engine, promise: &v8::Global<v8::Promise>) -> bool {
    v8::scope!(let scope, &mut **engine.js.v8_isolate());
    v8::Local::new(scope, promise).state() != v8::PromiseState::Pending
}
