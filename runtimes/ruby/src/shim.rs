//! The Ruby side of this runtime: its text, what it may call here, and what is called in it. Knows no wire types.

use std::sync::{Mutex, PoisonError};

use magnus::rb_sys::{AsRawValue, FromRawValue, protect};
use magnus::{
    Error, IntoValue, Module, Object, RModule, RString, Ruby, TryConvert, Value, function, gc,
};
use rb_sys::VALUE;
use runtime_core::log::{self, Level};

use crate::lines::Lines;
use crate::{several, stream};

/// Each file of the shim under the name that backtraces know it by, in the order of loading.
const FILES: [(&str, &str); 14] = [
    (
        "zygo/random.rb",
        include_str!("../../../shims/ruby/random.rb"),
    ),
    (
        "zygo/hooks.rb",
        include_str!("../../../shims/ruby/hooks.rb"),
    ),
    (
        "zygo/webhooks.rb",
        include_str!("../../../shims/ruby/webhooks.rb"),
    ),
    ("zygo/log.rb", include_str!("../../../shims/ruby/log.rb")),
    (
        "zygo/event.rb",
        include_str!("../../../shims/ruby/event.rb"),
    ),
    (
        "zygo/context.rb",
        include_str!("../../../shims/ruby/context.rb"),
    ),
    (
        "zygo/response.rb",
        include_str!("../../../shims/ruby/response.rb"),
    ),
    (
        "zygo/stream.rb",
        include_str!("../../../shims/ruby/stream.rb"),
    ),
    (
        "zygo/error.rb",
        include_str!("../../../shims/ruby/error.rb"),
    ),
    ("zygo/apps.rb", include_str!("../../../shims/ruby/apps.rb")),
    (
        "zygo/handler.rb",
        include_str!("../../../shims/ruby/handler.rb"),
    ),
    (
        "zygo/resources.rb",
        include_str!("../../../shims/ruby/resources.rb"),
    ),
    (
        "zygo/several.rb",
        include_str!("../../../shims/ruby/several.rb"),
    ),
    (
        "zygo/bootstrap.rb",
        include_str!("../../../shims/ruby/bootstrap.rb"),
    ),
];

/// How the shim names the kinds of a response's body.
pub(crate) const KIND_NONE: i64 = 0;
/// A value that is to be written as JSON.
pub(crate) const KIND_JSON: i64 = 1;
/// A string with text.
pub(crate) const KIND_TEXT: i64 = 2;
/// A string with bytes.
pub(crate) const KIND_BINARY: i64 = 3;
/// Nothing: it went out in pieces.
pub(crate) const KIND_SENT: i64 = 4;

const LEVELS: [Level; 4] = [Level::Debug, Level::Info, Level::Warn, Level::Error];

/// Standard output and standard error, with the level that their lines have.
static STREAMS: [(Level, Mutex<Lines>); 2] = [
    (Level::Info, Mutex::new(Lines::new())),
    (Level::Error, Mutex::new(Lines::new())),
];

/// The modules of the shim that are called from here. Constants of Ruby hold them, so the collector keeps them; they
/// are registered besides, so that compaction does not move them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shim {
    /// `Zygo::Runtime`
    pub(crate) runtime: Value,
    /// `Zygo::Hooks`
    pub(crate) hooks: Value,
    /// `Zygo::Failures`
    pub(crate) failures: Value,
    /// `Zygo::Generators`
    pub(crate) generators: Value,
    /// `Zygo::Resources`
    pub(crate) resources: Value,
    /// `Zygo::Context`
    pub(crate) context: Value,
    /// `Zygo::Response`
    pub(crate) response: Value,
    /// `Zygo::Several`
    pub(crate) several: Value,
    /// `Process`
    pub(crate) process: Value,
    /// `GC`
    pub(crate) gc: Value,
}

impl Shim {
    /// Defines what the shim needs from here, loads its files and the common library, and warms it up.
    pub(crate) fn load(ruby: &Ruby) -> Result<Self, Error> {
        let zygo = ruby.define_module("Zygo")?;
        define_native(&zygo)?;
        for (name, text) in FILES {
            evaluate(ruby, name, text)?;
        }
        let shim = Self {
            runtime: constant(&zygo, "Runtime")?,
            hooks: constant(&zygo, "Hooks")?,
            failures: constant(&zygo, "Failures")?,
            generators: constant(&zygo, "Generators")?,
            resources: constant(&zygo, "Resources")?,
            context: constant(&zygo, "Context")?,
            response: constant(&zygo, "Response")?,
            several: constant(&zygo, "Several")?,
            process: constant(&ruby.class_object(), "Process")?,
            gc: constant(&ruby.class_object(), "GC")?,
        };
        call::<Value>(shim.runtime, "prepare", &[])?;
        Ok(shim)
    }
}

