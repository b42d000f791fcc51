//! System calls, one by one, made by handlers with harmless arguments: each must be refused by something. Which layer
//! refuses is told apart in `layers`.

use serde_json::{Value, json};

use super::calls::{
    Call, SIBLING, ZYGOTE, on_files, on_identity, on_mounts, on_processes, on_the_kernel, step,
};
use super::siblings::NAPS;
use super::table::{DENIED, Report};
use super::{deploy, outcome, outcome_beside};
use crate::language::Language;
use crate::platform::Platform;

/// Calls through the other table of numbers.
const X32: i64 = 0x4000_0000;
/// A call that nobody answers ends the process.
const ENDED: &[&str] = &["EPERM", "ENOSYS", "instance_crashed:SIGSYS"];
/// Who is not there, or must not be touched.
const UNTOUCHED: &[&str] = &["EPERM", "ESRCH", "ENOSYS", "EACCES"];

/// Kinds of sockets: domain, kind, protocol.
const SOCKETS: [(&str, [i32; 3]); 12] = [
    ("netlink route", [16, 3, 0]),
    ("netlink audit", [16, 3, 9]),
    ("packet", [17, 3, 768]),
    ("vsock", [40, 1, 0]),
    ("raw ICMP", [2, 3, 1]),
    ("raw", [2, 3, 255]),
    ("raw v6", [10, 3, 58]),
    ("ICMP datagram", [2, 2, 1]),
    ("crypto", [38, 5, 0]),
    ("Bluetooth", [31, 3, 1]),
    ("SCTP", [2, 1, 132]),
    ("UDP-Lite", [2, 2, 136]),
];

fn run(language: Language, calls: &[Call], wanted: &[&str]) {
    let platform = Platform::shared();
    let mut report = Report::default();
    let function = deploy(&platform, language, &json!({}));
    let pids = siblings(&platform, &function);
    for (row, name, number, arguments) in calls {
        let step = step(*number, arguments);
        let seen = outcome_beside(&platform, &function, &step, &pids);
        let on = arguments
            .iter()
            .find(|it| **it == SIBLING || **it == ZYGOTE);
        let on = on.and_then(Value::as_str).unwrap_or("");
        report.note(row, language, format!("{name} {on}").trim(), &seen, wanted);
    }
    report.finish();
}

/// Two living instances, by the process ids that they know: each naps, so that the other is needed.
fn siblings(platform: &Platform, function: &str) -> Vec<i32> {
    let mut tried = NAPS
        .iter()
        .map(|seconds| napping(platform, function, *seconds));
    let found = tried.find(|pids| pids[0] != pids[1]);
    found.expect("two instances").into()
}

/// The instances that two callers get at once.
fn napping(platform: &Platform, function: &str, seconds: u64) -> [i32; 2] {
    let clients = [platform.another(), platform.another()];
    std::thread::scope(|scope| {
        let napping = clients.each_ref().map(|client| {
            scope.spawn(|| {
                client
                    .invoke(function, &json!({"step": ["nap", seconds]}))
                    .handler_body()
            })
        });
        let pids = napping.map(|one| one.join().expect("an answer"));
        let small = |pid: Value| i32::try_from(pid.as_i64().expect("a process id"));
        pids.map(|pid| small(pid).expect("small"))
    })
}

#[test]
fn other_processes_are_out_of_reach() {
    super::in_native(|language| run(language, &on_processes(), UNTOUCHED));
}

#[test]
fn nothing_is_mounted_and_no_namespace_made() {
    super::in_native(|language| run(language, &on_mounts(), DENIED));
}

#[test]
fn the_rest_of_the_kernel_is_out_of_reach() {
    super::in_native(|language| run(language, &on_the_kernel(), DENIED));
}

#[test]
fn nobody_becomes_somebody_else() {
    super::in_native(|language| run(language, &on_identity(), DENIED));
}

#[test]
fn no_devices_no_rights_no_programs() {
    super::in_native(|language| run(language, &on_files(), &[DENIED, &["EINVAL"]].concat()));
}

#[test]
fn calls_through_another_table_of_numbers_end_the_process() {
    let platform = Platform::shared();
    super::in_native(|language| {
        let mut report = Report::default();
        let function = deploy(&platform, language, &json!({}));
        let numbers = [
            libc::SYS_getpid,
            libc::SYS_ptrace,
            libc::SYS_mount,
            libc::SYS_execve,
            520,
            547,
        ];
        for number in numbers {
            let seen = outcome(&platform, &function, &step(X32 | number, &[]));
            report.note("S10", language, &format!("x32 call {number}"), &seen, ENDED);
        }
        for number in [470, 500, 547, 1000, 100_000] {
            let seen = outcome(&platform, &function, &step(number, &[]));
            report.note(
                "S10",
                language,
                &format!("call {number} of a later kernel"),
                &seen,
                DENIED,
            );
        }
        report.finish();
    });
}

#[test]
fn only_plain_sockets_can_be_made() {
    let platform = Platform::shared();
    super::in_native(|language| {
        let mut report = Report::default();
        for network in ["internet", "none", "all"] {
            let function = deploy(&platform, language, &json!({"network": network}));
            for (name, [domain, kind, protocol]) in SOCKETS {
                let seen = outcome(
                    &platform,
                    &function,
                    &json!(["socket", domain, kind, protocol]),
                );
                report.note(
                    "S8",
                    language,
                    &format!("{name} socket with `{network}`"),
                    &seen,
                    DENIED,
                );
            }
        }
        report.finish();
    });
}

#[test]
fn nobody_is_in_reach_of_signals() {
    let platform = Platform::shared();
    super::in_native(|language| {
        let mut report = Report::default();
        let function = deploy(&platform, language, &json!({}));
        // Numbers that mean something outside, and nothing or something else inside.
        for pid in [platform.pid(), platform.language_zygote(language)] {
            let seen = outcome(&platform, &function, &json!(["kill", pid, 9]));
            report.note(
                "S7",
                language,
                "kill of a process outside",
                &seen,
                UNTOUCHED,
            );
        }
        report.finish();
    });
}
