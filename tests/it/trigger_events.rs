//! What a handler is told of a request of its own, in either shape.

use serde_json::{Value, json};

use crate::language::{Language, in_every_language};
use crate::platform::Platform;
use crate::raw;
use crate::trigger_answers::{at, deploy, get};

#[test]
fn the_event_says_what_was_sent() {
    // A path for everything is one function's alone.
    let platform = Platform::start(&[]);
    in_every_language(|language| {
        let function = deploy(&platform, language, &json!({"path": "/*rest"}));
        let headers = [
            ("content-type", "application/json"),
            ("cookie", "a=1; b=2"),
            ("cookie", "c=3"),
            ("x-colour", "green"),
            ("X-Forwarded-For", "6.6.6.6"),
            ("x-request-id", "my-id"),
            ("te", "trailers"),
            ("connection", "X-Inner, host"),
            ("x-inner", "1"),
        ];
        let path = at(&function, "/echo?a=1&a=2&b=x%20y");
        let answer = raw::request(
            &platform,
            "POST",
            "Some.Host:80",
            &path,
            &headers,
            b"{\"n\": [1]}",
        );
        let event = answer.expect(200).json();
        let expected = json!({
            "method": "POST", "path": "/echo", "rawPath": "/echo", "rawQueryString": "a=1&a=2&b=x%20y",
            "query": {"a": "2", "b": "x y"}, "multiValueQuery": {"a": ["1", "2"], "b": ["x y"]},
            "params": {"rest": "echo"}, "cookies": ["a=1", "b=2", "c=3"], "isBase64Encoded": false, "sourceIp": "127.0.0.1",
            "requestId": "my-id", "body": {"n": [1]},
        });
        for (name, value) in expected.as_object().expect("an object") {
            assert_eq!(&event[name], value, "{language:?} {name}");
        }
        let headers = &event["headers"];
        assert_eq!(headers["x-colour"], "green");
        assert_eq!(headers["cookie"], "a=1; b=2; c=3");
        assert_eq!(headers["x-forwarded-for"], "127.0.0.1");
        assert_eq!(headers["x-forwarded-proto"], "http");
        assert_eq!(headers["host"], "Some.Host:80");
        for name in ["te", "connection", "x-inner"] {
            assert!(headers.get(name).is_none(), "{name}");
        }
        let context = &event["requestContext"];
        assert_eq!(context["domainName"], "Some.Host");
        assert_eq!(context["http"]["protocol"], "HTTP/1.1");
        assert!(context["timeEpoch"].as_i64().expect("a time") > 1_600_000_000_000);
        platform
            .delete(&format!("/functions/{function}"))
            .expect(200);
    });
}

#[test]
fn a_body_is_read_by_its_type() {
    in_every_language(|language| {
        let platform = Platform::shared();
        let function = deploy(&platform, language, &json!({}));
        let sent = |kind: &str, body: &[u8]| {
            let headers = [("content-type", kind)];
            let headers = if kind.is_empty() {
                &headers[..0]
            } else {
                &headers[..]
            };
            raw::request(
                &platform,
                "POST",
                "localhost",
                &at(&function, "/echo"),
                headers,
                body,
            )
        };
        let cases: [(&str, &[u8], Value); 7] = [
            ("application/json", b"[1, null]", json!([1, null])),
            (
                "application/x-www-form-urlencoded",
                b"a=1&b=2",
                json!("a=1&b=2"),
            ),
            ("text/plain", b"text", json!("text")),
            ("", b"{}", json!("{}")),
            ("", &[255, 0], json!([255, 0])),
            ("image/png", b"hi", json!([104, 105])),
            ("application/json", b"", json!(null)),
        ];
        for (kind, body, expected) in cases {
            let answer = sent(kind, body).expect(200).json();
            assert_eq!(answer["body"], expected, "{language:?} {kind}");
        }
        assert_eq!(
            sent("application/json", b"{no").problem(400),
            "malformed_request"
        );
    });
}

