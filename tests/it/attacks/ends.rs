//! Loops that nothing stops, daemons, signals and crashes: what ends, when, and who goes on.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::canary::Canary;
use super::table::Report;
use super::{deploy, in_native, outcome};
use crate::client::Client;
use crate::language::{Language, in_every_language};
use crate::platform::Platform;
use crate::processes;
use crate::wait::{wait_for, wait_until};

const DEADLINE: Duration = Duration::from_secs(30);
/// How long after the end of an instance something of it may be there: almost nothing, and some seconds for a machine that
/// does other things too. What is never ended is there much longer.
const REMAINS: Duration = Duration::from_secs(5);
/// How long after its time-out a handler may be there, for the same reason.
const LATE: Duration = Duration::from_secs(5);
/// A cold start is within it as well.
const TIMEOUT_MS: u64 = 2_000;
const TIMEOUT: Duration = Duration::from_millis(TIMEOUT_MS);

#[test]
fn a_loop_that_ignores_everything_is_ended_at_its_timeout() {
    let _turn = crate::turn::take();
    let platform = Platform::shared();
    in_every_language(|language| {
        let mut report = Report::default();
        let canary = Canary::start(&platform);
        let function = deploy(&platform, language, &json!({"timeout": TIMEOUT_MS}));
        let spins = match language {
            Language::TypeScript => ["spin", "endless_getter"],
            Language::Python | Language::Ruby => ["spin", "never_reads"],
        };
        for step in spins {
            let pid = platform.invoke(&function, &json!({})).handler_body();
            let instance = platform.pid_outside(&function, &pid);
            let started = Instant::now();
            let seen = outcome(&platform, &function, &json!([step]));
            let took = started.elapsed();
            report.note("S3", language, step, &seen, &["timeout"]);
            report.check(
                "S3",
                language,
                &format!("{step}: on time"),
                &format!("{took:?}"),
                took >= TIMEOUT && took < TIMEOUT + LATE,
            );
            wait_until("the end of the instance", DEADLINE, || {
                !processes::is_alive(instance)
            });
            let late = started.elapsed().saturating_sub(TIMEOUT);
            report.check(
                "S3",
                language,
                &format!("{step}: its process is gone"),
                &format!("{late:?} after the time-out"),
                late < LATE,
            );
        }
        canary.assert_unharmed("loops");
        report.finish();
    });
}

/// Kills the instance that is serving, in the way that its end is to come about.
type End = fn(&Client, &str);

#[test]
fn daemons_end_with_their_instance() {
    let _turn = crate::turn::take();
    let platform = Platform::shared();
    let ends: [(&str, End); 4] = [
        ("a time-out", |client, function| {
            client.invoke(function, &json!({"step": ["never_reads"]}));
        }),
        ("a crash", |client, function| {
            client.invoke(function, &json!({"step": ["segv"]}));
        }),
        ("a broken packet", |client, function| {
            client.invoke(function, &json!({"step": ["send", [0]]}));
        }),
        ("a deletion", |client, function| {
            client.delete(&format!("/functions/{function}"));
        }),
    ];
    in_native(|language| {
        let mut report = Report::default();
        for (how, end) in ends {
            let settings = json!({"subprocess": true, "timeout": 3000});
            let function = deploy(&platform, language, &settings);
            let own = platform.invoke(&function, &json!({})).handler_body();
            let instance = platform.pid_outside(&function, &own);
            let daemon = platform
                .invoke(&function, &json!({"step": ["daemon"]}))
                .handler_body();
            let daemon = platform.pid_outside(&function, &daemon);
            assert!(processes::is_alive(daemon), "a daemon");
            end(&platform, &function);
            wait_until("the end of the instance", DEADLINE, || {
                !processes::is_alive(instance)
            });
            let ended = Instant::now();
            let gone = wait_for("a verdict", DEADLINE, || {
                match processes::is_alive(daemon) {
                    false => Some(true),
                    true => (ended.elapsed() > REMAINS).then_some(false),
                }
            });
            report.check(
                "S4",
                language,
                &format!("a daemon after {how}"),
                &format!("gone: {gone}"),
                gone,
            );
        }
        report.finish();
    });
}

