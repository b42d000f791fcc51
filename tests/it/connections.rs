//! Connections: what an early answer leaves of one, how slow a client may be, and how many there may be.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::json;

use crate::http::{connect, read_to_end, status};
use crate::language::Language;
use crate::platform::Platform;
use crate::processes;
use crate::wait::{wait_for, wait_until};

const DEADLINE: Duration = Duration::from_secs(30);
const ECHO: &str = "def handler(event, context): return len(event['body'])";

/// The next answer on a connection that stays open: its head, and that its body came.
fn answer(connection: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match connection.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            other => panic!("{other:?} after {:?}", String::from_utf8_lossy(&head)),
        }
    }
    let head = String::from_utf8(head).expect("a head in ASCII");
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let length = length.map_or(0, |length| length.parse().expect("a length"));
    connection
        .read_exact(&mut vec![0; length])
        .expect("the body of the answer");
    head
}

#[test]
fn an_answer_before_the_body_leaves_its_connection_fit_for_the_next_request() {
    let platform = Platform::start(&[("ZYGO_ADMIN_KEY", "0123456789abcdef")]);
    let key = "x-api-key: 0123456789abcdef\r\n";
    let cases = [
        ("POST /nowhere", key, 404),
        ("POST /functions", "", 401),
        ("POST /functions/nobody/invoke", "", 401),
        ("POST /functions/nobody/invoke", key, 404),
        ("PUT /functions/nobody/invoke", key, 405),
        (
            "PUT /functions/nobody",
            "x-api-key: 0123456789abcdef\r\nif-match: nonsense\r\n",
            404,
        ),
        ("DELETE /functions/nobody", key, 404),
    ];
    for (line, headers, expected) in cases {
        let mut connection = connect(&platform);
        let head = format!("{line} HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n{headers}\r\n");
        connection.write_all(head.as_bytes()).expect("sent");
        // The platform may have made up its mind now; it waits for the rest before it says so.
        let brief = Some(Duration::from_millis(100));
        connection.set_read_timeout(brief).expect("a time limit");
        let early = connection.read(&mut [0]).map_err(|error| error.kind());
        assert_eq!(early, Err(ErrorKind::WouldBlock), "{line}");
        connection
            .set_read_timeout(Some(DEADLINE))
            .expect("a time limit");
        connection.write_all(b"{}").expect("sent");
        assert_eq!(status(&answer(&mut connection)), Some(expected), "{line}");
        connection
            .write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
            .expect("sent");
        assert_eq!(status(&answer(&mut connection)), Some(200), "{line}");
    }
}

#[test]
fn an_answer_before_a_long_body_says_that_the_connection_ends() {
    let platform = Platform::shared();
    let mut connection = connect(&platform);
    connection
        .write_all(b"POST /nowhere HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n")
        .expect("sent");
    let told = read_to_end(connection);
    assert_eq!(status(&told), Some(404), "{told}");
    assert!(told.contains("connection: close\r\n"), "{told}");
}

#[test]
fn a_client_that_sends_too_slowly_gives_up_its_place() {
    let platform = Platform::start(&[
        ("ZYGO_SLOW_CLIENT_GRACE_MS", "1000"),
        ("ZYGO_SLOW_CLIENT_BYTES_PER_S", "1000"),
        // A client on a busy machine needs some of it to say anything at all.
        ("ZYGO_HEADER_TIMEOUT_MS", "2000"),
    ]);
    let function = platform.deploy(Language::Python, ECHO, &json!({}));
    for (start, expected) in [
        (String::new(), None),
        ("PRI * HT".to_owned(), None),
        ("GET /healthz HTTP/1.1\r\nhost:".to_owned(), None),
        (
            format!(
                "POST /functions/{function}/invoke HTTP/1.1\r\nhost: x\r\ncontent-length: 90\r\n\r\n1"
            ),
            Some(408),
        ),
        (
            format!(
                "POST /functions/{function}/invoke HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1\r\n1"
            ),
            Some(408),
        ),
    ] {
        let mut connection = connect(&platform);
        connection.write_all(start.as_bytes()).expect("sent");
        let told = read_to_end(connection);
        assert!(
            status(&told).is_none() || status(&told) == expected.or(Some(408)),
            "{start:?}: {told}"
        );
        assert_eq!(
            status(&told).is_some(),
            expected.is_some(),
            "{start:?}: {told}"
        );
    }
    platform
        .invoke(&function, &json!("as long as it is fast"))
        .expect(200);
}

#[test]
fn a_client_that_reads_nothing_gives_up_its_place() {
    let platform = Platform::start(&[("ZYGO_SLOW_CLIENT_GRACE_MS", "300")]);
    let code = "def handler(event, context): return 'x' * 5_000_000";
    let function = platform.deploy(Language::Python, code, &json!({}));
    let mut connection = connect(&platform);
    let peer = connection.local_addr().expect("an address").port();
    let is_held = || processes::connected_ports(platform.pid()).contains(&peer);
    wait_until("the connection", DEADLINE, is_held);
    // More than any buffer between the two holds.
    let request = format!(
        "POST /functions/{function}/invoke HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{{}}"
    );
    let requests = request.repeat(4);
    connection.write_all(requests.as_bytes()).expect("sent");
    let mut told = Vec::new();
    wait_until("the end of the connection", DEADLINE, || !is_held());
    let cut = connection.read_to_end(&mut told);
    assert!(
        cut.is_err() || told.len() < 20_000_000,
        "{} bytes",
        told.len()
    );
}

#[test]
fn one_address_gets_its_share_of_connections() {
    let platform = Platform::start(&[("ZYGO_MAX_CONNECTIONS_PER_ADDRESS", "3")]);
    let greet = |connection: &mut TcpStream| {
        let sent = connection.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n");
        let mut first = [0];
        sent.is_ok() && connection.read(&mut first).is_ok_and(|count| count == 1)
    };
    let mut held: Vec<TcpStream> = wait_for("three places", DEADLINE, || {
        let mut three: Vec<TcpStream> = (0..3).map(|_| connect(&platform)).collect();
        three.iter_mut().all(greet).then_some(three)
    });
    assert!(!greet(&mut connect(&platform)), "a fourth got a place");
    drop(held.pop());
    wait_until("a place that is free again", DEADLINE, || {
        greet(&mut connect(&platform))
    });
}

#[test]
fn all_bodies_share_their_room() {
    let platform = Platform::start(&[
        ("ZYGO_MAX_BODY_BYTES", "100000"),
        ("ZYGO_MAX_BUNDLE_BYTES", "100000"),
        ("ZYGO_MAX_BODIES_BYTES", "100000"),
    ]);
    let function = platform.deploy(Language::Python, ECHO, &json!({}));
    let head = format!(
        "POST /functions/{function}/invoke HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 90000\r\n\r\n"
    );
    let (begin, end) = (
        "\"".to_owned() + &"a".repeat(80_000),
        "a".repeat(9_998) + "\"",
    );
    let second = json!("b".repeat(50_000));
    // Whose bytes are read first, the system says. A round counts when it was those that came first; whoever is refused
    // takes no more.
    wait_until("a body beyond the room of another", DEADLINE, || {
        let mut first = connect(&platform);
        let begun = first.write_all((head.clone() + &begin).as_bytes());
        let answer = platform.invoke(&function, &second);
        let is_refused = answer.status != 200 && answer.problem(503) == "platform_full";
        let ended = begun.and_then(|()| first.write_all(end.as_bytes()));
        ended.is_ok() && status(&read_to_end(first)) == Some(200) && is_refused
    });
    platform.invoke(&function, &second).expect(200);
}
