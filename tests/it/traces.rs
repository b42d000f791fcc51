//! Traces: the context that handlers see, whatever the caller sends, and which traces are recorded.

use serde_json::{Value, json};

use crate::client::Answer;
use crate::collector::{Collector, Manner};
use crate::language::{Language, in_every_language};
use crate::launch::refused_start;
use crate::platform::Platform;

pub(crate) const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
pub(crate) const CALLER: &str = "b7ad6b7169203331";
pub(crate) const STATE: &str = "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE";

pub(crate) fn traceparent(flags: &str) -> String {
    format!("00-{TRACE}-{CALLER}-{flags}")
}

pub(crate) fn deploy(platform: &Platform, language: Language) -> String {
    platform.deploy(
        language,
        &language.handler("traces"),
        &json!({"memory": 128}),
    )
}

pub(crate) fn invoke(
    platform: &Platform,
    function: &str,
    headers: &[(&str, &str)],
    body: &Value,
) -> Answer {
    let path = format!("/functions/{function}/invoke");
    platform.request_with("POST", &path, headers, body)
}

/// What the handler saw.
#[track_caller]
fn seen(platform: &Platform, function: &str, headers: &[(&str, &str)]) -> Value {
    invoke(platform, function, headers, &json!({})).handler_body()
}

/// Trace, span and flags.
#[track_caller]
pub(crate) fn parts(seen: &Value) -> [String; 3] {
    let text = seen["traceparent"].as_str().expect("a text");
    let parts: Vec<&str> = text.split('-').collect();
    let &["00", trace, span, flags] = &parts[..] else {
        panic!("{text} is no traceparent");
    };
    assert_eq!(
        (trace.len(), span.len(), flags.len()),
        (32, 16, 2),
        "{text}"
    );
    [trace, span, flags].map(str::to_owned)
}

#[test]
fn the_handler_continues_the_callers_trace_or_begins_one() {
    in_every_language(|language| {
        let platform = Platform::shared();
        let function = deploy(&platform, language);
        let mut spans = vec![CALLER.to_owned()];
        for flags in ["01", "00", "03"] {
            let sent = traceparent(flags);
            let headers = [("traceparent", sent.as_str()), ("tracestate", STATE)];
            let seen = seen(&platform, &function, &headers);
            let [trace, span, kept] = parts(&seen);
            assert_eq!((trace.as_str(), kept.as_str()), (TRACE, flags));
            assert_eq!(
                (&seen["tracestate"], &seen["header"]),
                (&json!(STATE), &json!(sent))
            );
            spans.push(span);
        }
        let mut traces = vec![TRACE.to_owned(), "0".repeat(32)];
        for _ in 0..3 {
            let seen = seen(&platform, &function, &[]);
            assert_eq!(
                (&seen["tracestate"], &seen["header"]),
                (&Value::Null, &Value::Null)
            );
            let [trace, span, flags] = parts(&seen);
            assert_eq!(flags, "00", "nobody records it");
            traces.push(trace);
            spans.push(span);
        }
        for ids in [&mut traces, &mut spans] {
            let count = ids.len();
            ids.sort();
            ids.dedup();
            assert_eq!(ids.len(), count, "no id is there twice: {ids:?}");
        }
    });
}

#[test]
fn a_web_handler_gets_the_trace_with_its_context() {
    let platform = Platform::shared();
    let code = "export default { fetch: (request: any, env: any, context: any) => Response.json({
        traceparent: context.traceparent, header: request.headers.get('traceparent') }) }";
    let function = platform.deploy(Language::TypeScript, code, &json!({}));
    let sent = traceparent("01");
    let seen = seen(&platform, &function, &[("traceparent", &sent)]);
    let seen: Value = serde_json::from_str(seen.as_str().expect("a text")).expect("JSON");
    assert_eq!(
        (parts(&seen)[0].as_str(), &seen["header"]),
        (TRACE, &json!(sent))
    );
}

