//! The API against its own description: schemathesis makes requests from it, right ones and wrong ones, and compares the
//! answers with what it says. `scripts/setup` installs it; `SCHEMATHESIS` says where, or `none` where it cannot be had.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;

use crate::auth::{ADMIN, call, platform};
use crate::language::LANGUAGES;
use crate::platform::Platform;
use crate::wait::wait_for;

/// A run that takes longer hangs; on two idle processors it takes 45 s.
const DEADLINE: Duration = Duration::from_secs(600);

/// The program. Without one there is nothing to test: `scripts/test` leaves these tests out then, and says so.
fn schemathesis() -> PathBuf {
    let path = std::env::var_os("SCHEMATHESIS");
    let path = PathBuf::from(
        path.expect("SCHEMATHESIS: run scripts/test, or scripts/setup and what it writes"),
    );
    assert!(path.exists(), "schemathesis is not installed: {path:?}");
    path
}

fn settings(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    folder.join("tests/schemathesis").join(name)
}

/// Runs it on the whole API, with these arguments.
fn run(program: &Path, platform: &Platform, arguments: &[&str]) -> Output {
    let folder = TempDir::new().expect("a temporary folder");
    let output = folder.path().join("output");
    let file = std::fs::File::create(&output).expect("a file");
    let mut child = Command::new(program)
        .arg("--config-file")
        .arg(settings("config.toml"))
        .arg("run")
        .arg(format!("http://{}/openapi.json", platform.address()))
        .args(["--no-color"])
        .args(arguments)
        .env("SCHEMATHESIS_HOOKS", settings("hooks.py"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        // The platform is on this machine, whatever proxy there is.
        .env("NO_PROXY", "127.0.0.1")
        .current_dir(&folder)
        .stdout(file.try_clone().expect("a file"))
        .stderr(file)
        .spawn()
        .expect("schemathesis starts");
    let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        wait_for("schemathesis", DEADLINE, || {
            child.try_wait().expect("our child")
        })
    }));
    let status = ended.unwrap_or_else(|_| {
        let _ = child.kill();
        child.wait().expect("our child")
    });
    Output {
        status,
        stdout: std::fs::read(&output).expect("the output"),
        stderr: Vec::new(),
    }
}

/// Fails with what it found, when it found something or did nothing.
#[track_caller]
fn expect_nothing_found(output: &Output) {
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}\n{text}", output.status);
    let tested = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("Tested: "));
    let count: u32 = tested
        .and_then(|count| count.parse().ok())
        .unwrap_or_default();
    assert!(count > 40, "{text}");
}

fn deploy_one_of_each(platform: &Platform) {
    for language in LANGUAGES {
        let (name, code) = (language.name(), language.handler("echo"));
        let body = json!({"name": name, "runtime": name, "code": code});
        call(platform, "POST", "/functions", Some(ADMIN), &body).expect(201);
    }
}

#[test]
fn the_api_answers_an_administrator_as_it_is_described() {
    let program = schemathesis();
    let _turn = crate::turn::take();
    let platform = platform();
    deploy_one_of_each(&platform);
    let credential = format!("Authorization: Bearer {ADMIN}");
    expect_nothing_found(&run(&program, &platform, &["--header", &credential]));
    call(&platform, "GET", "/whoami", Some(ADMIN), &json!({})).expect(200);
}

#[test]
fn the_api_answers_nobody_as_it_is_described() {
    let program = schemathesis();
    let _turn = crate::turn::take();
    let platform = platform();
    deploy_one_of_each(&platform);
    expect_nothing_found(&run(&program, &platform, &["--max-examples", "10"]));
    let left = call(&platform, "GET", "/functions", Some(ADMIN), &json!({}));
    assert_eq!(
        left.expect(200).json()["total"],
        3,
        "nobody deletes a function"
    );
}
