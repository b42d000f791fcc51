//! Outcome of an invocation → HTTP response of the invoke API.

use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::value::RawValue;
use zygo_wire::data::BodyKind;

use super::problem::Problem;
use super::request::REQUEST_ID;
use crate::invocation::{Answer, Outcome, StartKind, Timeline};

/// The answer of the invoke API. Times are in ms with fractions, memory is in MB.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a> {
    request_id: &'a str,
    status_code: u16,
    body: EnvelopeBody<'a>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    is_base64_encoded: bool,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    headers: &'a [(String, String)],
    duration: f64,
    billed_duration: u64,
    memory_used: u64,
    cold_start: bool,
    start_kind: StartKind,
    timeline: Phases,
    version: u32,
    logs: Vec<String>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum EnvelopeBody<'a> {
    Nothing,
    Json(&'a RawValue),
    Text(&'a str),
    Base64(String),
}

/// A timeline in ms.
#[derive(Serialize)]
struct Phases {
    queue: f64,
    fork: f64,
    load: f64,
    handler: f64,
    total: f64,
}

impl From<Timeline> for Phases {
    fn from(timeline: Timeline) -> Self {
        Self {
            queue: milliseconds(timeline.queue),
            fork: milliseconds(timeline.fork),
            load: milliseconds(timeline.load),
            handler: milliseconds(timeline.handler),
            total: milliseconds(timeline.total),
        }
    }
}

/// With microseconds as the last digit.
fn milliseconds(duration: std::time::Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

/// The response to a call of the invoke API.
pub(crate) fn of_invocation(request_id: &str, version: u32, outcome: Outcome) -> Response {
    let Outcome {
        result,
        start_kind,
        timeline,
        memory_peak_kib,
        logs,
        ..
    } = outcome;
    let logs: Vec<String> = logs.into_iter().map(|line| line.text).collect();
    let duration = milliseconds(timeline.total);
    let answer = match result {
        Ok(answer) => answer,
        Err(error) => {
            let problem =
                Problem::of_invocation(&error).with_invocation(request_id, duration, logs);
            return with_request_id(problem.into_response(), request_id);
        }
    };
    let (body, is_base64_encoded) = envelope_body(&answer);
    let start_kind = start_kind.unwrap_or(StartKind::Warm);
    let envelope = Envelope {
        request_id,
        status_code: answer.status_code,
        body,
        is_base64_encoded,
        headers: &answer.headers,
        duration,
        billed_duration: billed_ms(timeline),
        memory_used: memory_peak_kib.div_ceil(1024),
        cold_start: start_kind.is_cold(),
        start_kind,
        timeline: timeline.into(),
        version,
        logs,
    };
    let json = serde_json::to_vec(&envelope).unwrap_or_default();
    let headers = [(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    )];
    with_request_id((StatusCode::OK, headers, json).into_response(), request_id)
}

/// Puts the request's id into a response.
pub(crate) fn with_request_id(mut response: Response, request_id: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(request_id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

fn envelope_body(answer: &Answer) -> (EnvelopeBody<'_>, bool) {
    match answer.body_kind {
        BodyKind::None => (EnvelopeBody::Nothing, false),
        BodyKind::Json => {
            let json = serde_json::from_slice(&answer.body);
            (
                json.map_or(EnvelopeBody::Nothing, EnvelopeBody::Json),
                false,
            )
        }
        BodyKind::Text => (
            EnvelopeBody::Text(std::str::from_utf8(&answer.body).unwrap_or_default()),
            false,
        ),
        BodyKind::Binary => (EnvelopeBody::Base64(BASE64.encode(&answer.body)), true),
    }
}

/// Initialisation is billed with the handler's time, by the started millisecond.
fn billed_ms(timeline: Timeline) -> u64 {
    let billed = timeline.fork + timeline.load + timeline.handler;
    u64::try_from(billed.as_micros().div_ceil(1_000))
        .unwrap_or(u64::MAX)
        .max(1)
}
