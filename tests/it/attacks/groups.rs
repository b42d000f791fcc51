//! What only control groups stop: memory and processes of a function as a whole, whatever each process may have.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, Instant};

use serde_json::json;

use super::canary::Canary;
use super::table::Report;
use super::{deploy, in_native, outcome};
use crate::language::{Language, in_every_language};
use crate::platform::Platform;
use crate::wait::wait_until;

const DEADLINE: Duration = Duration::from_secs(30);
const MIB: u64 = 1 << 20;
const LIMIT_MB: u64 = 64;
const BOMB: u64 = 4 * LIMIT_MB * MIB;
/// What must be told within this time: at once, and long before the time-out on a machine that does other things too.
const SOON: Duration = Duration::from_secs(10);

#[test]
fn every_function_has_control_groups_of_its_own() {
    let platform = Platform::shared();
    let mut report = Report::default();
    let mut seen = BTreeSet::new();
    let supervisor =
        std::fs::read_to_string(format!("/proc/{}/cgroup", platform.pid())).expect("groups");
    for language in crate::language::LANGUAGES {
        let function = deploy(&platform, language, &json!({}));
        let pid = platform.invoke(&function, &json!({})).handler_body();
        let pid = platform.pid_outside(&function, &pid);
        let groups = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).expect("groups");
        for controller in ["memory", "pids"] {
            let group = group(&groups, controller);
            let apart = group != self::group(&supervisor, controller) && seen.insert(group.clone());
            report.check(
                "S1",
                language,
                &format!("a group of its own for {controller}"),
                &group,
                apart,
            );
        }
    }
    report.finish();
}

/// The path of a controller's group, of version 1, or else that of version 2.
fn group(groups: &str, controller: &str) -> String {
    let of = |wanted: &str| {
        let line = groups.lines().find(|line| {
            line.split(':')
                .nth(1)
                .is_some_and(|names| names.split(',').any(|name| name == wanted))
        });
        line.map(|line| format!("{controller} {}", line.rsplit(':').next().unwrap_or("")))
    };
    of(controller).or_else(|| of("")).unwrap_or_default()
}

/// Ways to memory that a limit of each process's private memory does not know.
#[test]
fn no_way_around_the_memory_limit() {
    let _turn = crate::turn::take();
    let platform = Platform::shared();
    in_every_language(|language| {
        let mut report = Report::default();
        let canary = Canary::start(&platform);
        let bombs = match language {
            Language::TypeScript => ["shared_buffers", "wasm_memory"],
            Language::Python | Language::Ruby => ["unlimited_memory", "shared_memory"],
        };
        for bomb in bombs {
            let settings = json!({"memory": LIMIT_MB, "timeout": 30_000});
            let function = deploy(&platform, language, &settings);
            outcome(&platform, &function, &json!(["pid"]));
            let started = Instant::now();
            let seen = outcome(&platform, &function, &json!([bomb, BOMB]));
            let took = started.elapsed();
            let name = format!("{bomb} of {} MB where {LIMIT_MB} are allowed", BOMB / MIB);
            // V8 may be refused shared memory before its group is full.
            let stopped = match bomb {
                "shared_buffers" => &["memory_limit", "RangeError"][..],
                _ => &["memory_limit", "ENOMEM"],
            };
            report.note("S2", language, &name, &seen, stopped);
            report.check(
                "S2",
                language,
                &format!("{bomb}: told soon"),
                &format!("{took:?}"),
                took < SOON,
            );
            platform.delete(&format!("/functions/{function}"));
        }
        canary.assert_unharmed("ways around the memory limit");
        report.finish();
    });
}

#[test]
fn a_bomb_of_processes_ends_with_its_instance() {
    let _turn = crate::turn::take();
    let platform = Platform::shared();
    in_native(|language| {
        let mut report = Report::default();
        let canary = Canary::start(&platform);
        let settings = json!({"subprocess": true, "timeout": 5_000, "memory": 256});
        let function = deploy(&platform, language, &settings);
        let title = format!("instance:{function}");
        let seen = outcome(&platform, &function, &json!(["fork_bomb", 2000]));
        report.note(
            "S1",
            language,
            "a bomb of 2,000 processes where they are allowed",
            &seen,
            &["EAGAIN", "timeout"],
        );
        let started = Instant::now();
        let next = outcome(&platform, &function, &json!(["respond", "honest"]));
        let took = started.elapsed();
        report.check(
            "S1",
            language,
            "the invocation after it",
            &format!("{next} after {took:?}"),
            next == "honest" && took < SOON,
        );
        platform.delete(&format!("/functions/{function}"));
        wait_until("the end of all that it made", DEADLINE, || {
            platform
                .processes()
                .iter()
                .all(|process| process.title != title)
        });
        canary.assert_unharmed("a bomb of processes");
        report.finish();
    });
}

/// How much lies in the memory files that a process has open.
fn in_memory_files(pid: i32) -> u64 {
    let entries = std::fs::read_dir(format!("/proc/{pid}/fd"))
        .into_iter()
        .flatten();
    let paths = entries.flatten().map(|entry| entry.path());
    let of_memory = |path: &std::path::PathBuf| {
        std::fs::read_link(path).is_ok_and(|link| link.to_string_lossy().starts_with("/memfd:"))
    };
    let files = paths
        .filter(of_memory)
        .filter_map(|path| std::fs::metadata(path).ok());
    files.map(|file| file.blocks() * 512).sum()
}

/// Each file is as long as one may be; together they are longer.
#[test]
fn files_in_memory_count() {
    let _turn = crate::turn::take();
    let platform = Platform::shared();
    in_native(|language| {
        let mut report = Report::default();
        let settings = json!({"memory": LIMIT_MB, "timeout": 20_000});
        let function = deploy(&platform, language, &settings);
        let pid = platform.invoke(&function, &json!({})).handler_body();
        let instance = platform.pid_outside(&function, &pid);
        let mut seen = Vec::new();
        for _ in 0..4 {
            seen.push(outcome(
                &platform,
                &function,
                &json!(["memory_file", LIMIT_MB * MIB]),
            ));
        }
        let taken = in_memory_files(instance) / MIB;
        let text = format!("{taken} MB, {seen:?}");
        report.check(
            "S2",
            language,
            "memory files of one instance together",
            &text,
            taken < 2 * LIMIT_MB,
        );
        platform.delete(&format!("/functions/{function}"));
        report.finish();
    });
}
