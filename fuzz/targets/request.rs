//! HTTP → event. The input looks like HTTP/1: a method, a target, headers, an empty line, the body. The event's JSON can
//! be read and holds what went in.
#![no_main]

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use libfuzzer_sys::{Corpus, fuzz_target};
use serde_json::Value;
use zygo::fuzzing::{self, Mapped};
use zygo_fuzz::percent;
use zygo_wire::BodyKind;

const REQUEST_ID_LEN_MAX: usize = 128;

fuzz_target!(|data: &[u8]| -> Corpus {
    let Some((method, uri, headers, body)) = parse(data) else {
        return Corpus::Reject;
    };
    match fuzzing::map(&method, &uri, &headers, body.clone()) {
        Ok(mapped) => {
            check_event(&mapped, &method, &uri, &headers);
            check_identity(&mapped, &headers);
            assert_eq!(mapped.body, body);
            check_kind(&mapped);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    Corpus::Keep
});

fn parse(data: &[u8]) -> Option<(Method, Uri, HeaderMap, Bytes)> {
    let mut rest = data;
    let mut line = || {
        let at = rest.iter().position(|byte| *byte == b'\n')?;
        let line = &rest[..at];
        rest = &rest[at + 1..];
        Some(line)
    };
    let first = line()?;
    let space = first.iter().position(|byte| *byte == b' ')?;
    let method = Method::from_bytes(&first[..space]).ok()?;
    let uri = Uri::try_from(&first[space + 1..]).ok()?;
    let mut headers = HeaderMap::new();
    loop {
        let line = line()?;
        if line.is_empty() {
            break;
        }
        let colon = line.iter().position(|byte| *byte == b':')?;
        let name = HeaderName::from_bytes(&line[..colon]).ok()?;
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?;
        headers.append(name, value);
    }
    Some((method, uri, headers, Bytes::copy_from_slice(rest)))
}

fn check_event(mapped: &Mapped, method: &Method, uri: &Uri, headers: &HeaderMap) {
    let event: Value = serde_json::from_slice(&mapped.event).expect("the event is JSON");
    let event = event.as_object().expect("an object");
    let mut names: Vec<&str> = event.keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["headers", "method", "path", "query", "requestId"]);
    assert_eq!(
        (&event["method"], &event["path"]),
        (&method.as_str().into(), &"/".into())
    );
    assert_eq!(event["requestId"], mapped.request_id.as_str());
    assert_eq!(
        texts(&event["query"]),
        query(uri.query().unwrap_or_default())
    );
    let mut joined = BTreeMap::<String, String>::new();
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        let all = joined.entry(name.as_str().to_owned());
        let between = if name == "cookie" { "; " } else { ", " };
        let all = all.and_modify(|all| all.push_str(between)).or_default();
        all.push_str(&value);
    }
    assert_eq!(texts(&event["headers"]), joined);
}

fn texts(object: &Value) -> BTreeMap<String, String> {
    let object = object.as_object().expect("an object");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    object
        .iter()
        .map(|(name, value)| (name.clone(), text(value)))
        .collect()
}

/// `application/x-www-form-urlencoded` once more, written from its standard.
fn query(text: &str) -> BTreeMap<String, String> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        })
        .collect()
}

fn decode(text: &str) -> String {
    String::from_utf8_lossy(&percent::decode(&text.replace('+', " "))).into_owned()
}

/// The caller's id and place in a trace, or new ones.
fn check_identity(mapped: &Mapped, headers: &HeaderMap) {
    let id = &mapped.request_id;
    let is_ours = id.starts_with("req-") && id.len() == 28;
    let is_callers = headers
        .get("x-request-id")
        .is_some_and(|its| its == id.as_str());
    assert!(is_ours || is_callers, "{id:?}");
    assert!(
        (1..=REQUEST_ID_LEN_MAX).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic())
    );
    let parent = &mapped.traceparent;
    assert!(parent.len() == 55 && parent.starts_with("00-"), "{parent}");
    let states: Vec<_> = headers
        .get_all("tracestate")
        .iter()
        .map(HeaderValue::as_bytes)
        .collect();
    let state = mapped.tracestate.as_bytes();
    assert!(state.is_empty() || state == states.join(&b","[..]));
}

fn check_kind(mapped: &Mapped) {
    let (body, text) = (&mapped.body, std::str::from_utf8(&mapped.body));
    assert_eq!(mapped.body_kind == BodyKind::None, body.is_empty());
    match mapped.body_kind {
        BodyKind::Json => {
            let raw: Result<&serde_json::value::RawValue, _> = serde_json::from_slice(body);
            assert_eq!(raw.expect("JSON").get(), text.expect("UTF-8").trim_ascii());
        }
        BodyKind::Text => assert!(text.is_ok()),
        BodyKind::None | BodyKind::Binary => {}
    }
}
