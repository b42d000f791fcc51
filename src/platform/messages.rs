//! One attempt at a message of a queue elsewhere, and what becomes of it: acknowledged, tried again, or kept as a dead
//! letter of our own, so that it is in nobody's way.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::delivering::{self, Attempt};
use super::{Platform, destinations};
use crate::function::Function;
use crate::invocation::Trigger;
use crate::queue::{
    Batch, Change, Dead, Delivery, Ending, Kind, LastError, NewDelivery, Next, Payload, QueueError,
    State,
};
use crate::source::{Message, Try, Verdict};
use crate::time::now_unix_ms;

/// How often what follows from a message is stored anew, when it cannot be.
const STORE_ATTEMPTS: u32 = 5;
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// Tries a message once.
pub(super) async fn attempt(
    platform: &Platform,
    function: &Arc<Function>,
    told: &Value,
    message: &Message,
    its: &Try,
) -> Verdict {
    let max = platform.config.events.payload_bytes_max;
    let mut event = message.event(told, &its.request_id);
    let is_long = message.len() > max || event.to_string().len() > max;
    if is_long {
        event["data"] = Value::Null;
        event["dataBase64"] = Value::Null;
        event["headers"] = Value::Null;
    }
    let delivery = delivery(platform, function, message, its, &event);
    let attempt = match is_long {
        true => {
            let rule = format!("the message has more than {max} bytes; its data is left out here");
            Attempt::failed(Ending::Impossible, "payload_too_large", rule)
        }
        false => delivering::invoke(platform, &delivery, Trigger::Queue).await,
    };
    fail::fail_point!("source::attempted");
    conclude(platform, delivery, attempt, its.attempt).await
}

/// As deliveries of our own queue are, though it is stored only if it dies.
fn delivery(
    platform: &Platform,
    function: &Function,
    message: &Message,
    its: &Try,
    event: &Value,
) -> Delivery {
    let new = NewDelivery {
        request_id: its.request_id.clone(),
        function_id: function.id().to_owned(),
        qualifier: String::new(),
        kind: Kind::Queue,
        origin: format!("queue/{}", message.id),
        payload: Payload::of_event(event),
        ordering_key: String::new(),
        depth: 0,
        traceparent: message.traceparent().to_owned(),
        retry: function.current().manifest().retry(&platform.config.events),
        due_unix_ms: its.since_unix_ms,
    };
    Delivery {
        id: 0,
        new,
        state: State::Running,
        attempts: its.attempt - 1,
        created_unix_ms: its.since_unix_ms,
        ended_unix_ms: None,
        status: None,
        error: None,
        claim: 0,
    }
}

async fn conclude(
    platform: &Platform,
    delivery: Delivery,
    attempt: Attempt,
    attempts: u32,
) -> Verdict {
    let age = delivering::age(&delivery);
    let next = delivery
        .new
        .retry
        .after(attempt.ending, attempts, age, fastrand::f64());
    let followers = destinations::followers(platform, &delivery, &attempt, next, attempts);
    match (next, attempt.ending) {
        (Next::Again(pause), Ending::Refused(_)) => Verdict::Refused(pause),
        (Next::Again(pause), _) => Verdict::Failed(pause),
        (Next::Succeeded, _) => {
            tell(platform, followers).await;
            Verdict::Handled
        }
        (Next::Dead(_), _) => {
            let error = attempt.error.unwrap_or_else(|| LastError {
                code: "failed".to_owned(),
                message: String::new(),
            });
            let dead = Dead {
                new: NewDelivery {
                    due_unix_ms: now_unix_ms(),
                    ..delivery.new
                },
                attempts,
                error,
                followers,
            };
            match stored(|| platform.queue.change(Change::Bury(Box::new(dead.clone())))).await {
                Ok(_) => Verdict::Buried,
                // It stays where it is, and is tried once more.
                Err(_) => Verdict::Failed(STORE_PAUSE),
            }
        }
    }
}

/// Destinations are told before the message is acknowledged. What cannot be stored in time is not told: what was handled
/// is not handled again for that.
async fn tell(platform: &Platform, followers: Vec<NewDelivery>) {
    if followers.is_empty() {
        return;
    }
    let batch = || Batch {
        deliveries: followers.clone(),
        ..Batch::default()
    };
    if let Err(error) = stored(|| platform.queue.accept(batch())).await {
        tracing::warn!(%error, "a destination is not told of a message");
    }
}

/// Stores something, and tries again for a while.
async fn stored<T, F: Future<Output = Result<T, QueueError>>>(
    store: impl Fn() -> F,
) -> Result<T, QueueError> {
    for _ in 1..STORE_ATTEMPTS {
        match store().await {
            Err(QueueError::Stopped) => return Err(QueueError::Stopped),
            Ok(done) => return Ok(done),
            Err(_) => tokio::time::sleep(STORE_PAUSE).await,
        }
    }
    store().await
}
