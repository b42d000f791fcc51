//! Several invocations at once in one instance (`concurrency`): that they are, that each has its own answer, lines and
//! end, and what becomes of the others when one of them goes wrong.

use std::collections::BTreeSet;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::client::Answer;
use crate::language::{Language, in_every_language};
use crate::platform::Platform;
use crate::processes;
use crate::streaming::lines_with;
use crate::wait::wait_until;

pub(crate) const DEADLINE: Duration = Duration::from_secs(60);
/// A time-out, a nap until its middle, and one that is within it but ends well after that of one who came earlier. Each of
/// the three leaves seconds to a machine that has other things to do.
const TIMEOUT_MS: u64 = 8_000;
const SHORT_NAP_MS: u64 = 3_500;
const LONG_NAP_MS: u64 = 7_500;

/// Runs a test with a function of each kind: threads, and in Python an event loop as well.
pub(crate) fn in_every_kind(
    platform: &Platform,
    concurrency: u32,
    more: &Value,
    test: impl Fn(&Platform, &str),
) {
    in_every_language(|language| {
        for behaviour in language.pick(
            &["several"][..],
            &["several", "several_async"],
            &["several"],
        ) {
            test(
                platform,
                &deploy(platform, language, behaviour, concurrency, more),
            );
        }
    });
}

/// An object with the fields of another, which come first.
pub(crate) fn with(mut object: Value, more: &Value) -> Value {
    let more = more.as_object().expect("an object").clone();
    object.as_object_mut().expect("an object").extend(more);
    object
}

fn deploy(
    platform: &Platform,
    language: Language,
    behaviour: &str,
    concurrency: u32,
    more: &Value,
) -> String {
    let settings = json!({"concurrency": concurrency, "timeout": 30_000});
    let settings = with(settings, more);
    platform.deploy(language, &language.handler(behaviour), &settings)
}

/// Invokes a function with all of these at once.
pub(crate) fn together(platform: &Platform, function: &str, bodies: &[Value]) -> Vec<Answer> {
    std::thread::scope(|scope| {
        let invoke = |body| {
            let client = platform.another();
            scope.spawn(move || client.invoke(function, body))
        };
        let all: Vec<_> = bodies.iter().map(invoke).collect();
        all.into_iter()
            .map(|one| one.join().expect("an answer"))
            .collect()
    })
}

pub(crate) fn pid(answer: Answer) -> i64 {
    answer.handler_body()["pid"].as_i64().expect("a process id")
}

/// The processes that serve a function.
pub(crate) fn instances(platform: &Platform, function: &str) -> BTreeSet<i32> {
    let title = format!("instance:{function}");
    let all = platform.processes().into_iter();
    all.filter(|process| process.title == title[..title.len().min(15)])
        .map(|process| process.pid)
        .collect()
}

pub(crate) fn meeting(count: usize) -> Vec<Value> {
    let one = |number| json!({"do": "meet", "of": count, "own": format!("own{number}")});
    (0..count).map(one).collect()
}

#[test]
fn as_many_as_are_allowed_are_in_one_process() {
    let platform = Platform::shared();
    in_every_kind(&platform, 8, &json!({}), |platform, function| {
        // None of them ends before all have come.
        let answers = together(platform, function, &meeting(8));
        let mut pids = BTreeSet::new();
        for (number, answer) in answers.into_iter().enumerate() {
            let envelope = answer.expect(200).json();
            pids.insert(envelope["body"]["pid"].as_i64());
            assert_eq!(envelope["requestId"], envelope["body"]["requestId"]);
            let lines = ["has come", "goes"].map(|what| format!("own{number} {what}"));
            assert_eq!(envelope["logs"], json!(lines), "{envelope}");
        }
        assert_eq!(pids.len(), 1);
        let processes = platform.show(function)["processes"].clone();
        assert_eq!(processes["instances"], 1, "{processes}");
        // Its process id may be known a moment after the answers.
        wait_until("one idle process", DEADLINE, || {
            let processes = &platform.show(function)["processes"];
            processes["idlePids"].as_array().map(Vec::len) == Some(1)
        });
    });
}

#[test]
fn lines_in_the_log_have_the_right_request() {
    let platform = Platform::shared();
    in_every_kind(&platform, 4, &json!({}), |platform, function| {
        let answers = together(platform, function, &meeting(4));
        for (number, answer) in answers.into_iter().enumerate() {
            let id = answer.expect(200).json()["requestId"].clone();
            let text = format!("own{number} goes");
            lines_with(platform, function, &text);
            let path = format!("/functions/{function}/logs?q=own{number}");
            let page = platform.get(&path).expect(200).json();
            let lines = page["logs"].as_array().expect("a list");
            assert_eq!(lines.len(), 2, "{page}");
            for line in lines {
                assert_eq!(line["requestId"], id, "{line}");
            }
        }
    });
}

