//! Sources that cannot be, and those that cannot be reached: refused, or told of, without a password.

use serde_json::{Value, json};

use super::{PRIVATE, deploy, settings, source};
use crate::brokers::{KINDS, Kind, PASSWORD};
use crate::language::Language;
use crate::platform::{Platform, unique_name};
use crate::queue::DEADLINE;
use crate::wait::wait_until;

#[test]
fn what_cannot_be_consumed_says_why_and_shows_no_password() {
    let platform = Platform::start(&[PRIVATE]);
    for (kind, reason) in [
        (Kind::Nats, "stream not found"),
        (Kind::Rabbit, "NOT_FOUND"),
    ] {
        let broker = kind.shared();
        let name = unique_name();
        let function = deploy(
            &platform,
            Language::Python,
            &settings(broker, &[broker.config(&name)]),
        );
        let source = source(&platform, &function, |source| {
            source["state"] == "backing-off"
        });
        assert!(
            source["reason"]
                .as_str()
                .is_some_and(|text| text.contains(reason)),
            "{source}"
        );
        broker.make(&name);
        broker.send(&name, b"{}");
        super::source(&platform, &function, |source| source["delivered"] == 1);
    }
    for kind in KINDS {
        let broker = kind.shared();
        let name = unique_name();
        broker.make(&name);
        let mut wrong = settings(broker, &[broker.config(&name)]);
        let url = broker
            .url()
            .replace(PASSWORD, "a-wrong-password")
            .replace(":guest@", ":a-wrong-password@");
        wrong["secrets"]["QUEUE_URL"] = url.into();
        let function = deploy(&platform, Language::Python, &wrong);
        let source = source(&platform, &function, |source| {
            source["state"] == "backing-off"
        });
        for path in [
            format!("/functions/{function}"),
            format!("/functions/{function}/triggers"),
            "/functions".to_owned(),
        ] {
            let text = platform.get(&path).expect(200).text();
            assert!(
                !text.contains("a-wrong-password") && !text.contains(PASSWORD),
                "{text}"
            );
        }
        let complaint = "a queue cannot be consumed";
        wait_until(complaint, DEADLINE, || {
            platform.log_tail().contains(complaint)
        });
        let log = platform.log_tail();
        assert!(
            !log.contains("a-wrong-password") && !log.contains(PASSWORD),
            "{source} {log}"
        );
    }
}

#[test]
fn private_servers_are_for_the_operator_to_allow() {
    let platform = Platform::shared();
    let config = json!({ "source": "redis", "url": "redis://127.0.0.1:1", "stream": "s" });
    let triggers = json!([{ "type": "queue", "config": config }]);
    let function = deploy(&platform, Language::Ruby, &json!({ "triggers": triggers }));
    let source = source(&platform, &function, |source| {
        source["state"] == "backing-off"
    });
    let reason = source["reason"].as_str().expect("a reason");
    assert!(reason.contains("events.private_sources"), "{reason}");
    platform
        .delete(&format!("/functions/{function}"))
        .expect(200);
}

#[test]
fn a_config_that_means_nothing_is_refused_with_its_place() {
    let platform = Platform::shared();
    let redis = json!({ "source": "redis", "url": "redis://h", "stream": "s" });
    let with = |name: &str, value: Value| {
        let mut config = redis.clone();
        config[name] = value;
        config
    };
    let secret = json!({ "source": "redis", "urlSecret": "U", "stream": "s" });
    let cases = [
        (json!({}), "/source"),
        (json!({ "source": "kafka" }), "/source"),
        (with("stream", Value::Null), "/stream"),
        (with("topic", json!("t")), "/topic"),
        (with("url", json!("http://h")), "/url"),
        (with("url", json!("redis://user:hunter2@h")), "/url"),
        (with("concurrency", json!(0)), "/concurrency"),
        (secret, "/urlSecret"),
    ];
    for (config, pointer) in cases {
        let triggers = json!([{ "type": "queue", "config": config }]);
        let settings =
            json!({ "code": "def handler(event, context): return 1", "triggers": triggers });
        let answer = platform.try_deploy(&unique_name(), "python", &settings);
        assert_eq!(answer.status, 422, "{config}: {}", answer.text());
        let text = answer.text();
        assert!(
            text.contains(&format!("/triggers/0/config{pointer}\"")),
            "{config}: {text}"
        );
        assert!(!text.contains("hunter2"), "{text}");
    }
    let secrets = json!({ "U": "http://user:hunter2@h" });
    let triggers = json!([{ "type": "queue", "config": { "source": "redis", "urlSecret": "U", "stream": "s" } }]);
    let settings = json!({ "code": "def handler(event, context): return 1", "triggers": triggers, "secrets": secrets });
    let text = platform
        .try_deploy(&unique_name(), "python", &settings)
        .text();
    assert!(
        text.contains("/triggers/0/config/urlSecret") && !text.contains("hunter2"),
        "{text}"
    );
}
