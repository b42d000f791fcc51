//! Several invocations at once on one thread: each is dispatched as soon as it is asked for, and answered when its
//! promise is settled, while the others wait.
//!
//! Which invocation a line or an error belongs to is the async context, which V8 carries from a promise to what waits for
//! it and the timers to their callbacks: it is the invocation's number, or `undefined` for none.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::os::fd::{AsRawFd, RawFd};
use std::task::{Context, Poll};

use deno_core::{PollEventLoopOptions, v8};
use runtime_core::desk::{Ask, Desk};
use runtime_core::log::{self, Level};
use runtime_core::runtime::Response;
use runtime_core::wire::{Failure, FailureKind, WireError};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::invoke::{Stage, Step};
use crate::rejections::Uncaught;
use crate::runtime::{JavaScript, Promise};
use crate::{event_loop, failure, ops, rejections, shim};

/// So many are dispatched before promises and timers get their turn.
const ASKED_PER_TURN: usize = 16;

/// The data socket, which others close.
struct Door(RawFd);

impl AsRawFd for Door {
    fn as_raw_fd(&self) -> RawFd {
        self.0
    }
}

/// Invocations that wait for a promise.
type Waiting = BTreeMap<u64, (Promise, Stage)>;

impl JavaScript {
    /// Serves until the supervisor is gone.
    pub(crate) fn serve_all(&mut self, desk: &'static Desk) -> Result<(), WireError> {
        // Beside the rest of what it runs, because only the runtime itself drives sockets and timers.
        let idle = event_loop::time_only()?;
        let tokio = std::mem::replace(&mut self.tokio, idle);
        let _entered = tokio.enter();
        ops::serve_several();
        self.call_shim(|shim| &shim.serve_several, |_| Vec::new())
            .map_err(|_| WireError::Violation("the shim cannot serve several"))?;
        let mut door = open(desk.fd())?;
        let mut waiting = Waiting::new();
        tokio.block_on(poll_fn(|context| {
            self.turn(context, desk, &mut door, &mut waiting)
        }))
    }

    /// Does what can be done now.
    fn turn(
        &mut self,
        context: &mut Context<'_>,
        desk: &Desk,
        door: &mut AsyncFd<Door>,
        waiting: &mut Waiting,
    ) -> Poll<Result<(), WireError>> {
        loop {
            let asked = match self.take_asked(context, desk, door, waiting) {
                Ok(asked) => asked,
                Err(error) => return Poll::Ready(Err(error)),
            };
            // Whatever the event loop runs may take long.
            if let Err(error) = desk.end_turn() {
                return Poll::Ready(Err(error));
            }
            let pumped = self.engine.pump();
            let polled = self
                .engine
                .js
                .poll_event_loop(context, PollEventLoopOptions::default());
            if let Poll::Ready(Err(error)) = polled {
                let failure = failure::from_core(FailureKind::Handler, &self.root, &error);
                if let Err(error) = end_all(desk, waiting, &failure) {
                    return Poll::Ready(Err(error));
                }
            }
            match self.answer_settled(desk, waiting) {
                Err(error) => return Poll::Ready(Err(error)),
                // Whatever moved may have made more to do.
                Ok(answered) if asked || pumped || answered => {}
                Ok(_) => return Poll::Pending,
            }
        }
    }

    /// Begins what is asked. Whether there was anything.
    fn take_asked(
        &mut self,
        context: &mut Context<'_>,
        desk: &Desk,
        door: &mut AsyncFd<Door>,
        waiting: &mut Waiting,
    ) -> Result<bool, WireError> {
        let mut any = false;
        for _ in 0..ASKED_PER_TURN {
            let mut ready = None;
            if !desk.holds_more() {
                match door.poll_read_ready(context) {
                    Poll::Ready(is) => ready = Some(is?),
                    Poll::Pending => break,
                }
            }
            match desk.next()? {
                None => {
                    if let Some(mut ready) = ready {
                        ready.clear_ready();
                    }
                }
                Some(Ask::Taken(number)) => {
                    any = true;
                    self.resume(number);
                }
                Some(Ask::Invoke(asked)) => {
                    any = true;
                    let number = asked.number;
                    self.work_for(Some(number));
                    let step = self.dispatch(&asked.invocation());
                    self.work_for(None);
                    go_on(desk, waiting, number, step)?;
                }
            }
        }
        Ok(any)
    }

