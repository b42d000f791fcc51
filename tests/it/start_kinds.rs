//! How instances come to be, how many there are, who waits, and when they go.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::language::{Language, in_every_language};
use crate::platform::Platform;
use crate::processes;
use crate::wait::wait_until;

const DEADLINE: Duration = Duration::from_secs(30);
/// How long an invocation takes during which others come, also on a busy machine.
const OVERLAP_MS: u64 = 3_000;

fn deploy(platform: &Platform, language: Language, settings: &Value) -> String {
    platform.deploy(language, &language.handler("identity"), settings)
}

/// The envelope's start kind, whether it is called cold, and the handler's answer.
fn invoke(client: &Client, function: &str) -> (String, bool, Value) {
    let envelope = client.invoke(function, &json!({})).expect(200).json();
    let kind = envelope["startKind"].as_str().expect("a start kind");
    let cold = envelope["coldStart"].as_bool().expect("cold or not");
    (kind.to_owned(), cold, envelope["body"].clone())
}

fn processes_of(platform: &Platform, function: &str) -> Value {
    platform.show(function)["processes"].clone()
}

/// Invokes from several threads at once, for as long as each handler sleeps.
fn invoke_at_once(platform: &Platform, function: &str, callers: usize, ms: u64) -> Vec<Answer> {
    std::thread::scope(|scope| {
        let call = |_| {
            let client = platform.another();
            scope.spawn(move || client.invoke(function, &json!({"ms": ms})))
        };
        let calls: Vec<_> = (0..callers).map(call).collect();
        calls
            .into_iter()
            .map(|call| call.join().expect("an answer"))
            .collect()
    })
}

#[test]
fn first_forked_then_warm_and_booted_when_the_zygote_is_new() {
    let platform = Platform::shared();
    in_every_language(|language| {
        let function = deploy(&platform, language, &json!({}));
        let (kind, cold, first) = invoke(&platform, &function);
        assert_eq!(
            (kind.as_str(), cold, &first["served"]),
            ("forked", true, &json!(1))
        );
        let (kind, cold, second) = invoke(&platform, &function);
        assert_eq!(
            (kind.as_str(), cold, &second["served"]),
            ("warm", false, &json!(2))
        );
        assert_eq!(first["pid"], second["pid"]);
        let zygote = platform.zygote_pid(&function);
        processes::kill(zygote);
        // Its instances have ended when it has, which is a moment after its socket.
        wait_until("the loss of the zygote", DEADLINE, || {
            let is_lost = processes_of(&platform, &function)["zygotePid"].is_null();
            is_lost && !processes::is_alive(zygote)
        });
        let (kind, cold, third) = invoke(&platform, &function);
        assert_eq!(
            (kind.as_str(), cold, &third["served"]),
            ("booted", true, &json!(1))
        );
    });
}

#[test]
fn parked_instances_are_there_before_demand_and_are_replaced() {
    let platform = Platform::shared();
    in_every_language(|language| {
        let function = deploy(&platform, language, &json!({"scaling": {"parked": 2}}));
        let parked = || {
            processes_of(&platform, &function)["parkedPids"]
                .as_array()
                .map_or(0, Vec::len)
        };
        wait_until("two parked instances", DEADLINE, || parked() == 2);
        let (kind, cold, answer) = invoke(&platform, &function);
        assert_eq!(
            (kind.as_str(), cold, &answer["served"]),
            ("parked", false, &json!(1))
        );
        wait_until("two parked instances again", DEADLINE, || parked() == 2);
        let (kind, _, answer) = invoke(&platform, &function);
        assert_eq!((kind.as_str(), &answer["served"]), ("warm", &json!(2)));
        // With one instance busy, the next caller gets a parked one.
        let answers = invoke_at_once(&platform, &function, 2, OVERLAP_MS);
        let kinds: HashSet<String> = answers
            .into_iter()
            .map(|answer| {
                answer.expect(200).json()["startKind"]
                    .as_str()
                    .expect("a kind")
                    .to_owned()
            })
            .collect();
        assert_eq!(
            kinds,
            HashSet::from(["warm".to_owned(), "parked".to_owned()])
        );
        // One that dies while it waits is replaced too, and never served to anyone.
        let victim = processes_of(&platform, &function)["parkedPids"][0]
            .as_i64()
            .expect("a parked instance");
        processes::kill(i32::try_from(victim).expect("small"));
        let replaced = || {
            let now = processes_of(&platform, &function);
            let pids = now["parkedPids"].as_array().expect("a list");
            pids.len() == 2 && !pids.contains(&json!(victim))
        };
        wait_until("a new parked instance", DEADLINE, replaced);
    });
}

#[test]
fn isolated_invocations_never_meet() {
    // Nothing but what the function asks for is parked.
    let platform = Platform::start(&[("ZYGO_SCALING_AUTOMATIC", "false")]);
    in_every_language(|language| {
        for parked in [0, 2] {
            let settings = json!({"isolation": "request", "scaling": {"parked": parked}});
            let function = deploy(&platform, language, &settings);
            let answers: Vec<Value> = (0..20).map(|_| invoke(&platform, &function).2).collect();
            let pids: HashSet<i64> = answers
                .iter()
                .filter_map(|answer| answer["pid"].as_i64())
                .collect();
            assert_eq!(pids.len(), answers.len(), "a process served twice");
            assert!(
                answers.iter().all(|answer| answer["served"] == 1),
                "{answers:?}"
            );
            let zygote = json!(platform.zygote_pid(&function));
            wait_until("the end of all that served", DEADLINE, || {
                let all = platform.processes().into_iter();
                all.filter(|one| json!(one.parent) == zygote).count() == parked
            });
        }
    });
}

