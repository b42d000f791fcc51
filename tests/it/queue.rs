//! Invocations that nobody waits for: retries, dead letters, bounds, repeated requests.

use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::language::{Language, in_every_language};
use crate::platform::Platform;
use crate::wait::wait_for;

pub(crate) const DEADLINE: Duration = Duration::from_secs(60);
/// Attempts that follow each other quickly.
pub(crate) const QUICK: (&str, &str) = ("ZYGO_EVENTS_FIRST_PAUSE_MS", "20");

/// Circuit breakers that can be set, and whose refusals are looked at again soon.
pub(crate) const BREAKER: [(&str, &str); 2] = [
    ("ZYGO_BREAKER_FAILURES", "1000"),
    ("ZYGO_BREAKER_OPEN_MS", "200"),
];

/// A function that fails as often as it is told to.
pub(crate) fn deploy(platform: &Platform, language: Language, settings: &Value) -> String {
    platform.deploy(language, &language.handler("deliveries"), settings)
}

/// Invokes and waits for no answer.
pub(crate) fn invoke_later(client: &Client, function: &str, body: &Value) -> Answer {
    let path = format!("/functions/{function}/invoke");
    client.request_with("POST", &path, &[("x-zygo-invocation", "event")], body)
}

/// The same, accepted: the request's id.
pub(crate) fn queued(client: &Client, function: &str, body: &Value) -> String {
    let answer = invoke_later(client, function, body).expect(202).json();
    answer["requestId"].as_str().expect("an id").to_owned()
}

/// An invocation that nobody waited for, once it has come so far.
pub(crate) fn wait_for_status(client: &Client, id: &str, status: &str) -> Value {
    wait_for_status_until(client, id, status, DEADLINE)
}

/// The same, for what takes its time.
pub(crate) fn wait_for_status_until(
    client: &Client,
    id: &str,
    status: &str,
    deadline: Duration,
) -> Value {
    wait_for(status, deadline, || {
        let state = client.get(&format!("/invocations/{id}")).expect(200).json();
        (state["status"] == status).then_some(state)
    })
}

/// What a function has written of what it was given, once there are so many lines.
pub(crate) fn given(platform: &Platform, function: &str, count: usize) -> Vec<Value> {
    let path = format!("/functions/{function}/logs?q=given&limit=1000");
    wait_for("the lines", DEADLINE, || {
        let page = platform.get(&path).expect(200).json();
        let lines = page["logs"].as_array().expect("a list").clone();
        let parse = |line: &Value| {
            let text = line["message"].as_str()?.strip_prefix("given ")?;
            serde_json::from_str(text).ok()
        };
        let lines: Vec<Value> = lines.iter().filter_map(parse).collect();
        (lines.len() >= count).then_some(lines)
    })
}

pub(crate) fn letters(platform: &Platform, function: &str) -> Vec<Value> {
    let path = format!("/functions/{function}/dead-letters");
    let page = platform.get(&path).expect(200).json();
    page["deadLetters"].as_array().expect("a list").clone()
}

/// Keeps a function from running, or lets it run.
pub(crate) fn set_breaker(platform: &Platform, function: &str, state: &str) {
    let path = format!("/functions/{function}/circuit-breaker");
    platform.put(&path, &json!({ "state": state })).expect(200);
}

#[test]
fn whoever_waits_for_nothing_is_told_where_to_look() {
    in_every_language(|language| {
        let platform = Platform::shared();
        let function = deploy(&platform, language, &json!({}));
        let answer = invoke_later(&platform, &function, &json!({"number": 7})).expect(202);
        let body = answer.json();
        let id = body["requestId"].as_str().expect("an id");
        assert_eq!(
            (answer.header("x-request-id"), &body["status"]),
            (id, &json!("queued"))
        );
        assert_eq!(answer.header("location"), format!("/invocations/{id}"));
        let state = wait_for_status(&platform, id, "succeeded");
        assert_eq!(
            (&state["attempts"], &state["statusCode"]),
            (&json!(1), &json!(201))
        );
        assert_eq!(
            (&state["trigger"], &state["function"]),
            (&json!("async"), &json!(function))
        );
        assert_eq!(given(&platform, &function, 1)[0]["given"]["number"], 7);
        let records = wait_for("the record", DEADLINE, || {
            let path = format!("/functions/{function}/invocations");
            let page = platform.get(&path).expect(200).json();
            page["invocations"]
                .as_array()
                .expect("a list")
                .first()
                .cloned()
        });
        assert_eq!(
            (&records["trigger"], &records["requestId"]),
            (&json!("async"), &json!(id))
        );
    });
}

#[test]
fn a_failure_is_tried_again_and_dies_in_the_end() {
    in_every_language(|language| {
        let platform = Platform::start(&[QUICK]);
        let function = deploy(&platform, language, &json!({}));
        let slow = queued(&platform, &function, &json!({"number": 1, "failures": 2}));
        let state = wait_for_status(&platform, &slow, "succeeded");
        assert_eq!(
            (&state["attempts"], &state["lastError"]),
            (&json!(3), &Value::Null)
        );
        let lost = queued(&platform, &function, &json!({"number": 2, "failures": 9}));
        let state = wait_for_status(&platform, &lost, "dead");
        assert_eq!(
            (&state["attempts"], &state["maxAttempts"]),
            (&json!(3), &json!(3))
        );
        assert_eq!(state["lastError"]["code"], "handler_error");
        let message = state["lastError"]["message"].as_str().expect("a message");
        assert!(message.contains("not yet: attempt 3"), "{message}");
        let dead = letters(&platform, &function);
        assert_eq!((dead.len(), &dead[0]["requestId"]), (1, &json!(lost)));
        let letter = format!(
            "/functions/{function}/dead-letters/{}",
            dead[0]["id"].as_str().expect("an id")
        );
        let shown = platform.get(&letter).expect(200).json();
        assert_eq!(shown["event"]["body"], json!({"number": 2, "failures": 9}));

        // Once the code is right, a letter is handled after all.
        let code = language.handler("deliveries").replace("failures", "never");
        platform
            .put(&format!("/functions/{function}"), &json!({ "code": code }))
            .expect(200);
        platform
            .post(&format!("{letter}/redrive"), &json!({}))
            .expect(202);
        assert_eq!(
            wait_for_status(&platform, &lost, "succeeded")["attempts"],
            1
        );
        assert!(letters(&platform, &function).is_empty());
        assert_eq!(platform.get(&letter).problem(404), "dead_letter_not_found");
        let again = platform.post(&format!("{letter}/redrive"), &json!({}));
        assert_eq!(again.problem(404), "dead_letter_not_found");
    });
}

