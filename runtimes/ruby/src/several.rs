//! Several invocations at once: what the shim's threads ask of this side. Knows no threads.

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock, PoisonError};

use magnus::{Error, Exception, IntoValue, Object, RArray, RModule, Ruby, Value, function};
use runtime_core::desk::{Ask, Asked, Desk};
use runtime_core::log::{self, Level};
use runtime_core::runtime::Response;
use runtime_core::wire::{BodyKind, Failure, FailureKind, WireError};

use crate::convert::{self, ConvertError};
use crate::errors;
use crate::lines::Lines;
use crate::shim::{self, Shim};

/// What is there where several invocations run at once.
struct Several {
    shim: Shim,
    desk: &'static Desk,
    /// The process that serves; a child that user code forked is another.
    process: u32,
}

// SAFETY: the values are used by threads that hold the lock of the interpreter alone, and never change.
unsafe impl Send for Several {}
// SAFETY: as above.
unsafe impl Sync for Several {}

static SEVERAL: OnceLock<Several> = OnceLock::new();

/// Lines that were begun and not ended, by invocation and stream.
static LINES: Mutex<BTreeMap<(u64, usize), Lines>> = Mutex::new(BTreeMap::new());

/// Serves until the process ends.
///
/// # Errors
/// When the shim fails, which is a fault of it.
pub(crate) fn serve(ruby: &Ruby, shim: Shim, desk: &'static Desk) -> Result<(), WireError> {
    let process = std::process::id();
    // Once in each process.
    let _ = SEVERAL.set(Several {
        shim,
        desk,
        process,
    });
    let concurrency = desk.concurrency().into_value_with(ruby);
    let served =
        errors::in_user_code(|| shim::call::<Value>(shim.several, "serve", &[concurrency]));
    served
        .map(drop)
        .map_err(|_| WireError::Violation("the loop of the shim ended"))
}

/// Whether several invocations run at once.
pub(crate) fn is_on() -> bool {
    SEVERAL.get().is_some()
}

/// Defines what the shim asks.
pub(crate) fn define(native: &RModule) -> Result<(), Error> {
    native.define_singleton_method("desk", function!(fd, 0))?;
    native.define_singleton_method("asked", function!(asked, 0))?;
    native.define_singleton_method("works_for", function!(log::works_for, 0))?;
    native.define_singleton_method("work_for", function!(log::this_thread_works_for, 1))?;
    native.define_singleton_method("started", function!(started, 1))?;
    native.define_singleton_method("answer", function!(answer, 2))?;
    native.define_singleton_method("fail", function!(fail, 2))
}

/// `Native.desk`: what becomes readable when something is asked.
fn fd() -> i32 {
    SEVERAL.get().map_or(-1, |several| several.desk.fd())
}

/// `Native.asked`: an invocation as a list of its number and the arguments of `Runtime.invoke`, a number when there is room
/// for a piece of that invocation's answer, or nil when nothing is asked.
fn asked(ruby: &Ruby) -> Result<Value, Error> {
    let Some(several) = SEVERAL.get() else {
        return Ok(ruby.qnil().into_value_with(ruby));
    };
    match several.desk.next() {
        Ok(None) => Ok(ruby.qnil().into_value_with(ruby)),
        Ok(Some(Ask::Taken(number))) => Ok(number.into_value_with(ruby)),
        Ok(Some(Ask::Invoke(asked))) => Ok(arguments(ruby, &asked)?.into_value_with(ruby)),
        Err(_) => errors::end(0),
    }
}

fn arguments(ruby: &Ruby, asked: &Asked) -> Result<RArray, Error> {
    let invocation = asked.invocation();
    let list = ruby.ary_new_capa(8);
    list.push(asked.number)?;
    list.push(invocation.request_id)?;
    list.push(invocation.deadline_unix_ms)?;
    list.push(invocation.traceparent)?;
    list.push(invocation.tracestate)?;
    list.push(ruby.enc_str_new(invocation.event, ruby.utf8_encoding()))?;
    list.push(invocation.body_kind == BodyKind::Json)?;
    match invocation.body_kind {
        BodyKind::None => list.push(ruby.qnil())?,
        BodyKind::Binary => list.push(ruby.str_from_slice(invocation.body))?,
        BodyKind::Json | BodyKind::Text => {
            list.push(ruby.enc_str_new(invocation.body, ruby.utf8_encoding()))?;
        }
    }
    Ok(list)
}

/// `Native.started(number)`: the handler is called now.
fn started(number: u64) {
    if let Some(several) = SEVERAL.get() {
        several.desk.started(number);
    }
}

/// `Native.answer(number, parts)`: what `Response.build` put together.
fn answer(number: u64, parts: Value) {
    let Some(several) = SEVERAL.get() else { return };
    several.end_child();
    let result = convert::response(&several.shim, parts).map_err(|error| match error {
        ConvertError::Raised(error) => several.failure(&error),
        ConvertError::Unsendable(message) => convert::unsendable(message),
    });
    several.finish(number, result);
}

/// `Native.fail(number, exception)`: what the handler raised.
fn fail(number: u64, exception: Exception) {
    let Some(several) = SEVERAL.get() else { return };
    several.end_child();
    let error = Error::from(exception);
    errors::end_if_asked(&error);
    several.finish(number, Err(several.failure(&error)));
}

impl Several {
    fn failure(&self, error: &Error) -> Failure {
        errors::failure(&self.shim, error, FailureKind::Handler)
    }

    fn finish(&self, number: u64, result: Result<Response, Failure>) {
        flush_of(number);
        if self.desk.finish(number, result).is_err() {
            errors::end(0);
        }
    }

    /// A child that came back from user code would answer a second time.
    fn end_child(&self) {
        if std::process::id() != self.process {
            shim::flush_lines();
            errors::end(0);
        }
    }
}

/// Takes in what one of several wrote.
pub(crate) fn write(stream: usize, level: Level, bytes: &[u8]) {
    let key = (log::works_for(), stream);
    let mut all = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    let lines = all.entry(key).or_default();
    lines.write(bytes, &mut |line| log::write(level, line));
    if lines.is_empty() {
        all.remove(&key);
    }
}

/// Gives on what was begun and not ended by one of several.
fn flush_of(number: u64) {
    let mut all = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    for (stream, level) in [Level::Info, Level::Error].into_iter().enumerate() {
        if let Some(mut lines) = all.remove(&(number, stream)) {
            lines.flush(&mut |line| log::write_of(number, level, line));
        }
    }
}

/// The same for all of them.
pub(crate) fn flush() {
    let numbers: Vec<u64> = {
        let all = LINES.lock().unwrap_or_else(PoisonError::into_inner);
        all.keys().map(|(number, _)| *number).collect()
    };
    numbers.into_iter().for_each(flush_of);
}
