//! The API proxy, in front of a real API.

use std::time::Duration;

use serde_json::{Value, json};

use super::{deploy, upstream};
use crate::client::Answer;
use crate::language::in_every_language;
use crate::platform::Platform;
use crate::raw;
use crate::wait::wait_until;

const DEADLINE: Duration = Duration::from_secs(30);

fn send(platform: &Platform, name: &str, method: &str, target: &str, body: &[u8]) -> Answer {
    let path = format!("/functions/{name}/http{target}");
    let headers = [
        ("content-type", "application/octet-stream"),
        ("x-outer", "1"),
        ("te", "trailers"),
        ("cookie", "ours=1"),
        ("authorization", "Bearer ours"),
        ("x-api-key", "ours"),
        ("x-forwarded-for", "192.0.2.1"),
    ];
    raw::request(platform, method, "localhost", &path, &headers, body)
}

fn parameters(url: &str) -> Value {
    json!({
        "UPSTREAM_URL": format!("{url}/base/"), "METHODS": "GET, HEAD,POST", "AUTH_HEADER": "X-Key",
        "AUTH_VALUE": "the API's key", "TIMEOUT_MS": "3000", "MAX_BYTES": "100000",
    })
}

#[test]
fn requests_are_passed_on_to_one_api_and_to_no_other() {
    let platform = Platform::shared();
    let url = upstream::start();
    in_every_language(|language| {
        let name = deploy(&platform, "api-proxy", language, &parameters(&url));
        let answer = send(
            &platform,
            &name,
            "POST",
            "/a%20b/c?d=%26&e",
            b"\x00\xffbytes",
        )
        .expect(203);
        assert_eq!(answer.header("x-outer"), "2");
        for left_out in ["x-inner", "keep-alive", "set-cookie"] {
            assert_eq!(answer.header(left_out), "", "{left_out}");
        }
        let told = answer.json();
        assert_eq!(told["method"], "POST");
        assert_eq!(told["target"], "/base/a%20b/c?d=%26&e");
        assert_eq!(told["body"], "AP9ieXRlcw==");
        let headers = &told["headers"];
        assert_eq!(headers["x-key"], "the API's key");
        assert_eq!(headers["x-outer"], "1");
        assert_eq!(headers["host"], url.trim_start_matches("http://"));
        assert_eq!(headers["content-type"], "application/octet-stream");
        for left_out in [
            "te",
            "cookie",
            "authorization",
            "x-api-key",
            "x-forwarded-for",
        ] {
            assert!(headers.get(left_out).is_none(), "{left_out}: {told}");
        }
        let head = send(&platform, &name, "HEAD", "/", b"").expect(203);
        assert_eq!(head.bytes, b"");
        let bytes = send(&platform, &name, "GET", "/bytes", b"").expect(200);
        assert_eq!(bytes.bytes, b"\x00\xff\x80\n");
        let moved = send(&platform, &name, "GET", "/elsewhere", b"").expect(302);
        assert_eq!(moved.header("location"), "http://127.0.0.1:1/");
        let asked = json!({"path": "/", "query": "q=1", "headers": {"Accept": "a/b", "Connection": "close, X-Inner", "X-Inner": "1", "Upgrade": "h2c"}});
        let body = platform.invoke(&name, &asked).handler_body();
        assert_eq!(body["statusCode"], 203);
        let told: Value = serde_json::from_str(body["body"].as_str().expect("text")).expect("JSON");
        assert_eq!(told["target"], "/base/?q=1");
        assert_eq!(told["headers"]["accept"], "a/b");
        for left_out in ["connection", "x-inner", "upgrade"] {
            let said = told["headers"][left_out].as_str().unwrap_or("close");
            assert_eq!(said, "close", "{left_out}");
        }
    });
}

#[test]
fn what_an_api_cannot_do_is_told_apart() {
    let platform = Platform::shared();
    let url = upstream::start();
    in_every_language(|language| {
        let name = deploy(&platform, "api-proxy", language, &parameters(&url));
        let refused = |status: u16, code: &str, method: &str, target: &str, body: &[u8]| {
            let answer = send(&platform, &name, method, target, body).expect(status);
            assert_eq!(answer.json()["code"], code, "{method} {target}");
            answer
        };
        let put = refused(405, "method_not_allowed", "PUT", "/", b"x");
        assert_eq!(put.header("allow"), "GET, HEAD, POST");
        refused(413, "body_too_long", "POST", "/", &[b'x'; 100_001]);
        refused(502, "upstream_too_long", "GET", "/endless", b"");
        refused(502, "upstream_failed", "GET", "/nonsense", b"");
        refused(504, "upstream_timeout", "GET", "/silent", b"");
        wait_until("the reason in the log", DEADLINE, || {
            let logs = platform.get(&format!("/functions/{name}/logs?q=silent"));
            logs.expect(200).text().contains("/silent")
        });
        // A port at which nobody listens, and that nobody is given.
        let gone = "http://127.0.0.1:1";
        let name = deploy(
            &platform,
            "api-proxy",
            language,
            &json!({"UPSTREAM_URL": gone}),
        );
        let answer = send(&platform, &name, "GET", "/", b"").expect(502);
        assert_eq!(answer.json()["code"], "upstream_failed");
    });
}

#[test]
fn it_is_no_open_proxy() {
    let platform = Platform::shared();
    let url = upstream::start();
    in_every_language(|language| {
        let name = deploy(&platform, "api-proxy", language, &parameters(&url));
        let bad = [
            "/../secret",
            "/a/../../secret",
            "/%2e%2e/secret",
            "/a/%2E%2e%2fsecret",
            "/%252e%252e/secret",
            "//127.0.0.1:1/",
            "http://127.0.0.1:1/",
            "@127.0.0.1:1/",
            "",
            "/a\\..\\b",
            "/%5c..",
            "/a b",
            "/a\r\nx: y",
            "/a?b",
            "/a#b",
            "/a%00",
            "/%c3%2e%2e/../",
        ];
        for path in bad {
            let body = json!({"path": path});
            let answer = platform.invoke(&name, &body).expect(200).json();
            assert_eq!(answer["statusCode"], 400, "{path:?}: {answer}");
            assert_eq!(answer["body"]["code"], "bad_path", "{path:?}: {answer}");
        }
        let bad = [
            json!({"query": "a\r\nx: y"}),
            json!({"headers": {"x": "a\r\ny: z"}}),
            json!({"headers": {"x y": "a"}}),
            json!({"headers": ["x"]}),
            json!({"method": 1}),
        ];
        for body in bad {
            let answer = platform.invoke(&name, &body).expect(200).json();
            assert_eq!(answer["statusCode"], 400, "{body}: {answer}");
        }
        let fine = json!({"path": "/a..b/...%2fc", "query": "x=../../&y=http://a/"});
        let answer = platform.invoke(&name, &fine).handler_body();
        assert_eq!(answer["statusCode"], 203, "{answer}");
    });
}

#[test]
fn a_private_api_wants_a_wider_network() {
    let platform = Platform::shared();
    let url = upstream::start();
    in_every_language(|language| {
        let name = crate::platform::unique_name();
        let order = json!({
            "templateId": "api-proxy", "name": name, "runtime": language.name(), "parameters": {"UPSTREAM_URL": url},
        });
        platform.post("/marketplace/deploy", &order).expect(201);
        let answer = send(&platform, &name, "GET", "/", b"").expect(502);
        assert_eq!(answer.json()["code"], "upstream_failed");
    });
}