#[test]
fn the_next_one_gets_another_process_and_a_death_is_that_of_its_own() {
    let platform = Platform::shared();
    in_every_kind(&platform, 2, &json!({}), |platform, function| {
        let (staying, other, again) = std::thread::scope(|scope| {
            let stay = |own| {
                let client = platform.another();
                let body = json!({"do": "stay", "own": own});
                scope.spawn(move || client.invoke(function, &body))
            };
            let staying = [stay("one"), stay("two")];
            lines_with(platform, function, "one stays");
            lines_with(platform, function, "two stays");
            let full = instances(platform, function);
            assert_eq!(full.len(), 1, "{full:?}");
            let other = pid(platform.invoke(function, &json!({"do": "pid"})));
            let outside = platform.pid_outside(function, &json!(other));
            assert!(!full.contains(&outside), "{full:?} and {outside}");
            full.into_iter()
                .for_each(|pid| processes::send(pid, Signal::KILL));
            let staying = staying.map(|one| one.join().expect("an answer"));
            let again = pid(platform.invoke(function, &json!({"do": "pid"})));
            assert!(processes::is_alive(outside), "it was not meant");
            (staying, other, again)
        });
        for answer in staying {
            assert_eq!(answer.problem(502), "instance_crashed");
        }
        assert_eq!(other, again);
    });
}

#[test]
fn an_exception_is_one_answer_and_a_crash_is_that_of_all() {
    let platform = Platform::shared();
    in_every_kind(&platform, 4, &json!({}), |platform, function| {
        let mut bodies = meeting(2);
        bodies.extend(["a", "b"].map(|own| json!({"do": "fail", "own": own})));
        let mut answers = together(platform, function, &bodies);
        for own in ["b", "a"] {
            let answer = answers.pop().expect("an answer");
            assert_eq!(answer.json()["errorMessage"], format!("of {own}"));
            assert_eq!(answer.problem(502), "handler_error");
        }
        let pids: BTreeSet<_> = answers.into_iter().map(pid).collect();
        assert_eq!(pids.len(), 1);
        // The process goes on.
        let mut served = pids;
        served.insert(pid(platform.invoke(function, &json!({"do": "pid"}))));
        assert_eq!(served.len(), 1);
        let staying = std::thread::scope(|scope| {
            let client = platform.another();
            let body = json!({"do": "stay", "own": "last"});
            let staying = scope.spawn(move || client.invoke(function, &body));
            lines_with(platform, function, "last stays");
            let crash = platform.invoke(function, &json!({"do": "crash"}));
            assert_eq!(crash.problem(502), "instance_crashed");
            staying.join().expect("an answer")
        });
        assert!(staying.text().contains("code 3"), "{}", staying.text());
        assert_eq!(staying.problem(502), "instance_crashed");
        let next = pid(platform.invoke(function, &json!({"do": "pid"})));
        assert!(!served.contains(&next));
    });
}

#[test]
fn a_time_out_leaves_the_others_to_end_and_the_process_takes_no_more() {
    let platform = Platform::shared();
    let timeout = json!({"timeout": TIMEOUT_MS});
    in_every_kind(&platform, 3, &timeout, |platform, function| {
        std::thread::scope(|scope| {
            let invoke = |body| {
                let client = platform.another();
                scope.spawn(move || client.invoke(function, &body))
            };
            let late = invoke(json!({"do": "stay", "own": "late"}));
            lines_with(platform, function, "late stays");
            let first = instances(platform, function);
            assert_eq!(first.len(), 1);
            let nap = |ms: u64| json!({"do": "nap", "ms": ms});
            platform.invoke(function, &nap(SHORT_NAP_MS)).expect(200);
            let other = invoke(nap(LONG_NAP_MS));
            assert_eq!(late.join().expect("an answer").problem(504), "timeout");
            let next = pid(platform.invoke(function, &json!({"do": "pid"})));
            assert!(!other.is_finished(), "it ought to run longer");
            let other = pid(other.join().expect("an answer"));
            assert_ne!(next, other);
            wait_until("the end of the process", DEADLINE, || {
                first.iter().all(|pid| !processes::is_alive(*pid))
            });
        });
    });
}

#[test]
fn answers_in_pieces_go_out_beside_each_other() {
    let platform = Platform::shared();
    // A process that is busy for long may be given another at its side.
    let one = json!({"scaling": {"maxInstances": 1}});
    in_every_kind(&platform, 3, &one, |platform, function| {
        let own = |own: &str| json!({"do": "stream", "own": own});
        // Each piece waits for the other's.
        let (a, b) = std::thread::scope(|scope| {
            let client = platform.another();
            let a = scope.spawn(move || client.stream(function, &own("a")).text());
            let b = platform.stream(function, &own("b")).text();
            (a.join().expect("an answer"), b)
        });
        assert_eq!((a.as_str(), b.as_str()), ("a0a1a2", "b0b1b2"));
        // Whoever does not read holds up nobody but himself.
        let mut slow = platform.stream(function, &json!({"do": "large", "mib": 32}));
        slow.read(1);
        let quick = platform.another();
        let pids = || pid(quick.invoke(function, &json!({"do": "pid"})));
        let pids: BTreeSet<_> = (0..20).map(|_| pids()).collect();
        assert_eq!(pids.len(), 1);
        let whole = quick.stream(function, &json!({"do": "large", "mib": 8}));
        assert_eq!(whole.text().len(), 8 << 20);
        let (rest, is_whole) = slow.rest();
        assert!(is_whole);
        assert_eq!(rest.len() + 1, 32 << 20);
        assert_eq!(instances(platform, function).len(), 1);
    });
}
