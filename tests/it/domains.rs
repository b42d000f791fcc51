//! Domains of functions: whose a host is, and that nobody takes another's.

use serde_json::{Value, json};

use crate::client::Answer;
use crate::platform::Platform;
use crate::raw;

fn deploy(platform: &Platform, name: &str, domain: &str, triggers: &Value) -> Answer {
    let code = format!(
        "def handler(event, context): return {{'who': '{name}', 'path': event['path'], 'params': event['params']}}"
    );
    let settings = json!({"code": code, "customDomain": domain, "triggers": triggers});
    platform.try_deploy(name, "python", &settings)
}

#[track_caller]
fn who(platform: &Platform, host: &str, path: &str) -> Value {
    raw::get(platform, host, path, &[]).expect(200).json()["who"].take()
}

#[test]
fn a_host_is_its_functions_alone() {
    let platform = Platform::start(&[("ZYGO_HOSTS", "zygo.example.com, api.example.net")]);
    let none = json!([]);
    deploy(&platform, "exact", "API.example.com", &none).expect(201);
    deploy(&platform, "wide", "*.example.com", &none).expect(201);
    deploy(&platform, "umlaut", "münchen.example.org", &none).expect(201);
    let paths = json!([{"type": "http", "config": {"path": "/v1/:id"}}]);
    deploy(&platform, "paths", "paths.example.org", &paths).expect(201);
    let cases = [
        ("api.example.com", "/any/where", "exact"),
        ("API.Example.Com:8443", "/", "exact"),
        ("api.example.com.", "/metrics", "exact"),
        ("www.example.com", "/functions", "wide"),
        ("a.b.example.com", "/healthz", "wide"),
        ("xn--mnchen-3ya.example.org", "/", "umlaut"),
        ("paths.example.org", "/v1/7", "paths"),
    ];
    for (host, path, name) in cases {
        assert_eq!(who(&platform, host, path), name, "{host}{path}");
    }
    // Its own paths and no others, not even the platform's.
    for path in ["/", "/v1", "/functions", "/healthz"] {
        let answer = raw::get(&platform, "paths.example.org", path, &[]);
        assert_eq!(answer.problem(404), "path_not_found", "{path}");
    }
    // Nobody's hosts are the platform's, and its own names are nobody's.
    for host in [
        "example.com",
        "localhost",
        "127.0.0.1:3000",
        "zygo.example.com",
        "nobody.example.org",
    ] {
        let listed = raw::get(&platform, host, "/functions", &[])
            .expect(200)
            .json();
        assert_eq!(listed["total"], 4, "{host}");
    }
    // A function with a domain has its paths there, and not on the platform's router.
    raw::get(&platform, "localhost", "/v1/7", &[]).expect(404);
    assert_eq!(
        who(&platform, "localhost", "/functions/paths/http/v1/7"),
        "paths"
    );
    assert_eq!(
        who(&platform, "localhost", "/functions/exact/http/x"),
        "exact"
    );
    let shown = platform.show("paths");
    assert_eq!(shown["endpoints"][2], "//paths.example.org/v1/:id");
}

#[test]
fn a_domain_belongs_to_one_function_and_moves_at_once() {
    let platform = Platform::start(&[("ZYGO_HOSTS", "zygo.example.com")]);
    let none = json!([]);
    deploy(&platform, "first", "a.example.com", &none).expect(201);
    let taken = deploy(&platform, "second", "A.EXAMPLE.com.", &none);
    assert_eq!(taken.problem(409), "route_taken");
    assert_eq!(taken.json()["pointer"], "/customDomain");
    assert!(taken.text().contains("`first`"), "{}", taken.text());
    platform
        .put(
            "/functions/first",
            &json!({"customDomain": "b.example.com"}),
        )
        .expect(200);
    assert_eq!(who(&platform, "b.example.com", "/"), "first");
    deploy(&platform, "second", "a.example.com", &none).expect(201);
    assert_eq!(who(&platform, "a.example.com", "/"), "second");
    let back = platform.post("/functions/first/rollback", &json!({"version": 1}));
    assert_eq!(back.problem(409), "route_taken");
    platform.delete("/functions/second").expect(200);
    platform
        .post("/functions/first/rollback", &json!({"version": 1}))
        .expect(200);
    assert_eq!(who(&platform, "a.example.com", "/"), "first");
    let bad = [
        "localhost",
        "127.0.0.1",
        "[::1]",
        "com",
        "*",
        "*.com",
        "a..example.com",
        "a.example.com:80",
        "http://a.example.com",
        "a b.example.com",
        "zygo.example.com",
        "ZYGO.example.com.",
    ];
    for domain in bad {
        let answer = deploy(&platform, "bad", domain, &none);
        assert_eq!(
            (answer.status, &answer.json()["pointer"]),
            (422, &json!("/customDomain")),
            "{domain}"
        );
    }
}
