//! Events: who subscribes to one, and what is queued for whom.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use super::Platform;
use crate::function::digest;
use crate::function::manifest::TriggerKind;
use crate::function::{Function, Registry};
use crate::invocation::new_request_id;
use crate::queue::{Accepted, Batch, Kind, NewDelivery, Once, Payload, QueueError};
use crate::time::now_unix_ms;
use crate::trigger::Subscription;
use crate::trigger::event::Event;

/// What subscribes: a function by one of its triggers.
#[derive(Debug)]
struct Subscriber {
    function: Arc<Function>,
    /// The place of the trigger among those of the function.
    trigger: usize,
    subscription: Subscription,
}

/// All subscriptions, read again when functions change.
#[derive(Debug, Default)]
pub(super) struct Subscribers {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// After how many changes of the registry they were read.
    changes: Option<u64>,
    all: Arc<Vec<Subscriber>>,
}

impl Subscribers {
    fn all(&self, registry: &Registry) -> Arc<Vec<Subscriber>> {
        let changes = *registry.changes().borrow();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.changes != Some(changes) {
            *known = Known {
                changes: Some(changes),
                all: Arc::new(read(registry)),
            };
        }
        Arc::clone(&known.all)
    }
}

fn read(registry: &Registry) -> Vec<Subscriber> {
    let mut all = Vec::new();
    for function in registry.list() {
        let version = function.current();
        for (trigger, its) in version.manifest().triggers.iter().enumerate() {
            // One that an earlier release let through subscribes to nothing.
            let subscription = match its.kind {
                TriggerKind::Event => Subscription::parse(&its.config).ok(),
                _ => None,
            };
            all.extend(subscription.map(|subscription| Subscriber {
                function: Arc::clone(&function),
                trigger,
                subscription,
            }));
        }
    }
    all
}

/// Whom an event was queued for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Matched {
    pub(crate) function_id: String,
    pub(crate) function: String,
    pub(crate) trigger: usize,
    pub(crate) pattern: String,
    pub(crate) request_id: String,
}

impl Platform {
    /// Whom an event is for, and what they are to be given. A function gets it once, by the first of its triggers.
    pub(super) fn subscribed(
        &self,
        event: &Event,
        sees: impl Fn(&str) -> bool,
        depth: u32,
        traceparent: &str,
    ) -> (Vec<Matched>, Vec<NewDelivery>) {
        let all = self.subscribers.all(&self.registry);
        let (mut matched, mut deliveries) = (Vec::<Matched>::new(), Vec::new());
        for subscriber in all.iter() {
            let function = &subscriber.function;
            let has_it = matched
                .last()
                .is_some_and(|last| last.function_id == function.id());
            if has_it || !sees(function.name()) || !subscriber.subscription.matches(event) {
                continue;
            }
            let request_id = new_request_id();
            let pattern = &subscriber.subscription.written;
            let payload = event.payload(&request_id, pattern);
            deliveries.push(NewDelivery {
                request_id: request_id.clone(),
                function_id: function.id().to_owned(),
                qualifier: String::new(),
                kind: Kind::Event,
                origin: format!("event/{}", event.text("id")),
                payload: Payload::of_event(&payload),
                ordering_key: subscriber.subscription.ordering_key(event),
                depth,
                traceparent: traceparent.to_owned(),
                retry: function.current().manifest().retry(&self.config.events),
                due_unix_ms: now_unix_ms(),
            });
            matched.push(Matched {
                function_id: function.id().to_owned(),
                function: function.name().to_owned(),
                trigger: subscriber.trigger,
                pattern: pattern.clone(),
                request_id,
            });
        }
        (matched, deliveries)
    }

    /// Queues an event for whoever subscribes to it. `answer` makes what is answered of who that is; an event that was
    /// published before is answered as it was then.
    pub(crate) async fn publish(
        &self,
        event: &Event,
        sees: impl Fn(&str) -> bool,
        traceparent: &str,
        publisher: &str,
        answer: impl FnOnce(&[Matched]) -> Value,
    ) -> Result<(Value, bool), QueueError> {
        let (matched, deliveries) = self.subscribed(event, sees, 0, traceparent);
        let answer = answer(&matched);
        let parts = [publisher, event.text("source"), event.text("id")];
        let once = event.is_named.then(|| Once {
            key: key("event", &parts),
            digest: String::new(),
            answer: answer.to_string(),
        });
        if deliveries.is_empty() && once.is_none() {
            return Ok((answer, false));
        }
        let batch = Batch {
            deliveries,
            once,
            tick: None,
        };
        Ok(match self.queue.accept(batch).await? {
            Accepted::New | Accepted::Passed => (answer, false),
            Accepted::Earlier { answer, .. } => {
                (serde_json::from_str(&answer).unwrap_or_default(), true)
            }
        })
    }
}

/// A key of requests that are done once.
pub(crate) fn key(what: &str, parts: &[&str]) -> String {
    let digest = digest::of_parts(parts.iter().map(|part| part.as_bytes()));
    format!("{what}/{}", hex::encode(digest))
}
