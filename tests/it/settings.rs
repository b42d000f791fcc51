//! What an operator may set, what is refused, and a platform whose languages are not all there.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::json;

use crate::language::{LANGUAGES, Language};
use crate::platform::{Platform, unique_name};

/// Variables, flags, and what the complaint must name.
type Case = (
    &'static [(&'static str, &'static str)],
    &'static [&'static str],
    &'static str,
);

/// Runs `zygo serve` with settings that it must refuse.
fn serve(variables: &[(&str, &str)], flags: &[&str]) -> Output {
    let data = tempfile::tempdir().expect("a temporary folder");
    Command::new(env!("CARGO_BIN_EXE_zygo"))
        .arg("serve")
        .args(flags)
        .env_clear()
        .env("ZYGO_DATA_DIR", data.path())
        .envs(variables.iter().copied())
        .output()
        .expect("zygo starts")
}

#[test]
fn settings_that_cannot_be_are_refused_by_name() {
    let secret = "1234567890123456";
    let cases: [Case; 9] = [
        (&[("ZYGO_PROT", "1")], &[], "prot"),
        (&[("ZYGO_MAX_QUEUE_LEN", "many")], &[], "max_queue_len"),
        (&[("MAX_MEMORY", "1")], &[], "max_memory"),
        (&[("ZYGO_MAX_INSTANCES", "0")], &[], "max_instances"),
        (&[("PORT", "70000")], &[], "port"),
        (&[], &["--config", "/nowhere/zygo.toml"], "zygo.toml"),
        (
            &[("ZYGO_DATA_DIR", "/dev/null/x")],
            &["--port", "0"],
            "/dev/null/x",
        ),
        // A key of digits alone is a key, and the complaint is about something else.
        (
            &[("ZYGO_ADMIN_KEY", "1234567890123456"), ("MAX_MEMORY", "2")],
            &[],
            "max_memory",
        ),
        (&[("ZYGO_HOST", "[[[1]]]")], &[], "host"),
    ];
    for (variables, flags, named) in cases {
        let output = serve(variables, flags);
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{named}: {text}");
        assert!(text.to_lowercase().contains(named), "{named}: {text}");
        assert!(!text.contains(secret), "{named}: {text}");
    }
}

#[test]
fn an_unknown_key_of_the_file_is_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("zygo.toml");
    std::fs::write(&file, "port = 0\nmax_memroy = 64\n").expect("written");
    let output = serve(&[], &["--config", file.to_str().expect("a plain path")]);
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("max_memroy"), "{text}");
}

#[test]
fn a_file_that_cannot_be_read_is_not_shown() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("zygo.toml");
    let secret = "1234567890123456";
    for line in [
        format!("\"{secret}"),
        secret.to_owned(),
        format!("{secret}x"),
    ] {
        std::fs::write(&file, format!("port = 0\nadmin_key = {line}\n")).expect("written");
        let output = serve(&[], &["--config", file.to_str().expect("a plain path")]);
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(
            text.contains("zygo.toml") && !text.contains(secret),
            "{text}"
        );
    }
}

#[test]
fn the_specifications_short_names_are_limits() {
    let platform = Platform::start(&[("MAX_MEMORY", "64"), ("MAX_TIMEOUT", "2000")]);
    let code = "def handler(event, context): return 1";
    let name = platform.deploy(Language::Python, code, &json!({}));
    let function = platform.show(&name);
    assert_eq!(
        (&function["memory"], &function["timeout"]),
        (&json!(64), &json!(2000))
    );
    for (field, value) in [("memory", 65), ("timeout", 2001)] {
        let answer = platform.try_deploy(
            &unique_name(),
            "python",
            &json!({"code": code, field: value}),
        );
        assert_eq!(answer.problem(422), "invalid_function");
        assert_eq!(answer.json()["pointer"], format!("/{field}"));
    }
}

#[test]
fn a_language_that_is_missing_is_unavailable_and_the_others_work() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for runtime in ["javascript", "python"] {
        let name = format!("zygo-{runtime}");
        symlink(runtime_folder().join(&name), folder.path().join(&name)).expect("a link");
    }
    let folder = folder.path().to_str().expect("a plain path");
    let platform = Platform::start(&[("ZYGO_RUNTIME_DIR", folder)]);
    let code = |language: Language| {
        language.pick(
            "export const handler = () => 1",
            "def handler(e, c): return 1",
            "def handler(event:, context:) = 1",
        )
    };
    for language in LANGUAGES {
        let name = unique_name();
        let answer = platform.try_deploy(&name, language.name(), &json!({"code": code(language)}));
        if language == Language::Ruby {
            assert_eq!(answer.problem(503), "runtime_unavailable");
            assert!(answer.text().contains("scripts/build"), "{}", answer.text());
        } else {
            answer.expect(201);
            platform.invoke(&name, &json!({})).expect(200);
        }
    }
    let ready = platform.get("/readyz").json();
    assert_eq!(
        ready["runtimes"]["ruby"]["status"], "unavailable",
        "{ready}"
    );
    assert_eq!(ready["runtimes"]["python"]["status"], "ready", "{ready}");
}

fn runtime_folder() -> PathBuf {
    let beside = || {
        Path::new(env!("CARGO_BIN_EXE_zygo"))
            .parent()
            .expect("a folder")
            .to_owned()
    };
    std::env::var_os("ZYGO_RUNTIME_DIR").map_or_else(beside, PathBuf::from)
}

#[test]
fn the_platform_says_how_it_is() {
    let platform = Platform::shared();
    assert_eq!(platform.get("/healthz").expect(200).text(), "ok\n");
    let ready = platform.get("/readyz").expect(200).json();
    for language in LANGUAGES {
        assert_eq!(
            ready["runtimes"][language.runtime()]["status"],
            "ready",
            "{ready}"
        );
    }
}

#[test]
fn paths_and_methods_that_are_not_there() {
    let platform = Platform::shared();
    assert_eq!(platform.get("/nothing").problem(404), "path_not_found");
    assert_eq!(
        platform.get("/functions/a/b/c").problem(404),
        "path_not_found"
    );
    assert_eq!(
        platform.delete("/functions").problem(405),
        "method_not_allowed"
    );
    assert_eq!(
        platform.get("/functions/x/invoke").problem(405),
        "method_not_allowed"
    );
    assert_eq!(
        platform.get("/functions/x").problem(404),
        "function_not_found"
    );
}