#[test]
fn handlers_from_aws_get_the_event_that_they_know() {
    let platform = Platform::start(&[]);
    in_every_language(|language| {
        let config = json!({"path": "/{proxy+}", "eventFormat": "lambda-v2"});
        let function = deploy(&platform, language, &config);
        let path = at(&function, "/echo?a=1&a=2");
        let headers = [
            ("content-type", "application/json"),
            ("cookie", "a=1"),
            ("user-agent", "tests"),
        ];
        let answer = raw::request(
            &platform,
            "PUT",
            "localhost:1",
            &path,
            &headers,
            b"{\"n\": 1}",
        );
        let event = answer.expect(200).json();
        let expected = json!({
            "version": "2.0", "routeKey": "$default", "rawPath": "/echo", "rawQueryString": "a=1&a=2",
            "cookies": ["a=1"], "queryStringParameters": {"a": "1,2"}, "pathParameters": {"proxy": "echo"},
            "body": "{\"n\": 1}", "isBase64Encoded": false,
        });
        for (name, value) in expected.as_object().expect("an object") {
            assert_eq!(&event[name], value, "{language:?} {name}");
        }
        let http = &event["requestContext"]["http"];
        assert_eq!(
            (
                &http["method"],
                &http["path"],
                &http["sourceIp"],
                &http["userAgent"]
            ),
            (
                &json!("PUT"),
                &json!("/echo"),
                &json!("127.0.0.1"),
                &json!("tests")
            )
        );
        let bytes = raw::request(&platform, "POST", "localhost", &path, &[], &[0, 1, 255]);
        let event = bytes.expect(200).json();
        assert_eq!(
            (&event["body"], &event["isBase64Encoded"]),
            (&json!("AAH/"), &json!(true))
        );
        // Text that says nothing of itself is JSON there.
        let text = get(&platform, &function, "/text");
        assert_eq!(text.header("content-type"), "application/json");
        platform
            .delete(&format!("/functions/{function}"))
            .expect(200);
    });
}

#[test]
fn only_trusted_proxies_say_who_the_client_is() {
    let headers = [
        ("x-forwarded-for", "6.6.6.6, 203.0.113.7"),
        ("x-forwarded-proto", "https"),
    ];
    for (trusted, address, proto) in [
        ("", "127.0.0.1", "http"),
        ("127.0.0.0/8", "203.0.113.7", "https"),
    ] {
        let platform = Platform::start(&[("ZYGO_TRUSTED_PROXIES", trusted)]);
        let function = deploy(&platform, Language::Python, &json!({}));
        let answer = raw::get(&platform, "localhost", &at(&function, "/echo"), &headers);
        let event = answer.expect(200).json();
        assert_eq!(event["sourceIp"], address);
        assert_eq!(event["headers"]["x-forwarded-for"], address);
        assert_eq!(event["headers"]["x-forwarded-proto"], proto);
    }
}

/// A page, its form and its picture, as people write them for the web-standard API.
const FETCH: &str = "export default { async fetch(request: Request) {
  const body = [...new Uint8Array(await request.arrayBuffer())];
  const told = { url: request.url, method: request.method, cookie: request.headers.get('cookie'), body };
  const response = Response.json(told, { status: 201 });
  response.headers.append('set-cookie', 'a=1');
  response.headers.append('set-cookie', 'b=2; Secure');
  return response;
} };";

#[test]
fn handlers_of_requests_get_the_request_in_either_shape() {
    let platform = Platform::shared();
    for format in ["zygo", "lambda-v2"] {
        let settings = json!({"triggers": [{"type": "http", "config": {"eventFormat": format}}]});
        let function = platform.deploy(Language::TypeScript, FETCH, &settings);
        let path = at(&function, "/pictures/7?size=a&size=b");
        for body in [&b"text"[..], &[0, 1, 255]] {
            let kind = if body[0] == 0 {
                "image/png"
            } else {
                "text/plain"
            };
            let headers = [("content-type", kind), ("cookie", "a=1")];
            let answer = raw::request(&platform, "PUT", "a.example.com", &path, &headers, body);
            let answer = answer.expect(201);
            let expected = json!({"url": "http://a.example.com/pictures/7?size=a&size=b", "method": "PUT",
                "cookie": "a=1", "body": body});
            assert_eq!(answer.json(), expected, "{format}");
            let cookies = answer.headers.get_all("set-cookie").iter();
            assert_eq!(cookies.collect::<Vec<_>>(), ["a=1", "b=2; Secure"]);
        }
    }
}

#[test]
fn a_host_that_is_none_reaches_no_handler() {
    let platform = Platform::shared();
    in_every_language(|language| {
        let code = language.handler("identity");
        let path = format!("/hosts/{}", language.name());
        let triggers = json!([{"type": "http", "config": {"path": path}}]);
        let function = platform.deploy(language, &code, &json!({"triggers": triggers}));
        for host in ["[::1", "a b", "a/b", "a:b", "user@a", "a\r\nhost: b"] {
            let answer = raw::get(&platform, host, &path, &[]);
            assert_eq!(answer.problem(400), "malformed_request", "{host}");
            assert_eq!(answer.json()["pointer"], "/headers/host", "{host}");
        }
        for host in ["[::1]:3000", "a_b.example.com", ""] {
            raw::get(&platform, host, &path, &[]).expect(200);
        }
        let figures = platform.get(&format!("/functions/{function}/metrics"));
        assert_eq!(figures.expect(200).json()["metrics"]["invocations"], 3);
    });
}
