//! Wire values to V8 values and back. Knows kinds of bodies, not what a handler is.

use deno_core::v8;
use runtime_core::runtime::{Body, Invocation, Response};
use runtime_core::wire::BodyKind;

use crate::ops;
use crate::shim::Shim;

type Value<'s> = v8::Local<'s, v8::Value>;

/// The event with its body, JSON as text when the handler `takes_text`. `None` when the engine could not make it: text too long, or no JSON.
pub(crate) fn event<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    shim: &Shim,
    invocation: &Invocation<'_>,
    takes_text: bool,
) -> Option<Value<'s>> {
    let event = json(scope, invocation.event)?;
    let body = match invocation.body_kind {
        BodyKind::None => v8::null(scope).into(),
        BodyKind::Json if !takes_text => json(scope, invocation.body)?,
        BodyKind::Json | BodyKind::Text => text(scope, invocation.body)?.into(),
        BodyKind::Binary => bytes(scope, invocation.body)?,
    };
    let object = v8::Local::<v8::Object>::try_from(event).ok()?;
    let key = v8::Local::new(scope, &shim.body_key);
    object.create_data_property(scope, key.into(), body)?;
    Some(event)
}

/// What is the invocation's own in its context: id, deadline, `traceparent` and `tracestate`. `None` when the engine had
/// no memory for it.
pub(crate) fn context<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    invocation: &Invocation<'_>,
) -> Option<[Value<'s>; 4]> {
    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds of this age fit a double"
    )]
    let deadline = v8::Number::new(scope, invocation.deadline_unix_ms as f64);
    let state = match invocation.tracestate {
        Some(state) => text(scope, state.as_bytes())?.into(),
        None => v8::null(scope).into(),
    };
    Some([
        text(scope, invocation.request_id.as_bytes())?.into(),
        deadline.into(),
        text(scope, invocation.traceparent.as_bytes())?.into(),
        state,
    ])
}

fn json<'s>(scope: &mut v8::PinScope<'s, '_>, source: &[u8]) -> Option<Value<'s>> {
    let source = text(scope, source)?;
    v8::json::parse(scope, source)
}

/// A string of UTF-8 bytes.
pub(crate) fn text<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    source: &[u8],
) -> Option<v8::Local<'s, v8::String>> {
    if source.is_ascii() {
        return v8::String::new_from_one_byte(scope, source, v8::NewStringType::Normal);
    }
    v8::String::new_from_utf8(scope, source, v8::NewStringType::Normal)
}

fn bytes<'s>(scope: &mut v8::PinScope<'s, '_>, source: &[u8]) -> Option<Value<'s>> {
    let store = v8::ArrayBuffer::new_backing_store_from_vec(source.to_vec()).make_shared();
    let buffer = v8::ArrayBuffer::with_backing_store(scope, &store);
    Some(v8::Uint8Array::new(scope, buffer, 0, source.len())?.into())
}

/// What `respond` in the shim returned: `[status, kind of body, body, headers]`. `None` when it is something else,
/// which is a fault of the shim; `null` is an answer that went out in pieces.
pub(crate) fn response(scope: &mut v8::PinScope<'_, '_>, answer: Value<'_>) -> Option<Response> {
    if answer.is_null() {
        return Some(ops::take_stream()?.end());
    }
    let answer = v8::Local::<v8::Array>::try_from(answer).ok()?;
    let status_code = answer.get_index(scope, 0)?.uint32_value(scope)?;
    let kind = answer.get_index(scope, 1)?.uint32_value(scope)?;
    let body = answer.get_index(scope, 2)?;
    let (body_kind, body) = match kind {
        0 => (BodyKind::None, Vec::new()),
        1 => (BodyKind::Json, utf8(scope, body)?),
        2 => (BodyKind::Text, utf8(scope, body)?),
        _ => (BodyKind::Binary, contents(body)?),
    };
    let headers = answer.get_index(scope, 3)?;
    Some(Response {
        status_code: u16::try_from(status_code).ok()?,
        headers: header_list(scope, headers)?,
        body_kind,
        body: Body::Whole(body),
    })
}

fn header_list(
    scope: &mut v8::PinScope<'_, '_>,
    headers: Value<'_>,
) -> Option<Vec<(String, String)>> {
    if headers.is_null() {
        return Some(Vec::new());
    }
    let flat = v8::Local::<v8::Array>::try_from(headers).ok()?;
    let mut texts = Vec::with_capacity(flat.length() as usize);
    for index in 0..flat.length() {
        texts.push(flat.get_index(scope, index)?.to_rust_string_lossy(scope));
    }
    let mut texts = texts.into_iter();
    Some(std::iter::from_fn(|| Some((texts.next()?, texts.next()?))).collect())
}

fn utf8(scope: &mut v8::PinScope<'_, '_>, value: Value<'_>) -> Option<Vec<u8>> {
    let string = v8::Local::<v8::String>::try_from(value).ok()?;
    Some(string.to_rust_string_lossy(scope).into_bytes())
}

fn contents(value: Value<'_>) -> Option<Vec<u8>> {
    let view = v8::Local::<v8::ArrayBufferView>::try_from(value).ok()?;
    let mut bytes = vec![0; view.byte_length()];
    let copied = view.copy_contents(&mut bytes);
    (copied == bytes.len()).then_some(bytes)
}
