//! The few operations that the shim needs of Rust, as one extension. Each is a thin door; what is behind it lives in
//! its own module.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use deno_core::{OpState, op2, v8};
use deno_error::JsErrorBox;
use runtime_core::desk;
use runtime_core::log::{self, Level};
use runtime_core::stream::{self, Stream};
use runtime_core::wire::{BodyKind, Failure};

use crate::{commonjs, random, rejections};

deno_core::extension!(
    zygo,
    deps = [deno_webidl, deno_web, deno_fetch, deno_crypto],
    ops = [
        op_zygo_commonjs_read,
        op_zygo_commonjs_resolve,
        op_zygo_exit,
        op_zygo_log,
        op_zygo_log_several,
        op_zygo_number,
        op_zygo_pid,
        op_zygo_random,
        op_zygo_stream_begin,
        op_zygo_stream_begin_several,
        op_zygo_stream_bytes,
        op_zygo_stream_push,
        op_zygo_stream_text,
        op_zygo_uncaught,
    ],
);

thread_local! {
    /// What was written without an end of line, by level.
    static PARTIAL: RefCell<[String; 4]> = const { RefCell::new([const { String::new() }; 4]) };
}

thread_local! {
    /// The same where several invocations run at once, by their numbers. Empty until then.
    static PARTIALS: RefCell<BTreeMap<u64, [String; 4]>> = const { RefCell::new(BTreeMap::new()) };
}

thread_local! {
    /// The invocation whose answer is looked at, where several run at once; `None` where there is only one.
    static WORKS_FOR: Cell<Option<u64>> = const { Cell::new(None) };
}

thread_local! {
    /// Whether what is written is dropped.
    static MUTED: Cell<bool> = const { Cell::new(false) };
}

const LEVELS: [Level; 4] = [Level::Debug, Level::Info, Level::Warn, Level::Error];

/// Writes text that may hold several lines, or end in the middle of one.
#[op2(fast)]
fn op_zygo_log(level: u32, #[string] text: &str) {
    if MUTED.get() {
        return;
    }
    let index = index(level);
    PARTIAL.with_borrow_mut(|partial| {
        write_lines(&mut partial[index], text, |line| {
            log::write(LEVELS[index], line)
        });
    });
}

/// The same where several invocations run at once.
#[op2(fast)]
fn op_zygo_log_several(scope: &mut v8::PinScope<'_, '_>, level: u32, #[string] text: &str) {
    let (number, index) = (rejections::number(scope), index(level));
    PARTIALS.with_borrow_mut(|partials| {
        let partial = partials.entry(number).or_default();
        write_lines(&mut partial[index], text, |line| {
            log::write_of(number, LEVELS[index], line)
        });
        if partial.iter().all(String::is_empty) {
            partials.remove(&number);
        }
    });
}

fn index(level: u32) -> usize {
    usize::try_from(level).unwrap_or(0).min(LEVELS.len() - 1)
}

fn write_lines(partial: &mut String, text: &str, write: impl Fn(&str)) {
    let mut rest = text;
    while let Some((line, after)) = rest.split_once('\n') {
        if partial.is_empty() {
            write(line);
        } else {
            partial.push_str(line);
            write(partial);
            partial.clear();
        }
        rest = after;
    }
    partial.push_str(rest);
}

/// The invocation that runs now, where several run at once.
#[op2(fast)]
fn op_zygo_number(scope: &mut v8::PinScope<'_, '_>) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "nobody counts that far")]
    let number = rejections::number(scope) as f64;
    number
}

/// From now on several invocations run at once.
pub(crate) fn serve_several() {
    WORKS_FOR.set(Some(0));
}

/// Notes whose answer is looked at.
pub(crate) fn work_for(number: u64) {
    WORKS_FOR.set(Some(number));
}

/// Takes the answer that goes out in pieces, if the one that is looked at does.
pub(crate) fn take_stream() -> Option<Stream> {
    match WORKS_FOR.get() {
        None => stream::take(),
        Some(number) => stream::take_of(number),
    }
}

/// Drops what is written from now on, or no longer.
pub(crate) fn mute(muted: bool) {
    MUTED.set(muted);
}

