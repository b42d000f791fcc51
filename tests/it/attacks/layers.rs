//! Each layer taken away, one at a time: what several layers stop is stopped all the same.

use serde_json::{Value, json};

use super::table::{ABSENT, DENIED, Report, UNWRITABLE};
use super::{deploy, in_native, outcome};
use crate::language::Language;
use crate::platform::Platform;

/// What is tried, what means that it was stopped, and which layers stop it, each on its own.
type Claim = (
    &'static str,
    Value,
    &'static [&'static str],
    &'static [&'static str],
);

/// The layers, without that of control groups. Who is another user cannot read the code where it lies outside.
const LAYERS: [&str; 9] = [
    "pid",
    "root,identity",
    "network",
    "limits",
    "identity",
    "user",
    "capabilities",
    "landlock",
    "seccomp",
];

const UNTOUCHED: &[&str] = &["ESRCH", "EPERM"];
const REFUSED: &[&str] = &["EPERM", "EACCES", "ECONNREFUSED"];

#[rustfmt::skip]
fn claims(platform: &Platform) -> Vec<Claim> {
    let data = platform.data();
    let key = data.path().join("master.key");
    let port: u16 = platform.address().rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
    vec![
        ("S5 ptrace of the zygote", json!(["call", libc::SYS_ptrace, 16, 1, 0, 0]), UNTOUCHED, &["seccomp", "capabilities"]),
        ("S5 memory of the zygote", json!(["read", "/proc/1/mem"]), ABSENT, &["root", "capabilities", "landlock"]),
        ("S6 the platform's key", json!(["read", key]), ABSENT, &["root", "identity"]),
        ("S6 a home", json!(["list", "/root"]), ABSENT, &["root", "identity", "landlock"]),
        ("S6 the machine's devices", json!(["list", "/sys/kernel"]), ABSENT, &["root", "landlock"]),
        ("S6 what runs", json!(["list", "/run"]), ABSENT, &["root", "landlock"]),
        ("S6 /etc/shadow", json!(["read", "/etc/shadow"]), ABSENT, &["root", "identity"]),
        ("S6 the machine's first process", json!(["read_if_text", "/proc/1/environ"]), ABSENT, &["root", "pid", "identity"]),
        ("S6 the kernel's messages", json!(["read", "/dev/kmsg"]), ABSENT, &["root", "identity", "capabilities"]),
        ("S7 the supervisor", json!(["kill", platform.pid(), 0]), UNTOUCHED, &["pid", "identity", "landlock"]),
        ("S8 the platform's port", json!(["connect", "127.0.0.1", port]), REFUSED, &["network"]),
        ("S8 a packet socket", json!(["socket", 17, 3, 768]), DENIED, &["seccomp", "capabilities"]),
        ("S8 a raw socket", json!(["socket", 2, 3, 1]), DENIED, &["seccomp", "capabilities"]),
        ("S9 mount", json!(["call", libc::SYS_mount, "x", "/tmp", "tmpfs", 0, ""]), DENIED, &["seccomp", "capabilities"]),
        ("S9 umount", json!(["call", libc::SYS_umount2, "/tmp", 2]), DENIED, &["seccomp", "capabilities"]),
        ("S9 chroot", json!(["call", libc::SYS_chroot, "/tmp"]), DENIED, &["seccomp", "capabilities"]),
        ("S9 unshare NEWNS", json!(["call", libc::SYS_unshare, 0x2_0000]), DENIED, &["seccomp", "capabilities"]),
        ("S9 setns", json!(["call", libc::SYS_setns, 0, 0]), &["EPERM", "EINVAL", "EBADF"], &["seccomp", "capabilities"]),
        ("S10 bpf", json!(["call", libc::SYS_bpf, 5, "\u{1}", 48]), &["EPERM", "EINVAL"], &["seccomp", "capabilities"]),
        ("S10 reboot", json!(["call", libc::SYS_reboot, 0, 0, 0, 0]), &["EPERM", "EINVAL"], &["seccomp", "capabilities", "user"]),
        ("S10 settimeofday", json!(["call", libc::SYS_settimeofday, "\u{1}", 0]), DENIED, &["seccomp", "capabilities", "user"]),
        ("S10 syslog", json!(["call", libc::SYS_syslog, 3, "", 100]), DENIED, &["seccomp", "capabilities", "user"]),
        ("S10 iopl", json!(["call", libc::SYS_iopl, 3]), DENIED, &["seccomp", "capabilities", "user"]),
        ("S10 swapon", json!(["call", libc::SYS_swapon, "/tmp/x", 0]), DENIED, &["seccomp", "capabilities", "user"]),
        ("S11 setuid", json!(["call", libc::SYS_setuid, 0]), &["EPERM", "EINVAL"], &["seccomp", "capabilities", "user"]),
        ("S11 setgroups", json!(["call", libc::SYS_setgroups, 0, ""]), DENIED, &["seccomp", "capabilities", "user"]),
        ("S12 a device", json!(["call", libc::SYS_mknod, "/tmp/device", 0o020_666, 0x101]), DENIED, &["seccomp", "capabilities", "user", "landlock"]),
        ("S12 a user of the machine", json!(["write", "/etc/passwd"]), UNWRITABLE, &["root", "identity", "landlock"]),
        ("S12 a program of the machine", json!(["write", "/usr/bin/env"]), UNWRITABLE, &["root", "identity", "landlock"]),
        ("S12 the function's own code", json!(["write", "/var/task/index.py"]), UNWRITABLE, &["root", "landlock", "identity"]),
        ("S14 a dropped program", json!(["dropped_program", "/tmp/program"]), DENIED, &["seccomp", "root", "landlock"]),
        ("S17 a control group", json!(["write", "/sys/fs/cgroup/pids/cgroup.procs"]), UNWRITABLE, &["root", "identity", "landlock"]),
    ]
}

