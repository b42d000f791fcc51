//! One ended invocation → its spans, with OpenTelemetry's names. Pure.
//!
//! ```text
//!  caller's span ─► the invocation's span (SERVER) ─┬─► queue, load, fork, load, handler: one after another
//!                                                   └─► spans of the handler's own, whose parent is in its context
//! ```

use std::time::{Duration, SystemTime};

use opentelemetry::trace::{SpanContext, SpanKind, Status, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue, SpanId};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};
use opentelemetry_semantic_conventions::attribute as name;

use super::Trace;
use crate::invocation::{StartKind, Timeline};
use crate::telemetry::{OK, Record, instance_name};

/// What OpenTelemetry has no name for.
const START_KIND: &str = "zygo.start_kind";

/// A shorter phase is no phase: a warm start has a queue and a load of a microsecond each.
const PHASE_MIN: Duration = Duration::from_micros(10);

/// Bytes of a MB of a function's memory.
const MB: i64 = 1 << 20;

/// An invocation that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Its place in its trace.
    pub(crate) trace: Trace,
    /// When the platform had the event.
    pub(crate) started: SystemTime,
    /// What is kept of it.
    pub(crate) record: Record,
    /// The function's name.
    pub(crate) function: String,
    /// The instance that served it.
    pub(crate) instance: Option<i64>,
    /// The status of the answer, if there was an HTTP request.
    pub(crate) http_status: u16,
}

/// Its span, and those of its phases.
pub(super) fn of(ended: &Ended, scope: &InstrumentationScope) -> Vec<SpanData> {
    let mut spans = vec![whole(ended, scope)];
    let mut start = ended.started;
    for (phase, duration) in phases(ended.record.timeline) {
        let end = start + duration;
        if duration >= PHASE_MIN || phase == "handler" && !duration.is_zero() {
            spans.push(SpanData {
                span_context: context(&ended.trace, SpanId::from(fastrand::u64(1..))),
                parent_span_id: ended.trace.span_id,
                parent_span_is_remote: false,
                span_kind: SpanKind::Internal,
                name: phase.into(),
                attributes: Vec::new(),
                status: Status::Unset,
                ..span(start, end, scope)
            });
        }
        start = end;
    }
    spans
}

/// The phases in the order in which they happened. What is loaded before a fork is the function zygote.
fn phases(timeline: Timeline) -> [(&'static str, Duration); 5] {
    [
        ("queue", timeline.queue),
        ("load", timeline.boot),
        ("fork", timeline.fork),
        ("load", timeline.load.saturating_sub(timeline.boot)),
        ("handler", timeline.handler),
    ]
}

fn whole(ended: &Ended, scope: &InstrumentationScope) -> SpanData {
    let Ended { trace, record, .. } = ended;
    let status = match record.outcome {
        OK => Status::Unset,
        code => Status::error(code),
    };
    SpanData {
        span_context: context(trace, trace.span_id),
        parent_span_id: trace.parent.unwrap_or(SpanId::INVALID),
        parent_span_is_remote: trace.parent.is_some(),
        span_kind: SpanKind::Server,
        name: ended.function.clone().into(),
        attributes: attributes(ended),
        status,
        ..span(ended.started, ended.started + record.timeline.total, scope)
    }
}

/// What invoked it, in the words that OpenTelemetry has for that.
fn trigger(name: &'static str) -> &'static str {
    match name {
        "event" | "queue" => "pubsub",
        "cron" => "timer",
        "async" | "websocket" => "other",
        other => other,
    }
}

fn attributes(ended: &Ended) -> Vec<KeyValue> {
    let record = &ended.record;
    let is_cold = record.start_kind.is_some_and(StartKind::is_cold);
    let memory = i64::from(record.memory_limit_mb) * MB;
    let mut all = vec![
        KeyValue::new(name::FAAS_NAME, ended.function.clone()),
        KeyValue::new(name::FAAS_VERSION, record.version.to_string()),
        KeyValue::new(name::FAAS_TRIGGER, trigger(record.trigger)),
        KeyValue::new(name::FAAS_INVOCATION_ID, record.request_id.to_string()),
        KeyValue::new(name::FAAS_COLDSTART, is_cold),
        KeyValue::new(name::FAAS_MAX_MEMORY, memory),
    ];
    if let Some(instance) = ended.instance {
        all.push(KeyValue::new(name::FAAS_INSTANCE, instance_name(instance)));
    }
    if let Some(kind) = record.start_kind {
        all.push(KeyValue::new(START_KIND, kind.name()));
    }
    if let Some(request) = &ended.trace.request {
        all.push(KeyValue::new(
            name::HTTP_REQUEST_METHOD,
            request.method.clone(),
        ));
        all.push(KeyValue::new(name::URL_PATH, request.path.clone()));
        let status = i64::from(ended.http_status);
        all.push(KeyValue::new(name::HTTP_RESPONSE_STATUS_CODE, status));
    }
    if record.outcome != OK {
        all.push(KeyValue::new(name::ERROR_TYPE, record.outcome));
    }
    all
}

fn context(trace: &Trace, span_id: SpanId) -> SpanContext {
    let state = trace.state.as_deref().and_then(|state| state.parse().ok());
    let state = state.unwrap_or(TraceState::NONE);
    SpanContext::new(trace.trace_id, span_id, trace.flags, false, state)
}

/// A span with nothing but its times.
fn span(start: SystemTime, end: SystemTime, scope: &InstrumentationScope) -> SpanData {
    SpanData {
        span_context: SpanContext::NONE,
        parent_span_id: SpanId::INVALID,
        parent_span_is_remote: false,
        span_kind: SpanKind::Internal,
        name: "".into(),
        start_time: start,
        end_time: end,
        attributes: Vec::new(),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: Status::Unset,
        instrumentation_scope: scope.clone(),
    }
}
