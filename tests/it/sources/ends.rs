//! Sources whose platform, server or function ends while they have something in hand.

use serde_json::json;

use super::{Consumer, PRIVATE, consumers, settings, source};
use crate::brokers::{Broker, KINDS, Kind, PASSWORD};
use crate::language::{LANGUAGES, Language, in_every_language};
use crate::platform::{Platform, unique_name};
use crate::processes;
use crate::queue::{DEADLINE, QUICK};
use crate::wait::wait_until;

/// So long that nothing is tried twice while a test looks.
const SLOW: (&str, &str) = ("ZYGO_EVENTS_FIRST_PAUSE_MS", "100000000");

#[test]
fn what_is_in_hand_when_the_platform_is_killed_is_delivered_again() {
    let mut platform = Platform::start(&[PRIVATE, SLOW]);
    let all: Vec<(Language, Kind)> = LANGUAGES
        .iter()
        .flat_map(|language| KINDS.map(|kind| (*language, kind)))
        .collect();
    let deployed: Vec<(Kind, String, String)> = all
        .iter()
        .map(|(language, kind)| {
            let consumer = Consumer::deploy(&platform, kind.shared(), *language);
            consumer.send(&json!({"number": 1, "failures": 1}));
            consumer.source(|source| source["failed"] == 1 && source["inHand"] == 1);
            if *kind != Kind::Rabbit {
                assert_eq!(
                    consumer.left(),
                    1,
                    "{kind:?}: nothing is acknowledged that was not handled"
                );
            }
            (*kind, consumer.function.clone(), consumer.name.clone())
        })
        .collect();
    processes::kill(platform.pid());
    platform.wait_for_end();
    platform.assert_nothing_left();
    platform = Platform::start_on(platform.data(), &[PRIVATE, SLOW]);
    for (kind, function, name) in deployed {
        let consumer = Consumer {
            platform: &platform,
            broker: kind.shared(),
            function,
            name,
        };
        consumer.assert_handled_again();
        consumer.source(|source| source["delivered"] == 1 && source["inHand"] == 0);
        consumer.wait_for_nothing_left();
    }
}

#[test]
fn what_was_handled_and_not_acknowledged_is_delivered_again() {
    for kind in KINDS {
        let mut platform = Platform::start(&[PRIVATE]);
        let consumer = Consumer::deploy(&platform, kind.shared(), Language::Ruby);
        let (function, name) = (consumer.function.clone(), consumer.name.clone());
        platform.stop();
        let failing = [PRIVATE, ("ZYGO_FAILPOINTS", "source::attempted=abort")];
        platform = Platform::start_on(platform.data(), &failing);
        // A language that is still being started outlives the platform by a moment.
        platform.get("/readyz").expect(200);
        kind.shared().send(&name, b"{\"number\":1}");
        platform.wait_for_end();
        platform.assert_nothing_left();
        platform = Platform::start_on(platform.data(), &[PRIVATE]);
        let consumer = Consumer {
            platform: &platform,
            broker: kind.shared(),
            function,
            name,
        };
        consumer.source(|source| source["delivered"] == 1 && source["inHand"] == 0);
        // The line of the first attempt may have been kept, or be lost with the platform.
        wait_until("the line of a later attempt", DEADLINE, || {
            let handled = consumer.handled(1);
            handled.iter().any(|(_, attempt)| *attempt >= 2)
        });
        consumer.wait_for_nothing_left();
    }
}

#[test]
fn a_platform_that_ends_gives_back_what_it_has_in_hand() {
    let mut platform = Platform::start(&[PRIVATE, SLOW]);
    let consumers = consumers(&platform, Language::Python);
    for consumer in &consumers {
        consumer.send(&json!({"number": 1, "failures": 1}));
        consumer.source(|source| source["failed"] == 1);
    }
    let names: Vec<(Kind, String, String)> = consumers
        .into_iter()
        .map(|consumer| (consumer.broker.kind, consumer.function, consumer.name))
        .collect();
    platform.stop();
    for (kind, function, name) in &names {
        assert!(kind.shared().left(name, function) >= 1, "{kind:?}");
    }
    platform = Platform::start_on(platform.data(), &[PRIVATE, SLOW]);
    for (kind, function, name) in names {
        let consumer = Consumer {
            platform: &platform,
            broker: kind.shared(),
            function,
            name,
        };
        match kind {
            // It comes again at once, but its count may begin anew.
            Kind::Nats => {
                consumer.source(|source| source["failed"] == 1 || source["delivered"] == 1);
            }
            _ => consumer.assert_handled_again(),
        }
    }
}

#[test]
fn a_server_that_comes_back_is_consumed_again() {
    let platform = Platform::start(&[PRIVATE, QUICK]);
    for kind in KINDS {
        let mut broker = Broker::start(kind);
        let deployed: Vec<(String, String)> = LANGUAGES
            .iter()
            .map(|language| {
                let consumer = Consumer::deploy(&platform, &broker, *language);
                consumer.send(&json!({"number": 1}));
                consumer.source(|source| source["delivered"] == 1);
                (consumer.function, consumer.name)
            })
            .collect();
        broker.stop();
        for (function, _) in &deployed {
            let source = source(&platform, function, |source| {
                source["state"] == "backing-off"
            });
            let reason = source["reason"].as_str().expect("a reason");
            assert!(!reason.is_empty() && !reason.contains(PASSWORD), "{reason}");
        }
        broker.resume();
        for (function, name) in deployed {
            let consumer = Consumer {
                platform: &platform,
                broker: &broker,
                function,
                name,
            };
            consumer.send(&json!({"number": 2}));
            consumer.source(|source| source["state"] == "consuming" && source["delivered"] == 2);
        }
    }
}

#[test]
fn a_new_version_takes_over_and_a_deleted_function_takes_nothing() {
    in_every_language(|language| {
        let platform = Platform::start(&[PRIVATE]);
        for consumer in consumers(&platform, language) {
            consumer.send(&json!({"number": 1}));
            consumer.given(1);
            let path = format!("/functions/{}", consumer.function);
            let code = language
                .handler("messages")
                .replace("given ", "given newly ");
            let changed = json!({ "code": code });
            platform.put(&path, &changed).expect(200);
            consumer.send(&json!({"number": 2}));
            wait_until("the new version", DEADLINE, || {
                let lines = platform
                    .get(&format!("{path}/logs?q=newly"))
                    .expect(200)
                    .json();
                lines["logs"]
                    .as_array()
                    .is_some_and(|lines| lines.len() == 1)
            });
            let other = unique_name();
            consumer.broker.make(&other);
            let moved = settings(consumer.broker, &[consumer.broker.config(&other)]);
            platform.put(&path, &moved).expect(200);
            consumer.broker.send(&other, b"{}");
            consumer.source(|source| source["delivered"] == 1);
            platform.delete(&path).expect(200);
            // The connection is closed once the last invocation has ended.
            wait_until("the end of the source", DEADLINE, || {
                let figures = platform.get("/metrics/prometheus").expect(200).text();
                !figures.contains(&format!(
                    "zygo_source_state{{function=\"{}\"",
                    consumer.function
                ))
            });
            consumer.broker.send(&other, b"{}");
            wait_until("one message that nobody takes", DEADLINE, || {
                consumer.broker.left(&other, &consumer.function) == 1
            });
        }
    });
}
