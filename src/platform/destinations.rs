//! Who is told what came of a delivery: a function, a webhook, or whoever subscribes to an event. What is told is stored
//! in the transaction that stores what came of it, and delivered like everything else.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use zygo_wire::data::BodyKind;

use super::Platform;
use super::delivering::Attempt;
use crate::function::Destination;
use crate::instance::InstanceError;
use crate::invocation::{Answer, new_request_id};
use crate::invoke::InvokeError;
use crate::queue::{Delivery, Kind, NewDelivery, Next, Payload};
use crate::time::now_unix_ms;
use crate::time::rfc3339;
use crate::trigger::event::Event;

/// One thing that leads to another ends here: it leads in a circle.
const DEPTH_MAX: u32 = 16;

/// A webhook that is to be called, as the delivery's event holds it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Target {
    pub(super) url: String,
    /// The name of the function's secret, empty for none.
    pub(super) secret: String,
    pub(super) event: String,
}

impl Target {
    pub(super) fn of(event: &[u8]) -> Self {
        serde_json::from_slice(event).unwrap_or_default()
    }
}

/// What follows from the end of a delivery.
pub(super) fn followers(
    platform: &Platform,
    delivery: &Delivery,
    attempt: &Attempt,
    next: Next,
    attempts: u32,
) -> Vec<NewDelivery> {
    if delivery.new.kind == Kind::Webhook {
        return Vec::new();
    }
    let function = match &attempt.ran {
        Some((function, _)) => function.clone(),
        None => match platform.registry.get(&delivery.new.function_id) {
            Some(function) => function,
            None => return Vec::new(),
        },
    };
    let version = match &attempt.ran {
        Some((_, version)) => version.clone(),
        None => function.current(),
    };
    let Some(own) = &version.manifest().asynchronous else {
        return Vec::new();
    };
    let (condition, destination) = match next {
        Next::Succeeded => ("Success", &own.on_success),
        Next::Dead(death) => (death.condition(), &own.on_failure),
        Next::Again(_) => return Vec::new(),
    };
    let Some(destination) = destination else {
        return Vec::new();
    };
    if delivery.new.depth >= DEPTH_MAX {
        tracing::warn!(
            function = function.name(),
            "destinations lead in a circle: nobody is told any more"
        );
        return Vec::new();
    }
    let told = Told {
        function_id: function.id(),
        function: function.name(),
        version: version.number(),
        condition,
        attempts,
    };
    let body = told.envelope(delivery, attempt, platform.config.events.payload_bytes_max);
    send(platform, delivery, &told, destination, &body)
}

/// What is told.
struct Told<'a> {
    function_id: &'a str,
    function: &'a str,
    version: u32,
    condition: &'a str,
    attempts: u32,
}

impl Told<'_> {
    /// In the form that AWS Lambda gives it. What is too long in all is told without what was asked and answered.
    fn envelope(&self, delivery: &Delivery, attempt: &Attempt, bytes_max: usize) -> Value {
        let mut envelope = json!({
            "version": "1.0",
            "timestamp": rfc3339(now_unix_ms()),
            "requestContext": {
                "requestId": delivery.new.request_id,
                "functionId": self.function_id,
                "functionName": self.function,
                "functionVersion": self.version,
                "trigger": delivery.new.kind.name(),
                "condition": self.condition,
                "approximateInvokeCount": self.attempts,
            },
            "requestPayload": request_payload(&delivery.new.payload),
            "responseContext": { "statusCode": attempt.status, "executedVersion": self.version },
            "responsePayload": response_payload(attempt),
        });
        if let Some(error) = &attempt.error {
            envelope["responseContext"]["functionError"] = error.code.as_str().into();
        }
        if envelope.to_string().len() > bytes_max {
            envelope["requestPayload"] = Value::Null;
            envelope["responsePayload"] = Value::Null;
            envelope["truncated"] = true.into();
        }
        envelope
    }
}

fn request_payload(payload: &Payload) -> Value {
    let mut event: Value = serde_json::from_slice(&payload.event).unwrap_or_default();
    if payload.body_kind != BodyKind::None {
        let (body, is_base64) = body(payload.body_kind, &payload.body);
        event["body"] = body;
        event["isBase64Encoded"] = is_base64.into();
    }
    event
}

