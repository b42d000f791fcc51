//! Requests that are none, as bytes on a connection: refused or closed, never a fault of ours, never a hang.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::language::{Language, in_every_language};
use crate::platform::Platform;

/// What is refused is refused at once; whatever waits for more ends ten seconds later, with the time for a head.
const AT_ONCE: Duration = Duration::from_secs(8);
/// A connection that is neither answered nor closed by then hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// Sends bytes and reads until the platform closes the connection.
fn exchange(platform: &Platform, bytes: &[u8]) -> String {
    let mut connection = connect(platform);
    // The platform may refuse before it has read all.
    let _ = connection.write_all(bytes);
    let _ = connection.shutdown(Shutdown::Write);
    read_to_end(connection)
}

pub(crate) fn connect(platform: &Platform) -> TcpStream {
    let connection = TcpStream::connect(platform.address()).expect("a connection");
    connection
        .set_read_timeout(Some(PATIENCE))
        .expect("a time limit");
    connection
        .set_write_timeout(Some(PATIENCE))
        .expect("a time limit");
    connection
}

pub(crate) fn read_to_end(mut connection: TcpStream) -> String {
    let mut answer = Vec::new();
    if let Err(error) = connection.read_to_end(&mut answer) {
        let hangs = [ErrorKind::WouldBlock, ErrorKind::TimedOut].contains(&error.kind());
        assert!(!hangs, "the connection hangs");
    }
    String::from_utf8_lossy(&answer).into_owned()
}

/// The status of the first answer; `None` when the connection was closed without one.
pub(crate) fn status(answer: &str) -> Option<u16> {
    answer
        .strip_prefix("HTTP/1.")?
        .split(' ')
        .nth(1)?
        .parse()
        .ok()
}

fn malformed_bodies() -> Vec<(&'static str, Vec<u8>)> {
    let post = |head: &str, body: &str| {
        format!("POST /functions HTTP/1.1\r\nhost: x\r\n{head}\r\n\r\n{body}").into_bytes()
    };
    vec![
        ("no HTTP", b"hello\r\n\r\n".to_vec()),
        ("zeros", vec![0; 100]),
        ("a TLS hello", vec![0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]),
        ("another version", b"GET / HTTP/3.7\r\n\r\n".to_vec()),
        ("a NUL in a header", post("x: a\0b", "")),
        (
            "a space before the colon",
            post("content-length : 5", "hello"),
        ),
        ("a folded header", post("x: a\r\n b", "")),
        (
            "two lengths",
            post("content-length: 1\r\ncontent-length: 2", "ab"),
        ),
        ("a negative length", post("content-length: -1", "")),
        (
            "a length beyond numbers",
            post("content-length: 99999999999999999999999", ""),
        ),
        ("a length that lies", post("content-length: 100", "{}")),
        (
            "a length and chunks",
            post(
                "content-length: 2\r\ntransfer-encoding: chunked",
                "0\r\n\r\n",
            ),
        ),
        ("an unknown coding", post("transfer-encoding: smoke", "")),
        (
            "a bad chunk size",
            post("transfer-encoding: chunked", "zz\r\nab\r\n0\r\n\r\n"),
        ),
        (
            "a huge chunk size",
            post("transfer-encoding: chunked", "ffffffffffffffffff\r\nab"),
        ),
        (
            "a chunk without its end",
            post("transfer-encoding: chunked", "2\r\nabXX0\r\n\r\n"),
        ),
    ]
}

fn malformed_heads() -> Vec<(&'static str, Vec<u8>)> {
    let post =
        |head: &str| format!("POST /functions HTTP/1.1\r\nhost: x\r\n{head}\r\n\r\n").into_bytes();
    let get = |target: &str| format!("GET {target} HTTP/1.1\r\nhost: x\r\n\r\n").into_bytes();
    vec![
        ("a long target", get(&format!("/{}", "a".repeat(100_000)))),
        (
            "a long header",
            post(&format!("x: {}", "a".repeat(1_000_000))),
        ),
        ("many headers", post(&"x: 1\r\n".repeat(5_000))),
        ("a bad escape", get("/functions/%zz")),
        ("an escaped NUL", get("/functions/%00")),
        ("escaped dots", get("/functions/%2e%2e%2fetc")),
        ("no UTF-8", get("/functions/%ff%fe")),
        ("a space in the target", get("/a b")),
        (
            "another method",
            b"BREW /functions HTTP/1.1\r\nhost: x\r\n\r\n".to_vec(),
        ),
        (
            "CONNECT",
            b"CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n".to_vec(),
        ),
        ("TRACE", b"TRACE / HTTP/1.1\r\nhost: x\r\n\r\n".to_vec()),
        ("an absolute target", get("http://elsewhere/nothing")),
        (
            "half a request",
            b"POST /functions HTTP/1.1\r\nhos".to_vec(),
        ),
        ("a half preface of HTTP/2", b"PRI * HTTP/2.0\r\n".to_vec()),
        (
            "a broken HTTP/2",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff".to_vec(),
        ),
    ]
}

