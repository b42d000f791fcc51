//! What a kill at any moment of a change leaves: the old state or the new one, never half, and nothing behind.

use std::path::Path;

use serde_json::{Value, json};

use crate::auth::call;
use crate::language::Language;
use crate::platform::{Platform, unique_name};

pub(crate) fn code(word: &str) -> String {
    format!("def handler(event, context):\n    return '{word}'\n")
}

/// A change that is cut off, and what is there afterwards.
struct Cut {
    /// Where the platform ends.
    point: &'static str,
    /// The request that gets there: method, path below the function, body.
    change: (&'static str, &'static str, Value),
    /// The version that serves; nothing does when the function is gone.
    serves: Option<u64>,
    /// Names of aliases.
    aliases: &'static [&'static str],
    /// Names of secrets.
    secrets: &'static [&'static str],
}

/// Every step of every change of a function that has versions 1 and 2, of which 1 serves and 2 is called `old`.
fn cuts() -> Vec<Cut> {
    let cut = |point, (method, path, body): (&'static str, &'static str, Value), serves| Cut {
        point,
        change: (method, path, body),
        serves: Some(serves),
        aliases: &["old"],
        secrets: &[],
    };
    let put = || ("PUT", "", json!({"code": code("3")}));
    let secret = || ("PUT", "/secrets/TOKEN", json!({"value": "x"}));
    let back = || ("POST", "/rollback", json!({"version": 2}));
    let alias = || ("PUT", "/aliases/live", json!({"version": 2}));
    let stage = || ("POST", "/versions", json!({"code": code("3")}));
    let roll_out = ("PUT", "/rollout", json!({"version": 2, "percent": 0}));
    let (new_alias, new_secret): (&[&str], &[&str]) = (&["live", "old"], &["TOKEN"]);
    vec![
        cut("deploy::written", put(), 1),
        cut("deploy::installed", put(), 1),
        cut("deploy::built", put(), 1),
        cut("deploy::loaded", put(), 1),
        cut("deploy::archived", put(), 1),
        cut("deploy::committing", put(), 1),
        cut("deploy::committed", put(), 3),
        cut("deploy::committing", secret(), 1),
        Cut {
            secrets: new_secret,
            ..cut("deploy::committed", secret(), 3)
        },
        cut("rollback::loaded", back(), 1),
        cut("rollback::committing", back(), 1),
        cut("rollback::committed", back(), 2),
        cut("alias::loaded", alias(), 1),
        Cut {
            aliases: new_alias,
            ..cut("alias::set", alias(), 1)
        },
        Cut {
            aliases: &[],
            ..cut("alias::removed", ("DELETE", "/aliases/old", json!({})), 1)
        },
        cut("stage::committing", stage(), 1),
        cut("stage::committed", stage(), 1),
        cut("rollout::set", roll_out, 1),
        cut("delete::committing", ("DELETE", "", json!({})), 1),
        Cut {
            serves: None,
            ..cut("delete::committed", ("DELETE", "", json!({})), 0)
        },
    ]
}

