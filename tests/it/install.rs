//! Zygo as a service: what `zygo install` writes, what it leaves alone, and what systemd says of it.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::platform::say;

/// Exposure from 0 (none) to 10: what is left is what isolation takes. See the comments of the unit.
const EXPOSURE_MAX: &str = "60";

fn zygo(root: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zygo"));
    command.args(words).arg("--root").arg(root).arg("--json");
    command.env_clear().env("NO_COLOR", "1");
    let runtimes = Path::new(env!("CARGO_BIN_EXE_zygo")).parent();
    command.env("ZYGO_RUNTIME_DIR", runtimes.expect("a folder"));
    command.output().expect("zygo ends")
}

#[track_caller]
fn outcomes(root: &Path, words: &[&str]) -> BTreeMap<String, String> {
    let output = zygo(root, words);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    let read: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let files = read["files"].as_array().expect("files").iter();
    files
        .map(|one| (text(&one["file"]), text(&one["outcome"])))
        .collect()
}

fn all_are(outcomes: &BTreeMap<String, String>, expected: &str) -> bool {
    !outcomes.is_empty() && outcomes.values().all(|outcome| outcome == expected)
}

#[test]
fn what_was_changed_is_neither_written_over_nor_removed() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    let install = ["install", "--units-only"];
    let dry = outcomes(root, &["install", "--units-only", "--dry-run"]);
    assert!(all_are(&dry, "written"));
    assert_eq!(std::fs::read_dir(root).expect("a folder").count(), 0);
    let first = outcomes(root, &install);
    assert!(all_are(&first, "written"), "{first:?}");
    assert!(all_are(&outcomes(root, &install), "unchanged"));
    let path = |name: &str| root.join(name.trim_start_matches('/'));
    for (name, mode) in [
        ("/etc/zygo/zygo.env", 0o600),
        ("/etc/zygo/zygo.toml", 0o644),
    ] {
        let meta = std::fs::metadata(path(name)).expect("written");
        assert_eq!(meta.permissions().mode() & 0o777, mode, "{name}");
    }
    std::fs::write(path("/etc/zygo/zygo.toml"), "max_memory = 1024\n").expect("changed");
    // Another address changes the socket, which nobody has touched.
    let listen = ["install", "--units-only", "--listen", "[::]:80"];
    let second = outcomes(root, &listen);
    assert_eq!(second["/etc/zygo/zygo.toml"], "kept");
    assert_eq!(second["/etc/systemd/system/zygo.socket"], "renewed");
    assert_eq!(second["/etc/systemd/system/zygo.service"], "unchanged");
    let beside = std::fs::read_to_string(path("/etc/zygo/zygo.toml.new")).expect("beside");
    assert!(beside.contains("#max_memory = 512"));
    let kept = std::fs::read_to_string(path("/etc/zygo/zygo.toml")).expect("kept");
    assert_eq!(kept, "max_memory = 1024\n");
    let removed = outcomes(root, &["uninstall"]);
    assert_eq!(removed["/etc/zygo/zygo.toml"], "kept");
    assert_eq!(removed["/etc/systemd/system/zygo.service"], "removed");
    assert!(path("/etc/zygo/zygo.toml").exists() && !path("/etc/zygo/zygo.env").exists());
    assert_eq!(zygo(root, &["uninstall"]).status.code(), Some(2));
}

#[test]
fn words_that_would_be_settings_of_their_own_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    for words in [
        ["--user", "a\nb"],
        ["--user", ""],
        ["--listen", "localhost"],
        ["--listen", "127.0.0.1:1\nExecStartPre=/bin/sh"],
        ["--prefix", "here"],
        ["--prefix", "/a b"],
    ] {
        let output = zygo(folder.path(), &["install", words[0], words[1]]);
        assert_eq!(output.status.code(), Some(2), "{words:?}");
    }
    assert_eq!(
        std::fs::read_dir(folder.path()).expect("a folder").count(),
        0
    );
}

#[test]
fn programs_that_were_installed_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    let first = outcomes(root, &["install", "--prefix", "/opt/zygo"]);
    assert_eq!(first["/opt/zygo/lib/zygo/zygo-python"], "written");
    let unit = std::fs::read_to_string(root.join("etc/systemd/system/zygo.service"));
    let unit = unit.expect("a unit");
    assert!(unit.contains("ExecStart=/opt/zygo/lib/zygo/zygo serve"));
    let program = root.join("opt/zygo/bin/zygo");
    let data = root.join("data");
    let checked = Command::new(program)
        .args(["serve", "--check", "--config"])
        .arg(root.join("etc/zygo/zygo.toml"))
        .arg("--data-dir")
        .arg(&data)
        .env_clear()
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&checked.stderr);
    assert!(checked.status.success(), "{said}");
    assert!(!data.exists(), "a check changes nothing");
    assert!(all_are(
        &outcomes(root, &["uninstall", "--prefix", "/opt/zygo"]),
        "removed"
    ));
}

#[test]
fn systemd_understands_the_units_and_finds_them_hardened() {
    let Ok(version) = Command::new("systemd-analyze").arg("--version").output() else {
        say("NOT TESTED: the units, as systemd-analyze is not installed here");
        return;
    };
    assert!(version.status.success());
    for user in ["root", "zygo"] {
        let folder = tempfile::tempdir().expect("a folder");
        outcomes(folder.path(), &["install", "--units-only", "--user", user]);
        let units = folder.path().join("etc/systemd/system");
        let unit = |name: &str| units.join(name);
        // A complaint about a unit does not always fail the tool, so nothing may be said of ours.
        let verified = Command::new("systemd-analyze")
            .args(["verify", "--man=no", "--recursive-errors=no"])
            .args([unit("zygo.service"), unit("zygo.socket")])
            .env("SYSTEMD_UNIT_PATH", format!("{}:", units.display()))
            .output()
            .expect("systemd-analyze runs");
        let said = String::from_utf8_lossy(&verified.stderr);
        let ours: Vec<&str> = said.lines().filter(|line| line.contains("zygo")).collect();
        assert!(verified.status.success() && ours.is_empty(), "{said}");
        let judged = Command::new("systemd-analyze")
            .args([
                "security",
                "--offline=true",
                "--no-pager",
                "--threshold",
                EXPOSURE_MAX,
            ])
            .arg(unit("zygo.service"))
            .output()
            .expect("systemd-analyze runs");
        let table = String::from_utf8_lossy(&judged.stdout);
        let sum = table.lines().last().unwrap_or_default();
        say(&format!("{user}: {sum}"));
        assert!(judged.status.success(), "{table}");
    }
}