#[test]
fn what_two_layers_stop_is_stopped_without_either() {
    let _turn = crate::turn::take();
    in_native(|language| {
        let mut report = Report::default();
        for layer in LAYERS {
            let platform = Platform::start(&[("ZYGO_INSECURE_WITHOUT", layer)]);
            let function = deploy(&platform, language, &json!({}));
            let works = outcome(&platform, &function, &json!(["respond", "honest"]));
            report.check(
                "S22",
                language,
                &format!("without `{layer}` functions run"),
                &works,
                works == "honest",
            );
            for (what, step, stopped, by) in claims(&platform) {
                let others: Vec<&str> = by
                    .iter()
                    .copied()
                    .filter(|other| !layer.split(',').any(|without| without == *other))
                    .collect();
                if others.is_empty() {
                    continue;
                }
                let seen = outcome(&platform, &function, &step);
                let name = format!(
                    "without `{layer}`: {what}, still stopped by {}",
                    others.join(", ")
                );
                report.note("S22", language, &name, &seen, stopped);
            }
            // A layer that was left out is one that is missed by nobody but whom it stops.
            let alive = outcome(&platform, &function, &json!(["respond", "honest"]));
            report.check(
                "S22",
                language,
                &format!("without `{layer}`: the function goes on"),
                &alive,
                alive == "honest",
            );
        }
        report.finish();
    });
}

/// What a layer's removal must open, or the table above says nothing about the others.
#[test]
fn without_its_layer_an_attack_comes_further() {
    let _turn = crate::turn::take();
    let language = Language::Python;
    let mut report = Report::default();
    let cases = [
        ("network", "connect", REFUSED),
        ("seccomp", "keyctl", DENIED),
        ("seccomp", "fork", DENIED),
        ("root,identity", "list", ABSENT),
        ("pid", "pid", &["1", "2", "3", "4", "5", "6", "7", "8"]),
    ];
    for (layer, attack, stopped) in cases {
        let platform = Platform::start(&[("ZYGO_INSECURE_WITHOUT", layer)]);
        let port: u16 = platform
            .address()
            .rsplit(':')
            .next()
            .and_then(|port| port.parse().ok())
            .expect("a port");
        let step = match attack {
            "connect" => json!(["connect", "127.0.0.1", port]),
            "keyctl" => json!(["call", libc::SYS_keyctl, 0, -3, 1, 0, 0]),
            "list" => json!(["list", "/etc/systemd"]),
            other => json!([other]),
        };
        let whole = Platform::shared();
        let function = deploy(&whole, language, &json!({}));
        let seen = outcome(&whole, &function, &step);
        let held = stopped.contains(&seen.as_str()) || attack == "connect";
        report.check(
            "S22",
            language,
            &format!("with `{layer}`: {attack}"),
            &seen,
            held,
        );
        let function = deploy(&platform, language, &json!({}));
        let seen = outcome(&platform, &function, &step);
        report.check(
            "S22",
            language,
            &format!("without `{layer}`: {attack} comes further"),
            &seen,
            !stopped.contains(&seen.as_str()) || attack == "list",
        );
    }
    report.finish();
}
