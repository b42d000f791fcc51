//! Crashes, which may tell where things lie in memory: what they bring to an end, and how often they may be repeated.

use std::collections::BTreeSet;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::language::{Language, in_every_language};
use crate::platform::Platform;
use crate::processes;
use crate::refresh::{assert_one_zygote, refreshes, while_invoked};
use crate::wait::{wait_for, wait_until};

const DEADLINE: Duration = Duration::from_secs(120);

/// Where the zygote of a function has its files mapped, its heap and its stack.
pub(crate) fn layout(platform: &Platform, function: &str) -> BTreeSet<String> {
    // One that has just been replaced may end before it is looked at.
    let maps = wait_for("maps", DEADLINE, || {
        let pid = platform.zygote_pid(function);
        let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).ok();
        maps.filter(|maps| !maps.is_empty())
    });
    let mut seen = BTreeSet::new();
    let first_of_each = maps.lines().filter(|line| {
        let name = line.split_whitespace().nth(5).unwrap_or("");
        // One page of every process lies at a fixed place.
        !name.is_empty() && name != "[vsyscall]" && seen.insert(name.to_owned())
    });
    let base = |line: &str| line.split('-').next().unwrap_or("").to_owned();
    let found: BTreeSet<String> = first_of_each.map(base).collect();
    assert!(found.len() >= 3, "{maps}");
    found
}

/// A handler that says what its engine's hashes begin with, where it can.
fn hashing(language: Language) -> &'static str {
    language.pick(
        "export const handler = () => null",
        "def handler(event, context): return str(hash('a'))",
        "def handler(event:, context:) = 'a'.hash.to_s",
    )
}

/// Crashes an idle instance so often. Native code of a handler would end in the same way.
fn crash(platform: &Platform, function: &str, times: usize) {
    for _ in 0..times {
        let pid = wait_for("an idle instance", DEADLINE, || {
            // Each time anew: one that came from a zygote which has just been replaced is let go.
            platform.invoke(function, &json!("fine")).expect(200);
            let pid = platform.show(function)["processes"]["idlePids"][0].as_i64();
            i32::try_from(pid?).ok()
        });
        processes::send(pid, Signal::ABORT);
        wait_until("its end", DEADLINE, || !processes::is_alive(pid));
    }
}

#[test]
fn after_crashes_layout_and_seed_are_others_and_nobody_else_suffers() {
    let _turn = crate::turn::take();
    let limit = [("ZYGO_ZYGOTE_MAX_CRASHES_PER_MINUTE", "3")];
    let mut platform = Platform::start(&limit);
    in_every_language(|language| {
        let function = platform.deploy(language, hashing(language), &json!({}));
        let other = platform.deploy(language, &language.handler("faults"), &json!({}));
        let (zygote, engine) = (
            platform.zygote_pid(&function),
            platform.language_zygote(language),
        );
        let (before, others_before) = (layout(&platform, &function), layout(&platform, &other));
        assert!(!before.is_disjoint(&others_before), "of one engine");
        let seed = |function: &str| platform.invoke(function, &json!("fine")).handler_body();
        let seed_before = seed(&function);
        assert_eq!(seed(&function), seed_before);
        while_invoked(&platform, &other, || {
            crash(&platform, &function, 3);
            wait_until("another zygote", DEADLINE, || {
                platform.zygote_pid(&function) != zygote
            });
            let after = layout(&platform, &function);
            assert!(before.is_disjoint(&after), "{before:?} and {after:?}");
            if seed_before != Value::Null {
                assert_ne!(seed(&function), seed_before);
            }
            wait_until("the end of the old engine", DEADLINE, || {
                !processes::is_alive(engine)
            });
            // What the crashes told of the old layout is of no use with other functions.
            wait_until("others with another layout", DEADLINE, || {
                layout(&platform, &other).is_disjoint(&others_before)
            });
        });
        assert_eq!(refreshes(&platform, language, "function", "crashes"), 1.0);
        assert_eq!(refreshes(&platform, language, "language", "crashes"), 1.0);
        assert_one_zygote(&platform, &function);
    });
    platform.stop();
}

#[test]
fn a_function_that_crashes_on_and_on_forks_ever_more_slowly() {
    let _turn = crate::turn::take();
    let platform = Platform::start(&[("ZYGO_ZYGOTE_MAX_CRASHES_PER_MINUTE", "1")]);
    in_every_language(|language| {
        let handler = language.handler("faults");
        let function = platform.deploy(language, &handler, &json!({}));
        let other = platform.deploy(language, &handler, &json!({}));
        crash(&platform, &function, 10);
        // Each of them needs a process, and there is one in five seconds.
        std::thread::scope(|scope| {
            let invoking = [(); 4].map(|()| {
                let client = platform.another();
                let function = &function;
                scope.spawn(move || client.invoke(function, &json!("slow")))
            });
            platform.invoke(&other, &json!("fine")).expect(200);
            let answers = invoking.map(|one| one.join().expect("an answer"));
            let refused = answers.iter().find(|answer| answer.status == 503);
            let refused = refused.expect("one that would wait too long");
            assert_eq!(refused.problem(503), "crash_back_off");
            assert_eq!(refused.header("retry-after"), "1");
            assert!(answers.iter().any(|answer| answer.status == 200));
        });
    });
}
