//! Keys over time, and platforms that would ask nobody.

use serde_json::json;

use crate::auth::call;
use crate::language::Language;
use crate::launch::refused_start;
use crate::platform::Platform;

#[test]
fn keys_last_over_restarts_and_are_never_shown_again() {
    let mut first = Platform::start(&[]);
    for locks_out in [
        json!({"name": "first", "role": "deploy"}),
        json!({"name": "first", "role": "admin", "functions": ["hello"]}),
    ] {
        let refused = first.post("/keys", &locks_out);
        assert_eq!(refused.problem(400), "malformed_request");
        assert!(
            refused.text().contains("administrator"),
            "{}",
            refused.text()
        );
    }
    let body = json!({"name": "first", "role": "admin"});
    let made = first.post("/keys", &body).expect(201).json();
    let key = made["key"].as_str().expect("a key").to_owned();
    assert_eq!(
        first.get("/functions").status,
        401,
        "from the first key on, callers are asked"
    );
    first.stop();
    let second = Platform::start_on(first.data(), &[]);
    assert_eq!(second.get("/functions").status, 401);
    let listed = call(&second, "GET", "/keys", Some(&key), &json!({})).expect(200);
    // `zygo_<id>_<secret>`; the secret may have more of the lines in it.
    let secret = key.splitn(3, '_').nth(2).expect("a secret");
    assert!(!listed.text().contains(secret));
    let by_header = second.request_with("GET", "/whoami", &[("x-api-key", &key)], &json!({}));
    assert_eq!(by_header.expect(200).json()["name"], "first");
    for wrong in [
        json!({"name": "x"}),
        json!({"name": "", "role": "read"}),
        json!({"name": "x", "role": "root"}),
        json!({"name": "x", "role": "read", "functions": ["a,b"]}),
        json!({"name": "ü".repeat(65), "role": "read"}),
    ] {
        let refused = call(&second, "POST", "/keys", Some(&key), &wrong);
        assert_eq!(refused.problem(400), "malformed_request", "{wrong}");
    }
    let longest = json!({"name": "ü".repeat(64), "role": "read"});
    call(&second, "POST", "/keys", Some(&key), &longest).expect(201);
}

#[test]
fn a_platform_for_everyone_needs_a_credential() {
    for (settings, text) in [
        (vec![("HOST", "0.0.0.0")], "ZYGO_ADMIN_KEY"),
        (vec![("ZYGO_ADMIN_KEY", "short")], "16 characters"),
        (
            vec![("ZYGO_JWKS_FILE", "/nowhere/keys.json")],
            "/nowhere/keys.json",
        ),
    ] {
        let refused = refused_start(&settings);
        assert!(refused.contains(text), "{settings:?}: {refused}");
    }
    let platform = Platform::shared();
    platform.deploy(
        Language::Ruby,
        "def handler(event, context) = 1",
        &json!({}),
    );
}
