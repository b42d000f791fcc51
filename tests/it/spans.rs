//! Spans: what a collector gets of invocations, and collectors that take nothing.

use std::time::{Duration, Instant, SystemTime};

use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use serde_json::{Value, json};

use crate::collector::{Collector, Manner, attribute};
use crate::language::{Language, in_every_language};
use crate::platform::Platform;
use crate::traces::{CALLER, STATE, TRACE, deploy, hex, invoke, parts, traceparent, tracing};
use crate::wait::{wait_for, wait_until};

const DEADLINE: Duration = Duration::from_secs(30);
/// A platform that waits for nothing ends faster; the longest wait for a collector is two seconds. One that waited for its
/// answer would wait for ever.
const END_MAX: Duration = Duration::from_secs(20);

fn unix_ns(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).expect("now");
    u64::try_from(since.as_nanos()).expect("before the year 2554")
}

/// The span of an invocation, once it is there, and those of its phases.
fn spans_of(collector: &Collector, request_id: &str) -> (Span, Vec<Span>) {
    let whole = wait_for("a span", DEADLINE, || {
        collector.spans().into_iter().find(|span| {
            attribute(&span.attributes, "faas.invocation_id").as_deref() == Some(request_id)
        })
    });
    let mut phases = collector.spans();
    phases.retain(|span| span.parent_span_id == whole.span_id);
    (whole, phases)
}

