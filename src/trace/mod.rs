//! Traces: each invocation is a span of its caller's trace, or of a trace of its own, and what its handler does can be
//! part of it.
//!
//! ```text
//!  traceparent ─► begin ─► the invocation's own place ─► the handler's context
//!                              └─► (recorded) end ─► queue ─► spans over OTLP
//! ```
//! Without a collector nothing is recorded, and a place costs two random numbers and a text of 55 bytes. Knows neither
//! HTTP requests nor processes; what it sends spans with is OpenTelemetry's.

mod context;
mod environment;
mod export;
mod sampler;
mod span;

use std::sync::Arc;

use opentelemetry::{KeyValue, SpanId, TraceFlags, TraceId};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanExporter as _;
use opentelemetry_semantic_conventions::attribute as name;

pub(crate) use context::Caller;
pub(crate) use environment::environment;
pub(crate) use export::Counts;
pub(crate) use sampler::TraceSampler;
pub(crate) use span::Ended;

use crate::config::Config;
use context::TraceParent;
use export::Export;

/// Below a collector's address, where spans go.
const TRACES_PATH: &str = "/v1/traces";

/// Why spans cannot be sent.
#[derive(Debug, thiserror::Error)]
#[error(
    "spans cannot be sent to `{endpoint}`; otlp_endpoint is an address such as http://127.0.0.1:4318"
)]
pub struct TraceError {
    endpoint: String,
    #[source]
    source: ExporterBuildError,
}

/// The place of one invocation in its trace.
#[derive(Debug, Clone)]
pub(crate) struct Trace {
    trace_id: TraceId,
    /// The invocation's own span.
    span_id: SpanId,
    /// The caller's.
    parent: Option<SpanId>,
    flags: TraceFlags,
    state: Option<Arc<str>>,
    header: TraceParent,
    is_recorded: bool,
    request: Option<Request>,
}

/// The HTTP request that an invocation came with.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// Its method.
    pub(crate) method: String,
    /// The path of its address.
    pub(crate) path: String,
}

impl Trace {
    /// What the handler gives to those whom it calls.
    pub(crate) fn traceparent(&self) -> &str {
        self.header.as_str()
    }

    /// The same; empty when the caller gave none.
    pub(crate) fn tracestate(&self) -> &str {
        self.state.as_deref().unwrap_or("")
    }

    /// Notes the request, if anybody will hear of it.
    pub(crate) fn with_request(mut self, request: impl FnOnce() -> Request) -> Self {
        self.request = self.is_recorded.then(request);
        self
    }
}

/// Begins and ends traces.
#[derive(Debug)]
pub(crate) struct Tracer {
    sampler: TraceSampler,
    ratio: f64,
    export: Option<Export>,
}

impl Tracer {
    /// Starts the export, if the configuration names a collector.
    pub(crate) fn start(config: &Config) -> Result<Self, TraceError> {
        let export = endpoint(config).map(exporter).transpose()?;
        Ok(Self {
            sampler: config.trace_sampler,
            ratio: config.trace_sample_ratio,
            export: export.map(Export::start),
        })
    }

    /// An invocation's place: in the caller's trace, or in one of its own. Takes no lock.
    pub(crate) fn begin(&self, caller: Option<Caller>) -> Trace {
        let trace_id = caller.as_ref().map_or_else(
            || TraceId::from(fastrand::u128(1..)),
            |caller| caller.trace_id,
        );
        let span_id = SpanId::from(fastrand::u64(1..));
        let flags = caller
            .as_ref()
            .map_or(TraceFlags::NOT_SAMPLED, |caller| caller.flags);
        // Who records nothing has no say in what others record.
        let recorded = self
            .export
            .as_ref()
            .map(|_| self.sampler.chooses(self.ratio, caller.as_ref(), trace_id));
        let flags = recorded.map_or(flags, |recorded| flags.with_sampled(recorded));
        Trace {
            trace_id,
            span_id,
            parent: caller.as_ref().map(|caller| caller.span_id),
            flags,
            state: caller.and_then(|caller| caller.state),
            header: TraceParent::new(trace_id, span_id, flags),
            is_recorded: recorded == Some(true),
            request: None,
        }
    }

    /// An invocation has ended; `ended` is asked for only if it is recorded.
    pub(crate) fn end(&self, trace: &Trace, ended: impl FnOnce() -> Ended) {
        if let Some(export) = self.export.as_ref().filter(|_| trace.is_recorded) {
            export.push(ended());
        }
    }

    /// How many recorded invocations met which end.
    pub(crate) fn counts(&self) -> Counts {
        self.export.as_ref().map(Export::counts).unwrap_or_default()
    }

    /// Sends what waits.
    pub(crate) async fn stop(&self) {
        if let Some(export) = &self.export {
            export.stop().await;
        }
    }
}

/// The full address, if there is one.
fn endpoint(config: &Config) -> Option<String> {
    let set = |value: &Option<String>| value.clone().filter(|value| !value.is_empty());
    let below = |base: String| format!("{}{TRACES_PATH}", base.trim_end_matches('/'));
    set(&config.otlp_traces_endpoint).or_else(|| set(&config.otlp_endpoint).map(below))
}

/// Headers, time-outs and more attributes are those of OpenTelemetry's own variables.
fn exporter(endpoint: String) -> Result<SpanExporter, TraceError> {
    let built = SpanExporter::builder()
        .with_http()
        .with_endpoint(&endpoint)
        .with_protocol(opentelemetry_otlp::Protocol::HttpBinary)
        .build();
    let mut exporter = built.map_err(|source| TraceError { endpoint, source })?;
    exporter.set_resource(&resource());
    Ok(exporter)
}

/// Who sends.
fn resource() -> Resource {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let told = Resource::builder().build();
    let service = told
        .get(&name::SERVICE_NAME.into())
        .map(|service| service.to_string())
        .filter(|service| !service.starts_with("unknown_service"));
    Resource::builder_empty()
        .with_attributes([
            KeyValue::new(name::SERVICE_VERSION, env!("CARGO_PKG_VERSION")),
            KeyValue::new(name::HOST_NAME, host.trim().to_owned()),
            KeyValue::new(name::PROCESS_PID, i64::from(std::process::id())),
        ])
        .with_attributes(
            told.iter()
                .map(|(key, value)| KeyValue::new(key.clone(), value.clone())),
        )
        .with_service_name(service.unwrap_or_else(|| "zygo".to_owned()))
        .build()
}