#[test]
fn what_is_refused_before_it_runs_costs_no_attempt() {
    let platform = Platform::start(&[BREAKER[0], BREAKER[1], ("ZYGO_EVENTS_ROWS_MAX", "5")]);
    let function = deploy(&platform, Language::Ruby, &json!({}));
    set_breaker(&platform, &function, "open");
    let body = json!({"number": 1});
    let ids: Vec<String> = (0..5)
        .map(|_| queued(&platform, &function, &body))
        .collect();
    let full = invoke_later(&platform, &function, &body);
    assert_eq!(full.problem(503), "platform_full");
    assert!(!full.header("retry-after").is_empty());
    let refused = wait_for("a refusal", DEADLINE, || {
        let state = platform
            .get(&format!("/invocations/{}", ids[0]))
            .expect(200)
            .json();
        (state["lastError"]["code"] == "circuit_open").then_some(state)
    });
    assert_eq!(refused["attempts"], 0);
    set_breaker(&platform, &function, "closed");
    for id in &ids {
        assert_eq!(wait_for_status(&platform, id, "succeeded")["attempts"], 1);
    }
    queued(&platform, &function, &body);
}

#[test]
fn one_request_is_done_once_however_often_it_comes() {
    let platform = Platform::shared();
    let function = deploy(&platform, Language::TypeScript, &json!({}));
    let path = format!("/functions/{function}/invoke");
    let headers = [
        ("x-zygo-invocation", "event"),
        ("idempotency-key", "order-17"),
    ];
    let answers = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let client = platform.another();
                for _ in 0..25 {
                    let answer =
                        client.request_with("POST", &path, &headers, &json!({"number": 1}));
                    let id = answer.expect(202).json()["requestId"].take();
                    answers.lock().expect("unbroken").push(id);
                }
            });
        }
    });
    let answers = answers.into_inner().expect("unbroken");
    assert!(answers.iter().all(|id| *id == answers[0]), "{answers:?}");
    wait_for_status(&platform, answers[0].as_str().expect("an id"), "succeeded");
    let other = platform.request_with("POST", &path, &headers, &json!({"number": 2}));
    assert_eq!(other.problem(422), "idempotency_key_reused");
    // A line that comes after all others of the same function.
    queued(&platform, &function, &json!({"number": 3}));
    let numbers = given(&platform, &function, 2);
    let of_one = numbers.iter().filter(|line| line["given"]["number"] == 1);
    assert_eq!(of_one.count(), 1, "{numbers:?}");
}

#[test]
fn what_cannot_be_queued_is_refused() {
    let platform = Platform::shared();
    let function = deploy(&platform, Language::Python, &json!({}));
    let path = format!("/functions/{function}/invoke");
    let odd = [("x-zygo-invocation", "perhaps")];
    let answer = platform.request_with("POST", &path, &odd, &json!({}));
    assert_eq!(answer.problem(400), "malformed_request");
    assert_eq!(answer.json()["pointer"], "/headers/x-zygo-invocation");
    let long = json!({"text": "x".repeat(1 << 20)});
    assert_eq!(
        invoke_later(&platform, &function, &long).problem(413),
        "body_too_large"
    );
    let missing = invoke_later(&platform, "missing", &json!({}));
    assert_eq!(missing.problem(404), "function_not_found");
    let nowhere = platform.get("/invocations/req-none");
    assert_eq!(nowhere.problem(404), "invocation_not_found");
    let version = format!("{path}?qualifier=9");
    let answer = platform.request_with(
        "POST",
        &version,
        &[("x-zygo-invocation", "event")],
        &json!({}),
    );
    assert_eq!(answer.problem(404), "version_not_found");
    for (own, pointer) in [
        (json!({"maxAttempts": 0}), "/async/maxAttempts"),
        (json!({"maxAgeMs": 0}), "/async/maxAgeMs"),
        (json!({"concurrency": 0}), "/async/concurrency"),
        (json!({"onSuccess": {}}), "/async/onSuccess"),
        (
            json!({"onFailure": {"function": "f", "event": "e"}}),
            "/async/onFailure",
        ),
        (
            json!({"onFailure": {"webhook": "ftp://example.org"}}),
            "/async/onFailure/webhook",
        ),
        (
            json!({"onFailure": {"event": "a.*"}}),
            "/async/onFailure/event",
        ),
        (
            json!({"onFailure": {"webhook": "http://example.org", "secret": "NONE"}}),
            "/async/onFailure/secret",
        ),
    ] {
        let change = platform.put(&format!("/functions/{function}"), &json!({ "async": own }));
        assert_eq!(change.problem(422), "invalid_function", "{own}");
        assert_eq!(change.json()["pointer"], pointer);
    }
}
