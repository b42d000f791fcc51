//! Files: what is there, what was planted elsewhere, and what the temporary folder bears.

use serde_json::{Value, json};

use super::canary::Canary;
use super::status::processes;
use super::table::{ABSENT, DENIED, FULL, Report, UNWRITABLE};
use super::{deploy, in_native, outcome};
use crate::language::Language;
use crate::platform::Platform;

/// What tells of the machine, of other processes, or of what others wrote.
const SECRET: [&str; 27] = [
    "/proc/1/environ",
    "/proc/1/maps",
    "/proc/1/mem",
    "/proc/1/cmdline",
    "/proc/1/root/etc/passwd",
    "/proc/1/cwd/x",
    "/proc/self/mem",
    "/proc/kcore",
    "/proc/kallsyms",
    "/proc/kmsg",
    "/proc/keys",
    "/proc/cmdline",
    "/proc/modules",
    "/proc/net/tcp",
    "/proc/sys/kernel/core_pattern",
    "/proc/sysrq-trigger",
    "/proc/acpi/wakeup",
    "/sys/kernel/vmcoreinfo",
    "/sys/class/net",
    "/sys/fs/cgroup/cgroup.procs",
    "/dev/mem",
    "/dev/kmsg",
    "/dev/vda",
    "/etc/shadow",
    "/root/.bashrc",
    "/var/run/docker.sock",
    "/run/utmp",
];

/// Where nothing may be written.
const READ_ONLY: [&str; 14] = [
    "/x",
    "/etc/passwd",
    "/etc/x",
    "/usr/lib/x",
    "/usr/bin/python3",
    "/var/task/x",
    "/var/x",
    "/bin/x",
    "/dev/x",
    "/proc/self/exe",
    "/proc/1/oom_score_adj",
    "/proc/self/oom_score_adj",
    "/proc/sys/kernel/core_pattern",
    "/proc/self/uid_map",
];

/// How groups of processes are left, and how a program of the machine is made to run.
const GROUPS: [&str; 6] = [
    "/sys/fs/cgroup/cgroup.procs",
    "/sys/fs/cgroup/unified/cgroup.procs",
    "/sys/fs/cgroup/memory/release_agent",
    "/sys/fs/cgroup/memory/notify_on_release",
    "/sys/fs/cgroup/pids/tasks",
    "/proc/self/cgroup",
];

#[test]
fn what_tells_of_the_machine_is_not_there() {
    let platform = Platform::shared();
    in_native(|language| {
        let mut report = Report::default();
        let function = deploy(&platform, language, &json!({}));
        for path in SECRET {
            let seen = outcome(&platform, &function, &json!(["read_if_text", path]));
            report.note("S6", language, &format!("read {path}"), &seen, ABSENT);
        }
        let data = platform.data();
        for name in [
            "state.db",
            "master.key",
            "telemetry.db",
            "archives",
            "bundles",
        ] {
            let path = data.path().join(name);
            assert!(path.exists(), "{}", path.display());
            for step in ["read", "list", "via_link"] {
                let seen = outcome(&platform, &function, &json!([step, path]));
                report.note(
                    "S6",
                    language,
                    &format!("{step} {name} of the data folder"),
                    &seen,
                    ABSENT,
                );
            }
        }
        for path in [
            "/proc/1/root",
            "/proc/1/fd",
            "/proc/1/task",
            "/proc/1/ns",
            "/sys",
            "/run",
        ] {
            let seen = outcome(&platform, &function, &json!(["list", path]));
            report.note("S6", language, &format!("list {path}"), &seen, ABSENT);
        }
        for path in GROUPS {
            let seen = outcome(&platform, &function, &json!(["write", path]));
            report.note("S17", language, &format!("write {path}"), &seen, UNWRITABLE);
        }
        report.finish();
    });
}

