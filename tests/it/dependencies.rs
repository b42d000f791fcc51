//! Packages that functions ask for: installed by the languages' own tools from the real registries, once for each lock
//! file, and explained when they cannot be.

use std::sync::Arc;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::auth::call;
use crate::client::Answer;
use crate::language::Language;
use crate::platform::{Platform, unique_name};

const ADMIN: &str = "an-administrators-key";
/// Of the package `ms` 2.1.3, as the registry has it.
const MS_INTEGRITY: &str = "sha512-6FlzubTLZG3J2a/NVCAleEhjzq5oxgHyaCU9yYXvcLsvoVaHJq/s5xXI6/XXP6tz7R9xAOtHnSO/tXtF3WRTlA==";

pub(crate) fn deploy(platform: &Platform, language: Language, files: &Value) -> (String, Answer) {
    let name = unique_name();
    let answer = platform.try_deploy(
        &name,
        language.name(),
        &json!({"files": files, "handler": "index.handler"}),
    );
    (name, answer)
}

fn trees(platform: &Platform) -> usize {
    let folder = platform.data().path().join("dependencies");
    std::fs::read_dir(folder)
        .expect("the trees")
        .flatten()
        .count()
}

#[test]
fn pip_installs_what_requirements_ask_for_once() {
    let platform = Platform::start(&[]);
    let files = |word: &str| {
        json!({
            "index.py": format!("import six\ndef handler(event, context): return [six.__version__, '{word}']\n"),
            "requirements.txt": "# pinned\nsix==1.16.0\n",
        })
    };
    let (first, answer) = deploy(&platform, Language::Python, &files("one"));
    answer.expect(201);
    assert_eq!(
        platform.invoke(&first, &json!({})).handler_body(),
        json!(["1.16.0", "one"])
    );
    let log = platform
        .get(&format!("/functions/{first}/versions/1/build"))
        .expect(200)
        .json();
    assert_eq!(log["dependencies"], true);
    assert!(log["log"].to_string().contains("six"), "{log}");
    let (second, answer) = deploy(&platform, Language::Python, &files("two"));
    answer.expect(201);
    assert_eq!(
        platform.invoke(&second, &json!({})).handler_body(),
        json!(["1.16.0", "two"])
    );
    assert_eq!(
        trees(&platform),
        1,
        "the same requirements are the same packages"
    );
}

#[test]
fn npm_installs_what_package_json_asks_for() {
    let platform = Platform::shared();
    let files = json!({
        "index.js": "import ms from 'ms';\nimport escape from 'escape-string-regexp';\nexport const handler = async () => [ms('2 days'), escape('a.b')]",
        "package.json": "{\"type\": \"module\", \"dependencies\": {\"ms\": \"2.1.3\", \"escape-string-regexp\": \"5.0.0\"}}",
    });
    let (function, answer) = deploy(&platform, Language::TypeScript, &files);
    answer.expect(201);
    assert_eq!(
        platform.invoke(&function, &json!({})).handler_body(),
        json!([172_800_000, "a\\.b"])
    );
}

#[test]
fn packages_that_are_nowhere_are_explained() {
    let platform = Platform::shared();
    let cases = [
        (
            Language::Python,
            json!({"index.py": "def handler(event, context): return 1", "requirements.txt": "nowhere-to-be-found-x1==9.9.9\n"}),
        ),
        (
            Language::TypeScript,
            json!({"index.ts": "export const handler = () => 1", "package.json": "{\"dependencies\": {\"nowhere-to-be-found-x1\": \"9.9.9\"}}"}),
        ),
        (
            Language::Ruby,
            json!({"index.rb": "def handler(event, context) = 1", "Gemfile": "source 'http://127.0.0.1:1/'\ngem 'nowhere-to-be-found-x1'\n"}),
        ),
    ];
    for (language, files) in cases {
        let (name, answer) = deploy(&platform, language, &files);
        assert_eq!(answer.problem(422), "dependencies_failed", "{language:?}");
        let problem = answer.json();
        assert!(
            problem["buildLog"]
                .as_array()
                .is_some_and(|log| !log.is_empty()),
            "{problem}"
        );
        assert_eq!(platform.get(&format!("/functions/{name}")).status, 404);
    }
}

#[test]
fn gems_that_the_machine_has_are_taken() {
    let platform = Platform::shared();
    let files = json!({
        "index.rb": "require 'rexml/document'\ndef handler(event, context) = REXML::Document.new('<a>1</a>').root.text",
        "Gemfile": "source 'http://127.0.0.1:1/'\ngem 'rexml'\n",
    });
    let (function, answer) = deploy(&platform, Language::Ruby, &files);
    answer.expect(201);
    assert_eq!(platform.invoke(&function, &json!({})).handler_body(), "1");
}

#[test]
fn a_tool_that_never_ends_is_ended_and_what_it_said_is_kept() {
    let platform = Platform::start(&[("ZYGO_DEPENDENCY_TIMEOUT_MS", "15000")]);
    // A Gemfile is a program.
    let files = json!({
        "index.rb": "def handler(event, context) = 1",
        "Gemfile": "$stdout.puts 'the first words'\n$stdout.write 'the last words'\n$stdout.flush\nsleep 600\ngem 'rexml'\n",
    });
    let (_, answer) = deploy(&platform, Language::Ruby, &files);
    assert_eq!(answer.problem(422), "dependencies_failed");
    let problem = answer.json();
    let detail = problem["detail"].as_str().expect("a detail");
    assert!(detail.contains("longer than 15 s"), "{problem}");
    let log = problem["buildLog"].to_string();
    assert!(
        log.contains("the first words") && log.contains("the last words"),
        "{log}"
    );
    assert_eq!(trees(&platform), 0);
    assert!(
        !platform
            .processes()
            .iter()
            .any(|process| process.title.starts_with("bundle"))
    );
}

