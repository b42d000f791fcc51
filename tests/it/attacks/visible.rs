//! What of the machine is visible inside: descriptors, mounts and names.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::status::processes;
use super::table::Report;
use super::{deploy, outcome};
use crate::language::{Language, in_every_language};
use crate::platform::Platform;

#[test]
fn instances_inherit_no_descriptor() {
    let platform = Platform::shared();
    in_every_language(|language| {
        let mut report = Report::default();
        let function = deploy(&platform, language, &json!({}));
        let [(_, zygote), (_, instance)] = processes(&platform, &function);
        let open = descriptors(instance);
        let text = format!("{open:?}");
        let what = |number: usize| open.get(number).map_or("", |(_, what)| what.as_str());
        let standard = what(0) == "/dev/null" && what(1).starts_with("pipe:") && what(1) == what(2);
        report.check(
            "S13",
            language,
            "0, 1, 2: the null device and the log",
            &text,
            standard,
        );
        let mut sockets = 0;
        for (_, what) in open.iter().skip(3) {
            // What an engine makes for its own event loop after the fork is nobody else's.
            let own = what.starts_with("anon_inode:[event") || what.starts_with("socket:");
            report.check(
                "S13",
                language,
                "no file, no folder, no device, no pipe",
                what,
                own,
            );
            sockets += usize::from(what.starts_with("socket:"));
        }
        // The JavaScript engine's loop wakes itself through a pair of sockets.
        let holds = sockets == 1 || language == Language::TypeScript;
        report.check("S13", language, "one data socket", &text, holds);
        let own = inner_sockets(instance);
        let others = platform
            .processes()
            .into_iter()
            .filter(|other| other.pid != instance);
        for other in others.chain(crate::processes::process(platform.pid())) {
            let shared: Vec<_> = inner_sockets(other.pid)
                .intersection(&own)
                .cloned()
                .collect();
            if !shared.is_empty() {
                report.check(
                    "S13",
                    language,
                    &format!("no socket of `{}`", other.title),
                    &format!("{shared:?}"),
                    false,
                );
            }
        }
        for (role, pid) in [("zygote", zygote), ("instance", instance)] {
            let folders = descriptors(pid)
                .into_iter()
                .filter(|(number, _)| is_folder(pid, *number));
            let folders: Vec<_> = folders.collect();
            let claim = format!("{role}: no descriptor of a folder");
            report.check(
                "S13",
                language,
                &claim,
                &format!("{folders:?}"),
                folders.is_empty(),
            );
        }
        report.finish();
    });
}

fn inner_sockets(pid: i32) -> BTreeSet<String> {
    let all = descriptors(pid).into_iter().map(|(_, what)| what);
    all.filter(|what| what.starts_with("socket:")).collect()
}

/// None for a process that has just ended.
fn descriptors(pid: i32) -> Vec<(i32, String)> {
    let entries = fs::read_dir(format!("/proc/{pid}/fd"))
        .into_iter()
        .flatten()
        .flatten();
    let mut all: Vec<(i32, String)> = entries
        .filter_map(|entry| {
            let number = entry.file_name().to_str()?.parse().ok()?;
            Some((
                number,
                fs::read_link(entry.path()).ok()?.display().to_string(),
            ))
        })
        .collect();
    all.sort();
    all
}

fn is_folder(pid: i32, number: i32) -> bool {
    fs::metadata(format!("/proc/{pid}/fd/{number}")).is_ok_and(|metadata| metadata.is_dir())
}

/// One line of a list of mounts: read-only, and neither devices, rights nor programs where something may be written.
fn check_mount(report: &mut Report, language: Language, line: &str) {
    let fields: Vec<&str> = line.split(' ').collect();
    let (place, options) = (fields[4], fields[5]);
    let writable = options.split(',').any(|option| option == "rw");
    let device = place.starts_with("/dev/");
    let may = place == "/tmp" || place == "/proc" || device;
    report.check(
        "S12",
        language,
        &format!("{place} is read-only"),
        options,
        !writable || may,
    );
    report.check(
        "S12",
        language,
        &format!("{place} has no devices, or is one"),
        options,
        options.contains("nodev") || device,
    );
    report.check(
        "S11",
        language,
        &format!("{place} gives no rights"),
        options,
        options.contains("nosuid"),
    );
    if writable {
        report.check(
            "S14",
            language,
            &format!("{place} holds no programs"),
            options,
            options.contains("noexec"),
        );
    }
}

#[test]
fn mounts_show_nothing_of_the_machine() {
    let platform = Platform::shared();
    in_every_language(|language| {
        let mut report = Report::default();
        let function = deploy(&platform, language, &json!({}));
        let [_, (_, instance)] = processes(&platform, &function);
        let mounts = fs::read_to_string(format!("/proc/{instance}/mountinfo")).expect("mounts");
        let mut places: BTreeSet<&str> = BTreeSet::new();
        for line in mounts.lines() {
            places.insert(line.split(' ').nth(4).unwrap_or(""));
            check_mount(&mut report, language, line);
        }
        let wrong = places.iter().filter(|place| {
            ["/sys", "/run", "/home", "/root", "/var/run"]
                .iter()
                .any(|no| Path::new(place).starts_with(no))
        });
        report.check(
            "S17",
            language,
            "no /sys, no control groups, no /run, no homes",
            "",
            wrong.count() == 0,
        );
        let data = platform.data();
        let data = data.path().display().to_string();
        let leaks: Vec<&str> = mounts
            .lines()
            .filter(|line| line.contains(&data) && !line.contains("/var/task"))
            .collect();
        report.check(
            "S6",
            language,
            "of the data folder, the code alone is mounted",
            &format!("{leaks:?}"),
            leaks.is_empty(),
        );
        report.finish();
    });
}

#[test]
fn nobody_hears_of_the_real_machine() {
    let platform = Platform::shared();
    let mut report = Report::default();
    for language in super::NATIVE {
        let function = deploy(&platform, language, &json!({}));
        let names = outcome(&platform, &function, &json!(["list", "/"]));
        let listed: Value = serde_json::from_str(&names).expect("a list");
        let allowed = [
            "bin", "dev", "etc", "lib", "lib32", "lib64", "proc", "sbin", "tmp", "usr", "var",
        ];
        let unknown = listed
            .as_array()
            .expect("a list")
            .iter()
            .filter(|name| !allowed.contains(&name.as_str().unwrap_or("")));
        report.check(
            "S6",
            language,
            "the root holds what is meant to be there alone",
            &names,
            unknown.count() == 0,
        );
        let pids = outcome(&platform, &function, &json!(["list", "/proc"]));
        let pids: Vec<Value> = serde_json::from_str(&pids).expect("a list");
        let numbers = pids.iter().filter(|name| {
            name.as_str()
                .is_some_and(|name| name.parse::<i32>().is_ok())
        });
        report.check(
            "S6",
            language,
            "at most itself is in /proc",
            &format!("{pids:?}"),
            numbers.count() <= 1,
        );
    }
    report.finish();
}