#[test]
fn what_is_no_request_is_refused_or_closed() {
    let _turn = crate::turn::take();
    let platform = Platform::shared();
    let mut wrong = Vec::new();
    for (what, bytes) in malformed_bodies().into_iter().chain(malformed_heads()) {
        let started = Instant::now();
        let answer = exchange(&platform, &bytes);
        let refused = status(&answer)
            .is_none_or(|status| (400..500).contains(&status) || status == 501 || status == 505);
        if !refused || started.elapsed() > AT_ONCE {
            let first: String = answer.chars().take(200).collect();
            wrong.push(format!("{what} ({:?}): {first}", started.elapsed()));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    platform.get("/healthz").expect(200);
}

#[test]
fn a_slow_head_is_closed_in_time() {
    let platform = Platform::shared();
    let mut connection = connect(&platform);
    connection
        .write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n")
        .expect("sent");
    let started = Instant::now();
    let answer = read_to_end(connection);
    assert!(
        status(&answer).is_none_or(|status| status == 408),
        "{answer}"
    );
    assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());
}

#[test]
fn pipelined_requests_are_answered_in_their_order() {
    let platform = Platform::shared();
    let code = "def handler(event, context): return event['body']";
    let function = platform.deploy(Language::Python, code, &json!({}));
    let requests: String = (1000..1500)
        .map(|number| format!("POST /functions/{function}/invoke HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\n{number}"))
        .collect();
    let mut connection = connect(&platform);
    let mut writer = connection.try_clone().expect("a second handle");
    let sender = std::thread::spawn(move || {
        writer.write_all(requests.as_bytes()).expect("sent");
        writer
            .write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            .expect("sent");
    });
    let mut answer = String::new();
    connection.read_to_string(&mut answer).expect("all answers");
    sender.join().expect("sent");
    let bodies = answer.split("\"body\":").skip(1);
    let numbers: Vec<u32> = bodies
        .filter_map(|rest| rest.get(..4)?.parse().ok())
        .collect();
    assert_eq!(numbers, (1000..1500).collect::<Vec<u32>>());
}

#[test]
fn a_body_without_end_is_stopped_at_the_limit() {
    let platform = Platform::start(&[("ZYGO_MAX_BODY_BYTES", "1000000")]);
    let code = "def handler(event, context): return 1";
    let function = platform.deploy(Language::Python, code, &json!({}));
    let resident = crate::processes::resident_kib(platform.pid());
    let mut connection = connect(&platform);
    let head = format!(
        "POST /functions/{function}/invoke HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
    );
    connection.write_all(head.as_bytes()).expect("sent");
    let chunk = [b"10000\r\n".to_vec(), vec![b'x'; 0x10000], b"\r\n".to_vec()].concat();
    let sent = (0..10_000)
        .take_while(|_| connection.write_all(&chunk).is_ok())
        .count();
    assert!(sent < 1_000, "{sent} chunks of 64 KiB were taken");
    let answer = read_to_end(connection);
    assert!(
        status(&answer).is_none_or(|status| status == 413),
        "{answer}"
    );
    let grown = crate::processes::resident_kib(platform.pid()).saturating_sub(resident);
    assert!(grown < 16 * 1024, "{grown} KiB");
    let announced = exchange(&platform, format!("POST /functions/{function}/invoke HTTP/1.1\r\nhost: x\r\ncontent-length: 10000000000\r\n\r\n").as_bytes());
    assert!(
        status(&announced).is_none_or(|status| (400..500).contains(&status)),
        "{announced}"
    );
    platform.invoke(&function, &json!({})).expect(200);
}

#[test]
fn json_that_is_too_deep_or_odd_reaches_no_parser_that_breaks() {
    let platform = Platform::shared();
    in_every_language(|language| {
        let code = language.pick(
            "export const handler = (event) => typeof event.body;",
            "def handler(event, context): return type(event['body']).__name__",
            "def handler(event:, context:) = event['body'].class.name",
        );
        let function = platform.deploy(language, code, &json!({}));
        let path = format!("/functions/{function}/invoke");
        let send =
            |body: &str| platform.request("POST", &path, "application/json", body.as_bytes());
        let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        send(&nested(100)).expect(200);
        for refused in [
            nested(100_000),
            "[".repeat(1_000_000),
            "{\"a\":".repeat(100_000),
        ] {
            assert_eq!(send(&refused).problem(400), "malformed_request");
        }
        let odd = [
            r#"{"a":1,"a":2}"#,
            r#""\ud800""#,
            "1e400",
            "-0",
            &"9".repeat(100_000),
            r#"{"__proto__":{"x":1}}"#,
        ];
        for body in odd {
            // A language may have limits of its own for what is valid JSON: then its parser's error is the answer.
            let answer = send(body);
            let is_known =
                [200, 400].contains(&answer.status) || answer.problem(502) == "handler_error";
            assert!(is_known, "{body:.40}: {}", answer.text());
        }
        for refused in [
            "NaN",
            "Infinity",
            "'a'",
            "{a:1}",
            "[1,]",
            "01",
            "\u{feff}1",
            "1 2",
            "\"\u{1}\"",
        ] {
            assert_eq!(send(refused).problem(400), "malformed_request", "{refused}");
        }
        send("1").expect(200);
    });
}
