//! Deployments, rollbacks and kills under load, for a long time: every answer is that of the version that it names, no
//! request fails without a kill to explain it, and what was counted agrees with what callers saw. `ZYGO_SOAK_S` makes it
//! as long as wanted; ten minutes is the figure that a release quotes. What the supervisor holds is told and not judged: the
//! zygotes of old versions stay, for rollbacks. `chaos` judges it at rest.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::language::{LANGUAGES, Language};
use crate::platform::{Platform, say};
use crate::processes;
use crate::wait::{wait_for, wait_until};

const LENGTH_S: u64 = 15;
const CALLERS: usize = 6;
const FUNCTIONS_PER_LANGUAGE: usize = 2;
/// Pauses between two kills and between two changes, in ms.
const KILL_PAUSE_MS: std::ops::RangeInclusive<u64> = 200..=3_000;
const CHANGE_PAUSE_MS: std::ops::RangeInclusive<u64> = 500..=2_000;
const PAUSE_DEADLINE: Duration = Duration::from_secs(30);
/// A failure so long after a kill has another reason.
const KILL_REACH: Duration = Duration::from_secs(2);
/// What a kill can do to an invocation.
const EXPLAINED: [&str; 3] = ["instance_crashed", "instance_gone", "zygote_gone"];
/// How long what was counted may take to be stored.
const COUNTED_DEADLINE: Duration = Duration::from_secs(60);
/// A function, and how many versions of it there are.
#[derive(Debug)]
struct Subject {
    language: Language,
    name: String,
    versions: Mutex<u64>,
}

/// What callers and killers saw.
#[derive(Debug, Default)]
struct Seen {
    kills: Mutex<Vec<Instant>>,
    failures: Mutex<Vec<(Instant, Instant, String)>>,
    statuses: Mutex<BTreeMap<u16, u64>>,
    changes: Mutex<u64>,
}

/// A handler that tells which version it is.
fn code(language: Language, version: u64) -> String {
    let code = language.pick(
        "export const handler = async () => ({ statusCode: 200, body: { version: VERSION } });",
        "def handler(event, context):\n    return {'statusCode': 200, 'body': {'version': VERSION}}\n",
        "def handler(event, context) = { statusCode: 200, body: { version: VERSION } }\n",
    );
    code.replace("VERSION", &version.to_string())
}

#[test]
fn deployments_rollbacks_and_kills_fail_no_request_without_a_reason() {
    let _turn = crate::turn::take();
    let length = std::env::var("ZYGO_SOAK_S");
    let length = Duration::from_secs(length.map_or(LENGTH_S, |text| text.parse().expect("s")));
    let platform = Platform::start(&[("ZYGO_VERSIONS_KEPT", "10000")]);
    let deploy = |language: Language| Subject {
        language,
        name: platform.deploy(
            language,
            &code(language, 1),
            &json!({"scaling": {"parked": 1}}),
        ),
        versions: Mutex::new(1),
    };
    let languages = LANGUAGES.into_iter();
    let subjects: Vec<Subject> = languages
        .flat_map(|language| (0..FUNCTIONS_PER_LANGUAGE).map(move |_| language))
        .map(deploy)
        .collect();
    let before = holdings(&platform);
    let seen = run(&platform, &subjects, length);
    let after = holdings(&platform);
    let (kills, statuses) = (lock(&seen.kills).len(), lock(&seen.statuses).clone());
    let failures = lock(&seen.failures).len();
    let changes = *lock(&seen.changes);
    let summary = format!(
        "{length:?}: {statuses:?}, {changes} changes, {kills} kills, {failures} failures, descriptors and KiB {before:?} before, {after:?} after"
    );
    say(&summary);
    let unexplained = unexplained(&seen);
    assert!(
        unexplained.is_empty(),
        "{summary}\n{}",
        unexplained.join("\n")
    );
    assert!(changes > 0 && kills > 0, "{summary}");
    assert_counted(&platform, statuses.values().sum());
}

fn run(platform: &Platform, subjects: &[Subject], length: Duration) -> Seen {
    let (seen, over, ends) = (
        Seen::default(),
        AtomicBool::new(false),
        Instant::now() + length,
    );
    std::thread::scope(|scope| {
        let disturbers = [
            scope.spawn(|| change_until(&platform.another(), subjects, &seen, &over)),
            scope.spawn(|| kill_until(platform, &seen, &over)),
        ];
        let callers: Vec<_> = (0..CALLERS)
            .map(|_| scope.spawn(|| call_until(&platform.another(), subjects, &seen, ends)))
            .collect();
        let failed = callers.into_iter().filter_map(|caller| caller.join().err());
        let failed = failed.count();
        over.store(true, Ordering::Relaxed);
        for disturber in disturbers {
            disturber.join().expect("neither changes nor kills fail");
        }
        assert_eq!(
            failed, 0,
            "callers with a wrong answer; the reasons stand above"
        );
    });
    seen
}

