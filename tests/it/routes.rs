//! Which requests lead to which function, who may send them, and how that changes.

use serde_json::{Value, json};

use crate::auth::{ADMIN, call, platform as guarded};
use crate::client::Answer;
use crate::platform::{Platform, unique_name};
use crate::raw;

fn named(platform: &Platform, name: &str, triggers: &Value) -> Answer {
    let code = format!(
        "def handler(event, context): return {{'who': '{name}', 'params': event['params'], 'path': event['path']}}"
    );
    platform.try_deploy(name, "python", &json!({"code": code, "triggers": triggers}))
}

fn http(path: &str) -> Value {
    json!([{"type": "http", "config": {"path": path}}])
}

#[track_caller]
fn who(platform: &Platform, path: &str) -> Value {
    raw::get(platform, "localhost", path, &[])
        .expect(200)
        .json()["who"]
        .take()
}

#[test]
fn the_most_particular_pattern_wins_and_names_what_it_takes() {
    let platform = Platform::start(&[]);
    let patterns = [
        "/shop/*",
        "/shop/:id",
        "/shop/me",
        "/shop/:id/items/{item}",
        "/:any/x/*rest",
    ];
    for (index, pattern) in patterns.iter().enumerate() {
        named(&platform, &format!("p{index}"), &http(pattern)).expect(201);
    }
    let cases = [
        ("/shop/me", "p2", json!({})),
        ("/shop/m%65", "p2", json!({})),
        ("/shop/7", "p1", json!({"id": "7"})),
        ("/shop/a%2Fb%2541?x=1", "p1", json!({"id": "a/b%41"})),
        (
            "/shop/7/items/%C3%BC",
            "p3",
            json!({"id": "7", "item": "ü"}),
        ),
        ("/shop/7/other/a%20b", "p0", json!({"*": "7/other/a b"})),
        ("/shop/", "p0", json!({"*": ""})),
        ("/other/x/y/z", "p4", json!({"any": "other", "rest": "y/z"})),
    ];
    for (path, who, params) in cases {
        let answer = raw::get(&platform, "localhost", path, &[])
            .expect(200)
            .json();
        assert_eq!(
            (&answer["who"], &answer["params"]),
            (&json!(who), &params),
            "{path}"
        );
    }
    for path in [
        "/shop",
        "/nowhere",
        "/other/y",
        "/functions/p1/http/shop",
        "/functions/p9/http/shop/me",
    ] {
        let answer = raw::get(&platform, "localhost", path, &[]);
        assert_eq!(answer.problem(404), "path_not_found", "{path}");
    }
    for path in [
        "/shop/../x",
        "/shop/%2e%2e",
        "/shop/..%2f..%2fetc",
        "/shop/%zz",
        "/shop/%ff",
        "/shop/%00",
    ] {
        let answer = raw::get(&platform, "localhost", path, &[]);
        assert_eq!(answer.problem(400), "malformed_request", "{path}");
    }
}

#[test]
fn a_function_has_its_paths_at_its_own_endpoint_too() {
    let platform = Platform::start(&[]);
    named(&platform, "p0", &http("/shop/*")).expect(201);
    named(&platform, "p1", &http("/shop/:id")).expect(201);
    // Where no other function is.
    let own = raw::get(&platform, "localhost", "/functions/p0/http/shop/me", &[])
        .expect(200)
        .json();
    assert_eq!(
        (&own["who"], &own["path"]),
        (&json!("p0"), &json!("/shop/me"))
    );
    let shown = platform.show("p1");
    let id = shown["id"].as_str().expect("an id");
    let expected = json!([
        format!("/functions/{id}/invoke"),
        format!("/functions/{id}/http/shop/:id"),
        "/shop/:id"
    ]);
    assert_eq!(shown["endpoints"], expected);
}

#[test]
fn a_path_belongs_to_one_function_and_moves_at_once() {
    let platform = Platform::start(&[]);
    named(&platform, "first", &http("/a/:id")).expect(201);
    let taken = named(&platform, "second", &http("/a/{other}"));
    assert_eq!(taken.problem(409), "route_taken");
    let problem = taken.json();
    assert_eq!(problem["pointer"], "/triggers/0/config/path");
    let detail = problem["detail"].as_str().expect("a text");
    assert!(
        ["`first`", "another path", "customDomain"]
            .iter()
            .all(|part| detail.contains(part)),
        "{problem}"
    );
    // That of a whole application is a path like any other.
    named(&platform, "whole", &http("/")).expect(201);
    assert_eq!(
        named(&platform, "other", &http("/")).problem(409),
        "route_taken"
    );
    assert_eq!(
        platform.get("/functions/second").status,
        404,
        "nothing of it is there"
    );
    // Other methods are other requests.
    let posts = json!([{"type": "http", "config": {"path": "/a/:id", "methods": ["POST"]}}]);
    let gets = json!([{"type": "http", "config": {"path": "/a/:id", "methods": ["GET"]}}]);
    platform
        .put("/functions/first", &json!({"triggers": gets}))
        .expect(200);
    named(&platform, "second", &posts).expect(201);
    let posted = raw::request(&platform, "POST", "localhost", "/a/1", &[], b"x").expect(200);
    assert_eq!(posted.json()["who"], "second");
    assert_eq!(who(&platform, "/a/1"), "first");
    // A new version moves on, a rollback moves back, a deletion frees.
    platform
        .put("/functions/first", &json!({"triggers": http("/b")}))
        .expect(200);
    assert_eq!(who(&platform, "/b"), "first");
    raw::get(&platform, "localhost", "/a/1", &[]).expect(405);
    named(&platform, "third", &gets).expect(201);
    let back = platform.post("/functions/first/rollback", &json!({"version": 1}));
    assert_eq!(back.problem(409), "route_taken");
    platform.delete("/functions/third").expect(200);
    raw::get(&platform, "localhost", "/a/1", &[]).expect(405);
    platform
        .post("/functions/first/rollback", &json!({"version": 2}))
        .expect(200);
    assert_eq!(who(&platform, "/a/1"), "first");
    raw::get(&platform, "localhost", "/b", &[]).expect(404);
    // A version that does not load takes nothing.
    let broken = json!({"code": "raise ValueError", "triggers": http("/c")});
    platform.put("/functions/first", &broken).expect(422);
    named(&platform, "third", &http("/c")).expect(201);
}

