//! Handlers that throw, crash, hang, or eat memory: one clear answer each, that instance alone ends, and the next
//! invocation works.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::Answer;
use crate::language::{LANGUAGES, Language, in_every_language};
use crate::pattern;
use crate::platform::Platform;
use crate::processes;
use crate::wait::wait_until;

/// How long a killed process may take to disappear.
const GONE_DEADLINE: Duration = Duration::from_secs(30);
/// What a time-out may cost beyond the time itself: next to nothing, and some seconds on a machine that does other things
/// too. Neither of the handlers would ever end by itself.
const TIMEOUT_SLACK: Duration = Duration::from_secs(5);

/// Whether the instance serves on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    Lives,
    Dies,
}

fn deploy(platform: &Platform, language: Language, settings: &Value) -> String {
    platform.deploy(language, &language.handler("faults"), settings)
}

fn pid_of(answer: Answer) -> i32 {
    let pid = answer.handler_body().as_i64().expect("a process id");
    i32::try_from(pid).expect("a process id")
}

/// One fault on a function whose instance is warm, and what must come of it.
fn check(language: Language, action: &str, then: Then, status: u16, problem: &Value) {
    let platform = Platform::shared();
    let settings = json!({"timeout": 10_000, "memory": 64});
    let function = deploy(&platform, language, &settings);
    let before = pid_of(platform.invoke(&function, &json!("fine")));
    let instance = platform.pid_outside(&function, &json!(before));
    let answer = platform.invoke(&function, &json!(action));
    assert_eq!(
        answer.status,
        status,
        "{action} in {language:?}: {}",
        answer.text()
    );
    let matched = pattern::matches(language, problem, Some(&answer.json()));
    assert_eq!(
        matched,
        Ok(()),
        "{action} in {language:?}: {}",
        answer.text()
    );
    if then == Then::Dies {
        wait_until("the end of the instance", GONE_DEADLINE, || {
            !processes::is_alive(instance)
        });
    }
    let after = pid_of(platform.invoke(&function, &json!("fine")));
    assert_eq!(
        after == before,
        then == Then::Lives,
        "{action} in {language:?}"
    );
    platform
        .delete(&format!("/functions/{function}"))
        .expect(200);
}

#[test]
fn what_is_thrown_is_told_and_the_instance_lives() {
    in_every_language(|language| {
        let expected = json!({"code": "handler_error", "errorMessage": "thrown", "stackTrace": {"$first": {"$contains": "index."}}});
        check(language, "throw", Then::Lives, 502, &expected);
    });
}

#[test]
fn an_exit_is_told_with_its_code() {
    let expected = json!({"code": "instance_crashed", "errorType": "Runtime.ExitError", "errorMessage": {"$contains": "code 3"}});
    in_every_language(|language| check(language, "exit", Then::Dies, 502, &expected));
    for language in [Language::Python, Language::Ruby] {
        check(language, "exit_now", Then::Dies, 502, &expected);
    }
}

#[test]
fn a_crash_is_told_with_its_signal() {
    for language in [Language::Python, Language::Ruby] {
        for (action, signal) in [("segv", "SIGSEGV"), ("abort", "SIGABRT")] {
            // Ruby turns its own SIGSEGV into a report and an abort.
            let signal = if language == Language::Ruby {
                "SIG"
            } else {
                signal
            };
            let expected = json!({"code": "instance_crashed", "errorType": "Runtime.Crash", "errorMessage": {"$contains": signal}});
            check(language, action, Then::Dies, 502, &expected);
        }
    }
}

#[test]
fn eaten_memory_ends_at_the_limit() {
    in_every_language(|language| {
        for action in ["bomb", "buffers"] {
            let platform = Platform::shared();
            let function = deploy(
                &platform,
                language,
                &json!({"timeout": 30_000, "memory": 64}),
            );
            let answer = platform.invoke(&function, &json!(action));
            assert_eq!(
                answer.problem(502),
                "memory_limit",
                "{action}: {}",
                answer.text()
            );
            assert!(pid_of(platform.invoke(&function, &json!("fine"))) > 0);
            platform
                .delete(&format!("/functions/{function}"))
                .expect(200);
        }
    });
}

#[test]
fn what_takes_too_long_is_killed_in_time() {
    let _turn = crate::turn::take();
    // A cold start is within it as well.
    const TIMEOUT_MS: u64 = 2_000;
    const TIMEOUT: Duration = Duration::from_millis(TIMEOUT_MS);
    let platform = Platform::shared();
    in_every_language(|language| {
        for action in ["loop", "wait"] {
            let function = deploy(&platform, language, &json!({"timeout": TIMEOUT_MS}));
            let before = pid_of(platform.invoke(&function, &json!("fine")));
            let instance = platform.pid_outside(&function, &json!(before));
            let started = Instant::now();
            let answer = platform.invoke(&function, &json!(action));
            let took = started.elapsed();
            assert_eq!(answer.problem(504), "timeout", "{action}");
            assert_eq!(answer.json()["errorType"], "Sandbox.Timedout");
            assert!(
                took >= TIMEOUT && took < TIMEOUT + TIMEOUT_SLACK,
                "{action}: {took:?}"
            );
            wait_until("the end of the instance", GONE_DEADLINE, || {
                !processes::is_alive(instance)
            });
            assert_ne!(pid_of(platform.invoke(&function, &json!("fine"))), before);
        }
    });
}

#[test]
fn a_fault_leaves_other_functions_and_other_callers_alone() {
    let platform = Platform::shared();
    let victims =
        LANGUAGES.map(|language| deploy(&platform, language, &json!({"timeout": 20_000})));
    let culprits = LANGUAGES.map(|language| deploy(&platform, language, &json!({"timeout": 300})));
    let pids: Vec<i32> = victims
        .iter()
        .map(|function| pid_of(platform.invoke(function, &json!("fine"))))
        .collect();
    std::thread::scope(|scope| {
        for (victim, culprit) in victims.iter().zip(&culprits) {
            for action in ["loop", "exit", "throw"] {
                let client = platform.another();
                scope.spawn(move || client.invoke(culprit, &json!(action)));
            }
            let client = platform.another();
            scope.spawn(move || client.invoke(victim, &json!("slow")).expect(200));
        }
    });
    for (function, pid) in victims.iter().zip(pids) {
        assert_eq!(pid_of(platform.invoke(function, &json!("fine"))), pid);
    }
}
