//! One delivery: an event on its way to one function, or to one webhook.
//!
//! ```text
//!            an earlier one of its key has ended             claimed
//!  (accepted) ─► Held ──────────────────────► Pending ───────────────────► Running
//!           └─────────────────────────────────► ▲  ▲                        │  │ │
//!                                               │  └─ failed, to be tried ──┘  │ └─► Succeeded
//!                                               │     again after a pause      └───► Dead
//!                                               └─ whoever ran it is gone ──┘          │
//!                                               ▲                                      │
//!                                               └─ redriven, as if it were new ────────┘
//! ```
//! Each move is written in one transaction before anything follows from it. What ran when its supervisor ended goes back
//! to Pending and runs again: at least once, never not at all.

use bytes::Bytes;
use zygo_wire::data::BodyKind;

use super::retry::Retry;

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// An earlier delivery with the same ordering key has not ended.
    Held,
    /// It is to be run once it is due.
    Pending,
    /// Some supervisor runs it.
    Running,
    /// It was answered.
    Succeeded,
    /// It is tried no more, and kept to be looked at.
    Dead,
}

impl State {
    pub(crate) const ALL: [Self; 5] = [
        Self::Held,
        Self::Pending,
        Self::Running,
        Self::Succeeded,
        Self::Dead,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Dead => "dead",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// What a delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An invocation that nobody waits for.
    Async,
    /// An event that the function subscribes to.
    Event,
    /// A tick of a schedule.
    Cron,
    /// A message of a queue elsewhere that failed too often, to be tried again.
    Queue,
    /// What came of another delivery, for a webhook.
    Webhook,
}

impl Kind {
    const ALL: [Self; 5] = [
        Self::Async,
        Self::Event,
        Self::Cron,
        Self::Queue,
        Self::Webhook,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Async => "async",
            Self::Event => "event",
            Self::Cron => "cron",
            Self::Queue => "queue",
            Self::Webhook => "webhook",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// What a handler, or a receiver, is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Payload {
    /// The event without its body: one JSON object.
    pub(crate) event: Bytes,
    pub(crate) body_kind: BodyKind,
    pub(crate) body: Bytes,
}

impl Payload {
    /// An event without a body.
    pub(crate) fn of_event(event: &serde_json::Value) -> Self {
        Self {
            event: event.to_string().into(),
            body_kind: BodyKind::None,
            body: Bytes::new(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.event.len() + self.body.len()
    }
}

/// A delivery to be.
#[derive(Debug, Clone)]
pub(crate) struct NewDelivery {
    /// What callers know it by.
    pub(crate) request_id: String,
    pub(crate) function_id: String,
    /// The number of a version, or an alias; empty for the current version.
    pub(crate) qualifier: String,
    pub(crate) kind: Kind,
    /// What it came from: `event/<id>`, `cron/<trigger>`, `queue/<message>`, or the request that it tells of. For people, and for schedules.
    pub(crate) origin: String,
    pub(crate) payload: Payload,
    /// Deliveries of one function with one key run one after the other, in the order in which they were accepted.
    pub(crate) ordering_key: String,
    /// How many deliveries led to this one.
    pub(crate) depth: u32,
    pub(crate) traceparent: String,
    pub(crate) retry: Retry,
    pub(crate) due_unix_ms: i64,
}

impl NewDelivery {
    /// Deliveries of one lane share a bound on how many run at a time.
    pub(super) fn lane(&self) -> String {
        match self.kind {
            Kind::Webhook => format!("{WEBHOOK_LANE}{}", self.function_id),
            _ => self.function_id.clone(),
        }
    }
}

/// What lanes of webhooks begin with; those of functions are their ids.
pub(crate) const WEBHOOK_LANE: &str = "webhook/";

/// Why the last attempt came to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LastError {
    /// A stable word.
    pub(crate) code: String,
    pub(crate) message: String,
}

/// A delivery as it is stored.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    /// The time in nanoseconds, made unique: deliveries sort as they were accepted.
    pub(crate) id: i64,
    pub(crate) new: NewDelivery,
    pub(crate) state: State,
    /// Attempts that ended, except those that were refused before anything ran.
    pub(crate) attempts: u32,
    pub(crate) created_unix_ms: i64,
    pub(crate) ended_unix_ms: Option<i64>,
    /// What the handler or the receiver answered last.
    pub(crate) status: Option<u16>,
    pub(crate) error: Option<LastError>,
    /// The number under which it was claimed by whoever runs it; 0 for what nobody has claimed.
    pub(crate) claim: u64,
}

impl Delivery {
    /// Its id as callers see it.
    pub(crate) fn name(&self) -> String {
        name(self.id)
    }
}

/// A delivery's id as callers see it.
pub(crate) fn name(id: i64) -> String {
    format!("dv-{id}")
}

/// The id behind what callers see.
pub(crate) fn id(name: &str) -> Option<i64> {
    name.strip_prefix("dv-")?.parse().ok()
}
