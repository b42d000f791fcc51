//! Functions that take room from each other: on a platform that has no more of it, for instances and for zygotes.

use serde_json::json;

use crate::client::Answer;
use crate::language::{Language, in_every_language};
use crate::overload::{DEADLINE, besieged, deploy, metric};
use crate::platform::Platform;
use crate::wait::wait_until;

/// What a function is told that wants more than it may have.
const REFUSALS: [&str; 2] = ["overloaded", "concurrency_limit"];

fn instances(platform: &Platform, function: &str) -> Option<u64> {
    platform.show(function)["processes"]["instances"].as_u64()
}

#[test]
fn one_function_leaves_room_for_the_others() {
    let _turn = crate::turn::take();
    let platform = Platform::start(&[
        ("ZYGO_MAX_INSTANCES", "4"),
        ("ZYGO_DEFAULT_MAX_INSTANCES", "4"),
        ("ZYGO_OVERLOAD_INTERVAL_MS", "100"),
        ("ZYGO_MAX_QUEUE_LEN", "10"),
    ]);
    in_every_language(|language| {
        let greedy = deploy(&platform, language, &json!({}));
        let modest = deploy(&platform, language, &json!({}));
        let look = |answer: Answer| match answer.status {
            200 => {}
            429 => assert!(REFUSALS.contains(&answer.problem(429).as_str())),
            _ => assert_eq!(answer.problem(503), "platform_full"),
        };
        let instances = |function: &str| instances(&platform, function);
        besieged(&platform, &greedy, 24, look, || {
            wait_until("all room taken", DEADLINE, || instances(&greedy) == Some(4));
            for _ in 0..50 {
                platform.invoke(&modest, &json!({"ms": 1})).expect(200);
            }
            // It has a part of the room now, and needs no more of it than that.
            // Both are looked at one after the other, and move.
            wait_until("a part for each", DEADLINE, || {
                platform.invoke(&modest, &json!({"ms": 1})).expect(200);
                instances(&modest) >= Some(1) && instances(&greedy) <= Some(3)
            });
        });
        for function in [&greedy, &modest] {
            platform
                .delete(&format!("/functions/{function}"))
                .expect(200);
        }
    });
}

#[test]
fn idle_instances_make_room_for_other_functions() {
    let platform = Platform::start(&[
        ("ZYGO_MAX_INSTANCES", "2"),
        ("ZYGO_DEFAULT_MAX_INSTANCES", "2"),
    ]);
    in_every_language(|language| {
        let functions: Vec<_> = (0..5)
            .map(|_| deploy(&platform, language, &json!({})))
            .collect();
        for _ in 0..2 {
            for function in &functions {
                platform.invoke(function, &json!({})).expect(200);
                assert!(metric(&platform, "zygo_instances_live", "") <= 2.0);
            }
        }
        // The one that was used last is still there.
        let last = platform.invoke(&functions[4], &json!({})).expect(200);
        assert_eq!(last.json()["startKind"], "warm");
    });
}

#[test]
fn zygotes_that_nobody_needs_make_room_too() {
    let platform = Platform::start(&[
        ("ZYGO_MAX_ZYGOTES", "2"),
        ("ZYGO_MAX_INSTANCES", "1"),
        ("ZYGO_DEFAULT_MAX_INSTANCES", "1"),
    ]);
    in_every_language(|language| {
        let functions: Vec<_> = (0..6)
            .map(|_| deploy(&platform, language, &json!({})))
            .collect();
        let zygotes = || {
            let all = platform.processes();
            let zygotes = all.iter();
            zygotes
                .filter(|process| process.title.starts_with("zygote:"))
                .count()
        };
        wait_until("so many zygotes and no more", DEADLINE, || zygotes() <= 2);
        for function in &functions {
            platform.invoke(function, &json!({})).expect(200);
            wait_until("no more than one besides", DEADLINE, || zygotes() <= 3);
        }
    });
}

#[test]
fn a_full_platform_says_so() {
    let _turn = crate::turn::take();
    let platform = Platform::start(&[
        ("ZYGO_MAX_INSTANCES", "1"),
        ("ZYGO_DEFAULT_MAX_INSTANCES", "1"),
        ("ZYGO_QUEUE_TIMEOUT_MS", "200"),
    ]);
    let first = deploy(&platform, Language::Python, &json!({}));
    let second = deploy(&platform, Language::Ruby, &json!({}));
    std::thread::scope(|scope| {
        let busy = scope.spawn(|| platform.another().invoke(&first, &json!({"ms": 8_000})));
        wait_until("an instance", DEADLINE, || {
            instances(&platform, &first) == Some(1)
        });
        let refused = platform.invoke(&second, &json!({}));
        assert_eq!(refused.problem(503), "platform_full");
        assert_eq!(refused.header("retry-after"), "1");
        busy.join().expect("an answer").expect(200);
    });
    // An instance that nobody uses is in nobody's way.
    platform.invoke(&second, &json!({})).expect(200);
}
