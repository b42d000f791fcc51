//! Where the command line must take care: secrets, terminals, files that change, manuals that must fit.

use std::process::Stdio;
use std::time::Duration;

use serde_json::json;

use crate::cli::{Shell, command, stderr};
use crate::language::Language;
use crate::platform::Platform;
use crate::wait::{wait_for, wait_until};

const DEADLINE: Duration = Duration::from_secs(60);

#[test]
fn secrets_come_from_standard_input_and_are_never_shown() {
    let platform = Platform::shared();
    let shell = Shell::new(&platform);
    let code = "require 'digest'\ndef handler(event, context) = Digest::SHA256.hexdigest(ENV.fetch('TOKEN'))";
    let function = platform.deploy(Language::Ruby, code, &json!({"secrets": {"TOKEN": "old"}}));
    let set = shell.run(&["secrets", "set", "TOKEN", "-f", &function], "new\n");
    assert!(set.status.success(), "{}", stderr(&set));
    let expected = "11507a0e2f5e69d5dfa40a62a1bd7b6ee57e6bcd85c67c9b8431b36fff21c437";
    assert_eq!(shell.json(&["invoke", &function])["body"], expected);
    assert_eq!(
        shell
            .ok(&["secrets", "ls", &function])
            .split_whitespace()
            .collect::<Vec<_>>(),
        ["NAME", "TOKEN"]
    );
    shell.ok(&["secrets", "rm", "TOKEN", "-f", &function]);
    let names = shell.json(&["secrets", "ls", &function]);
    assert_eq!(names["secrets"], json!([]));
    let variable = shell.run(&["env", "set", "PLAIN", &function], "x");
    assert!(variable.status.success(), "{}", stderr(&variable));
}

#[test]
fn what_user_code_wrote_steers_no_terminal() {
    let platform = Platform::shared();
    let shell = Shell::new(&platform);
    let code = "def handler(event, context):\n    print('\\x1b[2Jcleared')\n    raise RuntimeError('\\x1b]0;title\\x07')\n";
    let function = platform.deploy(Language::Python, code, &json!({}));
    let output = shell.run(&["invoke", &function], "");
    for stream in [&output.stdout, &output.stderr] {
        assert!(
            !stream.contains(&0x1b),
            "{}",
            String::from_utf8_lossy(stream)
        );
    }
    assert!(stderr(&output).contains("\\u{1b}"), "{}", stderr(&output));
}

/// The processes that a process has started.
fn children(pid: i32) -> Vec<i32> {
    let list = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let list = list.unwrap_or_default();
    list.split_whitespace()
        .filter_map(|pid| pid.parse().ok())
        .collect()
}

#[test]
fn every_save_is_served_while_a_project_is_developed() {
    let platform = Platform::shared();
    let shell = Shell::new(&platform);
    shell.ok(&["init", "--runtime", "python"]);
    let mut dev = command(shell.path());
    dev.args(["dev"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    if let Some(folder) = std::env::var_os("ZYGO_RUNTIME_DIR") {
        dev.env("ZYGO_RUNTIME_DIR", folder);
    }
    let mut dev = dev.spawn().expect("zygo starts");
    let stderr = dev.stderr.take().expect("standard error is piped");
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(stderr)).map_while(Result::ok);
    let mut wait = |text: &str| {
        let mut seen = Vec::new();
        for line in lines.by_ref() {
            if line.contains(text) {
                return line;
            }
            seen.push(line);
        }
        panic!("no {text} in {seen:#?}")
    };
    assert!(wait("version 1").contains("ms"));
    shell.write("index.py", "def handler(event, context): return 2\n");
    assert!(wait("version 2").contains("ms"));
    shell.write("index.py", "def handler(event, context) return 2\n");
    wait("error:");
    let pid = i32::try_from(dev.id()).expect("a process id");
    crate::processes::send(pid, rustix::process::Signal::INT);
    assert_eq!(dev.wait().expect("it ends").code(), Some(130));
}

#[test]
fn the_platform_of_a_project_ends_with_its_development_however_that_ends() {
    let platform = Platform::shared();
    for signal in [rustix::process::Signal::TERM, rustix::process::Signal::KILL] {
        let shell = Shell::new(&platform);
        shell.ok(&["init", "--runtime", "python"]);
        let mut dev = command(shell.path());
        dev.args(["dev"])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if let Some(folder) = std::env::var_os("ZYGO_RUNTIME_DIR") {
            dev.env("ZYGO_RUNTIME_DIR", folder);
        }
        let mut dev = dev.spawn().expect("zygo starts");
        let pid = i32::try_from(dev.id()).expect("a process id");
        let served = wait_for("its platform", DEADLINE, || children(pid).first().copied());
        crate::processes::send(pid, signal);
        dev.wait().expect("it ends");
        wait_until("the platform to end", DEADLINE, || {
            !crate::processes::is_alive(served)
        });
    }
}

#[test]
fn manual_and_completions_are_made_from_the_commands() {
    let platform = Platform::shared();
    let shell = Shell::new(&platform);
    assert!(shell.ok(&["man"]).contains(".TH zygo 1"));
    for shell_name in ["bash", "zsh", "fish"] {
        assert!(shell.ok(&["completions", shell_name]).contains("rollback"));
    }
    let pages = shell.path().join("pages");
    shell.ok(&["man", "--dir", pages.to_str().expect("a path")]);
    assert!(pages.join("zygo-deploy.1").is_file());
    let help = shell.ok(&["--help"]);
    for word in ["serve", "deploy", "Exit codes", "ZYGO_URL"] {
        assert!(help.contains(word), "{word} in {help}");
    }
}