/// A platform that reaches no registry.
fn without_registries(data: Arc<TempDir>) -> Platform {
    let nowhere = "http://127.0.0.1:1/";
    Platform::start_on(
        data,
        &[
            ("PIP_INDEX_URL", nowhere),
            ("NPM_CONFIG_REGISTRY", nowhere),
            ("npm_config_registry", nowhere),
        ],
    )
}

#[test]
fn what_was_resolved_once_asks_no_registry_again() {
    let python = |word: &str, version: &str| {
        json!({
            "index.py": format!("import six\ndef handler(event, context): return [six.__version__, '{word}']\n"),
            "requirements.txt": format!("six=={version}\n"),
        })
    };
    let lock = json!({
        "name": "x", "lockfileVersion": 3,
        "packages": {
            "": {"dependencies": {"ms": "2.1.3"}},
            "node_modules/ms": {"version": "2.1.3", "integrity": MS_INTEGRITY},
        },
    });
    let javascript = |word: &str, lock: &Value| {
        json!({
            "index.js": format!("import ms from 'ms';\nexport const handler = () => [ms('1s'), '{word}']"),
            "package.json": "{\"type\": \"module\", \"dependencies\": {\"ms\": \"2.1.3\"}}",
            "package-lock.json": lock.to_string(),
            ".npmrc": "fetch-retries=0\n",
        })
    };
    let mut first = Platform::start(&[]);
    for (language, files) in [
        (Language::Python, python("one", "1.16.0")),
        (Language::TypeScript, javascript("one", &lock)),
    ] {
        deploy(&first, language, &files).1.expect(201);
    }
    first.stop();
    let second = without_registries(first.data());
    for (language, files, expected) in [
        (
            Language::Python,
            python("two", "1.16.0"),
            json!(["1.16.0", "two"]),
        ),
        (
            Language::TypeScript,
            javascript("two", &lock),
            json!([1000, "two"]),
        ),
    ] {
        let (function, answer) = deploy(&second, language, &files);
        answer.expect(201);
        assert_eq!(
            second.invoke(&function, &json!({})).handler_body(),
            expected
        );
    }
    assert_eq!(trees(&second), 2);
    // Others than these would have to be asked for.
    let mut other = lock.clone();
    other["name"] = "y".into();
    for (language, files) in [
        (Language::Python, python("three", "1.15.0")),
        (Language::TypeScript, javascript("three", &other)),
    ] {
        let (_, answer) = deploy(&second, language, &files);
        assert_eq!(answer.problem(422), "dependencies_failed", "{language:?}");
    }
}

#[test]
fn no_tool_sees_the_platforms_secrets() {
    let secrets = [
        ("ZYGO_JWT_SECRET", "jwt-0123456789abcdef"),
        (
            "ZYGO_MASTER_KEY",
            "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
        ),
        ("PGPASSWORD", "password-0123456789"),
        ("AWS_SECRET_ACCESS_KEY", "aws-0123456789abcdef"),
    ];
    let mut settings = secrets.to_vec();
    settings.push(("ZYGO_ADMIN_KEY", ADMIN));
    let platform = Platform::start(&settings);
    // Each of these files is read by its tool in a way that shows what it can see.
    let cases = [
        (
            Language::Ruby,
            json!({
                "index.rb": "def handler(event, context) = 1",
                "Gemfile": "puts ENV.to_h\ngem 'nowhere-to-be-found-x1'\n",
            }),
        ),
        (
            Language::TypeScript,
            json!({
                "index.js": "export const handler = () => 1",
                "package.json": "{\"dependencies\": {\"nowhere-to-be-found-x1\": \"1\"}}",
                ".npmrc": "registry=http://127.0.0.1:1/${ZYGO_ADMIN_KEY}/${ZYGO_MASTER_KEY}/${PGPASSWORD}\nfetch-retries=0\nloglevel=verbose\n",
            }),
        ),
        (
            Language::Python,
            json!({
                "index.py": "def handler(event, context): return 1",
                "requirements.txt": "--index-url http://127.0.0.1:1/${ZYGO_ADMIN_KEY}/${PGPASSWORD}\n./own\n",
                "own/setup.py": "import os\nraise SystemExit(str(dict(os.environ)))\n",
            }),
        ),
    ];
    for (language, files) in cases {
        let body = json!({
            "name": unique_name(), "runtime": language.name(), "files": files, "handler": "index.handler",
        });
        let answer = call(&platform, "POST", "/functions", Some(ADMIN), &body);
        assert_eq!(answer.problem(422), "dependencies_failed", "{language:?}");
        let said = answer.text();
        assert!(
            said.contains("127.0.0.1") || said.contains("PATH"),
            "{said}"
        );
        for (_, secret) in &settings {
            assert!(!said.contains(secret), "{language:?}: {said}");
        }
    }
}
