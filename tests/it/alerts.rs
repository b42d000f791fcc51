//! Alerts: each rule fires and is resolved, and is told of once also after a crash.

use std::time::Duration;

use serde_json::{Value, json};

use crate::language::{Language, in_every_language};
use crate::platform::Platform;
use crate::processes;
use crate::receiver::{Received, Receiver};
use crate::wait::{wait_for, wait_until};
use rustix::process::Signal;

const DEADLINE: Duration = Duration::from_secs(60);
const SECRET: &str = "a-secret-that-signs";
/// Evaluated so often that a test has not to wait.
const OFTEN: (&str, &str) = ("ZYGO_ALERT_INTERVAL_MS", "100");
/// Nothing is forked ahead, so that cold starts stay cold.
const COLD: (&str, &str) = ("ZYGO_SCALING_AUTOMATIC", "false");

/// What a rule is to fire on: its fields, settings of the function, the event that makes it fire, and the one that makes
/// it fine again, or nobody.
struct Case {
    rule: &'static str,
    fields: Value,
    settings: Value,
    bad: Value,
    good: Option<Value>,
}

fn cases() -> [Case; 4] {
    let instance = json!({"isolation": "instance"});
    [
        Case {
            rule: "errorRate",
            fields: json!({"thresholdPercent": 5, "windowMs": 4_000, "minInvocations": 5}),
            settings: instance.clone(),
            bad: json!({"fail": true}),
            good: Some(json!({})),
        },
        Case {
            rule: "p95Duration",
            fields: json!({"thresholdMs": 900, "windowMs": 10_000, "minInvocations": 5}),
            settings: instance.clone(),
            bad: json!({"ms": 1_000}),
            good: Some(json!({})),
        },
        Case {
            rule: "coldStartRate",
            fields: json!({"thresholdPercent": 20, "windowMs": 4_000, "minInvocations": 5}),
            settings: json!({"isolation": "request"}),
            bad: json!({}),
            good: None,
        },
        Case {
            rule: "costAnomaly",
            fields: json!({"factor": 3, "floorUsd": 0.000_001, "windowMs": 4_000}),
            settings: instance,
            bad: json!({}),
            good: None,
        },
    ]
}

/// Throws or takes its time when it is asked to.
fn handler(language: Language) -> &'static str {
    language.pick(
        "export const handler = async (event) => { if (event.body.fail) throw new Error('no');
            if (event.body.ms) await new Promise((done) => setTimeout(done, event.body.ms)); return 1 }",
        "import time\ndef handler(event, context):\n    if event['body'].get('fail'): raise RuntimeError('no')\n    time.sleep(event['body'].get('ms', 0) / 1000)\n    return 1\n",
        "def handler(event, context)\n  raise 'no' if event['body']['fail']\n  sleep(event['body'].fetch('ms', 0) / 1000.0)\n  1\nend\n",
    )
}

/// Watches a function by one rule alone.
fn watch(platform: &Platform, function: &str, rule: &str, fields: &Value) {
    let mut rules = json!({});
    for other in ["errorRate", "p95Duration", "coldStartRate", "costAnomaly"] {
        rules[other] = json!({"enabled": false});
    }
    rules[rule] = fields.clone();
    let path = format!("/functions/{function}/alerts");
    platform.put(&path, &rules).expect(200);
}

fn add_webhook(platform: &Platform, receiver: &Receiver) -> String {
    let body = json!({"url": receiver.url(), "secret": SECRET});
    let made = platform.post("/alerts/webhooks", &body).expect(201).json();
    made["id"].as_str().expect("an id").to_owned()
}

fn alerts(platform: &Platform, query: &str) -> Vec<Value> {
    let page = platform.get(&format!("/alerts?{query}")).expect(200).json();
    page["alerts"].as_array().expect("a list").clone()
}

fn is_of(function: &str, event: &str) -> impl Fn(&Received) -> bool {
    move |received| received.event() == event && received.json()["alert"]["function"] == function
}