/// Every answer must be of the version that it names.
fn call_until(client: &Client, subjects: &[Subject], seen: &Seen, ends: Instant) {
    while Instant::now() < ends {
        let subject = fastrand::choice(subjects).expect("there are functions");
        let begun = Instant::now();
        let answer = client.invoke(&subject.name, &json!({}));
        *lock(&seen.statuses).entry(answer.status).or_default() += 1;
        let body = answer.json();
        if answer.status == 200 {
            assert_eq!(body["body"]["version"], body["version"], "{body}");
        } else {
            let failure = (begun, Instant::now(), answer.text());
            lock(&seen.failures).push(failure);
        }
    }
}

/// Makes new versions, and goes back to old ones.
fn change_until(client: &Client, subjects: &[Subject], seen: &Seen, over: &AtomicBool) {
    while pause(CHANGE_PAUSE_MS, over) {
        let subject = fastrand::choice(subjects).expect("there are functions");
        let mut versions = lock(&subject.versions);
        let path = format!("/functions/{}", subject.name);
        let is_rollback = *versions > 1 && fastrand::bool();
        let change = || -> Answer {
            if is_rollback {
                let version = fastrand::u64(1..=*versions);
                client.post(&format!("{path}/rollback"), &json!({"version": version}))
            } else {
                let code = code(subject.language, *versions + 1);
                client.put(&path, &json!({"code": code}))
            }
        };
        // A zygote that is killed while it loads the code fails the change, which says that it may be tried again.
        let answer = wait_for("a change", PAUSE_DEADLINE, || {
            let answer = change();
            (answer.status != 503).then_some(answer)
        });
        if answer.status == 422 {
            // The very process that loaded the code was killed: so says the problem, and nothing has changed.
            assert_eq!(answer.problem(422), "load_failed");
            continue;
        }
        answer.expect(200);
        *versions += u64::from(!is_rollback);
        *lock(&seen.changes) += 1;
    }
}

/// Kills instances and zygotes of functions, now and then a language's.
fn kill_until(platform: &Platform, seen: &Seen, over: &AtomicBool) {
    const ROLES: [&str; 6] = [
        "instance:",
        "instance:",
        "instance:",
        "zygote:",
        "zygote:",
        "zygo:",
    ];
    while pause(KILL_PAUSE_MS, over) {
        let role = fastrand::choice(ROLES).expect("there are roles");
        // Before it is killed: a failure may come at once.
        let begun = Instant::now();
        if processes::kill_any(platform.processes(), role) {
            lock(&seen.kills).push(begun);
        }
    }
}

/// Waits a random time; whether it goes on.
fn pause(range_ms: std::ops::RangeInclusive<u64>, over: &AtomicBool) -> bool {
    let (begun, pause) = (
        Instant::now(),
        Duration::from_millis(fastrand::u64(range_ms)),
    );
    wait_until("the next turn", PAUSE_DEADLINE, || {
        over.load(Ordering::Relaxed) || begun.elapsed() >= pause
    });
    !over.load(Ordering::Relaxed)
}

/// Failures that no kill explains.
fn unexplained(seen: &Seen) -> Vec<String> {
    let kills = lock(&seen.kills).clone();
    let is_explained = |begun: Instant, ended: Instant, text: &str| {
        let code = serde_json::from_str::<Value>(text).map(|problem| problem["code"].clone());
        let known = code.is_ok_and(|code| EXPLAINED.iter().any(|known| code == **known));
        known
            && kills
                .iter()
                .any(|kill| *kill <= ended && begun <= *kill + KILL_REACH)
    };
    let failures = lock(&seen.failures);
    let failures = failures.iter();
    let unexplained = failures.filter(|(begun, ended, text)| !is_explained(*begun, *ended, text));
    unexplained.map(|(_, _, text)| text.clone()).collect()
}

/// What the supervisor has open, and its resident memory in KiB.
fn holdings(platform: &Platform) -> (usize, u64) {
    let pid = platform.pid();
    (processes::descriptors(pid), processes::resident_kib(pid))
}

/// Every request was counted once, in the figures and, as soon as they are stored, in the records and the bill.
fn assert_counted(platform: &Platform, requests: u64) {
    let now = platform.get("/metrics").expect(200).json();
    assert_eq!(now["platform"]["invocations"], requests);
    wait_for("the stored sums", COUNTED_DEADLINE, || {
        let bill = platform.get("/cost").expect(200).json();
        (bill["invocations"] == requests).then_some(())
    });
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
