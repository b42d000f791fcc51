//! HTTP request → invocation: identity, body, event. Knows nothing of functions.

use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Uri, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use zygo_wire::clock;
use zygo_wire::data::BodyKind;

use super::inflow::InflowError;
use super::problem::RequestError;
use crate::invocation::{Invocation, Trigger, new_request_id};
use crate::trace::{Caller, Trace};

/// A longer id of the caller's is replaced by ours.
const REQUEST_ID_LEN_MAX: usize = 128;

/// The deepest JSON that is passed on; every language's parser takes it (Ruby's is told to, Python's recursion bears it).
const JSON_DEPTH_MAX: usize = 512;

/// The header that carries the id, both ways.
pub(crate) const REQUEST_ID: http::HeaderName = http::HeaderName::from_static("x-request-id");

/// The caller's request id if it is usable, or a new one.
pub(crate) fn request_id(headers: &HeaderMap) -> Arc<str> {
    let usable = |id: &&str| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/=+".contains(&byte);
        !id.is_empty() && id.len() <= REQUEST_ID_LEN_MAX && id.bytes().all(allowed)
    };
    match headers
        .get(REQUEST_ID)
        .and_then(|id| id.to_str().ok())
        .filter(usable)
    {
        Some(id) => Arc::from(id),
        None => Arc::from(new_request_id()),
    }
}

/// The caller's place in a trace, if it names one as W3C Trace Context wants it. Two names contradict each other.
pub(crate) fn caller(headers: &HeaderMap) -> Option<Caller> {
    let mut parents = headers.get_all("traceparent").iter();
    let parent = parents.next().filter(|_| parents.next().is_none())?;
    let states = headers.get_all("tracestate").iter();
    Caller::parse(parent.as_bytes(), states.map(HeaderValue::as_bytes))
}

/// Reads a whole body of at most `limit` bytes.
pub(crate) async fn read_body(body: Body, limit: usize) -> Result<Bytes, RequestError> {
    let whole = Limited::new(body, limit).collect().await;
    let error = match whole {
        Ok(collected) => return Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            return Err(RequestError::BodyTooLong { limit });
        }
        Err(error) => error,
    };
    // Every layer that a body went through has wrapped the error once.
    let outermost: &(dyn std::error::Error + 'static) = &*error;
    let mut causes = std::iter::successors(Some(outermost), |error| error.source());
    let inflow = causes.find_map(|cause| cause.downcast_ref::<InflowError>());
    Err(match inflow {
        Some(InflowError::Slow) => RequestError::BodyTimedOut,
        Some(InflowError::NoRoom) => RequestError::NoRoom,
        None => RequestError::BodyBroken,
    })
}

/// The invocation that a call of the invoke API asks for.
pub(crate) fn invocation(
    request_id: Arc<str>,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: Bytes,
    trace: Trace,
) -> Result<Invocation, RequestError> {
    let received_ns = clock::monotonic_ns();
    let (event, body_kind) = event(&request_id, method, uri, headers, &body)?;
    Ok(Invocation {
        request_id,
        event,
        body_kind,
        body,
        received_ns,
        trigger: Trigger::Http,
        trace,
    })
}

/// An invocation of which nothing is known, because it is refused before it was read.
pub(super) fn unread(request_id: Arc<str>, trace: Trace) -> Invocation {
    Invocation {
        request_id,
        event: Bytes::new(),
        body_kind: BodyKind::None,
        body: Bytes::new(),
        received_ns: clock::monotonic_ns(),
        trigger: Trigger::Http,
        trace,
    }
}

/// The event without its body, as JSON, and how the handler is to see that.
pub(crate) fn event(
    request_id: &str,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<(Bytes, BodyKind), RequestError> {
    let body_kind = body_kind(headers, body, "application/json")?;
    let event = Event {
        method: method.as_str(),
        path: "/",
        headers: Headers(headers),
        query: Query(uri),
        request_id,
    };
    let event = serde_json::to_vec(&event).map_err(|_| RequestError::BodyBroken)?;
    Ok((Bytes::from(event), body_kind))
}

/// What the body is by its type, which is `default` when the caller names none.
pub(super) fn body_kind(
    headers: &HeaderMap,
    body: &Bytes,
    default: &str,
) -> Result<BodyKind, RequestError> {
    if body.is_empty() {
        return Ok(BodyKind::None);
    }
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .map_or(Ok(default), |value| value.to_str());
    let essence = content_type
        .unwrap_or("")
        .split(';')
        .next()
        .unwrap_or("")
        .trim()
        .to_ascii_lowercase();
    let kind = match essence.as_str() {
        "application/json" => BodyKind::Json,
        other if other.ends_with("+json") => BodyKind::Json,
        "application/x-www-form-urlencoded" => BodyKind::Text,
        other if other.starts_with("text/") => BodyKind::Text,
        _ => BodyKind::Binary,
    };
    match kind {
        BodyKind::Json if is_nested_too_deeply(body) => {
            let rule = format!("the body is nested deeper than {JSON_DEPTH_MAX} levels");
            Err(RequestError::malformed("", rule))
        }
        BodyKind::Json => match serde_json::from_slice::<serde::de::IgnoredAny>(body) {
            Ok(_) if std::str::from_utf8(body).is_ok() => Ok(BodyKind::Json),
            Ok(_) => Err(RequestError::malformed("", "the body is not UTF-8")),
            Err(error) => Err(RequestError::malformed(
                "",
                format!("the body is not JSON: {error}"),
            )),
        },
        BodyKind::Text if std::str::from_utf8(body).is_err() => Ok(BodyKind::Binary),
        kind => Ok(kind),
    }
}

/// Whether arrays and objects lie deeper in each other than any handler's parser can follow. Bytes inside strings do
/// not count; the text need not be JSON.
fn is_nested_too_deeply(text: &[u8]) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for &byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => depth += 1,
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > JSON_DEPTH_MAX {
            return true;
        }
    }
    false
}

/// The event as handlers see it, without its body.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    method: &'a str,
    path: &'a str,
    headers: Headers<'a>,
    query: Query<'a>,
    request_id: &'a str,
}

/// Names in lower case, as HTTP has them; values of one name joined by commas, cookies as they are within one line: with
/// HTTP/2, each may come on a line of its own.
pub(super) struct Headers<'a>(pub(super) &'a HeaderMap);

impl Serialize for Headers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.keys_len()))?;
        for name in self.0.keys() {
            let mut values = self
                .0
                .get_all(name)
                .iter()
                .map(|value| String::from_utf8_lossy(value.as_bytes()));
            let first = values.next().unwrap_or_default();
            match values.next() {
                None => map.serialize_entry(name.as_str(), &first)?,
                Some(second) => {
                    let all: Vec<_> = [first, second].into_iter().chain(values).collect();
                    let between = if name == header::COOKIE { "; " } else { ", " };
                    map.serialize_entry(name.as_str(), &all.join(between))?;
                }
            }
        }
        map.end()
    }
}

/// The query's pairs, decoded; the last of several values wins.
pub(super) struct Query<'a>(pub(super) &'a Uri);

impl Serialize for Query<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let query = self.0.query().unwrap_or_default();
        let pairs: std::collections::BTreeMap<_, _> =
            form_urlencoded::parse(query.as_bytes()).collect();
        serializer.collect_map(pairs)
    }
}
