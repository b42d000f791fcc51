//! Outcome of an invocation → HTTP response of the invoke API.

use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use zygo_wire::data::BodyKind;

use super::limits;
use super::problem::Problem;
use super::request::REQUEST_ID;
use crate::invocation::{Answer, Outcome, StartKind, Timeline};

/// What a handler answered, and what it took. Times are in ms with fractions, memory is in MB.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = InvocationAnswer)]
pub(super) struct Envelope<'a> {
    /// The request's id, as in `X-Request-Id`.
    request_id: &'a str,
    /// The handler's own status.
    status_code: u16,
    /// The handler's body: a JSON value, text, or bytes in base64.
    #[schema(value_type = serde_json::Value)]
    body: EnvelopeBody<'a>,
    /// Whether the body is bytes in base64.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    is_base64_encoded: bool,
    /// The handler's headers, as pairs of name and value.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(value_type = Vec<Vec<String>>)]
    headers: &'a [(String, String)],
    /// How long it took in all, in ms.
    duration: f64,
    /// ms.
    billed_duration: u64,
    /// The most memory that the instance used, in MB.
    memory_used: u64,
    /// Whether the caller waited for a process to be made.
    cold_start: bool,
    start_kind: StartKind,
    timeline: Phases,
    /// The number of the version that answered.
    version: u32,
    /// Lines that the invocation wrote.
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

/// How long each phase of an invocation took, in ms.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Timeline)]
pub(crate) struct Phases {
    /// Waiting for an instance.
    pub(crate) queue: f64,
    /// The fork, or the wake-up of a waiting instance.
    pub(crate) fork: f64,
    /// Loading code that could not be forked.
    pub(crate) load: f64,
    /// The handler.
    pub(crate) handler: f64,
    /// All of it.
    pub(crate) total: f64,
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
pub(super) fn milliseconds(duration: std::time::Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

/// The response to a call of the invoke API.
pub(crate) fn of_invocation(request_id: &str, version: u32, outcome: Outcome) -> Response {
    let told = limits::Told::of(&outcome);
    let mut response = answer(request_id, version, outcome);
    told.tell(&mut response);
    response
}

fn answer(request_id: &str, version: u32, outcome: Outcome) -> Response {
    let billed_duration = outcome.billed_ms();
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
        billed_duration,
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