#[test]
fn a_malformed_context_is_ignored() {
    let platform = Platform::shared();
    let function = deploy(&platform, Language::Python);
    let good = traceparent("01");
    let malformed = [
        "",
        "x",
        &good[..54],
        &good.to_uppercase(),
        &format!("{good}-more"),
        &format!("{good},{good}"),
        &good.replacen("00", "ff", 1),
        &good.replace(TRACE, &"0".repeat(32)),
        &good.replace(CALLER, &"0".repeat(16)),
    ];
    for parent in malformed {
        let headers = [("traceparent", parent), ("tracestate", STATE)];
        let seen = seen(&platform, &function, &headers);
        assert_ne!(parts(&seen)[0], TRACE, "{parent:?}");
        assert_eq!(
            seen["tracestate"],
            Value::Null,
            "a state without a parent: {parent:?}"
        );
    }
    let twice = [
        ("traceparent", good.as_str()),
        ("traceparent", good.as_str()),
    ];
    assert_ne!(parts(&seen(&platform, &function, &twice))[0], TRACE);
    for (states, expected) in [
        (&["a=1", "b=2"][..], json!("a=1,b=2")),
        (&["A=1"], Value::Null),
        (&["a=1", "b"], Value::Null),
    ] {
        let mut headers = vec![("traceparent", good.as_str())];
        headers.extend(states.iter().map(|state| ("tracestate", *state)));
        let seen = seen(&platform, &function, &headers);
        assert_eq!(
            (parts(&seen)[0].as_str(), &seen["tracestate"]),
            (TRACE, &expected)
        );
    }
}

/// A platform that sends its spans there.
pub(crate) fn tracing(collector: &Collector, settings: &[(&str, &str)]) -> Platform {
    let endpoint = [("OTEL_EXPORTER_OTLP_ENDPOINT", collector.address())];
    Platform::start(&[&endpoint, settings].concat())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_trace_is_recorded_when_the_caller_or_the_ratio_says_so() {
    // Sampler, its ratio, and whether it records without a caller, for one who records, and for one who does not.
    let table = [
        (None, "0", [false, true, false]),
        (None, "1", [true, true, false]),
        (Some("traceidratio"), "0", [false, false, false]),
        (Some("always_on"), "0", [true, true, true]),
    ];
    for (sampler, ratio, expected) in table {
        let collector = Collector::start(Manner::Takes);
        let mut settings = vec![("OTEL_TRACES_SAMPLER_ARG", ratio)];
        settings.extend(sampler.map(|sampler| ("OTEL_TRACES_SAMPLER", sampler)));
        let mut platform = tracing(&collector, &settings);
        let function = deploy(&platform, Language::Python);
        let callers = [None, Some(traceparent("01")), Some(traceparent("00"))];
        let seen = callers.map(|caller| {
            let headers: Vec<(&str, &str)> = caller
                .iter()
                .map(|caller| ("traceparent", caller.as_str()))
                .collect();
            parts(&seen(&platform, &function, &headers))
        });
        platform.stop();
        let recorded: Vec<String> = collector
            .spans()
            .iter()
            .map(|span| hex(&span.span_id))
            .collect();
        for ([_, span, flags], expected) in seen.into_iter().zip(expected) {
            assert_eq!(recorded.contains(&span), expected, "{sampler:?} {ratio}");
            assert_eq!(
                flags,
                if expected { "01" } else { "00" },
                "the handler is told"
            );
        }
    }
}

#[test]
fn settings_that_cannot_be_used_are_refused() {
    for (name, value, expected) in [
        ("ZYGO_OTLP_ENDPOINT", "no address", "otlp_endpoint"),
        (
            "ZYGO_TRACE_SAMPLE_RATIO",
            "1.5",
            "trace_sample_ratio must be from 0 to 1",
        ),
        (
            "OTEL_TRACES_SAMPLER",
            "jaeger_remote",
            "parentbased_traceidratio",
        ),
    ] {
        let said = refused_start(&[(name, value)]);
        assert!(said.contains(expected), "{said}");
    }
}
