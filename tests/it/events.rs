//! Events: who gets them, in which form, and in which order.

use serde_json::{Value, json};

use crate::auth::{ADMIN, call, key, platform as with_auth};
use crate::language::{Language, in_every_language};
use crate::platform::Platform;
use crate::queue::{QUICK, deploy, given, wait_for_status};

/// A function that subscribes to something.
pub(crate) fn subscriber(platform: &Platform, language: Language, config: Value) -> String {
    deploy(
        platform,
        language,
        &json!({"triggers": [{"type": "event", "config": config}]}),
    )
}

/// The names of the functions that an answer says get the event.
fn matched(answer: &Value) -> Vec<&str> {
    let all = answer["subscriptions"].as_array().expect("a list").iter();
    all.map(|one| one["function"].as_str().expect("a name"))
        .collect()
}

#[test]
fn an_event_reaches_whoever_subscribes_to_its_type_and_data() {
    in_every_language(|language| {
        let platform = Platform::start(&[]);
        let order = subscriber(&platform, language, json!({"eventType": "order.*"}));
        let large = subscriber(
            &platform,
            language,
            json!({"pattern": "order.placed", "filter": {"total": [{"numeric": [">", 100]}]}}),
        );
        subscriber(&platform, language, json!({"eventType": "user.**"}));
        let event = json!({"eventType": "order.placed", "data": {"number": 1, "total": 50}});
        let answer = platform.post("/events", &event).expect(202).json();
        assert_eq!(matched(&answer), [order.as_str()]);
        assert_eq!(
            (&answer["duplicate"], &answer["subscriptions"][0]["pattern"]),
            (&json!(false), &json!("order.*"))
        );
        let id = answer["subscriptions"][0]["requestId"]
            .as_str()
            .expect("an id");
        assert_eq!(
            wait_for_status(&platform, id, "succeeded")["trigger"],
            "event"
        );
        let seen = given(&platform, &order, 1).remove(0);
        assert_eq!(
            (&seen["eventType"], &seen["given"]["number"]),
            (&json!("order.placed"), &json!(1))
        );
        let event = json!({"eventType": "order.placed", "data": {"number": 2, "total": 150}});
        let answer = platform.post("/events", &event).expect(202).json();
        let mut names = matched(&answer);
        names.sort_unstable();
        let mut expected = [order.as_str(), large.as_str()];
        expected.sort_unstable();
        assert_eq!(names, expected);
        assert_eq!(given(&platform, &large, 1)[0]["given"]["total"], 150);
        let nobody = platform
            .post("/events", &json!({"eventType": "nothing"}))
            .expect(202)
            .json();
        assert_eq!(matched(&nobody), [""; 0]);
        // A new version that subscribes to nothing gets nothing.
        platform
            .put(&format!("/functions/{order}"), &json!({"triggers": []}))
            .expect(200);
        let event = json!({"eventType": "order.placed", "data": {"total": 1}});
        assert_eq!(
            matched(&platform.post("/events", &event).expect(202).json()),
            [""; 0]
        );
    });
}

#[test]
fn cloud_events_come_in_every_mode() {
    let platform = Platform::start(&[]);
    let function = subscriber(
        &platform,
        Language::Python,
        json!({"eventType": "com.example.*"}),
    );
    let event = |number: u32| {
        json!({"specversion": "1.0", "type": "com.example.made", "id": format!("s-{number}"), "source": "/tests",
               "data": {"number": number}})
    };
    let structured = event(1).to_string();
    let answer = platform.request(
        "POST",
        "/events",
        "application/cloudevents+json",
        structured.as_bytes(),
    );
    assert_eq!(answer.expect(202).json()["eventId"], "s-1");
    let headers = [
        ("ce-specversion", "1.0"),
        ("ce-type", "com.example.made"),
        ("ce-id", "b-2"),
        ("ce-source", "/tests"),
    ];
    let answer = platform.request_with("POST", "/events", &headers, &json!({"number": 2}));
    assert_eq!(answer.expect(202).json()["eventId"], "b-2");
    let batch = json!([event(3), event(4)]).to_string();
    let answer = platform.request(
        "POST",
        "/events",
        "application/cloudevents-batch+json",
        batch.as_bytes(),
    );
    assert_eq!(
        answer.expect(202).json()["events"].as_array().map(Vec::len),
        Some(2)
    );
    let mut numbers: Vec<i64> = given(&platform, &function, 4)
        .iter()
        .filter_map(|line| line["given"]["number"].as_i64())
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 2, 3, 4]);
}

#[test]
fn what_is_no_event_is_refused_with_its_place() {
    let platform = Platform::shared();
    let structured = "application/cloudevents+json";
    for (kind, body, pointer) in [
        ("application/json", json!({}), "/eventType"),
        ("application/json", json!({"eventType": ""}), "/eventType"),
        (
            "application/json",
            json!({"eventType": "a", "more": 1}),
            "/more",
        ),
        ("application/json", json!([]), ""),
        (
            structured,
            json!({"specversion": "1.0", "type": "a", "source": "s"}),
            "/id",
        ),
        (
            structured,
            json!({"specversion": "2.0", "type": "a", "source": "s", "id": "1"}),
            "/specversion",
        ),
        (
            "application/cloudevents-batch+json",
            json!([{"type": "a"}]),
            "/0/specversion",
        ),
    ] {
        let answer = platform.request("POST", "/events", kind, body.to_string().as_bytes());
        assert_eq!(answer.problem(400), "malformed_request", "{body}");
        assert_eq!(answer.json()["pointer"], pointer, "{body}");
    }
    let headers = [("ce-specversion", "1.0"), ("ce-type", "a"), ("ce-id", "1")];
    let answer = platform.request_with("POST", "/events", &headers, &json!({}));
    assert_eq!(answer.problem(400), "malformed_request");
    assert_eq!(answer.json()["pointer"], "/headers/ce-source");
    for (config, pointer) in [
        (json!({}), "/triggers/0/config/eventType"),
        (json!({"eventType": "a..b"}), "/triggers/0/config/eventType"),
        (
            json!({"pattern": "a", "filter": {"x": []}}),
            "/triggers/0/config/filter/x",
        ),
    ] {
        let triggers = json!([{"type": "event", "config": config}]);
        let more = json!({"code": "def handler(event, context): return 1", "triggers": triggers});
        let answer = platform.try_deploy("refused-subscriber", "python", &more);
        assert_eq!(answer.problem(422), "invalid_function");
        assert_eq!(answer.json()["pointer"], pointer);
    }
}

