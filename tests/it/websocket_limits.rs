//! Bounds of connections: how many, how long, how silent; and what happens to them when the platform ends.

use std::time::Duration;

use serde_json::{Value, json};

use crate::auth::{ADMIN, call, key};
use crate::frames::{self, CLOSE, PING, Socket, ask, frame};
use crate::http::{read_to_end, status};
use crate::language::{Language, in_every_language};
use crate::platform::Platform;
use crate::processes;
use crate::wait::{wait_for, wait_until};
use crate::websocket::{deploy, taking_connections};

const DEADLINE: Duration = Duration::from_secs(30);

fn deploy_with(platform: &Platform, config: &Value) -> String {
    let code = Language::Python.handler("sockets");
    let settings = json!({"triggers": [{"type": "websocket", "config": config}]});
    platform.deploy(Language::Python, &code, &settings)
}

fn refusal(platform: &Platform, path: &str, headers: &str) -> String {
    read_to_end(ask(
        platform,
        path,
        &format!("connection: close\r\n{headers}"),
    ))
}

#[test]
fn who_says_nothing_is_asked_and_then_cut() {
    let platform = Platform::start(&[("ZYGO_WEBSOCKETS_PING_INTERVAL_MS", "1500")]);
    let function = deploy_with(&platform, &json!({}));
    let mut socket = Socket::open(&platform, &function);
    for _ in 0..3 {
        let ping = socket.next().expect("a ping");
        assert_eq!(ping.first, PING);
        socket.send(&frame(frames::PONG, &ping.payload));
    }
    assert_eq!(socket.exchange("still here"), "still here");
    assert_eq!(socket.next().expect("a ping").first, PING);
    assert_eq!(socket.next(), None, "no word, and no connection");
}

#[test]
fn who_says_nothing_of_interest_is_let_go() {
    let platform = Platform::start(&[
        ("ZYGO_WEBSOCKETS_PING_INTERVAL_MS", "1500"),
        ("ZYGO_WEBSOCKETS_IDLE_TIMEOUT_MS", "60000"),
    ]);
    let function = deploy_with(&platform, &json!({"idleTimeout": 5_000}));
    let mut socket = Socket::open(&platform, &function);
    assert_eq!(socket.exchange("hello"), "hello");
    let mut pings = 0;
    let last = loop {
        let next = socket.next().expect("a frame");
        match next.first {
            PING => {
                pings += 1;
                socket.send(&frame(frames::PONG, b""));
            }
            _ => break next,
        }
    };
    assert_eq!(
        (last.first, &last.payload[..2]),
        (CLOSE, &1001_u16.to_be_bytes()[..])
    );
    assert!(pings > 0, "it was asked whether it is there");
    let brief = Platform::start(&[("ZYGO_WEBSOCKETS_LIFETIME_MS", "300")]);
    let function = deploy_with(&brief, &json!({}));
    assert_eq!(Socket::open(&brief, &function).end(), Some(1001));
}

#[test]
fn there_are_as_many_connections_as_there_may_be() {
    let platform = Platform::start(&[("ZYGO_WEBSOCKETS_CONNECTIONS_MAX", "3")]);
    let function = deploy_with(
        &platform,
        &json!({"maxConnections": 2, "maxMessageBytes": 10}),
    );
    let path = format!("/functions/{function}/ws");
    let mut first = Socket::open(&platform, &function);
    let _second = Socket::open(&platform, &function);
    let answer = refusal(&platform, &path, "");
    assert_eq!(status(&answer), Some(429), "{answer}");
    assert!(answer.contains("connection_limit"), "{answer}");
    let other = deploy_with(&platform, &json!({}));
    let _third = Socket::open(&platform, &other);
    let answer = refusal(&platform, &format!("/functions/{other}/ws"), "");
    assert_eq!(status(&answer), Some(503), "{answer}");
    let text = platform.get("/metrics/prometheus").expect(200).text();
    let line = format!("zygo_websocket_connections{{function=\"{function}\"}} 2");
    assert!(text.contains(&line), "{text}");
    // Its own bound, not the platform's.
    first.say("eleven byte");
    assert_eq!(first.end(), Some(1009));
    wait_for("a place that is free again", DEADLINE, || {
        let answer = refusal(&platform, &path, "sec-websocket-key: wrong\r\n");
        assert_ne!(status(&answer), Some(101));
        let text = platform.get("/metrics/prometheus").expect(200).text();
        let line = format!("zygo_websocket_connections{{function=\"{function}\"}} 1");
        text.contains(&line).then_some(())
    });
    Socket::open(&platform, &function);
}

