//! Wire values to Ruby values and back. Knows no handler and no engine set-up.

use magnus::rb_sys::AsRawValue;
use magnus::value::ReprValue;
use magnus::{Error, RArray, RString, TryConvert, Value};
use rb_sys::VALUE;
use runtime_core::log;
use runtime_core::runtime::{Body, Invocation, Response};
use runtime_core::stream;
use runtime_core::wire::{BodyKind, Failure, FailureKind};

use crate::json::{self, JsonError};
use crate::shim::{self, Shim};

/// Longer paths in messages are cut: those of a value that contains itself repeat for ever.
const PATH_LEN_MAX: usize = 100;

/// Why an answer could not be given on.
#[derive(Debug)]
pub(crate) enum ConvertError {
    /// The handler's value is none that can be sent.
    Unsendable(String),
    /// Ruby raised meanwhile.
    Raised(Error),
}

impl From<Error> for ConvertError {
    fn from(error: Error) -> Self {
        Self::Raised(error)
    }
}

/// Calls the shim's `invoke` with what the invocation says. One guarded entry into Ruby for all of it, so that running
/// out of memory while the strings are copied is an exception like any other.
pub(crate) fn invoke(shim: &Shim, invocation: &Invocation<'_>) -> Result<Value, Error> {
    let receiver = shim.runtime.as_raw();
    shim::guarded(|| {
        // SAFETY: inside the guard every function may raise; nothing here needs dropping. The values lie on the stack,
        // where the collector finds them.
        unsafe {
            let arguments: [VALUE; 7] = [
                utf8_string(invocation.request_id.as_bytes()),
                rb_sys::rb_ull2inum(invocation.deadline_unix_ms),
                utf8_string(invocation.traceparent.as_bytes()),
                match invocation.tracestate {
                    Some(state) => utf8_string(state.as_bytes()),
                    None => rb_sys::Qnil.into(),
                },
                utf8_string(invocation.event),
                shim::raw_bool(invocation.body_kind == BodyKind::Json),
                body(invocation),
            ];
            rb_sys::rb_funcallv(
                receiver,
                rb_sys::rb_intern(c"invoke".as_ptr()),
                7,
                arguments.as_ptr(),
            )
        }
    })
}

/// # Safety
/// Must be called where Ruby may raise.
unsafe fn body(invocation: &Invocation<'_>) -> VALUE {
    match invocation.body_kind {
        BodyKind::None => rb_sys::Qnil.into(),
        // SAFETY: as for this function.
        BodyKind::Json | BodyKind::Text => unsafe { utf8_string(invocation.body) },
        // SAFETY: as for this function; without an encoding, a string is bytes.
        BodyKind::Binary => unsafe {
            rb_sys::rb_str_new(invocation.body.as_ptr().cast(), length(invocation.body))
        },
    }
}

/// # Safety
/// Must be called where Ruby may raise.
unsafe fn utf8_string(text: &[u8]) -> VALUE {
    // SAFETY: the pointer and the length are those of a slice; Ruby copies the bytes.
    unsafe { rb_sys::rb_utf8_str_new(text.as_ptr().cast(), length(text)) }
}

/// A slice is never longer than `isize::MAX`.
fn length(bytes: &[u8]) -> std::ffi::c_long {
    bytes.len().cast_signed() as std::ffi::c_long
}

/// Takes apart what the shim's `Response.build` put together.
pub(crate) fn response(shim: &Shim, parts: Value) -> Result<Response, ConvertError> {
    let parts: RArray = TryConvert::try_convert(parts)?;
    let kind: i64 = parts.entry(2)?;
    if kind == shim::KIND_SENT {
        let stream = match log::works_for() {
            0 => stream::take(),
            number => stream::take_of(number),
        };
        let ended = stream.map(stream::Stream::end);
        return ended.ok_or_else(|| ConvertError::Unsendable("the answer ended twice".to_owned()));
    }
    let status_code: u16 = parts.entry(0)?;
    let headers = headers(parts.entry(1)?)?;
    let (body_kind, body) = outgoing_body(shim, kind, parts.entry(3)?)?;
    Ok(Response {
        status_code,
        headers,
        body_kind,
        body: Body::Whole(body),
    })
}

/// A flat list of names and values.
pub(crate) fn headers(list: RArray) -> Result<Vec<(String, String)>, Error> {
    let mut headers = Vec::with_capacity(list.len() / 2);
    for index in (0..list.len().cast_signed()).step_by(2) {
        headers.push((text(list.entry(index)?), text(list.entry(index + 1)?)));
    }
    Ok(headers)
}

fn outgoing_body(
    shim: &Shim,
    kind: i64,
    value: Value,
) -> Result<(BodyKind, Vec<u8>), ConvertError> {
    match kind {
        shim::KIND_NONE => Ok((BodyKind::None, Vec::new())),
        shim::KIND_JSON => Ok((BodyKind::Json, json_of(shim, value)?)),
        shim::KIND_TEXT => Ok((BodyKind::Text, bytes(TryConvert::try_convert(value)?))),
        _ => Ok((BodyKind::Binary, bytes(TryConvert::try_convert(value)?))),
    }
}

fn json_of(shim: &Shim, value: Value) -> Result<Vec<u8>, ConvertError> {
    let mut out = Vec::with_capacity(256);
    match json::write(shim, value, &mut out) {
        Ok(()) => Ok(out),
        Err(JsonError::Raised(error)) => Err(ConvertError::Raised(error)),
        Err(JsonError::Unsuitable { path, what }) => {
            Err(ConvertError::Unsendable(unsuitable(&path, &what)))
        }
    }
}

/// The message about a value that is none of JSON's.
fn unsuitable(path: &str, what: &str) -> String {
    let end = (0..=PATH_LEN_MAX.min(path.len()))
        .rev()
        .find(|&index| path.is_char_boundary(index))
        .unwrap_or(0);
    let more = if end < path.len() { "…" } else { "" };
    let place = if path.is_empty() {
        String::new()
    } else {
        format!(" at `{}{more}`", &path[..end])
    };
    format!("the return value cannot become JSON: {what}{place}")
}

fn bytes(string: RString) -> Vec<u8> {
    // SAFETY: copied at once; nothing runs in between.
    unsafe { string.as_slice() }.to_vec()
}

/// A string's text; what is no UTF-8 is replaced.
pub(crate) fn text(string: RString) -> String {
    match String::from_utf8(bytes(string)) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    }
}

/// The failure that tells a handler's author about a value that cannot be sent.
pub(crate) fn unsendable(message: String) -> Failure {
    Failure::new(FailureKind::Response, "ResponseError", message)
}

/// Whether a Ruby value is of this class, by the class's name in the shim.
pub(crate) fn class_is(value: Value, name: &str) -> bool {
    // SAFETY: the name is compared at once, before anything else runs.
    unsafe { value.classname() == name }
}

#[cfg(test)]
mod tests {
    use super::unsuitable;

    #[test]
    fn the_message_names_the_place() {
        assert_eq!(
            unsuitable("", "the float NaN"),
            "the return value cannot become JSON: the float NaN"
        );
        assert_eq!(
            unsuitable(".items[2]", "an instance of Foo"),
            "the return value cannot become JSON: an instance of Foo at `.items[2]`"
        );
        let long = unsuitable(&".é".repeat(100), "x");
        assert!(long.contains('…') && long.len() < 180, "{long}");
    }
}
