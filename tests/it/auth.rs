//! Keys that see some functions alone, and functions that everyone may invoke. What each role may do is in `matrix`.

use serde_json::{Value, json};

use crate::client::Answer;
use crate::platform::Platform;

pub(crate) const ADMIN: &str = "an-administrators-key";
pub(crate) const SECRET: &str = "a-secret-that-signs-tokens";

pub(crate) fn platform() -> Platform {
    Platform::start(&[("ZYGO_ADMIN_KEY", ADMIN), ("ZYGO_JWT_SECRET", SECRET)])
}

pub(crate) fn call(
    platform: &Platform,
    method: &str,
    path: &str,
    credential: Option<&str>,
    body: &Value,
) -> Answer {
    let bearer = credential.map(|credential| format!("Bearer {credential}"));
    let headers: Vec<(&str, &str)> = bearer
        .iter()
        .map(|value| ("authorization", value.as_str()))
        .collect();
    platform.request_with(method, path, &headers, body)
}

pub(crate) fn key(platform: &Platform, role: &str, functions: Option<&[&str]>) -> String {
    let body = json!({"name": format!("{role}-key"), "role": role, "functions": functions});
    let made = call(platform, "POST", "/keys", Some(ADMIN), &body)
        .expect(201)
        .json();
    made["key"].as_str().expect("a key").to_owned()
}

pub(crate) fn deploy(platform: &Platform, name: &str, settings: &Value) {
    let mut body = settings.clone();
    body["name"] = name.into();
    body["runtime"] = "python".into();
    body["code"] = "def handler(event, context): return 1".into();
    call(platform, "POST", "/functions", Some(ADMIN), &body).expect(201);
}

#[test]
fn a_restricted_key_sees_its_functions_alone() {
    let platform = platform();
    for name in ["mine", "theirs"] {
        deploy(&platform, name, &json!({}));
    }
    let key = key(&platform, "deploy", Some(&["mine", "later"]));
    let asked =
        |method: &str, path: &str, body: &Value| call(&platform, method, path, Some(&key), body);
    let listed = asked("GET", "/functions", &json!({})).expect(200).json();
    assert_eq!(
        (&listed["total"], &listed["functions"][0]["name"]),
        (&json!(1), &json!("mine"))
    );
    asked("POST", "/functions/mine/invoke", &json!({})).expect(200);
    for (method, path) in [
        ("GET", "/functions/theirs"),
        ("POST", "/functions/theirs/invoke"),
        ("GET", "/functions/theirs/logs"),
        ("DELETE", "/functions/theirs"),
    ] {
        assert_eq!(
            asked(method, path, &json!({})).problem(404),
            "function_not_found",
            "{method} {path}"
        );
    }
    // Nobody unpacks code for a name that the caller may not have.
    let broken = json!({"name": "another", "runtime": "python", "archive": "bm8gYXJjaGl2ZQ=="});
    assert_eq!(
        asked("POST", "/functions", &broken).problem(403),
        "forbidden"
    );
    let order = json!({"name": "another", "templateId": "mp-hello-world"});
    assert_eq!(
        asked("POST", "/marketplace/deploy", &order).problem(403),
        "forbidden"
    );
    for path in ["/metrics", "/logs", "/cost", "/metrics/prometheus"] {
        assert_eq!(
            asked("GET", path, &json!({})).problem(403),
            "forbidden",
            "{path}"
        );
    }
    let new = |name: &str| json!({"name": name, "runtime": "python", "code": "def handler(event, context): return 1"});
    assert_eq!(
        asked("POST", "/functions", &new("other")).problem(403),
        "forbidden"
    );
    asked("POST", "/functions", &new("later")).expect(201);
    let history = asked("GET", "/functions/later/versions", &json!({}))
        .expect(200)
        .json();
    assert_eq!(history["versions"][0]["createdBy"], "deploy-key");
}

#[test]
fn a_public_function_is_for_everyone_and_only_to_be_invoked() {
    let platform = platform();
    deploy(&platform, "open", &json!({"public": true}));
    platform.invoke("open", &json!({})).expect(200);
    assert_eq!(platform.get("/functions/open").problem(401), "unauthorized");
    let closed = json!({"public": false});
    call(&platform, "PUT", "/functions/open", Some(ADMIN), &closed).expect(200);
    assert_eq!(
        platform.invoke("open", &json!({})).problem(401),
        "unauthorized"
    );
}
