//! Queues elsewhere that functions are invoked from: Redis streams, NATS `JetStream`, RabbitMQ.

mod encrypted;
mod ends;
mod wrong;

use std::time::Instant;

use serde_json::{Value, json};

use crate::brokers::{Broker, KINDS, Kind};
use crate::language::{Language, in_every_language};
use crate::platform::{Platform, unique_name};
use crate::queue::{DEADLINE, QUICK, given, letters, wait_for_status};
use crate::wait::{wait_for, wait_until};

/// The servers of the tests are on this machine.
const PRIVATE: (&str, &str) = ("ZYGO_EVENTS_PRIVATE_SOURCES", "true");

/// What is deployed for a stream or queue of its own.
struct Consumer<'a> {
    platform: &'a Platform,
    broker: &'a Broker,
    function: String,
    name: String,
}

/// Settings of a function with these triggers at one server.
fn settings(broker: &Broker, configs: &[Value]) -> Value {
    let trigger = |config: &Value| json!({ "type": "queue", "config": config });
    let triggers: Vec<Value> = configs.iter().map(trigger).collect();
    json!({ "triggers": triggers, "secrets": { "QUEUE_URL": broker.url() } })
}

fn deploy(platform: &Platform, language: Language, settings: &Value) -> String {
    platform.deploy(language, &language.handler("messages"), settings)
}

fn sources(platform: &Platform, function: &str) -> Vec<Value> {
    let answer = platform
        .get(&format!("/functions/{function}"))
        .expect(200)
        .json();
    answer["function"]["sources"]
        .as_array()
        .cloned()
        .unwrap_or_default()
}

/// The source of a function, once it says so.
fn source(platform: &Platform, function: &str, holds: impl Fn(&Value) -> bool) -> Value {
    let started = Instant::now();
    wait_for("the source", 2 * DEADLINE, || {
        let its = sources(platform, function).into_iter().next()?;
        if holds(&its) {
            return Some(its);
        }
        assert!(started.elapsed() < DEADLINE, "it stays as it is: {its}");
        None
    })
}

impl<'a> Consumer<'a> {
    fn deploy(platform: &'a Platform, broker: &'a Broker, language: Language) -> Self {
        let name = unique_name();
        broker.make(&name);
        let function = deploy(
            platform,
            language,
            &settings(broker, &[broker.config(&name)]),
        );
        let consumer = Self {
            platform,
            broker,
            function,
            name,
        };
        consumer.source(|source| source["state"] == "consuming");
        consumer
    }

    fn source(&self, holds: impl Fn(&Value) -> bool) -> Value {
        source(self.platform, &self.function, holds)
    }

    fn send(&self, data: &Value) {
        self.broker.send(&self.name, data.to_string().as_bytes());
    }

    fn given(&self, count: usize) -> Vec<Value> {
        given(self.platform, &self.function, count)
    }

    /// Numbers of messages that were handled, and at which attempt.
    fn handled(&self, count: usize) -> Vec<(u64, u64)> {
        let number = |event: &Value| {
            let attempt = event["delivery"]["attempt"].as_u64().expect("a number");
            (event["data"]["number"].as_u64().expect("a number"), attempt)
        };
        self.given(count).iter().map(number).collect()
    }

    fn left(&self) -> u64 {
        self.broker.left(&self.name, &self.function)
    }

    /// Waits until everything is acknowledged: its server may hear of it a moment after it is known here.
    fn wait_for_nothing_left(&self) {
        let what = format!("{:?}: nothing that is left", self.broker.kind);
        wait_until(&what, DEADLINE, || self.left() == 0);
    }

    /// Message 1 was handled: once, and not at its first attempt. A connection that was lost as well counts one more.
    #[track_caller]
    fn assert_handled_again(&self) {
        let handled = self.handled(1);
        let is_again = matches!(handled[..], [(1, attempt)] if attempt >= 2);
        assert!(is_again, "{:?}: {handled:?}", self.broker.kind);
    }
}

/// A consumer for each server.
fn consumers(platform: &Platform, language: Language) -> Vec<Consumer<'_>> {
    let deploy = |kind: Kind| Consumer::deploy(platform, kind.shared(), language);
    KINDS.into_iter().map(deploy).collect()
}

