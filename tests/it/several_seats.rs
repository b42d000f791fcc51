//! More of several invocations at once in one instance: processes that are counted, clients that go away, and the setting.

use std::collections::BTreeSet;

use serde_json::json;

use crate::language::in_every_language;
use crate::platform::Platform;
use crate::several::{DEADLINE, in_every_kind, instances, meeting, pid, together};
use crate::streaming::lines_with;
use crate::wait::wait_until;

#[test]
fn a_client_that_goes_away_ends_its_own_answer_alone() {
    let platform = Platform::shared();
    in_every_kind(&platform, 2, &json!({}), |platform, function| {
        let mut gone = platform.stream(function, &json!({"do": "endless"}));
        gone.read(5);
        let before = instances(platform, function);
        let (staying, pids) = std::thread::scope(|scope| {
            let client = platform.another();
            let nap = json!({"do": "nap", "ms": 1_000});
            let staying = scope.spawn(move || pid(client.invoke(function, &nap)));
            drop(gone);
            // What makes the pieces is told, and its seat is free again.
            lines_with(platform, function, "endless has ended");
            (
                staying.join().expect("an answer"),
                pid(platform.invoke(function, &json!({"do": "pid"}))),
            )
        });
        assert_eq!(staying, pids);
        assert_eq!(instances(platform, function), before);
    });
}

/// Some are quick enough that their answers wait for each other, some are too long to travel with others.
#[test]
fn many_at_once_have_each_its_own_answer() {
    let platform = Platform::shared();
    let one = json!({"scaling": {"maxInstances": 1}});
    in_every_kind(&platform, 16, &one, |platform, function| {
        let echo = |own: String, length: usize| json!({"do": "echo", "own": own, "text": "x".repeat(length)});
        let call = |caller: usize| {
            let client = platform.another();
            let lengths = (0..40).map(|round| [0, 10, 3_000, 40_000, 70_000][(caller + round) % 5]);
            let answers = lengths.enumerate().map(|(round, length)| {
                let own = format!("{caller}-{round}");
                let answer = client.invoke(function, &echo(own.clone(), length));
                let body = answer.handler_body();
                assert_eq!(
                    (&body["own"], body["text"].as_str().map(str::len)),
                    (&json!(own), Some(length))
                );
                body["pid"].as_i64()
            });
            answers.collect::<BTreeSet<_>>()
        };
        let pids: BTreeSet<_> = std::thread::scope(|scope| {
            let callers: Vec<_> = (0..16)
                .map(|caller| scope.spawn(move || call(caller)))
                .collect();
            let pids = callers
                .into_iter()
                .flat_map(|caller| caller.join().expect("answers"));
            pids.collect()
        });
        assert_eq!(pids.len(), 1);
        // Nobody waits for an answer that cannot come any more.
        let mut bodies = vec![echo("beside".to_owned(), 10); 15];
        bodies.insert(8, json!({"do": "crash"}));
        let statuses: Vec<u16> = together(platform, function, &bodies)
            .iter()
            .map(|answer| answer.status)
            .collect();
        assert_eq!(statuses[8], 502);
        assert!(
            statuses.iter().all(|status| [200, 502].contains(status)),
            "{statuses:?}"
        );
    });
}

#[test]
fn parked_and_idle_processes_are_counted_once() {
    let platform = Platform::start(&[("ZYGO_IDLE_TIMEOUT_MS", "200")]);
    let parked = json!({"scaling": {"parked": 1}});
    in_every_kind(&platform, 2, &parked, |platform, function| {
        wait_until("a parked process", DEADLINE, || {
            let processes = &platform.show(function)["processes"];
            processes["parkedPids"].as_array().map(Vec::len) == Some(1)
        });
        let kinds: BTreeSet<String> = together(platform, function, &meeting(2))
            .into_iter()
            .map(|answer| answer.expect(200).json()["startKind"].to_string())
            .collect();
        assert!(kinds.contains("\"parked\""), "{kinds:?}");
        // Both seats grow old together.
        wait_until("the end of the idle process", DEADLINE, || {
            let processes = &platform.show(function)["processes"];
            processes["idlePids"].as_array().map(Vec::len) == Some(0)
                && processes["parkedPids"].as_array().map(Vec::len) == Some(1)
                && processes["instances"] == 1
        });
    });
}

#[test]
fn it_is_a_setting_with_a_rule() {
    let platform = Platform::shared();
    in_every_language(|language| {
        let code = language.handler("several");
        let function = platform.deploy(language, &code, &json!({}));
        assert_eq!(platform.show(&function)["concurrency"], 1);
        let settings = json!({"code": code, "concurrency": 2, "isolation": "request"});
        let refused = platform.try_deploy("refused", language.name(), &settings);
        assert_eq!(refused.status, 422);
        let problem = refused.json();
        assert_eq!(problem["pointer"], "/concurrency", "{problem}");
        let detail = problem["detail"].as_str().expect("a reason");
        assert!(detail.contains("set isolation to `instance`"), "{detail}");
        let path = format!("/functions/{function}");
        let changed = platform.put(&path, &json!({"concurrency": 3}));
        assert_eq!(changed.expect(200).json()["function"]["concurrency"], 3);
    });
}