#[test]
fn a_slow_function_makes_its_client_wait_and_takes_no_memory() {
    let platform = Platform::start(&[]);
    let function = deploy_with(&platform, &json!({}));
    let mut socket = Socket::open(&platform, &function);
    socket.patience(Duration::from_secs(30));
    let text = format!("slow {}", "x".repeat(100_000));
    // The first messages also pay for what is there once.
    for _ in 0..5 {
        assert_eq!(socket.exchange(&text), "slow");
    }
    let before = processes::resident_kib(platform.pid());
    // 300 messages are 30 MB, and take half a minute in all.
    let bytes: Vec<u8> = (0..300)
        .flat_map(|_| frame(frames::TEXT, text.as_bytes()))
        .collect();
    let mut sender = socket.another_end();
    let sending = std::thread::spawn(move || sender.send_all_or_fail(&bytes));
    for _ in 0..5 {
        assert_eq!(socket.hear(), "slow");
    }
    let grown = processes::resident_kib(platform.pid()).saturating_sub(before);
    assert!(grown < 8 * 1024, "{grown} KiB more");
    assert!(!sending.is_finished(), "all was taken at once");
    socket.shut();
    let _ = sending.join();
}

#[test]
fn a_client_that_takes_nothing_is_told_no_more() {
    let platform = Platform::start(&[("ZYGO_SLOW_CLIENT_GRACE_MS", "10000")]);
    let function = deploy_with(&platform, &json!({}));
    let mut socket = Socket::open(&platform, &function);
    let path = format!("/connections/{}", socket.id());
    let text = vec![b'x'; 100_000];
    wait_until("a full connection", DEADLINE, || {
        let answer = platform.request("POST", &path, "text/plain", &text);
        answer.status != 204 && answer.problem(429) == "connection_busy"
    });
    wait_until("the end of it", DEADLINE, || {
        platform.get(&path).status == 410
    });
    let long = vec![b'x'; 131_073];
    let mut other = Socket::open(&platform, &deploy_with(&platform, &json!({})));
    let path = format!("/connections/{}", other.id());
    let answer = platform.request("POST", &path, "text/plain", &long);
    assert_eq!(answer.problem(413), "body_too_large");
    let answer = platform.request("POST", &path, "text/plain", b"\xFF");
    assert_eq!(answer.problem(400), "malformed_request");
}

#[test]
fn connections_end_with_their_platform_and_their_functions_hear_of_it() {
    in_every_language(|language| {
        // All of them are told of in that time.
        let mut platform = Platform::start(&[("ZYGO_DRAIN_TIMEOUT_MS", "30000")]);
        let function = deploy(&platform, language);
        let mut sockets = [(); 5].map(|()| Socket::open(&platform, &function));
        sockets
            .iter_mut()
            .for_each(|socket| drop(socket.exchange("hello")));
        let ends = std::thread::spawn(move || sockets.map(|mut socket| socket.end()));
        assert_eq!(platform.stop().code(), Some(0));
        assert_eq!(ends.join().expect("the ends"), [Some(1001); 5]);
        let again = Platform::start_on(platform.data(), &[]);
        let path = format!("/functions/{function}/invocations?limit=100");
        let records = again.get(&path).expect(200).text();
        // Five each: connect, message, disconnect.
        assert_eq!(
            records.matches("\"trigger\":\"websocket\"").count(),
            15,
            "{records}"
        );
    });
}

