//! Answers in pieces that do not come to their end: clients that go away, handlers that fail midway or take too long, and
//! what is too much.

use std::time::Duration;

use serde_json::{Value, json};

use crate::language::{Language, in_every_language};
use crate::platform::Platform;
use crate::processes;
use crate::streaming::{deploy, instance, lines_with};
use crate::wait::{wait_for, wait_until};

const DEADLINE: Duration = Duration::from_secs(60);

/// The record of a function's last invocation, once there are so many.
fn record(platform: &Platform, function: &str, count: usize) -> Value {
    wait_for("the record", DEADLINE, || {
        let path = format!("/functions/{function}/invocations");
        let page = platform.get(&path).expect(200).json();
        let records = page["invocations"].as_array().expect("a list");
        (records.len() == count).then(|| records[0].clone())
    })
}

fn figures(platform: &Platform, function: &str) -> Value {
    let path = format!("/functions/{function}/metrics");
    platform.get(&path).expect(200).json()["metrics"].take()
}

#[test]
fn a_client_that_goes_away_cancels_the_work() {
    let platform = Platform::shared();
    in_every_language(|language| {
        for what in ["hang", "endless"] {
            let function = deploy(&platform, language);
            let mut streamed = platform.stream(&function, &json!({"do": what}));
            streamed.read(5);
            let pid = instance(&platform, &function);
            drop(streamed);
            wait_until("the end of the instance", DEADLINE, || {
                !processes::is_alive(pid)
            });
            let record = record(&platform, &function, 1);
            assert_eq!(
                (&record["outcome"], &record["startKind"]),
                (&json!("cancelled"), &json!("forked"))
            );
            let (billed, took) = (record["billedMs"].as_f64(), record["durationMs"].as_f64());
            assert!(
                billed >= Some(1.0) && billed <= took.map(f64::ceil),
                "{record}"
            );
            let figures = figures(&platform, &function);
            assert_eq!(figures["errors"], 0, "{figures}");
            let next = platform.stream(&function, &json!({"form": "body"}));
            assert_eq!(next.text(), "abé");
        }
    });
}

#[test]
fn a_handler_that_fails_midway_cuts_its_answer() {
    let platform = Platform::shared();
    in_every_language(|language| {
        let function = deploy(&platform, language);
        let mut count = 0;
        let mut check = |what: &str, code: &str, message: &str| {
            let at_once = json!({"do": what, "after": false});
            let answer = platform.stream(&function, &at_once);
            assert_eq!(answer.status, 502);
            let problem: Value = serde_json::from_str(&answer.text()).expect("JSON");
            assert_eq!(problem["code"], code);
            let midway = json!({"do": what, "after": true});
            let answer = platform.stream(&function, &midway);
            assert_eq!(answer.status, 200);
            assert_eq!(answer.rest(), (b"a".to_vec(), false), "{what}");
            count += 2;
            assert_eq!(record(&platform, &function, count)["outcome"], code);
            lines_with(
                &platform,
                &function,
                &format!("the answer was cut: {message}"),
            );
            let in_envelope = platform.invoke(&function, &midway);
            assert_eq!(in_envelope.problem(502), code);
            let text = in_envelope.json()["detail"].as_str().map(str::to_owned);
            assert!(
                text.is_some_and(|text| text.contains(message)),
                "{}",
                in_envelope.text()
            );
            count += 1;
            // The instance is as good as ever.
            let next = platform.invoke(&function, &json!({"form": "body"}));
            assert_eq!(next.expect(200).json()["startKind"], "warm");
            count += 1;
        };
        check("fails", "handler_error", "TypeError: midway");
        check(
            "wrong",
            "invalid_response",
            "ResponseError: a piece of the answer's body is",
        );
        let lines = lines_with(&platform, &function, "neither text nor bytes");
        let own = language.pick("index.ts:", "index.py", "index.rb:");
        assert!(lines.iter().any(|line| line.contains(own)), "{lines:?}");
    });
}

