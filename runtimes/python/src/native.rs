//! The native module `_zygo_native`: how Python code of the shim reaches the log and sends pieces of answers.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;
use pyo3::types::PyString;
use runtime_core::log::{self, Level};

use crate::{several, stream};

/// A line without an end is sent in pieces of this length, so that it does not fill the memory.
const PARTIAL_LEN_MAX: usize = 32 * 1024;

/// Text that was written and has no line end yet, of standard output and standard error.
static PARTIAL: [Mutex<String>; 2] = [const { Mutex::new(String::new()) }; 2];

/// The same where several invocations run at once, by their numbers.
static PARTIALS: Mutex<BTreeMap<(u64, usize), String>> = Mutex::new(BTreeMap::new());

/// The levels of the two streams.
const LEVELS: [Level; 2] = [Level::Info, Level::Error];

/// Makes the module and registers it, before the shim imports it.
pub(crate) fn install(py: Python<'_>) -> PyResult<()> {
    let module = PyModule::new(py, "_zygo_native")?;
    module.add_function(wrap_pyfunction!(log_lines, &module)?)?;
    module.add_function(wrap_pyfunction!(line_writer, &module)?)?;
    module.add_function(wrap_pyfunction!(stream::push, &module)?)?;
    module.add_function(wrap_pyfunction!(several::serve_several, &module)?)?;
    module.add("ResponseError", py.get_type::<stream::ResponseError>())?;
    py.import("sys")?
        .getattr("modules")?
        .set_item("_zygo_native", module)
}

/// Sends every line of a text.
#[pyfunction]
#[pyo3(name = "log")]
fn log_lines(level: u8, text: &Bound<'_, PyString>) {
    let number = several::number(text.py());
    for line in lossless(text).lines() {
        write(number, to_level(level), line);
    }
}

fn write(number: Option<u64>, level: Level, line: &str) {
    match number {
        None => log::write(level, line),
        Some(number) => log::write_of(number, level, line),
    }
}

/// The `write` method of a stream.
#[pyfunction]
fn line_writer(py: Python<'_>, level: u8) -> PyResult<Bound<'_, PyAny>> {
    Bound::new(
        py,
        LineWriter {
            level: to_level(level),
        },
    )?
    .getattr("write")
}

#[pyclass(frozen)]
struct LineWriter {
    level: Level,
}

#[pymethods]
impl LineWriter {
    fn write(&self, text: &Bound<'_, PyString>) -> PyResult<usize> {
        let number = several::number(text.py());
        match text.to_str() {
            Ok(text) => self.push(number, text),
            Err(_) => self.push(number, &lossless(text)),
        }
        text.len()
    }
}

impl LineWriter {
    fn push(&self, number: Option<u64>, text: &str) {
        // No Python code runs while the lock is held, so no thread can wait for it and for the interpreter at once.
        let Some(number) = number else {
            let mut partial = partial(self.level)
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            return self.push_lines(None, &mut partial, text);
        };
        let mut partials = PARTIALS.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (number, index(self.level));
        let partial = partials.entry(key).or_default();
        self.push_lines(Some(number), partial, text);
        if partial.is_empty() {
            partials.remove(&key);
        }
    }

    fn push_lines(&self, number: Option<u64>, partial: &mut String, text: &str) {
        for piece in text.split_inclusive('\n') {
            partial.push_str(piece.strip_suffix('\n').unwrap_or(piece));
            if piece.ends_with('\n') || partial.len() > PARTIAL_LEN_MAX {
                send(number, self.level, partial);
            }
        }
    }
}

fn send(number: Option<u64>, level: Level, partial: &mut String) {
    write(number, level, partial.strip_suffix('\r').unwrap_or(partial));
    partial.clear();
}

fn partial(level: Level) -> &'static Mutex<String> {
    &PARTIAL[index(level)]
}

fn index(level: Level) -> usize {
    usize::from(level == Level::Error)
}

/// Sends what was written without a line end, at the end of an invocation.
pub(crate) fn flush() {
    for level in LEVELS {
        let mut partial = partial(level)
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if !partial.is_empty() {
            send(None, level, &mut partial);
        }
    }
    let partials = std::mem::take(&mut *PARTIALS.lock().unwrap_or_else(PoisonError::into_inner));
    for ((number, index), mut partial) in partials {
        send(Some(number), LEVELS[index], &mut partial);
    }
}

/// The same of one of several.
pub(crate) fn flush_of(number: u64) {
    let mut partials = PARTIALS.lock().unwrap_or_else(PoisonError::into_inner);
    for (index, level) in LEVELS.into_iter().enumerate() {
        if let Some(mut partial) = partials.remove(&(number, index)) {
            send(Some(number), level, &mut partial);
        }
    }
}

/// The text, with surrogates that UTF-8 cannot hold as escapes.
fn lossless(text: &Bound<'_, PyString>) -> String {
    let escaped = || {
        let bytes = text
            .call_method1("encode", ("utf-8", "backslashreplace"))
            .ok()?;
        String::from_utf8(bytes.extract().ok()?).ok()
    };
    text.to_str()
        .map(str::to_owned)
        .ok()
        .or_else(escaped)
        .unwrap_or_default()
}

fn to_level(level: u8) -> Level {
    match level {
        0 => Level::Debug,
        1 => Level::Info,
        2 => Level::Warn,
        _ => Level::Error,
    }
}