/// An invocation and what its span must say beside what all say.
type Case = (&'static str, Value, [(&'static str, &'static str); 3]);

fn cases() -> [Case; 3] {
    [
        (
            "cold",
            json!({}),
            [
                ("faas.coldstart", "true"),
                ("zygo.start_kind", "forked"),
                ("http.response.status_code", "200"),
            ],
        ),
        (
            "warm",
            json!({}),
            [
                ("faas.coldstart", "false"),
                ("zygo.start_kind", "warm"),
                ("http.response.status_code", "200"),
            ],
        ),
        (
            "bad",
            json!({"fail": true}),
            [
                ("faas.coldstart", "false"),
                ("error.type", "handler_error"),
                ("http.response.status_code", "502"),
            ],
        ),
    ]
}

#[test]
fn spans_say_what_happened_and_when() {
    in_every_language(|language| {
        let collector = Collector::start(Manner::Takes);
        let platform = tracing(&collector, &[]);
        let function = deploy(&platform, language);
        let sent = traceparent("01");
        for (request_id, body, expected) in cases() {
            let headers = [
                ("traceparent", sent.as_str()),
                ("tracestate", STATE),
                ("x-request-id", request_id),
            ];
            let before = unix_ns(SystemTime::now());
            let answer = invoke(&platform, &function, &headers, &body);
            let after = unix_ns(SystemTime::now());
            let (whole, phases) = spans_of(&collector, request_id);
            check_place(&whole, &function);
            check_attributes(&whole, &function, &expected);
            let status = whole.status.as_ref().map(|status| status.code());
            let is_error = status == Some(StatusCode::Error);
            assert_eq!(is_error, answer.status != 200, "{status:?}");
            if !is_error {
                assert_eq!(parts(&answer.handler_body())[1], hex(&whole.span_id));
            }
            check_times(&whole, &phases, before, after, request_id == "cold");
        }
    });
}

/// It is a span of the caller's trace.
#[track_caller]
fn check_place(whole: &Span, function: &str) {
    assert_eq!(hex(&whole.trace_id), TRACE);
    assert_eq!(hex(&whole.parent_span_id), CALLER);
    assert_eq!(whole.trace_state, STATE);
    assert_eq!(
        (whole.name.as_str(), whole.kind()),
        (function, SpanKind::Server)
    );
}

#[track_caller]
fn check_attributes(whole: &Span, function: &str, expected: &[(&str, &str)]) {
    let path = format!("/functions/{function}/invoke");
    let common = [
        ("faas.name", function),
        ("faas.version", "1"),
        ("faas.trigger", "http"),
        ("faas.max_memory", "134217728"),
        ("http.request.method", "POST"),
        ("url.path", &path),
    ];
    for (name, value) in common.iter().chain(expected) {
        let found = attribute(&whole.attributes, name);
        assert_eq!(found.as_deref(), Some(*value), "{name}");
    }
    let instance = attribute(&whole.attributes, "faas.instance");
    assert!(instance.is_some_and(|name| name.starts_with("i-")));
}

/// The invocation lies within its request, and its phases lie one after another within it.
#[track_caller]
fn check_times(whole: &Span, phases: &[Span], before: u64, after: u64, is_cold: bool) {
    let (start, end) = (whole.start_time_unix_nano, whole.end_time_unix_nano);
    assert!(
        before <= start && start < end && end <= after,
        "{before} {start} {end} {after}"
    );
    let names: Vec<&str> = phases.iter().map(|phase| phase.name.as_str()).collect();
    assert_eq!(names.last(), Some(&"handler"), "{names:?}");
    assert!(!is_cold || names.contains(&"fork"), "{names:?}");
    let mut from = start;
    for phase in phases {
        let (begin, finish) = (phase.start_time_unix_nano, phase.end_time_unix_nano);
        assert!(
            from <= begin && begin < finish && finish <= end,
            "{names:?}: {}",
            phase.name
        );
        assert_eq!(
            (&phase.trace_id, phase.kind()),
            (&whole.trace_id, SpanKind::Internal)
        );
        from = finish;
    }
}

#[test]
fn the_sender_is_named_as_the_environment_says() {
    let collector = Collector::start(Manner::Takes);
    let endpoint = format!("{}/v1/traces", collector.address());
    let mut platform = Platform::start(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &endpoint),
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20abc"),
        (
            "OTEL_RESOURCE_ATTRIBUTES",
            "deployment.environment.name=test",
        ),
    ]);
    let pid = platform.pid().to_string();
    let function = deploy(&platform, Language::Ruby);
    invoke(&platform, &function, &[], &json!({})).expect(200);
    platform.stop();
    assert_eq!(collector.requests(), 1, "what waited was sent at the end");
    let attributes = collector.resource().attributes;
    for (name, value) in [
        ("service.name", "zygo"),
        ("service.version", env!("CARGO_PKG_VERSION")),
        ("process.pid", &pid),
        ("deployment.environment.name", "test"),
    ] {
        assert_eq!(
            attribute(&attributes, name).as_deref(),
            Some(value),
            "{name}"
        );
    }
    assert!(attribute(&attributes, "host.name").is_some_and(|host| !host.is_empty()));
    assert_eq!(collector.headers()["authorization"], "Bearer abc");
    let root = &collector.spans()[0];
    assert!(root.parent_span_id.is_empty(), "its trace begins with it");

    let mut named = tracing(&collector, &[("OTEL_SERVICE_NAME", "shop")]);
    let function = deploy(&named, Language::Ruby);
    invoke(&named, &function, &[], &json!({})).expect(200);
    named.stop();
    assert_eq!(collector.requests(), 2);
}

#[test]
fn a_bad_collector_changes_nothing_for_callers() {
    let nobody = "http://127.0.0.1:9".to_owned();
    let refuses = Collector::start(Manner::Refuses);
    let hangs = Collector::start(Manner::Hangs);
    for address in [&nobody, refuses.address(), hangs.address()] {
        let mut platform = Platform::start(&[("ZYGO_OTLP_ENDPOINT", address)]);
        let function = deploy(&platform, Language::Python);
        for _ in 0..50 {
            let answer = invoke(&platform, &function, &[], &json!({})).expect(200);
            assert_eq!(parts(&answer.handler_body())[2], "01");
        }
        if address != hangs.address() {
            wait_until("lost spans to be counted", DEADLINE, || {
                let text = platform.get("/metrics/prometheus").expect(200).text();
                text.contains("zygo_traced_invocations_total{outcome=\"failed\"} 50\n")
            });
        }
        let asked = Instant::now();
        assert!(platform.stop().success(), "{address}");
        assert!(
            asked.elapsed() < END_MAX,
            "{address}: {:?}",
            asked.elapsed()
        );
    }
    for collector in [&refuses, &hangs] {
        assert!(collector.requests() > 0, "{collector:?} was asked");
    }
}