#[test]
fn a_head_that_is_none_is_the_functions_failure() {
    let platform = Platform::shared();
    in_every_language(|language| {
        let code = language.handler("streaming");
        let path = format!("/heads/{}", language.name());
        let triggers = json!([{"type": "http", "config": {"path": path}}]);
        let function = platform.deploy(language, &code, &json!({"triggers": triggers}));
        let wrong = json!({"do": "wrongHead"});
        let answer = platform.stream(&function, &wrong);
        assert_eq!(answer.status, 502);
        let problem: Value = serde_json::from_str(&answer.text()).expect("JSON");
        assert_eq!(problem["code"], "invalid_response");
        assert_eq!(
            record(&platform, &function, 1)["outcome"],
            "invalid_response"
        );
        assert_eq!(
            platform.post(&path, &wrong).problem(502),
            "invalid_response"
        );
        assert_eq!(
            record(&platform, &function, 2)["outcome"],
            "invalid_response"
        );
        assert_eq!(figures(&platform, &function)["errors"], 2);
        let next = platform.stream(&function, &json!({"form": "body"}));
        assert_eq!(next.text(), "abé");
    });
}

#[test]
fn a_stream_has_the_functions_time_and_no_more() {
    let platform = Platform::shared();
    in_every_language(|language| {
        let code = language.handler("streaming");
        let function = platform.deploy(language, &code, &json!({"timeout": 3_000}));
        let answer = platform.stream(&function, &json!({"do": "hang"}));
        assert_eq!(answer.status, 200);
        assert_eq!(answer.rest(), (b"first".to_vec(), false));
        assert_eq!(record(&platform, &function, 1)["outcome"], "timeout");
        lines_with(&platform, &function, "the answer was cut: task timed out");
        // A client that reads nothing does not make it longer.
        let mut answer = platform.stream(&function, &json!({"do": "endless"}));
        answer.read(1);
        let pid = instance(&platform, &function);
        wait_until("the end of the instance", DEADLINE, || {
            !processes::is_alive(pid)
        });
        assert_eq!(record(&platform, &function, 2)["outcome"], "timeout");
    });
}

#[test]
fn too_much_is_too_much() {
    let platform = Platform::start(&[
        ("ZYGO_MAX_BODY_BYTES", "1000000"),
        ("ZYGO_MAX_STREAM_BYTES", "3000000"),
    ]);
    in_every_language(|language| {
        let function = deploy(&platform, language);
        let two = json!({"do": "large", "mib": 2});
        let answer = platform.invoke(&function, &two);
        assert_eq!(answer.problem(502), "response_too_large");
        let (bytes, whole) = platform.stream(&function, &two).rest();
        assert_eq!((bytes.len(), whole), (2 << 20, true));
        let (bytes, whole) = platform.stream(&function, &json!({"do": "endless"})).rest();
        assert!(!whole && bytes.len() <= 3_000_000, "{} bytes", bytes.len());
        assert_eq!(
            record(&platform, &function, 3)["outcome"],
            "response_too_large"
        );
    });
}

#[test]
fn what_must_be_done_after_an_answer_may_be_what_makes_it() {
    let platform = Platform::shared();
    let code = "export default { async fetch(request, env, context) {
        const { readable, writable } = new TransformStream();
        context.waitUntil((async () => {
          const writer = writable.getWriter();
          for (const text of ['a', 'b']) await writer.write(text);
          await writer.close();
          console.log('done');
        })());
        return new Response(readable, { status: 203 });
      } }";
    let function = platform.deploy(Language::TypeScript, code, &json!({}));
    let streamed = platform.stream(&function, &json!({}));
    assert_eq!((streamed.status, streamed.text().as_str()), (203, "ab"));
    let envelope = platform.invoke(&function, &json!({})).expect(200).json();
    assert_eq!(
        (&envelope["body"], &envelope["logs"]),
        (&json!("ab"), &json!(["done"]))
    );
}

#[test]
fn the_header_is_true_or_false() {
    let platform = Platform::shared();
    in_every_language(|language| {
        let function = deploy(&platform, language);
        let path = format!("/functions/{function}/invoke");
        let send = |value| {
            let headers = [("x-zygo-stream", value)];
            platform.request_with("POST", &path, &headers, &json!({"form": "body"}))
        };
        assert_eq!(send("false").expect(200).json()["body"], "abé");
        assert_eq!(send("yes").problem(400), "malformed_request");
    });
}
