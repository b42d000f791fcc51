//! Publishing events.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::IntoResponse;
use futures_util::future::join_all;
use http::{HeaderMap, Request, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::Failable;
use crate::auth::Principal;
use crate::gateway::problem::RequestError;
use crate::gateway::request;
use crate::platform::Platform;
use crate::platform::events::Matched;
use crate::trigger::Wrong;
use crate::trigger::event::Event;

/// One CloudEvent as JSON.
const STRUCTURED: &str = "application/cloudevents+json";
/// Several.
const BATCH: &str = "application/cloudevents-batch+json";
/// So many at once.
const BATCH_MAX: usize = 1_000;

/// An event in the platform's own form.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "for the API's description; what is read is JSON of any form"
)]
struct EventInput {
    /// Such as `order.placed`.
    #[schema(max_length = 256, pattern = "^[!-~]+$")]
    event_type: String,
    /// Whatever subscribers are to be given.
    data: Option<Value>,
    /// The same id of the same source is the same event, and is not done again within a day.
    #[schema(max_length = 1_024, pattern = "^[!-~]+$")]
    id: Option<String>,
    /// Where it comes from; `zygo` when it is left out.
    #[schema(max_length = 1_024, pattern = "^[!-~]+$")]
    source: Option<String>,
    /// What it is about.
    #[schema(max_length = 1_024, pattern = "^[!-~]+$")]
    subject: Option<String>,
    /// When it happened; now when it is left out.
    #[schema(format = DateTime)]
    time: Option<String>,
}

/// An event that is stored for whoever subscribes to it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Published {
    /// The event's id.
    event_id: String,
    event_type: String,
    /// Whether it was published before; then this is the answer of that time.
    duplicate: bool,
    /// Who gets it. A function gets it once.
    subscriptions: Vec<MatchedView>,
}

/// A function that gets an event.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SubscriptionMatched)]
struct MatchedView {
    function_id: String,
    function: String,
    /// The place of the trigger among those of the function.
    trigger: usize,
    /// What the event's type was compared with.
    pattern: String,
    /// Leads to the state of the invocation.
    request_id: String,
}

/// Publish an event
///
/// It is stored for every function with a matching trigger of the type `event` before the answer comes. Takes the
/// platform's own form, CloudEvents 1.0 in structured mode (one, or a batch), and in binary mode.
#[utoipa::path(
    post, path = "/events", tag = "events", operation_id = "publishEvent",
    request_body(content((EventInput = "application/json"))),
    responses((status = 202, description = "It is stored.", body = Published), (status = 503))
)]
pub(super) async fn publish(
    State(platform): State<Arc<Platform>>,
    request: Request<Body>,
) -> Failable {
    let (head, body) = request.into_parts();
    let principal = head.extensions.get::<Arc<Principal>>().cloned();
    let body = request::read_body(body, platform.config().events.payload_bytes_max).await?;
    let (events, is_batch) = events(&head.headers, &body)?;
    let trace = platform.tracer().begin(request::caller(&head.headers));
    let traceparent = trace.traceparent();
    let one = |event: Event| {
        let (platform, principal) = (&platform, &principal);
        async move { publish_one(platform, principal.as_deref(), &event, traceparent).await }
    };
    let answers = join_all(events.into_iter().map(one)).await;
    let mut answers: Vec<Value> = answers.into_iter().collect::<Result<_, _>>()?;
    let body = match is_batch {
        true => json!({ "events": answers }),
        false => answers.pop().unwrap_or_default(),
    };
    Ok((StatusCode::ACCEPTED, Json(body)).into_response())
}

async fn publish_one(
    platform: &Platform,
    principal: Option<&Principal>,
    event: &Event,
    traceparent: &str,
) -> Result<Value, RequestError> {
    let sees = |name: &str| principal.is_none_or(|principal| principal.sees(name));
    let publisher = principal.map_or("", |principal| principal.name.as_str());
    let answer = |matched: &[Matched]| {
        let published = Published {
            event_id: event.text("id").to_owned(),
            event_type: event.kind.clone(),
            duplicate: false,
            subscriptions: matched.iter().map(MatchedView::from).collect(),
        };
        serde_json::to_value(published).unwrap_or_default()
    };
    let published = platform.publish(event, sees, traceparent, publisher, answer);
    let (mut answer, is_duplicate) = published.await?;
    answer["duplicate"] = is_duplicate.into();
    Ok(answer)
}

impl From<&Matched> for MatchedView {
    fn from(matched: &Matched) -> Self {
        Self {
            function_id: matched.function_id.clone(),
            function: matched.function.clone(),
            trigger: matched.trigger,
            pattern: matched.pattern.clone(),
            request_id: matched.request_id.clone(),
        }
    }
}

/// What a request publishes, and whether it is a batch.
fn events(headers: &HeaderMap, body: &[u8]) -> Result<(Vec<Event>, bool), RequestError> {
    let content_type = headers.get(header::CONTENT_TYPE);
    let content_type = content_type
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let kind = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    if kind == BATCH {
        let all: Vec<Map<String, Value>> = parse(body)?;
        if all.len() > BATCH_MAX {
            let rule = format!("a batch has at most {BATCH_MAX} events");
            return Err(RequestError::malformed("", rule));
        }
        let one = |(index, event): (usize, &Map<String, Value>)| {
            Event::structured(event).map_err(|wrong| malformed(&format!("/{index}"), wrong))
        };
        return Ok((
            all.iter().enumerate().map(one).collect::<Result<_, _>>()?,
            true,
        ));
    }
    let event = if kind == STRUCTURED {
        Event::structured(&parse(body)?).map_err(|wrong| malformed("", wrong))
    } else if headers.contains_key("ce-specversion") {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes()));
        let event = Event::binary(headers, content_type, body);
        event.map_err(|wrong| match wrong.pointer.as_str() {
            "/data" => malformed(
                "",
                Wrong {
                    pointer: String::new(),
                    ..wrong
                },
            ),
            name => {
                let pointer = format!("/headers/ce-{}", name.trim_start_matches('/'));
                malformed("", Wrong { pointer, ..wrong })
            }
        })
    } else {
        Event::native(&parse(body)?).map_err(|wrong| malformed("", wrong))
    };
    Ok((vec![event?], false))
}

fn malformed(parent: &str, wrong: Wrong) -> RequestError {
    RequestError::malformed(format!("{parent}{}", wrong.pointer), wrong.message)
}

fn parse<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, RequestError> {
    let wrong = |error| RequestError::malformed("", format!("the body is no event: {error}"));
    serde_json::from_slice(body).map_err(wrong)
}
