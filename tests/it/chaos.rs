//! A hundred thousand invocations in three languages while instances and zygotes are being killed: every request gets
//! one answer, its own, and the supervisor keeps nothing of what died. `ZYGO_CHAOS_COUNT` shortens the run.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::client::Client;
use crate::language::LANGUAGES;
use crate::platform::Platform;
use crate::processes;
use crate::wait::{wait_for, wait_until};

const COUNT: usize = 100_000;
const CONNECTIONS: usize = 16;
/// Invocations before the figures are first taken.
const WARM_UP: usize = 5_000;
/// Longer is a hang. It takes about a minute on two idle cores, and several beside other tests.
const BOUND: Duration = Duration::from_secs(600);
/// Pauses between two kills, in ms.
const KILL_PAUSE_MS: std::ops::RangeInclusive<u64> = 20..=200;
/// Who is killed: mostly instances, at times the zygote of a function, now and then that of a language.
const ROLES: [&str; 10] = [
    "instance:",
    "instance:",
    "instance:",
    "instance:",
    "instance:",
    "instance:",
    "instance:",
    "zygote:",
    "zygote:",
    "zygo:",
];
/// How long the platform may take to be as it was.
const RECOVERY_DEADLINE: Duration = Duration::from_secs(30);
/// What the figures may differ by.
const DESCRIPTORS_SLACK: usize = 5;
const RESIDENT_SLACK_KIB: u64 = 20 * 1024;

/// Answers by their status.
type Statuses = BTreeMap<u16, usize>;

#[test]
fn every_request_gets_one_answer_and_nothing_is_kept() {
    let _turn = crate::turn::take();
    let count =
        std::env::var("ZYGO_CHAOS_COUNT").map_or(COUNT, |count| count.parse().expect("a number"));
    let platform = Platform::start(&[("ZYGO_IDLE_TIMEOUT_MS", "500")]);
    let functions: Vec<String> = LANGUAGES
        .iter()
        .map(|language| {
            platform.deploy(
                *language,
                &language.handler("chaos"),
                &json!({"timeout": 5_000, "scaling": {"cooldownPeriod": 1_000}}),
            )
        })
        .collect();
    storm(&platform, &functions, WARM_UP);
    let before = figures_at_rest(&platform, &functions);
    let started = Instant::now();
    let (statuses, kills) = storm(&platform, &functions, count);
    let took = started.elapsed();
    let after = figures_at_rest(&platform, &functions);
    let summary =
        format!("{statuses:?}, {kills} kills, {took:?}, {before:?} before and {after:?} after");
    assert_eq!(statuses.values().sum::<usize>(), count, "{summary}");
    assert!(
        statuses
            .keys()
            .all(|status| [200, 502, 503, 504].contains(status)),
        "{summary}"
    );
    assert!(
        statuses
            .get(&200)
            .is_some_and(|served| *served > count * 9 / 10),
        "{summary}"
    );
    assert!(kills > 0 && took < BOUND, "{summary}");
    assert!(
        after.descriptors.abs_diff(before.descriptors) <= DESCRIPTORS_SLACK,
        "{summary}"
    );
    assert!(
        after.resident_kib <= before.resident_kib + RESIDENT_SLACK_KIB,
        "{summary}"
    );
}

/// Sends `count` invocations while a killer is loose.
fn storm(platform: &Platform, functions: &[String], count: usize) -> (Statuses, usize) {
    let (next, over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let all = Mutex::new(Statuses::new());
    let kills = std::thread::scope(|scope| {
        let killer = scope.spawn(|| kill_until(platform, &over));
        let callers: Vec<_> = (0..CONNECTIONS)
            .map(|_| {
                scope.spawn(|| {
                    let statuses = call(&platform.another(), functions, &next, count);
                    let mut all = all.lock().expect("no caller failed");
                    for (status, times) in statuses {
                        *all.entry(status).or_default() += times;
                    }
                })
            })
            .collect();
        let failed = callers
            .into_iter()
            .filter_map(|caller| caller.join().err())
            .count();
        over.store(true, Ordering::Relaxed);
        assert_eq!(failed, 0, "callers without an answer, or with another's");
        killer.join().expect("the killer does not fail")
    });
    (all.into_inner().expect("no caller failed"), kills)
}

fn call(client: &Client, functions: &[String], next: &AtomicUsize, count: usize) -> Statuses {
    let mut statuses = Statuses::new();
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= count {
            return statuses;
        }
        let function = &functions[number % functions.len()];
        let answer = client.invoke(function, &json!({"n": number}));
        *statuses.entry(answer.status).or_default() += 1;
        match answer.status {
            200 => assert_eq!(answer.json()["body"], number, "another's answer"),
            status => assert_eq!(
                answer.json()["status"],
                status,
                "no problem: {}",
                answer.text()
            ),
        }
    }
}

/// Kills a random process of the platform now and then, the supervisor apart. Returns how many it killed.
fn kill_until(platform: &Platform, over: &AtomicBool) -> usize {
    let mut kills = 0;
    while !over.load(Ordering::Relaxed) {
        let pause = Duration::from_millis(fastrand::u64(KILL_PAUSE_MS));
        let begun = Instant::now();
        wait_until("the next kill", RECOVERY_DEADLINE, || {
            begun.elapsed() >= pause
        });
        let role = fastrand::choice(ROLES).expect("there are roles");
        kills += usize::from(processes::kill_any(platform.processes(), role));
    }
    kills
}

/// What the supervisor holds when nothing runs but the zygotes.
#[derive(Debug)]
struct Figures {
    descriptors: usize,
    resident_kib: u64,
}

fn figures_at_rest(platform: &Platform, functions: &[String]) -> Figures {
    for function in functions {
        wait_until("an answer after the storm", RECOVERY_DEADLINE, || {
            platform.invoke(function, &json!({"n": 1})).status == 200
        });
    }
    for language in LANGUAGES {
        platform.language_zygote(language);
    }
    for function in functions {
        wait_until("the end of idle instances", RECOVERY_DEADLINE, || {
            let now = platform.show(function)["processes"].take();
            if now["instances"] == 0 && now["zygotePid"].is_null() {
                // The last answer came from an instance whose zygote the storm had just taken.
                platform.invoke(function, &json!({"n": 1})).expect(200);
            }
            now["instances"] == 0 && now["zygotePid"].is_i64()
        });
    }
    wait_until("no process but the zygotes", RECOVERY_DEADLINE, || {
        platform.processes().len() == LANGUAGES.len() + functions.len()
    });
    let descriptors = wait_for_steady(|| processes::descriptors(platform.pid()));
    Figures {
        descriptors,
        resident_kib: processes::resident_kib(platform.pid()),
    }
}

/// The figure once it has not changed for half a second.
fn wait_for_steady(figure: impl Fn() -> usize) -> usize {
    const STEADY: Duration = Duration::from_millis(500);
    let (mut last, mut since) = (figure(), Instant::now());
    wait_for("a steady figure", RECOVERY_DEADLINE, || {
        let now = figure();
        if now != last {
            (last, since) = (now, Instant::now());
        }
        (since.elapsed() >= STEADY).then_some(now)
    })
}