#[test]
fn one_instance_serves_its_callers_one_after_another() {
    let platform = Platform::shared();
    in_every_language(|language| {
        let function = deploy(
            &platform,
            language,
            &json!({"scaling": {"maxInstances": 1}}),
        );
        let answers = invoke_at_once(&platform, &function, 6, 30);
        let bodies: Vec<Value> = answers.into_iter().map(Answer::handler_body).collect();
        let pids: HashSet<i64> = bodies
            .iter()
            .filter_map(|body| body["pid"].as_i64())
            .collect();
        let served: HashSet<i64> = bodies
            .iter()
            .filter_map(|body| body["served"].as_i64())
            .collect();
        assert_eq!(pids.len(), 1, "{bodies:?}");
        assert_eq!(served, (1..=6).collect(), "{bodies:?}");
    });
}

#[test]
fn one_isolated_instance_at_a_time_is_a_new_process_each_time() {
    let platform = Platform::shared();
    in_every_language(|language| {
        let settings = json!({"isolation": "request", "scaling": {"maxInstances": 1}});
        let function = deploy(&platform, language, &settings);
        let answers = invoke_at_once(&platform, &function, 6, 10);
        let pids: HashSet<i64> = answers
            .into_iter()
            .filter_map(|answer| answer.handler_body()["pid"].as_i64())
            .collect();
        assert_eq!(pids.len(), 6);
    });
}

#[test]
fn a_full_queue_turns_callers_away_and_the_patient_are_served() {
    let _turn = crate::turn::take();
    let platform = Platform::start(&[("ZYGO_MAX_QUEUE_LEN", "1")]);
    let function = deploy(
        &platform,
        Language::Python,
        &json!({"scaling": {"maxInstances": 1}}),
    );
    let answers = invoke_at_once(&platform, &function, 4, OVERLAP_MS);
    let served = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(served, 2, "one runs, one waits");
    for refused in answers.iter().filter(|answer| answer.status != 200) {
        assert_eq!(refused.problem(429), "concurrency_limit");
        assert_eq!(refused.header("retry-after"), "1");
        assert_eq!(refused.json()["errorType"], "Platform.ConcurrencyLimit");
    }
}

#[test]
fn who_waits_too_long_is_turned_away() {
    let _turn = crate::turn::take();
    let platform = Platform::start(&[("ZYGO_QUEUE_TIMEOUT_MS", "200")]);
    let function = deploy(
        &platform,
        Language::Ruby,
        &json!({"scaling": {"maxInstances": 1}}),
    );
    let answers = invoke_at_once(&platform, &function, 2, OVERLAP_MS);
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 429]);
    assert_eq!(invoke(&platform, &function).0, "warm");
}

#[test]
fn idle_instances_go_and_the_minimum_stays() {
    // The scaler would keep what the long calls had need of.
    let platform = Platform::start(&[
        ("ZYGO_IDLE_TIMEOUT_MS", "300"),
        ("ZYGO_SCALING_AUTOMATIC", "false"),
    ]);
    in_every_language(|language| {
        let none = deploy(&platform, language, &json!({}));
        let two = deploy(
            &platform,
            language,
            &json!({"scaling": {"minInstances": 2}}),
        );
        let instances = |function: &str| processes_of(&platform, function)["instances"].as_u64();
        wait_until("two instances before demand", DEADLINE, || {
            instances(&two) == Some(2)
        });
        for function in [&none, &two] {
            let answers = invoke_at_once(&platform, function, 4, OVERLAP_MS).into_iter();
            let pids: HashSet<i64> = answers
                .filter_map(|answer| answer.handler_body()["pid"].as_i64())
                .collect();
            assert!(pids.len() >= 2, "{pids:?}");
        }
        wait_until("no instance", DEADLINE, || instances(&none) == Some(0));
        wait_until("two instances", DEADLINE, || instances(&two) == Some(2));
        assert_eq!(invoke(&platform, &none).0, "forked");
        assert_ne!(invoke(&platform, &two).0, "forked");
    });
}

#[test]
fn a_new_version_lets_running_invocations_finish() {
    let platform = Platform::shared();
    in_every_language(|language| {
        let function = deploy(&platform, language, &json!({}));
        let first = platform.invoke(&function, &json!({})).handler_body();
        let pid = platform.pid_outside(&function, &first["pid"]);
        // Its process id is known a moment after it has answered.
        let is_idle = || processes_of(&platform, &function)["idlePids"] != json!([]);
        wait_until("the instance to be idle", DEADLINE, is_idle);
        let client = platform.another();
        let slow = std::thread::scope(|scope| {
            let slow = scope.spawn(|| client.invoke(&function, &json!({"ms": 1_000})));
            wait_until("the invocation to run", DEADLINE, || !is_idle());
            platform
                .put(&format!("/functions/{function}"), &json!({"memory": 64}))
                .expect(200);
            let next = platform.invoke(&function, &json!({})).expect(200).json();
            assert_eq!(next["version"], 2);
            slow.join().expect("an answer").expect(200).json()
        });
        assert_eq!(
            (&slow["version"], &slow["body"]["served"]),
            (&json!(1), &json!(2))
        );
        wait_until("the end of the old instance", DEADLINE, || {
            !processes::is_alive(pid)
        });
    });
}