/// Writes what still waits for its end of line, of one of several invocations.
pub(crate) fn flush_logs_of(number: u64) {
    let partial = PARTIALS.with_borrow_mut(|partials| partials.remove(&number));
    for (line, level) in partial.iter().flatten().zip(LEVELS) {
        if !line.is_empty() {
            log::write_of(number, level, line);
        }
    }
}

fn flush_all_logs() {
    let numbers: Vec<u64> = PARTIALS.with_borrow(|partials| partials.keys().copied().collect());
    numbers.into_iter().for_each(flush_logs_of);
}

/// Writes what still waits for its end of line.
pub(crate) fn flush_logs() {
    PARTIAL.with_borrow_mut(|partial| {
        for (line, level) in partial.iter_mut().zip(LEVELS) {
            if !line.is_empty() {
                log::write(level, line);
                line.clear();
            }
        }
    });
}

#[op2(fast)]
fn op_zygo_random() -> f64 {
    random::next()
}

#[op2(fast)]
fn op_zygo_pid() -> u32 {
    std::process::id()
}

/// `process.exit`: the process really ends, and the supervisor tells the user so.
#[op2(fast)]
fn op_zygo_exit(code: i32) {
    flush_logs();
    flush_all_logs();
    desk::give_out();
    // SAFETY: `_exit` only ends the process. Exit handlers are skipped on purpose: they would tear down an engine
    // that still has frames on this stack.
    unsafe { libc::_exit(code) }
}

/// An answer in pieces begins; `kind` counts as the wire does, 0 leaves it to the first piece.
#[op2]
fn op_zygo_stream_begin(status: u16, #[serde] headers: Vec<String>, kind: u32) {
    stream::begin(new_stream(status, headers, kind));
}

/// The same for one of several invocations.
#[op2]
fn op_zygo_stream_begin_several(
    #[number] number: u64,
    status: u16,
    #[serde] headers: Vec<String>,
    kind: u32,
) {
    stream::begin_of(number, new_stream(status, headers, kind));
}

/// Sends as much of a piece as there is room for; how many bytes that was.
#[op2(fast)]
fn op_zygo_stream_push(
    #[number] number: u64,
    is_text: bool,
    #[buffer] piece: &[u8],
) -> Result<u32, JsErrorBox> {
    let kind = if is_text {
        BodyKind::Text
    } else {
        BodyKind::Binary
    };
    let sent = stream::push_of(number, kind, piece).map_err(thrown)?;
    Ok(u32::try_from(sent).unwrap_or(u32::MAX))
}

fn new_stream(status: u16, headers: Vec<String>, kind: u32) -> Stream {
    let mut texts = headers.into_iter();
    let headers = std::iter::from_fn(|| Some((texts.next()?, texts.next()?))).collect();
    let kind = match kind {
        2 => BodyKind::Text,
        3 => BodyKind::Binary,
        _ => BodyKind::None,
    };
    Stream::new(status, headers, kind)
}

#[op2(fast)]
fn op_zygo_stream_text(#[string] piece: &str) -> Result<(), JsErrorBox> {
    stream::push(BodyKind::Text, piece.as_bytes()).map_err(thrown)
}

#[op2(fast)]
fn op_zygo_stream_bytes(#[buffer] piece: &[u8]) -> Result<(), JsErrorBox> {
    stream::push(BodyKind::Binary, piece).map_err(thrown)
}

fn thrown(failure: Failure) -> JsErrorBox {
    JsErrorBox::generic(failure.message)
}

/// An exception that no user code caught, such as one thrown by a timer's callback.
#[op2(fast)]
fn op_zygo_uncaught(scope: &mut v8::PinScope<'_, '_>, thrown: v8::Local<'_, v8::Value>) {
    rejections::add_uncaught(scope, thrown);
}

#[op2]
#[string]
fn op_zygo_commonjs_read(#[string] path: &str) -> Result<String, JsErrorBox> {
    commonjs::read(path).map_err(JsErrorBox::generic)
}

#[op2]
#[string]
fn op_zygo_commonjs_resolve(
    state: &mut OpState,
    #[string] specifier: &str,
    #[string] from: &str,
) -> Result<String, JsErrorBox> {
    let root = state.borrow::<commonjs::Root>();
    commonjs::resolve(root, specifier, from).map_err(JsErrorBox::generic)
}