#[test]
fn the_same_event_is_delivered_once() {
    let platform = Platform::start(&[]);
    let function = subscriber(&platform, Language::Ruby, json!({"eventType": "paid"}));
    let event = json!({"eventType": "paid", "id": "payment-1", "data": {"number": 1}});
    let first = platform.post("/events", &event).expect(202).json();
    let second = platform.post("/events", &event).expect(202).json();
    assert_eq!(
        (&first["duplicate"], &second["duplicate"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(first["subscriptions"], second["subscriptions"]);
    let other =
        json!({"eventType": "paid", "id": "payment-1", "source": "/else", "data": {"number": 2}});
    assert_eq!(
        platform.post("/events", &other).expect(202).json()["duplicate"],
        false
    );
    let numbers = given(&platform, &function, 2);
    assert_eq!(numbers.len(), 2, "{numbers:?}");
}

#[test]
fn events_of_one_key_come_one_after_the_other() {
    in_every_language(|language| {
        let platform = Platform::start(&[QUICK]);
        let config = json!({"eventType": "step", "orderingKey": "data.of"});
        let function = subscriber(&platform, language, config);
        let poison = json!({"eventType": "step", "data": {"of": "a", "number": 0, "failures": 99}});
        platform.post("/events", &poison).expect(202);
        for number in 1..=6 {
            for of in ["a", "b"] {
                // The first of each key is tried twice, and the others wait for it.
                let failures = u32::from(number == 1);
                let data = json!({"of": of, "number": number, "failures": failures});
                platform
                    .post("/events", &json!({"eventType": "step", "data": data}))
                    .expect(202);
            }
        }
        let lines = given(&platform, &function, 12);
        for of in ["a", "b"] {
            let mut of_key: Vec<&Value> = lines
                .iter()
                .filter(|line| line["given"]["of"] == of)
                .collect();
            if of_key
                .first()
                .is_some_and(|line| line["given"]["number"] == 6)
            {
                of_key.reverse();
            }
            let numbers: Vec<i64> = of_key
                .iter()
                .filter_map(|line| line["given"]["number"].as_i64())
                .collect();
            assert_eq!(numbers, [1, 2, 3, 4, 5, 6], "{of}: {lines:?}");
        }
        let queue = platform
            .get(&format!("/functions/{function}/queue"))
            .expect(200)
            .json();
        assert_eq!(queue["dead"], 1);
    });
}

#[test]
fn a_limited_key_publishes_to_its_own_functions() {
    let platform = with_auth();
    let triggers = json!([{"type": "event", "config": {"eventType": "shared"}}]);
    for name in ["mine", "theirs"] {
        let code = "def handler(event, context): return 1";
        let body = json!({"name": name, "runtime": "python", "code": code, "triggers": triggers});
        call(&platform, "POST", "/functions", Some(ADMIN), &body).expect(201);
    }
    let event = json!({"eventType": "shared"});
    let limited = key(&platform, "invoke", Some(&["mine"]));
    let answer = call(&platform, "POST", "/events", Some(&limited), &event)
        .expect(202)
        .json();
    assert_eq!(matched(&answer), ["mine"]);
    let all = call(&platform, "POST", "/events", Some(ADMIN), &event)
        .expect(202)
        .json();
    let theirs = all["subscriptions"][1]["requestId"]
        .as_str()
        .expect("an id");
    let path = format!("/invocations/{theirs}");
    let hidden = call(&platform, "GET", &path, Some(&limited), &json!({}));
    assert_eq!(hidden.problem(404), "invocation_not_found");
    let reader = key(&platform, "read", None);
    let refused = call(&platform, "POST", "/events", Some(&reader), &event);
    assert_eq!(refused.problem(403), "forbidden");
}

/// Whatever is accepted is delivered: an event is not bounded by what fits into one packet to its instance.
#[test]
fn an_event_arrives_whole_however_large_it_is() {
    let platform = Platform::shared();
    in_every_language(|language| {
        let kind = format!("large.{}", language.name());
        let settings = json!({"triggers": [{"type": "event", "config": {"eventType": kind}}]});
        platform.deploy(language, &language.handler("large"), &settings);
        for length in [1_000, 60_000, 110_000, 600_000] {
            let data = json!({"length": length, "text": "é".repeat(length / 2) + &"x".repeat(length - length / 2)});
            let event = json!({"eventType": kind, "data": data});
            let answer = platform.post("/events", &event).expect(202).json();
            let id = answer["subscriptions"][0]["requestId"].as_str();
            wait_for_status(&platform, id.expect("an id"), "succeeded");
        }
    });
}
