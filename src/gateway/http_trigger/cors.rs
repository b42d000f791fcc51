//! What pages of other origins may do: the browser's question before a request, and what it wants to read in an answer.

use axum::response::Response;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

use crate::trigger::http::{Cors, HttpTrigger};

/// What the answer to a question depends on.
const ASKED: HeaderValue = HeaderValue::from_static(
    "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
);
const ANY: HeaderValue = HeaderValue::from_static("*");

/// Headers that the platform alone sets where a trigger has rules for other origins.
const OURS: [HeaderName; 3] = [
    header::ACCESS_CONTROL_ALLOW_ORIGIN,
    header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
    header::ACCESS_CONTROL_EXPOSE_HEADERS,
];

/// The method that a browser asks about, if it is a browser's question.
pub(super) fn asked_method(head: &Parts) -> Option<&str> {
    if head.method != Method::OPTIONS || !head.headers.contains_key(header::ORIGIN) {
        return None;
    }
    let method = head.headers.get(header::ACCESS_CONTROL_REQUEST_METHOD)?;
    method.to_str().ok()
}

/// The answer to a browser's question. A page that may not is told nothing, which browsers take for a no.
pub(super) fn preflight(trigger: &HttpTrigger, asked: &HeaderMap) -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(header::VARY, ASKED);
    let Some((cors, origin)) = trigger
        .cors
        .as_ref()
        .and_then(|cors| Some((cors, allowed(cors, asked.get(header::ORIGIN))?)))
    else {
        return response;
    };
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    let own: Vec<&str> = cors.methods.iter().map(String::as_str).collect();
    let methods = if own.is_empty() {
        trigger.methods.names()
    } else {
        own
    };
    put(
        headers,
        header::ACCESS_CONTROL_ALLOW_METHODS,
        &methods.join(", "),
    );
    match asked.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        Some(wanted) if cors.headers.is_empty() => {
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
        }
        _ if cors.headers.is_empty() => {}
        _ => put(
            headers,
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            &cors.headers.join(", "),
        ),
    }
    if cors.credentials {
        put(headers, header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
    }
    if let Some(seconds) = cors.max_age {
        put(
            headers,
            header::ACCESS_CONTROL_MAX_AGE,
            &seconds.to_string(),
        );
    }
    response
}

/// Tells the browser that the page may read the answer, if it may. Refusals too: pages show them.
pub(super) fn allow(cors: &Cors, origin: Option<&HeaderValue>, response: &mut Response) {
    let headers = response.headers_mut();
    for name in OURS {
        headers.remove(name);
    }
    if !is_for_all(cors) {
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
    }
    let Some(origin) = allowed(cors, origin) else {
        return;
    };
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    if cors.credentials {
        put(headers, header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
    }
    if !cors.expose_headers.is_empty() {
        let names = cors.expose_headers.join(", ");
        put(headers, header::ACCESS_CONTROL_EXPOSE_HEADERS, &names);
    }
}

fn is_for_all(cors: &Cors) -> bool {
    cors.origins.is_empty() || cors.origins.iter().any(|origin| origin == "*")
}

/// What to allow an origin, if anything.
fn allowed(cors: &Cors, origin: Option<&HeaderValue>) -> Option<HeaderValue> {
    if is_for_all(cors) {
        return Some(ANY);
    }
    let origin = origin?;
    let known = |own: &String| own.as_bytes().eq_ignore_ascii_case(origin.as_bytes());
    cors.origins.iter().any(known).then(|| origin.clone())
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