#[test]
fn what_is_no_handshake_is_told_so() {
    let platform = Platform::shared();
    let function = deploy_with(&platform, &json!({}));
    let path = format!("/functions/{function}/ws");
    let plain = platform.get(&path);
    assert_eq!(plain.problem(426), "upgrade_required");
    let told = platform.get(&path);
    assert_eq!(
        (told.header("upgrade"), told.header("sec-websocket-version")),
        ("websocket", "13")
    );
    assert_eq!(
        platform.post(&path, &json!({})).problem(405),
        "method_not_allowed"
    );
    assert_eq!(
        platform.get("/functions/nobody/ws").problem(404),
        "function_not_found"
    );
    let unknown = platform.get(&format!("{path}?qualifier=nobody"));
    assert_eq!(unknown.problem(404), "alias_not_found");
    for (config, pointer) in [
        (json!({"idle": 1}), "/triggers/0/config/idle"),
        (
            json!({"maxMessageBytes": "all"}),
            "/triggers/0/config/maxMessageBytes",
        ),
    ] {
        let settings = json!({"code": "def handler(event, context): pass", "triggers": [{"type": "websocket", "config": config}]});
        let answer = platform.try_deploy("refused", "python", &settings);
        assert_eq!(answer.json()["pointer"], pointer);
        assert_eq!(answer.problem(422), "invalid_function");
    }
}

#[test]
fn a_connection_is_for_whom_its_function_is() {
    let platform = crate::auth::platform();
    let code = Language::Python.handler("sockets");
    for (name, public) in [("mine", false), ("theirs", false), ("open", true)] {
        let mut body = taking_connections();
        let settings = json!({"name": name, "runtime": "python", "code": code, "public": public});
        body.as_object_mut()
            .expect("an object")
            .extend(settings.as_object().expect("an object").clone());
        call(&platform, "POST", "/functions", Some(ADMIN), &body).expect(201);
    }
    let ours = key(&platform, "invoke", Some(&["mine"]));
    let reader = key(&platform, "read", None);
    let with = |key: &str| format!("x-api-key: {key}\r\n");
    for (name, headers, expected) in [
        ("mine", String::new(), 401),
        ("mine", with(&reader), 403),
        ("theirs", with(&ours), 404),
    ] {
        let answer = refusal(&platform, &format!("/functions/{name}/ws"), &headers);
        assert_eq!(status(&answer), Some(expected), "{name}: {answer}");
    }
    let mut open = Socket::finish(ask(&platform, "/functions/open/ws", ""));
    let mut mine = Socket::finish(ask(&platform, "/functions/mine/ws", &with(&ours)));
    let (open, mine_path) = (
        format!("/connections/{}", open.id()),
        format!("/connections/{}", mine.id()),
    );
    let ask = |path: &str, key: Option<&str>| call(&platform, "POST", path, key, &json!("hello"));
    assert_eq!(ask(&mine_path, None).problem(401), "unauthorized");
    assert_eq!(ask(&mine_path, Some(&reader)).problem(403), "forbidden");
    assert_eq!(ask(&open, Some(&ours)).problem(410), "connection_gone");
    ask(&mine_path, Some(&ours)).expect(204);
    assert_eq!(mine.hear(), "\"hello\"");
}

/// A tenth of what `zygo-bench run --only sockets` opens.
#[test]
fn a_thousand_silent_connections_cost_little() {
    let _turn = crate::turn::take();
    let platform = Platform::start(&[]);
    let function = platform.deploy(
        Language::Ruby,
        &Language::Ruby.handler("sockets"),
        &taking_connections(),
    );
    let open = |count| (0..count).map(|_| Socket::open(&platform, &function));
    // The first ones also pay for what is there once.
    let mut all: Vec<Socket> = open(200).collect();
    let before = processes::resident_kib(platform.pid());
    all.extend(open(1_000));
    let grown = processes::resident_kib(platform.pid()).saturating_sub(before);
    assert!(grown < 30 * 1_000, "{grown} KiB for a thousand");
    platform
        .invoke(&function, &json!({"to": "*", "text": "wake up"}))
        .expect(200);
    for socket in &mut all {
        assert_eq!(socket.hear(), "wake up");
    }
}
