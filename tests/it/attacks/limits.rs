//! Bombs and floods. All of them are bounded here: at most 2,000 processes, four times 64 MB of memory, 64 MB of text.

use std::time::{Duration, Instant};

use serde_json::json;

use super::canary::Canary;
use super::table::Report;
use super::{NATIVE, deploy, in_native, outcome};
use crate::language::in_every_language;
use crate::platform::Platform;
use crate::processes;
use crate::wait::wait_until;

const DEADLINE: Duration = Duration::from_secs(30);
const MIB: u64 = 1 << 20;
/// What the function may have, and what it takes.
const LIMIT_MB: u64 = 64;
const BOMB: u64 = 4 * LIMIT_MB * MIB;
/// How an instance ends, or an allocation fails, that wants too much.
const BOUNDED: &[&str] = &[
    "memory_limit",
    "ENOMEM",
    "ENOSPC",
    "EFBIG",
    "instance_crashed:SIGXFSZ",
    "instance_crashed:signal 25",
];

/// An invocation while the machine is watched: the outcome, and the most memory that all of the function used.
fn watched(platform: &Platform, function: &str, step: &serde_json::Value) -> (String, u64) {
    let client = platform.another();
    let title = format!("instance:{function}");
    std::thread::scope(|scope| {
        let invocation = scope.spawn(|| outcome(&client, function, step));
        let mut most = 0;
        wait_until("the end of the invocation", Duration::from_secs(60), || {
            let all = platform
                .processes()
                .into_iter()
                .filter(|it| it.title == title);
            most = most.max(all.map(|it| processes::resident_kib(it.pid)).sum());
            invocation.is_finished()
        });
        (invocation.join().expect("an outcome"), most)
    })
}

#[test]
fn memory_bombs_end_their_instance_alone() {
    let _turn = crate::turn::take();
    let platform = Platform::shared();
    in_every_language(|language| {
        let mut report = Report::default();
        let canary = Canary::start(&platform);
        let native = ["memory", "memory_file", "shared_memory"];
        let bombs = language.pick(
            &["memory", "buffers", "wasm_memory", "strings"][..],
            &native,
            &native,
        );
        for bomb in bombs {
            let settings = json!({"memory": LIMIT_MB, "timeout": 20_000});
            let function = deploy(&platform, language, &settings);
            outcome(&platform, &function, &json!(["pid"]));
            let started = Instant::now();
            let (seen, most) = watched(&platform, &function, &json!([bomb, BOMB]));
            report.note(
                "S2",
                language,
                &format!(
                    "{bomb} of {} MB where {LIMIT_MB} are allowed, {most} KiB resident, {:?}",
                    BOMB / MIB,
                    started.elapsed()
                ),
                &seen,
                BOUNDED,
            );
            let next = outcome(&platform, &function, &json!(["respond", "honest"]));
            report.check(
                "S2",
                language,
                &format!("the invocation after {bomb}"),
                &next,
                next == "honest",
            );
            platform.delete(&format!("/functions/{function}"));
        }
        canary.assert_unharmed("memory bombs");
        report.finish();
    });
}

#[test]
fn bombs_of_processes_are_bounded() {
    let _turn = crate::turn::take();
    let platform = Platform::shared();
    let many = ["EAGAIN", "EPERM", "ENOMEM", "memory_limit", "timeout"];
    in_native(|language| {
        let mut report = Report::default();
        let canary = Canary::start(&platform);
        for bomb in ["fork_bomb", "thread_bomb"] {
            let settings = json!({"timeout": 20_000, "memory": 256});
            let function = deploy(&platform, language, &settings);
            let title = format!("instance:{function}");
            let seen = outcome(&platform, &function, &json!([bomb, 2000]));
            report.note("S1", language, &format!("{bomb} of 2000"), &seen, &many);
            let next = outcome(&platform, &function, &json!(["respond", "honest"]));
            report.check(
                "S1",
                language,
                &format!("the invocation after {bomb}"),
                &next,
                next == "honest",
            );
            platform.delete(&format!("/functions/{function}"));
            wait_until("the end of all that it made", DEADLINE, || {
                platform
                    .processes()
                    .iter()
                    .all(|process| process.title != title)
            });
        }
        canary.assert_unharmed("bombs of processes");
        report.finish();
    });
}

/// Threads that are made in the moment before an instance has its own control group count all the same.
#[test]
fn an_instance_with_more_threads_than_it_may_have_is_ended() {
    let _turn = crate::turn::take();
    let platform = Platform::shared();
    in_every_language(|language| {
        let mut report = Report::default();
        for when in ["at the start", "later"] {
            let settings = json!({"timeout": 15_000, "memory": 512});
            let function = deploy(&platform, language, &settings);
            if when == "later" {
                outcome(&platform, &function, &json!(["pid"]));
            }
            let step = json!({"step": ["thread_bomb", 200, 10]});
            let answer = platform.invoke(&function, &step);
            let (text, refused) = (answer.text(), ["EAGAIN", "TypeError"]);
            let is_refused = answer.status == 200 && refused.iter().any(|it| text.contains(it));
            let is_ended = answer.status == 502 && text.contains("more than 64 processes");
            report.check(
                "S1",
                language,
                &format!("200 threads {when}"),
                &text,
                is_refused || is_ended,
            );
            let next = outcome(&platform, &function, &json!(["respond", "honest"]));
            report.check(
                "S1",
                language,
                &format!("the invocation after 200 threads {when}"),
                &next,
                next == "honest",
            );
            platform.delete(&format!("/functions/{function}"));
        }
        report.finish();
    });
}

#[test]
fn floods_of_text_are_counted_not_kept() {
    let _turn = crate::turn::take();
    let platform = Platform::start(&[]);
    in_every_language(|language| {
        let mut report = Report::default();
        let canary = Canary::start(&platform);
        let before = processes::resident_kib(platform.pid());
        let native = NATIVE.contains(&language);
        for flood in ["flood", "native_flood", "one_line"]
            .into_iter()
            .filter(|it| native || *it != "native_flood")
        {
            let function = deploy(&platform, language, &json!({"timeout": 30_000}));
            let answer = platform.invoke(&function, &json!({"step": [flood, 64 * MIB]}));
            let holds = answer.bytes.len() < 2 << 20;
            report.check(
                "S19",
                language,
                &format!("{flood} of 64 MB: the answer"),
                &format!("{} with {} bytes", answer.status, answer.bytes.len()),
                holds,
            );
            let grown = processes::resident_kib(platform.pid()).saturating_sub(before);
            report.check(
                "S19",
                language,
                &format!("{flood} of 64 MB: the supervisor's memory"),
                &format!("{grown} KiB more"),
                grown < 64 * 1024,
            );
        }
        let function = deploy(&platform, language, &json!({}));
        outcome(&platform, &function, &json!(["forged_lines"]));
        let logs = platform.get(&format!("/functions/{function}/logs"));
        let raw = logs.bytes.iter().any(|byte| *byte == 0x1b || *byte == 0);
        report.check(
            "S19",
            language,
            "escapes and zeros are written as JSON",
            &format!("{} raw: {raw}", logs.status),
            logs.status == 200 && !raw,
        );
        let forged = logs.json()["logs"]
            .as_array()
            .is_some_and(|lines| lines.iter().any(|line| line["message"] == "forged"));
        report.check(
            "S19",
            language,
            "a line that looks like a record is a line",
            &format!("forged: {forged}"),
            !forged,
        );
        canary.assert_unharmed("floods");
        report.finish();
    });
}