#[test]
fn routes_are_there_again_after_a_restart() {
    let data = {
        let mut platform = Platform::start(&[]);
        named(&platform, "kept", &http("/kept/:id")).expect(201);
        platform.stop();
        platform.data()
    };
    let platform = Platform::start_on(data, &[]);
    assert_eq!(who(&platform, "/kept/1"), "kept");
    assert_eq!(
        named(&platform, "other", &http("/kept/:x")).problem(409),
        "route_taken"
    );
}

#[test]
fn what_cannot_be_a_route_is_refused_with_its_field() {
    let platform = Platform::shared();
    let path = "/triggers/0/config/path";
    let cases = [
        (json!({"path": "no-slash"}), path),
        (json!({"path": "/a/../b"}), path),
        (json!({"path": "/*/a"}), path),
        (json!({"path": "/:a/:a"}), path),
        (json!({"path": "/functions/mine"}), path),
        (json!({"path": "/metrics"}), path),
        (json!({"path": "/healthz/:x"}), path),
        (json!({"path": 7}), path),
        (json!({"methods": []}), "/triggers/0/config/methods"),
        (json!({"methods": ["BR EW"]}), "/triggers/0/config/methods"),
        (
            json!({"methods": ["CONNECT"]}),
            "/triggers/0/config/methods",
        ),
        (json!({"auth": "perhaps"}), "/triggers/0/config/auth"),
        (
            json!({"eventFormat": "v9"}),
            "/triggers/0/config/eventFormat",
        ),
        (json!({"colour": "red"}), "/triggers/0/config/colour"),
        (
            json!({"cors": {"origins": ["example.com"]}}),
            "/triggers/0/config/cors/origins",
        ),
        (
            json!({"cors": {"credentials": true}}),
            "/triggers/0/config/cors/origins",
        ),
        (
            json!({"cors": {"headers": ["a, b"]}}),
            "/triggers/0/config/cors/headers",
        ),
        (
            json!({"cors": {"maxAge": -1}}),
            "/triggers/0/config/cors/maxAge",
        ),
    ];
    for (config, pointer) in cases {
        let triggers = json!([{"type": "http", "config": config}]);
        let answer = named(&platform, &unique_name(), &triggers);
        assert_eq!(answer.problem(422), "invalid_function", "{triggers}");
        assert_eq!(answer.json()["pointer"], pointer, "{triggers}");
    }
    let twice = json!([{"type": "http", "config": {"path": "/twice/:a"}}, {"type": "http", "config": {"path": "/twice/:b"}}]);
    let answer = named(&platform, &unique_name(), &twice);
    assert_eq!(
        (answer.status, &answer.json()["pointer"]),
        (422, &json!("/triggers/1/config/path"))
    );
}

#[test]
fn a_trigger_asks_for_a_key_unless_it_is_open() {
    let platform = guarded();
    let code = "def handler(event, context): return sorted(event['headers'])";
    let deployed = |name: &str, public: bool, auth: Value| {
        let mut config = json!({"path": format!("/{name}")});
        if !auth.is_null() {
            config["auth"] = auth;
        }
        let body = json!({"name": name, "runtime": "python", "code": code, "public": public,
            "triggers": [{"type": "http", "config": config}]});
        call(&platform, "POST", "/functions", Some(ADMIN), &body).expect(201);
    };
    deployed("closed", false, json!(null));
    deployed("public", true, json!(null));
    deployed("open", false, json!("none"));
    deployed("strict", true, json!("key"));
    let key = crate::auth::key(&platform, "invoke", Some(&["closed", "public"]));
    let bearer = format!("Bearer {key}");
    let credential = [("authorization", bearer.as_str())];
    let cases = [
        ("closed", 401, 200),
        ("public", 200, 200),
        ("open", 200, 200),
        ("strict", 401, 404),
    ];
    for (name, nobody, somebody) in cases {
        let path = format!("/{name}");
        assert_eq!(
            raw::get(&platform, "localhost", &path, &[]).status,
            nobody,
            "{name}"
        );
        let answer = raw::get(&platform, "localhost", &path, &credential);
        assert_eq!(answer.status, somebody, "{name}: {}", answer.text());
        // The platform's own credential is none of the handler's business; what is meant for the handler is.
        if somebody == 200 {
            let names = answer.json();
            let passed = names
                .as_array()
                .expect("names")
                .contains(&json!("authorization"));
            assert_eq!(passed, nobody == 200, "{name}");
        }
    }
    assert_eq!(
        raw::get(&platform, "localhost", "/nowhere", &[]).status,
        401
    );
    assert_eq!(
        raw::get(&platform, "localhost", "/nowhere", &credential).status,
        404
    );
}