/// Versions 1 and 2, of which 1 serves and 2 is called `old`.
fn two_versions(platform: &Platform) -> (String, String) {
    let function = platform.deploy(Language::Python, &code("1"), &json!({}));
    let path = format!("/functions/{function}");
    platform.put(&path, &json!({"code": code("2")})).expect(200);
    platform
        .put(&format!("{path}/aliases/old"), &json!({"version": 2}))
        .expect(200);
    platform
        .post(&format!("{path}/rollback"), &json!({"version": 1}))
        .expect(200);
    let id = platform.show(&function)["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    (function, id)
}

#[test]
fn a_kill_at_any_step_leaves_the_old_state_or_the_new_one() {
    let mut whole = Platform::start(&[]);
    for cut in cuts() {
        let (function, id) = two_versions(&whole);
        whole.stop();
        let action = format!("{}=abort", cut.point);
        let mut second = Platform::start_on(whole.data(), &[("ZYGO_FAILPOINTS", &action)]);
        let (method, below, body) = &cut.change;
        let path = format!("/functions/{function}");
        let answer = second.try_request(method, &format!("{path}{below}"), body);
        assert!(answer.is_none(), "{} is on the way", cut.point);
        second.wait_for_end();
        second.assert_nothing_left();
        whole = Platform::start_on(whole.data(), &[]);
        check_left(&whole, &function, &cut);
        assert_no_folder_without_version(&whole, &function, &id);
        if cut.serves.is_some() {
            // And the next deployment is as good as any.
            whole.put(&path, &json!({"code": code("next")})).expect(200);
            assert_eq!(whole.invoke(&function, &json!({})).handler_body(), "next");
        }
    }
}

fn check_left(platform: &Platform, function: &str, cut: &Cut) {
    let path = format!("/functions/{function}");
    let Some(version) = cut.serves else {
        assert_eq!(platform.get(&path).status, 404, "{}", cut.point);
        return;
    };
    let shown = platform.show(function);
    assert_eq!(shown["version"], version, "{}", cut.point);
    // The secret's version has the code of the one before.
    let word = if cut.change.1.starts_with("/secrets") {
        1
    } else {
        version
    };
    let said = platform.invoke(function, &json!({})).handler_body();
    assert_eq!(said, word.to_string(), "{}", cut.point);
    let listed = platform.get(&format!("{path}/aliases")).expect(200).json();
    let names: Vec<&str> = listed["aliases"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|alias| alias["name"].as_str())
        .collect();
    assert_eq!(names, cut.aliases, "{}", cut.point);
    assert_eq!(shown["secrets"], json!(cut.secrets), "{}", cut.point);
}

/// Names in a folder.
pub(crate) fn entries(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

pub(crate) fn assert_no_folder_without_version(platform: &Platform, function: &str, id: &str) {
    let answer = platform.get(&format!("/functions/{function}/versions"));
    let known: Vec<String> = match answer.status {
        200 => answer.json()["versions"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|version| version["version"].to_string())
            .collect(),
        _ => Vec::new(),
    };
    for name in entries(&platform.data().path().join("bundles").join(id)) {
        let number = name.trim_end_matches(".ready");
        assert!(
            known.iter().any(|known| known == number),
            "{name} is left behind; there are {known:?}"
        );
    }
}

#[test]
fn a_kill_during_the_first_deployment_leaves_the_function_or_nothing() {
    for (point, status) in [
        ("deploy::built", 404),
        ("deploy::archived", 404),
        ("deploy::committing", 404),
        ("deploy::committed", 200),
        ("replay::keeping", 200),
    ] {
        let name = unique_name();
        let action = format!("{point}=abort");
        let mut first = Platform::start(&[("ZYGO_FAILPOINTS", &action)]);
        let body = json!({"name": name, "runtime": "python", "code": code("1")});
        let key = [("idempotency-key", "once")];
        let cut_off = first.try_request_with("POST", "/functions", &key, &body);
        assert!(cut_off.is_none(), "{point} is on the way");
        first.wait_for_end();
        let second = Platform::start_on(first.data(), &[]);
        let path = format!("/functions/{name}");
        assert_eq!(second.get(&path).status, status, "{point}");
        // Whoever repeats it with the same key has the function in either case, and once.
        let again = second.request_with("POST", "/functions", &key, &body);
        let expected = if status == 404 { 201 } else { 200 };
        assert_eq!(again.status, expected, "{point}: {}", again.text());
        assert_eq!(second.show(&name)["version"], 1);
        let total = second.get("/functions").expect(200).json()["total"].take();
        assert_eq!(total, 1, "{point}");
    }
}

#[test]
fn a_kill_during_a_change_of_keys_leaves_the_old_ones_or_the_new_ones() {
    const ADMIN: &str = "an-administrators-key";
    let admin = ("ZYGO_ADMIN_KEY", ADMIN);
    let mut first = Platform::start(&[admin]);
    let body = json!({"name": "one", "role": "read"});
    let made = call(&first, "POST", "/keys", Some(ADMIN), &body)
        .expect(201)
        .json();
    let path = format!("/keys/{}", made["id"].as_str().expect("an id"));
    let text = made["key"].as_str().expect("a key").to_owned();
    let two = json!({"name": "two", "role": "read"});
    let cuts = [
        ("keys::created=abort", "POST", "/keys", &two, 2),
        (
            "keys::revoked=abort",
            "DELETE",
            path.as_str(),
            &json!({}),
            1,
        ),
    ];
    for (point, method, path, body, left) in cuts {
        first.stop();
        let mut second = Platform::start_on(first.data(), &[admin, ("ZYGO_FAILPOINTS", point)]);
        let bearer = format!("Bearer {ADMIN}");
        let headers = [("authorization", bearer.as_str())];
        assert!(
            second
                .try_request_with(method, path, &headers, body)
                .is_none()
        );
        second.wait_for_end();
        first = Platform::start_on(first.data(), &[admin]);
        let listed = call(&first, "GET", "/keys", Some(ADMIN), &json!({}))
            .expect(200)
            .json();
        assert_eq!(
            listed["keys"].as_array().expect("a list").len(),
            left,
            "{point}"
        );
        let status = call(&first, "GET", "/whoami", Some(&text), &json!({})).status;
        assert_eq!(
            status,
            if point.contains("revoked") { 401 } else { 200 },
            "{point}"
        );
    }
}

#[test]
fn a_kill_while_master_keys_change_leaves_every_value_readable() {
    let mut first = Platform::start(&[]);
    let code = "import os\ndef handler(event, context):\n    return os.environ['TOKEN']\n";
    let settings = json!({"secrets": {"TOKEN": "kept"}});
    let function = first.deploy(Language::Python, code, &settings);
    for point in ["rotate::added=abort", "rotate::committing=abort"] {
        first.stop();
        let mut second = Platform::start_on(first.data(), &[("ZYGO_FAILPOINTS", point)]);
        let cut_off = second.try_request("POST", "/encryption/rotate", &json!({}));
        assert!(cut_off.is_none(), "{point} is on the way");
        second.wait_for_end();
        first = Platform::start_on(first.data(), &[]);
        assert_eq!(
            first.invoke(&function, &json!({})).handler_body(),
            "kept",
            "{point}"
        );
        let rotated = first
            .post("/encryption/rotate", &json!({}))
            .expect(200)
            .json();
        assert_eq!(rotated["resealed"], 1, "{point}");
    }
}

#[test]
fn a_database_that_refuses_leaves_the_old_version_serving() {
    let mut first = Platform::start(&[]);
    let one = "def handler(event, context) = 'one'";
    let function = first.deploy(Language::Ruby, one, &json!({}));
    first.stop();
    let point = ("ZYGO_FAILPOINTS", "deploy::refused=return");
    let second = Platform::start_on(first.data(), &[point]);
    let body = json!({"code": "def handler(event, context) = 'two'"});
    let refused = second.put(&format!("/functions/{function}"), &body);
    assert_eq!(refused.problem(503), "storage_failed");
    assert_eq!(second.invoke(&function, &json!({})).handler_body(), "one");
}