fn response_payload(attempt: &Attempt) -> Value {
    match (&attempt.answer, &attempt.failure) {
        (
            Some(Answer {
                body_kind,
                body: bytes,
                ..
            }),
            _,
        ) => body(*body_kind, bytes).0,
        (None, Some(InvokeError::Instance(InstanceError::Failed(failure)))) => json!({
            "errorType": failure.error_type,
            "errorMessage": failure.message,
            "stackTrace": failure.stack,
        }),
        (None, _) => attempt.error.as_ref().map_or(
            Value::Null,
            |error| json!({ "errorType": error.code, "errorMessage": error.message }),
        ),
    }
}

/// A body as JSON, and whether it is bytes in base64.
fn body(kind: BodyKind, bytes: &[u8]) -> (Value, bool) {
    match kind {
        BodyKind::None => (Value::Null, false),
        BodyKind::Json => (serde_json::from_slice(bytes).unwrap_or_default(), false),
        BodyKind::Text => (String::from_utf8_lossy(bytes).into(), false),
        BodyKind::Binary => (BASE64.encode(bytes).into(), true),
    }
}

fn send(
    platform: &Platform,
    delivery: &Delivery,
    told: &Told<'_>,
    destination: &Destination,
    envelope: &Value,
) -> Vec<NewDelivery> {
    let depth = delivery.new.depth + 1;
    if let Some(url) = &destination.webhook {
        let target = Target {
            url: url.clone(),
            secret: destination.secret.clone().unwrap_or_default(),
            event: format!(
                "delivery.{}",
                if told.condition == "Success" {
                    "succeeded"
                } else {
                    "failed"
                }
            ),
        };
        let payload = Payload {
            event: serde_json::to_vec(&target).unwrap_or_default().into(),
            ..with_body(envelope)
        };
        return vec![platform.follower(delivery, told.function_id, Kind::Webhook, payload)];
    }
    if let Some(kind) = &destination.event {
        let mut event = Map::new();
        event.insert("eventType".to_owned(), kind.as_str().into());
        event.insert(
            "source".to_owned(),
            format!("/functions/{}", told.function).into(),
        );
        event.insert("data".to_owned(), envelope.clone());
        return match Event::native(&event) {
            Ok(event) => {
                platform
                    .subscribed(&event, |_| true, depth, &delivery.new.traceparent)
                    .1
            }
            Err(_) => Vec::new(),
        };
    }
    let key = destination.function.as_deref().unwrap_or_default();
    match platform.registry.get(key) {
        Some(function) => {
            vec![platform.follower(delivery, function.id(), Kind::Async, with_body(envelope))]
        }
        None => {
            tracing::warn!(
                function = told.function,
                destination = key,
                "a destination is gone: nobody is told"
            );
            Vec::new()
        }
    }
}

/// An event as the invoke call makes it, with a body.
fn with_body(envelope: &Value) -> Payload {
    let event = json!({ "method": "POST", "path": "/", "headers": { "content-type": "application/json" }, "query": {} });
    Payload {
        event: event.to_string().into(),
        body_kind: BodyKind::Json,
        body: Bytes::from(envelope.to_string()),
    }
}

impl Platform {
    /// A delivery that tells of another one.
    fn follower(
        &self,
        of: &Delivery,
        function_id: &str,
        kind: Kind,
        mut payload: Payload,
    ) -> NewDelivery {
        let request_id = new_request_id();
        if kind == Kind::Async {
            let mut event: Value = serde_json::from_slice(&payload.event).unwrap_or_default();
            event["requestId"] = request_id.as_str().into();
            payload.event = event.to_string().into();
        }
        let function = self.registry.get(function_id);
        let retry = function.map_or_else(
            || self.config.events.retry(None, None),
            |function| function.current().manifest().retry(&self.config.events),
        );
        NewDelivery {
            request_id,
            function_id: function_id.to_owned(),
            qualifier: String::new(),
            kind,
            origin: format!("delivery/{}", of.new.request_id),
            payload,
            ordering_key: String::new(),
            depth: of.new.depth + 1,
            traceparent: of.new.traceparent.clone(),
            retry,
            due_unix_ms: now_unix_ms(),
        }
    }
}