    /// Answers all whose promises are settled, or whose own errors nobody caught. Whether there were any.
    fn answer_settled(&mut self, desk: &Desk, waiting: &mut Waiting) -> Result<bool, WireError> {
        let mut any = false;
        for number in self.settled(waiting) {
            any = true;
            let Some((promise, stage)) = waiting.remove(&number) else {
                continue;
            };
            self.work_for(Some(number));
            let step = self.advance(&promise, stage);
            self.work_for(None);
            go_on(desk, waiting, number, step)?;
        }
        for uncaught in rejections::take() {
            any = true;
            self.fail_or_log(desk, waiting, &uncaught)?;
        }
        desk.end_turn()?;
        Ok(any)
    }

    fn settled(&mut self, waiting: &Waiting) -> Vec<u64> {
        v8::scope!(let scope, &mut **self.engine.js.v8_isolate());
        let mut settled = Vec::new();
        for (number, (promise, _)) in waiting {
            if v8::Local::new(scope, promise).state() != v8::PromiseState::Pending {
                settled.push(*number);
            }
        }
        settled
    }

    /// An error that nobody caught ends the invocation that it came from, as it does where there is only one; if that has
    /// its answer, or there is none, it is lines in the log.
    fn fail_or_log(
        &mut self,
        desk: &Desk,
        waiting: &mut Waiting,
        uncaught: &Uncaught,
    ) -> Result<(), WireError> {
        let number = uncaught.number;
        let failure = self.failure(FailureKind::Handler, &uncaught.value);
        if waiting.remove(&number).is_some() {
            return finish(desk, number, Err(failure));
        }
        for line in failure_lines(&failure) {
            log::write_of(number, Level::Error, &line);
        }
        Ok(())
    }

    /// There is room for a piece of this invocation's answer.
    fn resume(&mut self, number: u64) {
        #[expect(clippy::cast_precision_loss, reason = "nobody counts that far")]
        let number = number as f64;
        // It only resolves a promise.
        let _ = self.call_shim(
            |shim| &shim.taken,
            |scope| vec![v8::Number::new(scope, number).into()],
        );
        let Self { engine, shim, .. } = self;
        shim::enter!(scope, engine, shim);
        scope.perform_microtask_checkpoint();
    }

    /// Sets the async context.
    fn work_for(&mut self, number: Option<u64>) {
        let Self { engine, shim, .. } = self;
        shim::enter!(scope, engine, shim);
        let value: v8::Local<'_, v8::Value> = match number {
            #[expect(clippy::cast_precision_loss, reason = "nobody counts that far")]
            Some(number) => v8::Number::new(scope, number as f64).into(),
            None => v8::undefined(scope).into(),
        };
        scope.set_continuation_preserved_embedder_data(value);
        ops::work_for(number.unwrap_or(0));
    }
}

fn open(fd: RawFd) -> Result<AsyncFd<Door>, WireError> {
    #[expect(
        deprecated,
        reason = "the successor is unsafe; the socket is open until the process ends"
    )]
    let door = AsyncFd::with_interest(Door(fd), Interest::READABLE);
    Ok(door?)
}

fn go_on(desk: &Desk, waiting: &mut Waiting, number: u64, step: Step) -> Result<(), WireError> {
    match step {
        Step::Done(answer) => finish(desk, number, answer),
        Step::Waiting(promise, stage) => {
            waiting.insert(number, (promise, stage));
            Ok(())
        }
    }
}

fn finish(desk: &Desk, number: u64, answer: Result<Response, Failure>) -> Result<(), WireError> {
    ops::flush_logs_of(number);
    desk.finish_in_turn(number, answer)
}

fn end_all(desk: &Desk, waiting: &mut Waiting, failure: &Failure) -> Result<(), WireError> {
    let all = std::mem::take(waiting);
    all.into_keys()
        .try_for_each(|number| finish(desk, number, Err(failure.clone())))
}

/// An error that nobody caught, as lines of the log.
pub(crate) fn failure_lines(failure: &Failure) -> Vec<String> {
    let head = format!("Uncaught {}: {}", failure.error_type, failure.message);
    let frames = failure.stack.iter().map(|frame| format!("    {frame}"));
    let lines = std::iter::once(head).chain(frames);
    lines
        .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
        .collect()
}
