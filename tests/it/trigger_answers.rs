//! What becomes of a handler's answer to a request of its own: sent as it is, refused as a whole, or made shorter.

use std::time::Duration;

use serde_json::{Value, json};

use crate::client::Answer;
use crate::language::{Language, in_every_language};
use crate::platform::Platform;
use crate::raw;
use crate::wait::wait_until;

const PATIENCE: Duration = Duration::from_secs(30);

/// A function with one trigger that takes everything below its own endpoint.
#[track_caller]
pub(crate) fn deploy(platform: &Platform, language: Language, config: &Value) -> String {
    let settings = json!({"triggers": [{"type": "http", "config": config}]});
    platform.deploy(language, &language.handler("http_trigger"), &settings)
}

pub(crate) fn at(function: &str, path: &str) -> String {
    format!("/functions/{function}/http{path}")
}

#[track_caller]
pub(crate) fn get(platform: &Platform, function: &str, path: &str) -> Answer {
    raw::get(platform, "localhost", &at(function, path), &[])
}

#[test]
fn an_answer_is_the_handlers_own() {
    in_every_language(|language| {
        let platform = Platform::shared();
        let function = deploy(&platform, language, &json!({}));
        let cases: [(&str, u16, &str, &[u8]); 9] = [
            ("/made", 201, "application/json", b"{\"made\":true}"),
            ("/text", 200, "text/plain; charset=utf-8", b"just text"),
            ("/html", 200, "text/html", b"<p>"),
            ("/bytes", 200, "image/png", &[0, 1, 255]),
            ("/list", 200, "application/json", b"[1,\"two\"]"),
            ("/nothing", 200, "", b""),
            ("/204", 204, "", b""),
            ("/304", 304, "", b""),
            ("/noise", 200, "image/png", &[b'x'; 5_000]),
        ];
        for (path, status, kind, body) in cases {
            let answer = get(&platform, &function, path);
            assert_eq!(
                answer.status,
                status,
                "{language:?} {path}: {}",
                answer.text()
            );
            assert_eq!(answer.header("content-type"), kind, "{language:?} {path}");
            assert_eq!(
                answer.text().replace(": ", ":").replace(", ", ","),
                String::from_utf8_lossy(body),
                "{language:?} {path}"
            );
            assert!(answer.header("x-request-id").starts_with("req-"), "{path}");
            assert!(!answer.header("x-zygo-start-kind").is_empty(), "{path}");
        }
        let made = get(&platform, &function, "/made");
        let all = |name: &str| made.headers.get_all(name).iter().collect::<Vec<_>>();
        assert_eq!(all("x-list"), ["a", "b"]);
        assert_eq!(all("set-cookie"), ["a=1", "b=2; Secure"]);
        assert_eq!(get(&platform, &function, "/304").header("etag"), "\"t\"");
    });
}

/// S21: what would be two responses, or break the connection, is none.
#[test]
fn an_answer_that_is_no_response_is_refused_as_a_whole() {
    in_every_language(|language| {
        let platform = Platform::shared();
        let function = deploy(&platform, language, &json!({}));
        for path in ["/split", "/length", "/cookie", "/many", "/long", "/early"] {
            let answer = get(&platform, &function, path);
            assert_eq!(
                answer.problem(502),
                "invalid_response",
                "{language:?} {path}"
            );
            for name in ["set-cookie", "x-a", "x-many", "transfer-encoding"] {
                assert_eq!(answer.header(name), "", "{language:?} {path}");
            }
            let id = answer.header("x-request-id").to_owned();
            assert_eq!(answer.json()["requestId"], id.as_str());
            wait_until("the reason in the log", PATIENCE, || {
                let logs = platform.get(&format!("/functions/{function}/logs?requestId={id}"));
                logs.text().matches("the answer is no response").count() == 1
            });
            assert_recorded_as_refused(&platform, &function, &id);
        }
        get(&platform, &function, "/text").expect(200);
        let figures = format!("/functions/{function}/metrics");
        wait_until("the figures", PATIENCE, || {
            let figures = &platform.get(&figures).expect(200).json()["metrics"];
            figures["errorsByKind"] == json!({"invalid_response": 6}) && figures["invocations"] == 7
        });
        // Frameworks say such things of the connection as if it were theirs; they are not passed on.
        let answer = get(&platform, &function, "/chunked").expect(200);
        assert_eq!(answer.header("transfer-encoding"), "", "{language:?}");
    });
}

/// What the caller did not get is no success in the record either.
fn assert_recorded_as_refused(platform: &Platform, function: &str, request_id: &str) {
    let path = format!("/functions/{function}/invocations?limit=100");
    wait_until("the record", PATIENCE, || {
        let page = platform.get(&path).expect(200).json();
        let mut records = page["invocations"].as_array().into_iter().flatten();
        records.any(|its| its["requestId"] == request_id && its["outcome"] == "invalid_response")
    });
}