#[test]
fn messages_are_handled_and_then_acknowledged() {
    in_every_language(|language| {
        let platform = Platform::start(&[PRIVATE]);
        for consumer in consumers(&platform, language) {
            let kind = consumer.broker.kind;
            consumer.send(&json!({"number": 7}));
            let event = &consumer.given(1)[0];
            let place = if kind == Kind::Rabbit {
                "queue"
            } else {
                "stream"
            };
            assert_eq!(event["data"], json!({"number": 7}), "{event}");
            assert_eq!(event["source"], kind.name());
            assert_eq!(
                (&event["trigger"]["type"], &event[place]),
                (&json!("queue"), &json!(consumer.name))
            );
            assert_eq!(event["headers"]["colour"], "blue", "{event}");
            assert_eq!(event["delivery"], json!({"attempt": 1, "maxAttempts": 3}));
            assert!(
                event["id"].is_string() && event["requestId"].is_string(),
                "{event}"
            );
            assert_eq!(
                event["timestamp"].is_string(),
                kind != Kind::Rabbit,
                "{event}"
            );
            let published = json!({"eventType": "order.placed", "data": {"number": 8}});
            consumer.send(&published);
            consumer.broker.send(&consumer.name, b"plain");
            consumer.broker.send(&consumer.name, &[0xff, 0]);
            let events = consumer.given(4);
            let has = |name: &str, value: &Value| events.iter().any(|event| event[name] == *value);
            assert!(
                has("eventType", &json!("order.placed")) && has("data", &json!({"number": 8})),
                "{events:?}"
            );
            assert!(
                has("data", &json!("plain")) && has("dataBase64", &json!("/wA=")),
                "{events:?}"
            );
            let source =
                consumer.source(|source| source["delivered"] == 4 && source["inHand"] == 0);
            assert_eq!(
                (&source["source"], &source["failed"]),
                (&json!(kind.name()), &json!(0))
            );
            consumer.wait_for_nothing_left();
            assert_recorded(&consumer);
        }
    });
}

/// The records and the figures tell of what was handled.
fn assert_recorded(consumer: &Consumer<'_>) {
    let records = consumer
        .platform
        .get(&format!("/functions/{}/invocations", consumer.function));
    assert_eq!(
        records.expect(200).json()["invocations"][0]["trigger"],
        "queue"
    );
    let labels = format!(
        "function=\"{}\",trigger=\"0\",source=\"{}\"",
        consumer.function,
        consumer.broker.kind.name()
    );
    let figures = consumer
        .platform
        .get("/metrics/prometheus")
        .expect(200)
        .text();
    for line in [
        format!("zygo_source_messages_total{{{labels},outcome=\"delivered\"}} 4"),
        format!("zygo_source_in_hand{{{labels}}} 0"),
        format!("zygo_source_state{{{labels},state=\"consuming\"}} 1"),
    ] {
        assert!(figures.contains(&line), "{line}\n{figures}");
    }
}

#[test]
fn a_message_that_fails_too_often_is_a_dead_letter_and_holds_nobody_up() {
    in_every_language(|language| {
        let platform = Platform::start(&[PRIVATE, QUICK]);
        for consumer in consumers(&platform, language) {
            consumer.send(&json!({"number": 1, "failures": 9}));
            consumer.send(&json!({"number": 2, "failures": 2}));
            consumer.send(&json!({"number": 3}));
            let mut handled = consumer.handled(2);
            handled.sort_unstable();
            assert_eq!(handled, [(2, 3), (3, 1)]);
            let source = consumer.source(|source| source["dead"] == 1 && source["inHand"] == 0);
            assert_eq!(
                (&source["delivered"], &source["failed"]),
                (&json!(2), &json!(5)),
                "{source}"
            );
            consumer.wait_for_nothing_left();
            let letter = letters(&platform, &consumer.function).remove(0);
            assert_eq!(
                (&letter["trigger"], &letter["attempts"]),
                (&json!("queue"), &json!(3))
            );
            let path = format!(
                "/functions/{}/dead-letters/{}",
                consumer.function,
                letter["id"].as_str().expect("an id")
            );
            let shown = platform.get(&path).expect(200).json();
            assert_eq!(shown["event"]["data"]["number"], 1, "{shown}");
            let error = shown["error"]["message"].as_str().expect("a message");
            assert!(error.ends_with("not yet: attempt 3"), "{shown}");
            // It is tried again as everything in our own queue is.
            platform
                .post(&format!("{path}/redrive"), &json!({}))
                .expect(202);
            let id = letter["requestId"].as_str().expect("an id");
            let again = wait_for_status(&platform, id, "dead");
            assert_eq!(again["attempts"], 3, "{again}");
        }
    });
}

#[test]
fn functions_of_one_group_share_and_those_of_two_get_everything() {
    let platform = Platform::start(&[PRIVATE]);
    for kind in [Kind::Redis, Kind::Nats] {
        let (broker, name) = (kind.shared(), unique_name());
        broker.make(&name);
        let in_group = |language: Language, group: &str| {
            let mut config = broker.config(&name);
            config["group"] = group.into();
            let function = deploy(&platform, language, &settings(broker, &[config]));
            source(&platform, &function, |source| {
                source["state"] == "consuming"
            });
            function
        };
        let (first, second) = (
            in_group(Language::TypeScript, "one"),
            in_group(Language::Python, "one"),
        );
        let third = in_group(Language::Ruby, "two");
        for number in 0..20 {
            broker.send(&name, json!({ "number": number }).to_string().as_bytes());
        }
        let delivered = |function: &str| {
            let source = &sources(&platform, function)[0];
            source["delivered"].as_u64().expect("a number")
        };
        wait_until("all messages, once for each group", DEADLINE, || {
            delivered(&first) + delivered(&second) == 20 && delivered(&third) == 20
        });
        wait_until("nothing that is left", DEADLINE, || {
            broker.left(&name, "one") == 0 && broker.left(&name, "two") == 0
        });
    }
}
