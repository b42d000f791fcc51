//! What code in the JavaScript engine reaches: no system calls, no files, no operations of the engine.

use serde_json::json;

use super::table::Report;
use super::{deploy, outcome};
use crate::language::Language;
use crate::platform::Platform;

const NOTHING: &[&str] = &["TypeError", "ReferenceError", "Error", "NotSupported"];

#[test]
fn the_engines_own_doors_are_shut() {
    let platform = Platform::shared();
    let mut report = Report::default();
    let language = Language::TypeScript;
    let function = deploy(&platform, language, &json!({}));
    let seen = outcome(&platform, &function, &json!(["reachable"]));
    report.note(
        "S14",
        language,
        "every object that a global name leads to",
        &seen,
        &["[]"],
    );
    for step in [
        "deno",
        "core_by_eval",
        "core_by_constructor",
        "core_by_stack",
        "dynamic_ops",
        "worker",
    ] {
        let seen = outcome(&platform, &function, &json!([step]));
        report.note("S14", language, step, &seen, NOTHING);
    }
    for specifier in [
        "ext:core/ops",
        "ext:core/mod.js",
        "ext:zygo/process.js",
        "node:fs",
        "node:child_process",
        "fs",
        "npm:x",
    ] {
        let seen = outcome(&platform, &function, &json!(["import", specifier]));
        report.note(
            "S14",
            language,
            &format!("import {specifier}"),
            &seen,
            NOTHING,
        );
    }
    report.finish();
}

#[test]
fn no_file_is_read_by_a_way_around() {
    let platform = Platform::shared();
    let mut report = Report::default();
    let language = Language::TypeScript;
    let function = deploy(&platform, language, &json!({}));
    let data = platform.data();
    let key = data.path().join("master.key").display().to_string();
    for path in [
        "/etc/passwd",
        "/etc/shadow",
        "/proc/self/environ",
        "/proc/1/environ",
        "/etc/hostname",
        &key,
    ] {
        for (step, argument) in [
            ("import", format!("file://{path}")),
            ("import", path.to_owned()),
            ("import", format!("../../..{path}")),
            ("import_json", format!("file://{path}")),
            ("require", path.to_owned()),
            ("fetch", format!("file://{path}")),
        ] {
            let seen = outcome(&platform, &function, &json!([step, argument]));
            // The list of users that every function has of its own is no script.
            let made_up = step == "require" && ["/etc/passwd", "/etc/hostname"].contains(&path);
            let wanted = if made_up {
                &["SyntaxError", "ReferenceError"]
            } else {
                NOTHING
            };
            report.note("S6", language, &format!("{step} {argument}"), &seen, wanted);
        }
    }
    for url in [
        "https://example.invalid/x.js",
        "data:text/javascript,1",
        "blob:null/1",
    ] {
        let seen = outcome(&platform, &function, &json!(["import", url]));
        report.note("S14", language, &format!("import {url}"), &seen, NOTHING);
    }
    report.finish();
}

#[test]
fn changed_builtins_harm_their_function_alone() {
    let platform = Platform::shared();
    let mut report = Report::default();
    let language = Language::TypeScript;
    let token = format!("{:016x}", fastrand::u64(..));
    let secret = json!({"secrets": {"KEPT": format!("planted-{token}")}});
    let victim = deploy(&platform, language, &secret);
    let attacker = deploy(&platform, language, &json!({}));
    let own = outcome(&platform, &victim, &json!(["grep", token]));
    report.note(
        "S6",
        language,
        "the one who has a secret finds it",
        &own,
        &["[\"KEPT\"]"],
    );
    let seen = outcome(&platform, &attacker, &json!(["grep", token]));
    report.note(
        "S6",
        language,
        "a secret of another function",
        &seen,
        &["[]"],
    );
    outcome(&platform, &attacker, &json!(["patched_primordials"]));
    let after = outcome(&platform, &victim, &json!(["respond", "honest"]));
    report.check(
        "F6",
        language,
        "another function after builtins were changed",
        &after,
        after == "honest",
    );
    let fresh = deploy(&platform, language, &json!({}));
    let after = outcome(&platform, &fresh, &json!(["respond", "honest"]));
    report.check(
        "F6",
        language,
        "a new function after builtins were changed",
        &after,
        after == "honest",
    );
    report.finish();
}