/// The same of a caller of the invoke API who asks for the handler's own answer.
#[test]
fn an_answer_that_is_no_response_is_no_success_for_the_invoke_api() {
    in_every_language(|language| {
        let platform = Platform::shared();
        let code = language.pick(
            r#"export const handler = () => ({ statusCode: 200, headers: { "x-a": "1\r\nb" }, body: "x" });"#,
            "def handler(event, context):\n    return {'statusCode': 200, 'headers': {'x-a': '1\\r\\nb'}, 'body': 'x'}",
            "def handler(event:, context:)\n  { statusCode: 200, headers: { 'x-a' => \"1\\r\\nb\" }, body: 'x' }\nend",
        );
        let function = platform.deploy(language, code, &json!({}));
        let path = format!("/functions/{function}/invoke");
        let headers = [("x-zygo-stream", "true")];
        let answer = raw::request(&platform, "POST", "localhost", &path, &headers, b"{}");
        let id = answer.header("x-request-id").to_owned();
        assert_eq!(answer.problem(502), "invalid_response", "{language:?}");
        assert_recorded_as_refused(&platform, &function, &id);
    });
}

#[test]
fn outsiders_do_not_hear_how_a_handler_failed_unless_the_operator_says_so() {
    let verbose = Platform::start(&[("VERBOSE", "true")]);
    in_every_language(|language| {
        let platform = Platform::shared();
        let function = deploy(&platform, language, &json!({}));
        let answer = get(&platform, &function, "/throws");
        assert_eq!(answer.problem(502), "handler_error");
        assert!(
            !answer.text().contains("secret reason"),
            "{}",
            answer.text()
        );
        let problem = answer.json();
        for hidden in ["stackTrace", "errorMessage", "logs"] {
            assert!(problem.get(hidden).is_none(), "{hidden}");
        }
        assert_eq!(problem["requestId"], answer.header("x-request-id"));
        let function = deploy(&verbose, language, &json!({}));
        let answer = get(&verbose, &function, "/throws");
        assert!(
            answer.text().contains("the secret reason"),
            "{}",
            answer.text()
        );
    });
}

#[test]
fn whoever_asks_for_the_head_gets_no_body() {
    in_every_language(|language| {
        let platform = Platform::shared();
        let function = deploy(&platform, language, &json!({"methods": ["GET"]}));
        let head = |path: &str| {
            raw::request(
                &platform,
                "HEAD",
                "localhost",
                &at(&function, path),
                &[],
                b"",
            )
        };
        let answer = head("/text").expect(200);
        assert_eq!(
            (answer.bytes.len(), answer.header("content-length")),
            (0, "9"),
            "{language:?}"
        );
        let failed = head("/throws").expect(502);
        assert!(failed.bytes.is_empty() && failed.header("content-length") != "0");
        let other = raw::request(
            &platform,
            "POST",
            "localhost",
            &at(&function, "/text"),
            &[],
            b"x",
        );
        assert_eq!(other.problem(405), "method_not_allowed");
        assert_eq!(other.header("allow"), "GET, HEAD");
        for method in ["CONNECT", "TRACE"] {
            let path = at(&function, "/text");
            let answer = raw::request(&platform, method, "localhost", &path, &[], b"");
            assert!(
                [400, 404, 405].contains(&answer.status),
                "{method}: {}",
                answer.status
            );
        }
    });
}

#[test]
fn long_texts_are_compressed_for_whoever_takes_that() {
    in_every_language(|language| {
        let platform = Platform::shared();
        let function = deploy(&platform, language, &json!({}));
        let asked = |path: &str, accepted: &str| {
            let headers = [("accept-encoding", accepted)];
            raw::get(&platform, "localhost", &at(&function, path), &headers).expect(200)
        };
        let plain = asked("/big", "identity");
        assert_eq!(
            (plain.bytes.len(), plain.header("content-encoding")),
            (50_000, "")
        );
        assert_eq!(plain.header("vary"), "Accept-Encoding");
        for (accepted, coding) in [
            ("gzip", "gzip"),
            ("gzip, br", "br"),
            ("br;q=0.1, gzip", "gzip"),
        ] {
            let answer = asked("/big", accepted);
            assert_eq!(
                answer.header("content-encoding"),
                coding,
                "{language:?} {accepted}"
            );
            assert!(answer.bytes.len() < 1_000, "{}", answer.bytes.len());
            assert_eq!(answer.header("etag"), "W/\"big\"");
            let mut text = Vec::new();
            match coding {
                "gzip" => {
                    let mut decoder = flate2::read::GzDecoder::new(&answer.bytes[..]);
                    std::io::Read::read_to_end(&mut decoder, &mut text).expect("gzip");
                }
                _ => brotli::BrotliDecompress(&mut &answer.bytes[..], &mut text).expect("brotli"),
            }
            assert_eq!(text, plain.bytes);
        }
        for path in ["/text", "/noise", "/bytes"] {
            assert_eq!(
                asked(path, "gzip, br").header("content-encoding"),
                "",
                "{path}"
            );
        }
    });
}
