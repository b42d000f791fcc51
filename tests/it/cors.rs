//! Pages of other origins: what browsers ask before they send, and what they may read.

use serde_json::{Value, json};

use crate::client::Answer;
use crate::language::in_every_language;
use crate::platform::Platform;
use crate::raw;

const PAGE: &str = "https://page.example.com";

/// What a browser asks before it sends.
fn ask(platform: &Platform, path: &str, origin: &str, method: &str) -> Answer {
    let headers = [
        ("origin", origin),
        ("access-control-request-method", method),
        ("access-control-request-headers", "x-token, content-type"),
    ];
    raw::request(platform, "OPTIONS", "localhost", path, &headers, b"")
}

fn allowed(answer: &Answer) -> [&str; 5] {
    [
        "allow-origin",
        "allow-methods",
        "allow-headers",
        "allow-credentials",
        "max-age",
    ]
    .map(|name| answer.header(&format!("access-control-{name}")))
}

#[test]
fn a_browsers_question_is_answered_without_an_instance() {
    in_every_language(|language| {
        let platform = Platform::shared();
        let deploy = |cors: &Value| {
            let config = json!({"methods": ["GET", "POST"], "cors": cors});
            let settings = json!({"triggers": [{"type": "http", "config": config}]});
            let code = language.handler("http_trigger");
            let name = platform.deploy(language, &code, &settings);
            format!("/functions/{name}/http/text")
        };
        let path = deploy(&json!(true));
        let answer = ask(&platform, &path, PAGE, "POST").expect(204);
        assert_eq!(
            allowed(&answer),
            ["*", "GET, HEAD, POST", "x-token, content-type", "", ""]
        );
        assert_eq!(
            answer.header("x-zygo-start-kind"),
            "",
            "no instance was there"
        );
        let answer = raw::get(&platform, "localhost", &path, &[("origin", PAGE)]).expect(200);
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        // A method that the trigger has not is no method of a page either.
        ask(&platform, &path, PAGE, "DELETE").expect(405);

        let rules = json!({"origins": [PAGE], "methods": ["GET"], "headers": ["x-token"], "exposeHeaders": ["x-one"],
            "credentials": true, "maxAge": 600});
        let path = deploy(&rules);
        let answer = ask(&platform, &path, PAGE, "GET").expect(204);
        assert_eq!(allowed(&answer), [PAGE, "GET", "x-token", "true", "600"]);
        assert!(answer.header("vary").contains("Origin"));
        let answer = ask(&platform, &path, "https://evil.example.com", "GET").expect(204);
        assert_eq!(allowed(&answer), [""; 5]);
        let answer = raw::get(&platform, "localhost", &path, &[("origin", PAGE)]).expect(200);
        assert_eq!(answer.header("access-control-allow-origin"), PAGE);
        assert_eq!(answer.header("access-control-allow-credentials"), "true");
        assert_eq!(answer.header("access-control-expose-headers"), "x-one");
        assert_eq!(answer.header("vary"), "Origin");
        for origin in [
            "null",
            "https://evil.example.com",
            "https://page.example.com.evil.com",
        ] {
            let answer = raw::get(&platform, "localhost", &path, &[("origin", origin)]).expect(200);
            assert_eq!(answer.header("access-control-allow-origin"), "", "{origin}");
        }
        // Without rules, the question is the handler's.
        let path = deploy(&json!(false));
        ask(&platform, &path, PAGE, "GET").expect(405);
    });
}

#[test]
fn pages_can_read_refusals_and_need_no_key_to_ask() {
    let platform = crate::auth::platform();
    let config = json!({"path": "/page", "cors": {"origins": [PAGE]}});
    let body = json!({"name": "page", "runtime": "python", "code": "def handler(event, context): return 1",
        "triggers": [{"type": "http", "config": config}]});
    crate::auth::call(
        &platform,
        "POST",
        "/functions",
        Some(crate::auth::ADMIN),
        &body,
    )
    .expect(201);
    let answer = ask(&platform, "/page", PAGE, "GET").expect(204);
    assert_eq!(answer.header("access-control-allow-origin"), PAGE);
    let refused = raw::get(&platform, "localhost", "/page", &[("origin", PAGE)]);
    assert_eq!(refused.problem(401), "unauthorized");
    assert_eq!(refused.header("access-control-allow-origin"), PAGE);
}
