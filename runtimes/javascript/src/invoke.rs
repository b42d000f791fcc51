//! One invocation: the handler called, its promise waited for if need be, its value turned into an answer.

use deno_core::v8;
use runtime_core::log::{self, Level};
use runtime_core::runtime::{Invocation, Response};
use runtime_core::wire::{Failure, FailureKind};

use crate::event_loop::{self, Settled};
use crate::runtime::{JavaScript, Promise};
use crate::shim::{self, Shim};
use crate::{convert, failure, ops, rejections, several};

/// What a call into user code came to at once.
pub(crate) enum Step {
    Done(Result<Response, Failure>),
    Waiting(Promise, Stage),
}

/// Whose promise it is that is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The handler's.
    Handler,
    /// That of the conversion: reading the body of a web `Response` takes time, and so do the pieces of an answer.
    Conversion,
}

impl JavaScript {
    /// Runs the handler to its answer.
    pub(crate) fn answer(&mut self, invocation: &Invocation<'_>) -> Result<Response, Failure> {
        match self.dispatch(invocation) {
            Step::Done(answer) => answer,
            Step::Waiting(promise, stage) => self.wait_for_answer(promise, stage),
        }
    }

    /// Calls the handler. Most handlers are done when the microtasks are.
    pub(crate) fn dispatch(&mut self, invocation: &Invocation<'_>) -> Step {
        let Self {
            engine,
            shim,
            takes_text,
            ..
        } = self;
        shim::enter!(scope, engine, shim);
        let Some(event) = convert::event(scope, shim, invocation, *takes_text) else {
            let message = "the event is too large for the engine";
            return Step::Done(Err(Failure::new(
                FailureKind::OutOfMemory,
                "RangeError",
                message,
            )));
        };
        let Some([id, deadline, parent, state]) = convert::context(scope, invocation) else {
            return Step::Done(Err(Failure::new(
                FailureKind::Runtime,
                "Error",
                "no memory for a string",
            )));
        };
        match shim::call(scope, &shim.dispatch, &[event, id, deadline, parent, state]) {
            Err(thrown) => Step::Done(Err(failure::thrown(
                scope,
                shim,
                FailureKind::Handler,
                thrown,
            ))),
            Ok(value) => {
                scope.perform_microtask_checkpoint();
                answer(scope, shim, value, Stage::Handler)
            }
        }
    }

    fn wait_for_answer(
        &mut self,
        mut promise: Promise,
        mut stage: Stage,
    ) -> Result<Response, Failure> {
        loop {
            match event_loop::settle(&self.tokio, &mut self.engine, &promise, None) {
                Settled::Yes => {}
                Settled::Uncaught => return Err(self.first_uncaught(FailureKind::Handler)),
                Settled::Failed(error) => {
                    return Err(failure::from_core(FailureKind::Handler, &self.root, &error));
                }
                Settled::Never | Settled::TimedOut => {
                    let message =
                        "the handler's promise can never be settled: nothing is left to wait for";
                    return Err(Failure::new(
                        FailureKind::Handler,
                        "UnsettledPromise",
                        message,
                    ));
                }
            }
            match self.advance(&promise, stage) {
                Step::Done(answer) => return answer,
                Step::Waiting(next, next_stage) => (promise, stage) = (next, next_stage),
            }
        }
    }

    /// What a settled promise leads to.
    pub(crate) fn advance(&mut self, promise: &Promise, stage: Stage) -> Step {
        let Self { engine, shim, .. } = self;
        shim::enter!(scope, engine, shim);
        let settled = v8::Local::new(scope, promise);
        answer(scope, shim, settled.into(), stage)
    }

    /// Errors that nobody caught, after the answer is known: they are lines in the log.
    pub(crate) fn log_uncaught(&mut self) {
        if !rejections::any() {
            return;
        }
        for uncaught in rejections::take() {
            let failure = self.failure(FailureKind::Handler, &uncaught.value);
            for line in several::failure_lines(&failure) {
                log::write(Level::Error, &line);
            }
        }
    }
}

/// What the handler, or the conversion of what it returned, came to.
fn answer(
    scope: &mut v8::PinScope<'_, '_>,
    shim: &Shim,
    returned: v8::Local<'_, v8::Value>,
    stage: Stage,
) -> Step {
    let value = match unwrapped(scope, shim, returned, stage) {
        Ok(value) => value,
        Err(step) => return step,
    };
    if stage == Stage::Conversion {
        return Step::Done(convert::response(scope, value).ok_or_else(|| {
            Failure::new(
                FailureKind::Response,
                "ResponseError",
                "the handler's answer cannot be read",
            )
        }));
    }
    match shim::call(scope, &shim.respond, &[value]) {
        Ok(converted) => {
            if converted.is_promise() {
                scope.perform_microtask_checkpoint();
            }
            answer(scope, shim, converted, Stage::Conversion)
        }
        Err(thrown) => Step::Done(Err(failure::thrown(
            scope,
            shim,
            FailureKind::Response,
            thrown,
        ))),
    }
}

/// The value of a settled promise, or the value itself.
fn unwrapped<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    shim: &Shim,
    returned: v8::Local<'_, v8::Value>,
    stage: Stage,
) -> Result<v8::Local<'s, v8::Value>, Step> {
    let returned = v8::Local::new(scope, returned);
    let Ok(promise) = v8::Local::<v8::Promise>::try_from(returned) else {
        return Ok(returned);
    };
    match promise.state() {
        v8::PromiseState::Pending => Err(Step::Waiting(v8::Global::new(scope, promise), stage)),
        v8::PromiseState::Fulfilled => Ok(promise.result(scope)),
        v8::PromiseState::Rejected => {
            rejections::forget(scope, promise);
            let thrown = promise.result(scope);
            let kind = match stage {
                // What makes the pieces is the handler's own code.
                Stage::Conversion if ops::take_stream().is_some() => FailureKind::Handler,
                Stage::Handler => FailureKind::Handler,
                Stage::Conversion => FailureKind::Response,
            };
            Err(Step::Done(Err(failure::thrown(
                scope,
                shim,
                kind,
                Some(thrown),
            ))))
        }
    }
}