fn constant(scope: &impl Module, name: &str) -> Result<Value, Error> {
    let value: Value = scope.const_get(name)?;
    gc::register_mark_object(value);
    Ok(value)
}

/// `eval` with a file name, at the top level.
fn evaluate(ruby: &Ruby, name: &str, text: &str) -> Result<(), Error> {
    let binding: Value = ruby.class_object().const_get("TOPLEVEL_BINDING")?;
    let arguments = [text.into_value_with(ruby), name.into_value_with(ruby)];
    call::<Value>(binding, "eval", &arguments).map(|_| ())
}

/// Calls a method. Allocation failures inside become errors too.
pub(crate) fn call<T: TryConvert>(
    receiver: Value,
    method: &str,
    arguments: &[Value],
) -> Result<T, Error> {
    use magnus::value::ReprValue;
    receiver.funcall::<_, _, T>(method, arguments)
}

fn define_native(zygo: &RModule) -> Result<(), Error> {
    let native = zygo.define_module("Native")?;
    native.define_singleton_method("write", function!(write, 2))?;
    native.define_singleton_method("lines", function!(write_lines, 2))?;
    native.define_singleton_method("begin", function!(stream::begin, 2))?;
    native.define_singleton_method("piece", function!(stream::piece, 2))?;
    several::define(&native)?;
    for (name, value) in [
        ("NONE", KIND_NONE),
        ("JSON", KIND_JSON),
        ("TEXT", KIND_TEXT),
        ("BINARY", KIND_BINARY),
        ("SENT", KIND_SENT),
    ] {
        zygo.const_set(format!("KIND_{name}"), value)?;
    }
    for (value, name) in (0_i64..).zip(["DEBUG", "INFO", "WARN", "ERROR"]) {
        zygo.const_set(format!("LEVEL_{name}"), value)?;
    }
    Ok(())
}

/// `Native.write(stream, text)`: bytes for standard output (0) or standard error (1).
fn write(stream: usize, text: RString) {
    let Some((level, lines)) = STREAMS.get(stream) else {
        return;
    };
    // SAFETY: nothing below calls Ruby, so the string is neither changed nor collected while its bytes are borrowed.
    let bytes = unsafe { text.as_slice() };
    if several::is_on() {
        return several::write(stream, *level, bytes);
    }
    let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
    lines.write(bytes, &mut |line| log::write(*level, line));
}

/// `Native.lines(level, text)`: whole lines with a level of their own.
fn write_lines(level: usize, text: RString) {
    let level = *LEVELS.get(level).unwrap_or(&Level::Info);
    let mut lines = Lines::new();
    let mut emit = |line: &str| log::write(level, line);
    // SAFETY: as in `write`.
    lines.write(unsafe { text.as_slice() }, &mut emit);
    lines.flush(&mut emit);
}

/// Gives on lines that were begun and not ended, at the end of an invocation or of the load.
pub(crate) fn flush_lines() {
    for (level, lines) in &STREAMS {
        lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .flush(&mut |line| log::write(*level, line));
    }
    several::flush();
}

/// Runs raw calls into Ruby; whatever they raise becomes an error. The closure must own nothing that needs dropping.
pub(crate) fn guarded(body: impl FnOnce() -> VALUE + Copy) -> Result<Value, Error> {
    // SAFETY: the value was just made by Ruby, and the caller keeps it on the stack, where the collector sees it.
    protect(body).map(|raw| unsafe { Value::from_raw(raw) })
}

/// The value as the C interface sees it.
pub(crate) fn raw(value: Value) -> VALUE {
    value.as_raw()
}

/// `true` or `false` as the C interface sees it.
pub(crate) fn raw_bool(truth: bool) -> VALUE {
    if truth {
        rb_sys::Qtrue.into()
    } else {
        rb_sys::Qfalse.into()
    }
}

/// Whether the string's bytes may be read as UTF-8: by its encoding, or because it claims none.
pub(crate) fn is_byte_compatible(string: RString) -> bool {
    // SAFETY: the string is alive; both functions only read tables that live as long as the process.
    unsafe {
        let index = rb_sys::rb_enc_get_index(string.as_raw());
        index == rb_sys::rb_utf8_encindex()
            || index == rb_sys::rb_usascii_encindex()
            || index == rb_sys::rb_ascii8bit_encindex()
    }
}

/// The encoding that all text leaves this process in, as a Ruby object.
pub(crate) fn utf8(near: RString) -> Value {
    use magnus::value::ReprValue;
    let ruby = Ruby::get_with(near);
    ruby.utf8_encoding().into_value_with(&ruby).as_value()
}