#[test]
fn signals_to_everybody_leave_the_others_alive() {
    let _turn = crate::turn::take();
    let platform = Platform::shared();
    in_native(|language| {
        let mut report = Report::default();
        let canary = Canary::start(&platform);
        for (what, step) in [
            ("kill(-1, KILL)", json!(["kill_all"])),
            ("kill(1, KILL)", json!(["kill", 1, 9])),
            ("kill(1, TERM)", json!(["kill", 1, 15])),
            ("kill(1, STOP)", json!(["kill", 1, 19])),
            ("kill(-1, STOP)", json!(["kill", -1, 19])),
            ("kill(0, TERM)", json!(["kill", 0, 15])),
        ] {
            let function = deploy(&platform, language, &json!({"timeout": 5000}));
            outcome(&platform, &function, &json!(["pid"]));
            let zygote = json!(platform.zygote_pid(&function));
            outcome(&platform, &function, &step);
            let after = platform.show(&function)["processes"]["zygotePid"].clone();
            let stopped = after
                .as_i64()
                .is_none_or(|pid| is_stopped(i32::try_from(pid).expect("small")));
            report.check(
                "S7",
                language,
                &format!("{what}: the zygote lives"),
                &format!("{zygote} {after}"),
                zygote == after && !stopped,
            );
            // Siblings share their function's fate; see `findings`.
            let fresh = deploy(&platform, language, &json!({}));
            let next = outcome(&platform, &fresh, &json!(["write", "/tmp/fine"]));
            report.check(
                "S7",
                language,
                &format!("{what}: another function of the language"),
                &next,
                next == "ok",
            );
        }
        canary.assert_unharmed("signals");
        report.finish();
    });
}

fn is_stopped(pid: i32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    status.lines().any(|line| line.starts_with("State:\tT"))
}

#[test]
fn crashes_are_one_answer_each_and_leave_no_core() {
    let _turn = crate::turn::take();
    let platform = Platform::shared();
    in_every_language(|language| {
        let mut report = Report::default();
        let canary = Canary::start(&platform);
        let function = deploy(&platform, language, &json!({"memory": 128}));
        let crashes = language.pick(
            &[("overflow", "RangeError")][..],
            &[
                ("segv", "instance_crashed:SIGSEGV"),
                ("abort", "instance_crashed:SIGABRT"),
                ("fatal", "instance_crashed:SIGABRT"),
                ("overflow", "instance_crashed:SIGSEGV"),
            ],
            &[
                ("segv", "instance_crashed:SIGABRT"),
                ("abort", "instance_crashed:SIGABRT"),
                ("fatal", "instance_crashed:SIGABRT"),
                ("overflow", "instance_crashed:SIGABRT"),
            ],
        );
        for (step, wanted) in crashes {
            let seen = outcome(&platform, &function, &json!([step]));
            // An engine that handles the signal ends by another one.
            let other = wanted.replace("SIGABRT", "SIGSEGV");
            let third = wanted.replace("SIGSEGV", "SIGABRT");
            report.note("S15", language, step, &seen, &[wanted, &other, &third]);
            let next = outcome(&platform, &function, &json!(["pid"]));
            report.check(
                "S15",
                language,
                &format!("the invocation after {step}"),
                &next,
                next.parse::<i32>().is_ok(),
            );
        }
        if language != Language::TypeScript {
            // Forks come ever more slowly by the end of it: it takes seconds.
            for _ in 0..15 {
                let seen = outcome(&platform, &function, &json!(["segv"]));
                report.check(
                    "S15",
                    language,
                    "a storm of crashes",
                    &seen,
                    seen.starts_with("instance_crashed"),
                );
            }
            let files: Value =
                serde_json::from_str(&outcome(&platform, &function, &json!(["list", "/tmp"])))
                    .expect("a list");
            report.check(
                "S15",
                language,
                "no core file",
                &files.to_string(),
                !files.to_string().contains("core"),
            );
        }
        canary.assert_unharmed("crashes");
        report.finish();
    });
}