/// Invokes until the function's alert is in this state.
fn invoke_until(platform: &Platform, function: &str, state: &str, event: Option<&Value>) -> Value {
    wait_for(&format!("{function} {state}"), DEADLINE, || {
        if let Some(event) = event {
            platform.invoke(function, event);
        }
        alerts(platform, &format!("state={state}&function={function}")).pop()
    })
}

#[test]
fn every_rule_fires_is_resolved_and_is_told_of_once() {
    in_every_language(|language| {
        let (platform, receiver) = (Platform::start(&[OFTEN, COLD]), Receiver::start());
        add_webhook(&platform, &receiver);
        for case in cases() {
            let function = platform.deploy(language, handler(language), &case.settings);
            watch(&platform, &function, case.rule, &case.fields);
            let alert = invoke_until(&platform, &function, "firing", Some(&case.bad));
            assert_eq!(
                (&alert["rule"], &alert["function"]),
                (&json!(case.rule), &json!(function))
            );
            let (value, threshold) = (alert["value"].as_f64(), alert["threshold"].as_f64());
            assert!(value > threshold, "{alert}");
            // It is stored before it is counted.
            let gauge = format!("zygo_alerts_firing{{rule=\"{}\"}} 1", case.rule);
            wait_until(&gauge, DEADLINE, || {
                let text = platform.get("/metrics/prometheus").expect(200).text();
                text.contains(&gauge)
            });
            let over = invoke_until(&platform, &function, "resolved", case.good.as_ref());
            let reason = if case.good.is_some() {
                "recovered"
            } else {
                "no_traffic"
            };
            assert_eq!(
                (&over["id"], &over["reason"]),
                (&alert["id"], &json!(reason))
            );
            let id = alert["id"].as_str().expect("an id");
            assert_eq!(
                platform.get(&format!("/alerts/{id}")).expect(200).json(),
                over
            );
            let ended = receiver.wait_for("the end", 1, is_of(&function, "alert.resolved"));
            assert_eq!(ended[0].json()["alert"], over);
        }
        let told = receiver.received();
        assert_eq!(told.len(), 8, "each began once and ended once: {told:#?}");
        assert!(told.iter().all(|notice| notice.is_signed_with(SECRET)));
        assert!(
            told.iter()
                .all(|notice| !notice.is_signed_with("another-secret"))
        );
        check_pages(&platform);
    });
}

