//! Invocations that nobody waits for: the caller is told once the event is on the disk.

use std::sync::Arc;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

use super::problem::RequestError;
use super::response;
use crate::api::idempotency;
use crate::function::Function;
use crate::invocation::Invocation;
use crate::platform::Platform;
use crate::platform::events::key;
use crate::queue::{Accepted, Batch, Kind, NewDelivery, Once, Payload};
use crate::time::now_unix_ms;

/// How a caller says whether it waits.
const INVOCATION: HeaderName = HeaderName::from_static("x-zygo-invocation");
/// The same for callers who come from elsewhere.
const INVOCATION_TYPE: HeaderName = HeaderName::from_static("x-amz-invocation-type");

/// An invocation that was accepted.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = InvocationQueued)]
pub(super) struct Queued<'a> {
    /// The request's id, as in `X-Request-Id`.
    request_id: &'a str,
    /// `queued`.
    status: &'static str,
    /// Where its state is to be seen.
    status_url: String,
}

/// Whether the caller waits for no answer.
pub(super) fn is_wanted(headers: &HeaderMap) -> Result<bool, RequestError> {
    for (name, waits, leaves) in [
        (INVOCATION, "wait", "event"),
        (INVOCATION_TYPE, "requestresponse", "event"),
    ] {
        let Some(value) = headers.get(&name) else {
            continue;
        };
        let word = value
            .to_str()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        return match word {
            word if word == leaves => Ok(true),
            word if word == waits => Ok(false),
            _ => {
                let rule = format!("{name} must be {leaves} or {waits}");
                Err(RequestError::malformed(format!("/headers/{name}"), rule))
            }
        };
    }
    Ok(false)
}

/// Queues an invocation.
pub(super) async fn accept(
    platform: &Platform,
    function: &Function,
    qualifier: String,
    invocation: &Invocation,
    headers: &HeaderMap,
) -> Result<Response, RequestError> {
    let id = &invocation.request_id;
    let queued = Queued {
        request_id: id,
        status: "queued",
        status_url: format!("/invocations/{id}"),
    };
    let answer = serde_json::to_string(&queued).unwrap_or_default();
    let once = once(function, &qualifier, invocation, headers, &answer)?;
    let batch = Batch {
        deliveries: vec![delivery(platform, function, qualifier, invocation)],
        once,
        tick: None,
    };
    match platform.queue().accept(batch).await? {
        Accepted::New | Accepted::Passed => {
            let mut response = (StatusCode::ACCEPTED, Json(&queued)).into_response();
            if let Ok(url) = HeaderValue::from_str(&queued.status_url) {
                response.headers_mut().insert(header::LOCATION, url);
            }
            Ok(response::with_request_id(response, id))
        }
        Accepted::Earlier {
            is_same_request: false,
            ..
        } => Err(RequestError::KeyReused),
        Accepted::Earlier { answer, .. } => {
            let headers = [(
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/json"),
            )];
            let mut response = (StatusCode::ACCEPTED, headers, answer).into_response();
            response
                .headers_mut()
                .insert(idempotency::REPLAYED, HeaderValue::from_static("true"));
            Ok(response::with_request_id(response, id))
        }
    }
}

fn delivery(
    platform: &Platform,
    function: &Function,
    qualifier: String,
    invocation: &Invocation,
) -> NewDelivery {
    NewDelivery {
        request_id: invocation.request_id.to_string(),
        function_id: function.id().to_owned(),
        qualifier,
        kind: Kind::Async,
        origin: String::new(),
        payload: Payload {
            event: invocation.event.clone(),
            body_kind: invocation.body_kind,
            body: invocation.body.clone(),
        },
        ordering_key: String::new(),
        depth: 0,
        traceparent: invocation.trace.traceparent().to_owned(),
        retry: function
            .current()
            .manifest()
            .retry(&platform.config().events),
        due_unix_ms: now_unix_ms(),
    }
}

/// A request with an `Idempotency-Key` is done once.
fn once(
    function: &Function,
    qualifier: &str,
    invocation: &Invocation,
    headers: &HeaderMap,
    answer: &str,
) -> Result<Option<Once>, RequestError> {
    let Some(text) = idempotency::key(headers)? else {
        return Ok(None);
    };
    Ok(Some(Once {
        key: key("invoke", &[function.id(), text]),
        digest: key(
            "body",
            &[qualifier, &String::from_utf8_lossy(&invocation.body)],
        ),
        answer: answer.to_owned(),
    }))
}

/// The longest body of an invocation that is queued.
pub(super) fn body_len_max(platform: &Arc<Platform>) -> usize {
    let config = platform.config();
    config.events.payload_bytes_max.min(config.max_body_bytes)
}