#[test]
fn nothing_is_written_outside_the_temporary_folder() {
    let platform = Platform::shared();
    in_native(|language| {
        let mut report = Report::default();
        let function = deploy(&platform, language, &json!({}));
        let mut note = |row, step: Value, wanted: &[&str]| {
            let seen = outcome(&platform, &function, &step);
            report.note(row, language, &step.to_string(), &seen, wanted);
        };
        for path in READ_ONLY {
            note("S12", json!(["write", path]), UNWRITABLE);
        }
        for target in [
            "/etc/shadow",
            "/proc/1/environ",
            "/root",
            "/../../etc/shadow",
            "/proc/1/root/etc/shadow",
        ] {
            note(
                "S12",
                json!(["via_link", target]),
                &["ENOENT", "EACCES", "ELOOP", "EPERM"],
            );
        }
        for target in [
            "/etc/passwd",
            "/usr/bin/env",
            "/var/task/index.py",
            "/proc/self/exe",
        ] {
            note(
                "S12",
                json!(["hard_link", target]),
                &["EXDEV", "EPERM", "EROFS", "EACCES", "ENOENT"],
            );
        }
        note(
            "S12",
            json!(["chmod", "/var/task", 0o777]),
            &["EROFS", "EPERM", "EACCES"],
        );
        note("S12", json!(["chmod", "/tmp", 0o4777]), DENIED);
        note("S12", json!(["write", "/tmp/fine"]), &["ok"]);
        report.finish();
    });
}

#[test]
fn nothing_that_was_written_is_executed() {
    let platform = Platform::shared();
    in_native(|language| {
        let mut report = Report::default();
        for subprocess in [false, true] {
            let function = deploy(&platform, language, &json!({"subprocess": subprocess}));
            let mut note = |step: Value, wanted: &[&str]| {
                let seen = outcome(&platform, &function, &step);
                report.note(
                    "S14",
                    language,
                    &format!("{step} with subprocess: {subprocess}"),
                    &seen,
                    wanted,
                );
            };
            note(json!(["dropped_program", "/tmp/program"]), DENIED);
            note(json!(["memory_program"]), DENIED);
            note(json!(["map_executable", "/tmp/code"]), DENIED);
            note(json!(["load_library", "/tmp/library.so"]), DENIED);
            match subprocess {
                true => note(json!(["spawn", "/bin/true"]), &["ok"]),
                false => {
                    note(json!(["spawn", "/bin/true"]), DENIED);
                    note(json!(["exec", "/bin/true"]), DENIED);
                    note(json!(["fork"]), DENIED);
                }
            }
            note(
                json!([
                    "spawn",
                    "/usr/bin/env",
                    "LD_PRELOAD=/tmp/library.so",
                    "/tmp/program"
                ]),
                &["EPERM", "CalledProcessError", "ECHILD"],
            );
        }
        report.finish();
    });
}

#[test]
fn the_temporary_folder_is_bounded() {
    let _turn = crate::turn::take();
    let platform = Platform::shared();
    in_native(|language| {
        let mut report = Report::default();
        let canary = Canary::start(&platform);
        let function = deploy(
            &platform,
            language,
            &json!({"memory": 64, "timeout": 60_000}),
        );
        let [_, (_, instance)] = processes(&platform, &function);
        let kind = kind_of_mount(instance, "/tmp");
        report.check(
            "S12",
            language,
            "it lies in memory, so that no disk of the machine is used",
            &kind,
            kind == "tmpfs",
        );
        for (name, size, wanted) in [
            ("fill", 10_i64 << 30, FULL),
            ("fill_many", 256 << 20, FULL),
            ("inodes", 1_000_000, FULL),
        ] {
            let seen = outcome(&platform, &function, &json!([name, size]));
            report.note("S12", language, &format!("{name} {size}"), &seen, wanted);
            let seen = outcome(&platform, &function, &json!(["write", "/tmp/fine"]));
            report.note(
                "S12",
                language,
                &format!("one more file after {name}"),
                &seen,
                &["ok"],
            );
        }
        if language == Language::Python {
            let seen = outcome(&platform, &function, &json!(["deep", 100_000]));
            report.note(
                "S12",
                language,
                "folders within folders",
                &seen,
                &["ENOSPC", "ENAMETOOLONG", "EROFS", "EACCES"],
            );
        }
        canary.assert_unharmed("a full temporary folder");
        report.finish();
    });
}

/// The kind of the file system that a process has mounted there.
fn kind_of_mount(pid: i32, place: &str) -> String {
    let mounts = std::fs::read_to_string(format!("/proc/{pid}/mountinfo")).expect("mounts");
    let is_there = |line: &&str| line.split(' ').nth(4) == Some(place);
    let line = mounts.lines().rfind(is_there).unwrap_or_default();
    let kind = line
        .split_once(" - ")
        .and_then(|(_, rest)| rest.split(' ').next());
    kind.unwrap_or_default().to_owned()
}
