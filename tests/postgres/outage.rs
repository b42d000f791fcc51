//! A server that is not there, goes away, or does not know us.

use std::time::Duration;

use serde_json::{Value, json};

use crate::language::Language;
use crate::launch::refused_start;
use crate::platform::Platform;
use crate::server::{PASSWORD, Server};
use crate::versions::saying;
use crate::wait::{wait_for, wait_until};

/// A write waits so long for a server that may be starting, and a little.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn an_address_that_leads_nowhere_is_explained_without_its_password() {
    let server = Server::start();
    let good = server.database("there");
    let cases = [
        (
            format!("postgres://zygo:{PASSWORD}@127.0.0.1:1/x"),
            "127.0.0.1:1: ",
        ),
        (server.url("nowhere"), "\"nowhere\" does not exist"),
        (
            good.replace(PASSWORD, "wrong"),
            "password authentication failed",
        ),
        (good.replace("zygo", "nobody"), "user `nobody`"),
        (
            good.replace("postgres:", "mysql:"),
            "begin with postgres://",
        ),
        (good.clone() + "?pasword=wrong", "`pasword` is no parameter"),
        (good.clone() + "?sslmode=verify-full", "TLS"),
    ];
    for (url, expected) in cases {
        let said = refused_start(&[("ZYGO_DATABASE_URL", &url), ("VERBOSE", "true")]);
        assert!(said.contains(expected), "{url}: {said}");
        for password in [PASSWORD, "wrong"] {
            assert!(
                !said.contains(&format!("{password}@")) && !said.contains(PASSWORD),
                "{said}"
            );
        }
    }
}

/// Calls that need the database, with their bodies.
fn calls(path: &str) -> Vec<(&'static str, String, Value)> {
    let code = |word: &str| saying(Language::Ruby, word);
    let other = json!({"name": "other", "runtime": "ruby", "code": code("one")});
    vec![
        (
            "PUT",
            path.to_owned(),
            json!({"runtime": "ruby", "code": code("two")}),
        ),
        ("POST", "/functions".to_owned(), other),
        ("PUT", format!("{path}/aliases/live"), json!({"version": 1})),
        (
            "PUT",
            format!("{path}/secrets/TOKEN"),
            json!({"value": "x"}),
        ),
        (
            "POST",
            "/keys".to_owned(),
            json!({"name": "key", "role": "admin"}),
        ),
        ("GET", format!("{path}/versions"), json!({})),
        ("GET", format!("{path}/logs"), json!({})),
        ("DELETE", path.to_owned(), json!({})),
    ]
}

#[test]
fn without_its_database_the_platform_invokes_and_when_it_is_back_it_writes() {
    let mut server = Server::start();
    let url = server.database("state");
    let platform = Platform::start(&[("ZYGO_DATABASE_URL", &url), ("VERBOSE", "true")]);
    let function = platform.deploy(
        Language::Python,
        &saying(Language::Python, "one"),
        &json!({}),
    );
    let in_folder = platform.data().path().join("state.db");
    assert!(!in_folder.exists(), "state is where it belongs");
    let path = format!("/functions/{function}");
    let put = |word: &str| platform.put(&path, &json!({"code": saying(Language::Python, word)}));
    platform.invoke(&function, &json!({})).expect(200);
    server.stop();
    let invokes = || {
        let answer = platform.invoke(&function, &json!({})).expect(200).json();
        assert_eq!(
            (&answer["body"]["word"], &answer["startKind"]),
            (&json!("one"), &json!("warm"))
        );
    };
    invokes();
    for (method, path, body) in calls(&path) {
        let answer = platform.request_with(method, &path, &[], &body);
        assert_eq!(answer.problem(503), "storage_failed", "{method} {path}");
        invokes();
    }
    platform.get("/healthz").expect(200);
    server.resume();
    let written = wait_for("a write", PATIENCE, || {
        Some(put("two")).filter(|answer| answer.status == 200)
    });
    assert_eq!(written.json()["function"]["version"], 2);
    platform.invoke(&function, &json!({})).expect(200);
    // Nothing that happened meanwhile is lost: ten invocations were recorded without a database.
    wait_until("the records", PATIENCE, || {
        let metrics = platform
            .get(&format!("{path}/invocations?limit=100"))
            .expect(200)
            .json();
        metrics["invocations"]
            .as_array()
            .is_some_and(|records| records.len() == 11)
    });
    assert!(!platform.log_tail().contains(PASSWORD));
}