/// Pages of alerts leave none out.
fn check_pages(platform: &Platform) {
    let all = alerts(platform, "");
    assert_eq!(all.len(), 4);
    let (mut seen, mut query) = (Vec::new(), "limit=3".to_owned());
    loop {
        let page = platform.get(&format!("/alerts?{query}")).expect(200).json();
        seen.extend(page["alerts"].as_array().expect("a list").clone());
        match page["nextCursor"].as_str() {
            Some(cursor) => query = format!("limit=3&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, all);
}

#[test]
fn few_failures_fire_nothing() {
    let platform = Platform::start(&[OFTEN]);
    let code = handler(Language::Ruby);
    let [few, many] = [(); 2].map(|()| platform.deploy(Language::Ruby, code, &json!({})));
    for function in [&few, &many] {
        watch(
            &platform,
            function,
            "errorRate",
            &json!({"minInvocations": 20}),
        );
    }
    for _ in 0..19 {
        platform.invoke(&few, &json!({"fail": true}));
    }
    // When one fires, the other has been evaluated as well.
    invoke_until(&platform, &many, "firing", Some(&json!({"fail": true})));
    assert!(alerts(&platform, &format!("function={few}")).is_empty());
}

/// Fails a few times, and waits until that is written down: a kill may take the last moments.
fn fail_and_wait_for_records(platform: &Platform, function: &str) {
    for _ in 0..5 {
        platform.invoke(function, &json!({"fail": true}));
    }
    wait_until("the records", DEADLINE, || {
        let path = format!("/functions/{function}/invocations");
        let page = platform.get(&path).expect(200).json();
        page["invocations"].as_array().map_or(0, Vec::len) == 5
    });
}

/// Waits until the newest notice has arrived, and that is noted.
fn wait_for_delivery(platform: &Platform, webhook: &str) {
    wait_until("the delivery", DEADLINE, || {
        let path = format!("/alerts/webhooks/{webhook}/deliveries");
        let page = platform.get(&path).expect(200).json();
        page["deliveries"][0]["state"] == "delivered"
    });
}

#[test]
fn a_kill_between_the_alert_and_its_delivery_loses_nothing_and_tells_nothing_twice() {
    for point in ["alert::committing", "alert::committed", "alert::sent"] {
        let receiver = Receiver::start();
        let action = format!("{point}=abort");
        let settings = [OFTEN, ("ZYGO_FAILPOINTS", action.as_str())];
        let mut first = Platform::start(&settings);
        let code = handler(Language::Python);
        let function = first.deploy(Language::Python, code, &json!({}));
        let webhook = add_webhook(&first, &receiver);
        fail_and_wait_for_records(&first, &function);
        // Its answer may be cut off.
        let rules = json!({"errorRate": {"minInvocations": 3}});
        first.try_request("PUT", &format!("/functions/{function}/alerts"), &rules);
        first.wait_for_end();
        first.assert_nothing_left();
        let mut second = Platform::start_on(first.data(), &[OFTEN]);
        let began = is_of(&function, "alert.firing");
        wait_for_delivery(&second, &webhook);
        processes::send(second.pid(), Signal::KILL);
        second.wait_for_end();
        second.assert_nothing_left();
        // It still fires, and is told of no more; what is evaluated after it shows that it was evaluated.
        let third = Platform::start_on(first.data(), &[OFTEN]);
        let other = third.deploy(Language::Python, code, &json!({}));
        watch(&third, &other, "errorRate", &json!({"minInvocations": 3}));
        invoke_until(&third, &other, "firing", Some(&json!({"fail": true})));
        receiver.wait_for("the other's", 1, is_of(&other, "alert.firing"));
        assert_eq!(
            alerts(&third, &format!("state=firing&function={function}")).len(),
            1,
            "{point}"
        );
        let mut notices = receiver.received();
        notices.retain(&began);
        let ids = notices
            .iter()
            .map(|notice| notice.header("x-zygo-delivery"));
        let ids: std::collections::BTreeSet<&str> = ids.collect();
        assert_eq!(ids.len(), 1, "{point}: one notice, whatever it took");
        // What was sent and not noted is sent again, and nothing else.
        let times = if point == "alert::sent" { 2 } else { 1 };
        assert_eq!(notices.len(), times, "{point}: {notices:#?}");
    }
}

#[test]
fn a_deleted_function_and_a_rule_that_is_switched_off_end_their_alerts() {
    let platform = Platform::start(&[OFTEN]);
    let code = handler(Language::Ruby);
    let fire = || {
        let function = platform.deploy(Language::Ruby, code, &json!({}));
        watch(
            &platform,
            &function,
            "errorRate",
            &json!({"minInvocations": 1}),
        );
        let alert = invoke_until(&platform, &function, "firing", Some(&json!({"fail": true})));
        (
            function,
            alert["functionId"].as_str().expect("an id").to_owned(),
        )
    };
    let (deleted, deleted_id) = fire();
    platform
        .delete(&format!("/functions/{deleted}"))
        .expect(200);
    let over = invoke_until(&platform, &deleted_id, "resolved", None);
    assert_eq!(over["reason"], "function_deleted");
    let (off, off_id) = fire();
    let path = format!("/functions/{off}/alerts");
    platform
        .put(&path, &json!({"errorRate": {"enabled": false}}))
        .expect(200);
    assert_eq!(
        invoke_until(&platform, &off_id, "resolved", None)["reason"],
        "rule_off"
    );
}
