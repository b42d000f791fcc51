//! What every process of a function is, seen from outside: its user, rights, filters, namespaces and limits. These hold
//! for every language alike.

use std::collections::BTreeSet;
use std::fs;

use serde_json::json;

use super::deploy;
use super::table::Report;
use crate::language::{Language, in_every_language};
use crate::platform::Platform;

/// Namespaces that no function shares with the platform or with another function.
const OWN: [&str; 6] = ["user", "pid", "mnt", "ipc", "uts", "cgroup"];

/// The zygote and an instance of a function.
pub(super) fn processes(platform: &Platform, function: &str) -> [(&'static str, i32); 2] {
    let pid = platform.invoke(function, &json!({})).handler_body();
    let instance = platform.pid_outside(function, &pid);
    [
        ("zygote", platform.zygote_pid(function)),
        ("instance", instance),
    ]
}

fn field(pid: i32, name: &str) -> String {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("a living process");
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let value = line.expect("a field").trim_start_matches(':').trim();
    value.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn namespace(pid: i32, name: &str) -> String {
    let link = fs::read_link(format!("/proc/{pid}/ns/{name}")).expect("a namespace");
    link.display().to_string()
}

#[test]
fn processes_have_no_rights() {
    let platform = Platform::shared();
    in_every_language(|language| {
        let mut report = Report::default();
        let function = deploy(&platform, language, &json!({}));
        for (role, pid) in processes(&platform, &function) {
            let mut check = |name: &str, wanted: &str| {
                let seen = field(pid, name);
                let claim = format!("{role}: {name} is {wanted}");
                report.check("S11", language, &claim, &seen, seen == wanted);
            };
            let nothing = "0000000000000000";
            for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
                check(set, nothing);
            }
            check("NoNewPrivs", "1");
            check("Seccomp", "2");
            check("Groups", "");
            for ids in ["Uid", "Gid"] {
                let seen = field(pid, ids);
                let mut all = seen.split(' ');
                let first = all.next().unwrap_or("0");
                let holds = first != "0" && all.all(|id| id == first);
                report.check(
                    "S11",
                    language,
                    &format!("{role}: {ids} is one, not 0"),
                    &seen,
                    holds,
                );
            }
            let filters = field(pid, "Seccomp_filters");
            let wanted = if role == "zygote" { 1 } else { 2 };
            let holds = filters.parse::<u32>().is_ok_and(|count| count >= wanted);
            report.check(
                "S11",
                language,
                &format!("{role}: {wanted} filters or more"),
                &filters,
                holds,
            );
        }
        report.finish();
    });
}

#[test]
fn every_function_has_a_user_and_namespaces_of_its_own() {
    let platform = Platform::shared();
    let mut report = Report::default();
    let mut seen = BTreeSet::new();
    for (number, language) in [
        Language::TypeScript,
        Language::Python,
        Language::Ruby,
        Language::Python,
    ]
    .into_iter()
    .enumerate()
    {
        let settings = json!({"network": if number == 3 { "none" } else { "internet" }});
        let function = deploy(&platform, language, &settings);
        let [(_, zygote), (_, instance)] = processes(&platform, &function);
        let user = field(zygote, "Uid");
        report.check(
            "S11",
            language,
            "a user that no other function has",
            &user,
            seen.insert(user.clone()),
        );
        for name in OWN {
            let own = namespace(zygote, name);
            let apart = own != namespace(platform.pid(), name);
            report.check(
                "S11",
                language,
                &format!("{name} namespace: not the platform's, no other's"),
                &own,
                apart && seen.insert(own.clone()),
            );
            let inherited = namespace(instance, name);
            report.check(
                "S11",
                language,
                &format!("instance: {name} namespace of its zygote"),
                &inherited,
                inherited == own,
            );
        }
        let own = namespace(zygote, "net");
        let apart = own != namespace(platform.pid(), "net");
        report.check(
            "S8",
            language,
            "network namespace of its own if it may reach nothing",
            &own,
            apart == (number == 3),
        );
    }
    report.finish();
}

#[test]
fn limits_of_every_process_are_set() {
    let platform = Platform::shared();
    in_every_language(|language| {
        let mut report = Report::default();
        let function = deploy(&platform, language, &json!({}));
        for (role, pid) in processes(&platform, &function) {
            let limits = fs::read_to_string(format!("/proc/{pid}/limits")).expect("limits");
            for (name, most) in [
                ("Max core file size", 0),
                ("Max open files", 4096),
                ("Max processes", 1024),
                ("Max msgqueue size", 0),
                ("Max pending signals", 1024),
                ("Max file size", 1 << 30),
            ] {
                let line = limits
                    .lines()
                    .find(|line| line.starts_with(name))
                    .expect("a limit");
                let hard = line[name.len()..]
                    .split_whitespace()
                    .nth(1)
                    .expect("a hard limit");
                let holds = hard.parse::<u64>().is_ok_and(|hard| hard <= most);
                report.check(
                    "S18",
                    language,
                    &format!("{role}: {name} at most {most}"),
                    hard,
                    holds,
                );
            }
        }
        report.finish();
    });
}
