//! Connections of functions in every language: events, refusals, answers, pushes, order, new versions.

use std::time::Duration;

use serde_json::{Value, json};

use crate::frames::{self, BINARY, Frame, Socket, ask, frame};
use crate::http::{read_to_end, status};
use crate::language::{Language, in_every_language};
use crate::platform::Platform;
use crate::wait::{wait_for, wait_until};

const DEADLINE: Duration = Duration::from_secs(30);

/// The settings of a function that takes connections.
pub(crate) fn taking_connections() -> Value {
    json!({"triggers": [{"type": "websocket", "config": {}}]})
}

pub(crate) fn deploy(platform: &Platform, language: Language) -> String {
    platform.deploy(
        language,
        &language.handler("sockets"),
        &taking_connections(),
    )
}

#[test]
fn a_connection_is_told_of_from_its_beginning_to_its_end() {
    let platform = Platform::shared();
    in_every_language(|language| {
        let function = deploy(&platform, language);
        let mut witness = Socket::open(&platform, &function);
        let headers = "sec-websocket-protocol: other, chat\r\n";
        let path = format!("/functions/{function}/ws?name=value");
        let mut socket = Socket::finish(ask(&platform, &path, headers));
        assert!(
            socket.head.contains("sec-websocket-protocol: chat\r\n"),
            "{}",
            socket.head
        );
        let event: Value = serde_json::from_str(&socket.exchange("event")).expect("JSON");
        let id = event["data"]["connectionId"].as_str().expect("an id");
        assert!(id.starts_with("ws-"), "{id}");
        assert_eq!(
            (&event["data"]["message"], &event["isSame"]),
            (&json!("event"), &json!(true))
        );
        let context = &event["context"];
        assert_eq!(context["routeKey"], "$default");
        assert_eq!(context["eventType"], "MESSAGE");
        assert_eq!(context["connectionId"], id);
        assert_eq!(context["messageDirection"], "IN");
        assert_eq!(context["domainName"], "chat.example");
        assert_eq!(context["identity"]["sourceIp"], "127.0.0.1");
        assert!(
            context["connectedAt"].as_i64() > Some(1_700_000_000_000),
            "{context}"
        );
        assert!(
            context["messageId"]
                .as_str()
                .is_some_and(|id| id.starts_with("req-")),
            "{context}"
        );
        socket.send(&frames::close(4001, "bye".as_bytes()));
        assert_eq!(socket.end(), Some(4001));
        assert_eq!(witness.hear(), format!("left {id} 4001"));
        let mut another = Socket::open(&platform, &function);
        let id = another.id();
        another.vanish();
        assert_eq!(witness.hear(), format!("left {id} 1006"));
    });
}

#[test]
fn a_handler_that_refuses_is_the_answer_to_the_request() {
    let platform = Platform::shared();
    in_every_language(|language| {
        let function = deploy(&platform, language);
        for (how, expected, said) in [
            ("403", 403, "not you"),
            ("503", 503, "not you"),
            ("throw", 502, "handler_error"),
        ] {
            let path = format!("/functions/{function}/ws?refuse={how}");
            let answer = read_to_end(ask(&platform, &path, "connection: close\r\n"));
            assert_eq!(status(&answer), Some(expected), "{answer}");
            assert!(answer.contains(said), "{answer}");
        }
    });
}

#[test]
fn what_a_handler_answers_goes_back() {
    let platform = Platform::shared();
    in_every_language(|language| {
        let function = deploy(&platform, language);
        let mut socket = Socket::open(&platform, &function);
        assert_eq!(socket.exchange("grüße"), "grüße");
        let bytes = [0, 159, 255, 1];
        socket.send(&frame(BINARY, &bytes));
        let echo = Frame {
            first: BINARY,
            payload: bytes.to_vec(),
        };
        assert_eq!(socket.next(), Some(echo));
        // Nothing is said of nothing, and the next answer is the next message's.
        socket.say("nothing");
        assert_eq!(socket.exchange("version"), "one");
        for (word, code) in [("throw", "handler_error"), ("refuse", "handler_refused")] {
            let told: Value = serde_json::from_str(&socket.exchange(word)).expect("JSON");
            assert_eq!(told["code"], code);
            assert!(
                told["connectionId"].is_string() && told["requestId"].is_string(),
                "{told}"
            );
            assert!(!told.to_string().contains("secret"), "{told}");
        }
        let text = format!("long {}", "\"".repeat(100_000));
        assert_eq!(socket.exchange(&text), "100005 true true");
    });
}

#[test]
fn messages_are_handled_one_after_the_other() {
    let platform = Platform::shared();
    in_every_language(|language| {
        let function = deploy(&platform, language);
        let mut socket = Socket::open(&platform, &function);
        let words: Vec<String> = (0..60).map(|number| format!("word-{number}")).collect();
        socket.say("slow");
        words.iter().for_each(|word| socket.say(word));
        assert_eq!(socket.hear(), "slow");
        for word in &words {
            assert_eq!(&socket.hear(), word);
        }
        // What was said before the end is handled before it is told of.
        let mut witness = Socket::open(&platform, &function);
        let (id, witness_id) = (socket.id(), witness.id());
        for word in &words[..10] {
            socket.say(&format!("push {witness_id} {word}"));
        }
        socket.send(&frames::close(1000, b""));
        assert_eq!(socket.end(), Some(1000));
        for word in &words[..10] {
            assert_eq!(&witness.hear(), word);
        }
        assert_eq!(witness.hear(), format!("left {id} 1000"));
    });
}

#[test]
fn a_connection_is_reached_by_handlers_of_its_function() {
    let platform = Platform::shared();
    in_every_language(|language| {
        let function = deploy(&platform, language);
        let [mut first, mut second] = [(); 2].map(|()| Socket::open(&platform, &function));
        let id = first.id();
        // By a handler that another connection, or no connection, invoked.
        assert_eq!(
            second.exchange(&format!("push {id} from a sibling")),
            "pushed"
        );
        assert_eq!(first.hear(), "from a sibling");
        platform
            .invoke(&function, &json!({"to": id, "text": "from a request"}))
            .expect(200);
        assert_eq!(first.hear(), "from a request");
        platform
            .invoke(&function, &json!({"to": "*", "text": "to all"}))
            .expect(200);
        assert_eq!(
            (first.hear(), second.hear()),
            ("to all".to_owned(), "to all".to_owned())
        );
        // Nobody else's function reaches it.
        let other = deploy(&platform, language);
        platform
            .invoke(&other, &json!({"to": id, "text": "intruder"}))
            .expect(200);
        assert_eq!(first.exchange("still alone"), "still alone");
        let logs = wait_for("the line of the loss", DEADLINE, || {
            let logs = platform
                .get(&format!("/functions/{other}/logs"))
                .expect(200)
                .text();
            logs.contains("pushes").then_some(logs)
        });
        assert!(logs.contains("1 of the answer's `pushes`"), "{logs}");
    });
}

#[test]
fn a_connection_is_reached_by_requests() {
    let platform = Platform::shared();
    in_every_language(|language| {
        let function = deploy(&platform, language);
        let [mut first, mut second] = [(); 2].map(|()| Socket::open(&platform, &function));
        let id = first.id();
        assert_eq!(second.exchange("here"), "here");
        let path = format!("/connections/{id}");
        for (kind, body, received) in [
            ("text/plain", &b"hello"[..], "hello"),
            ("application/json", b"{\"a\": 1}", "{\"a\": 1}"),
            ("", b"untold", "untold"),
        ] {
            platform.request("POST", &path, kind, body).expect(204);
            assert_eq!(first.hear(), received);
        }
        platform
            .request("POST", &path, "application/octet-stream", b"bytes")
            .expect(204);
        assert_eq!(first.next().expect("a frame").first, BINARY);
        let shown = platform.get(&path).expect(200).json();
        assert_eq!(
            (&shown["function"], &shown["version"]),
            (&json!(function), &json!(1))
        );
        assert_eq!(shown["remoteAddress"], "127.0.0.1");
        assert!(
            shown["connectedAt"].as_str() <= shown["lastActiveAt"].as_str(),
            "{shown}"
        );
        platform.delete(&path).expect(204);
        assert_eq!(first.end(), Some(1000));
        assert_eq!(second.hear(), format!("left {id} 1000"));
        for answer in [
            platform.get(&path),
            platform.delete(&path),
            platform.request("POST", &path, "", b"x"),
        ] {
            assert_eq!(answer.problem(410), "connection_gone");
        }
    });
}

#[test]
fn a_connection_outlives_versions_and_not_its_function() {
    let platform = Platform::shared();
    in_every_language(|language| {
        let function = deploy(&platform, language);
        let path = format!("/functions/{function}");
        let mut socket = Socket::open(&platform, &function);
        let mut pinned = Socket::finish(ask(&platform, &format!("{path}/ws?qualifier=1"), ""));
        assert_eq!(socket.exchange("version"), "one");
        let code = language.handler("sockets").replace("\"one\"", "\"two\"");
        platform.put(&path, &json!({"code": code})).expect(200);
        assert_eq!(
            (socket.exchange("version"), pinned.exchange("version")),
            ("two".into(), "one".into())
        );
        platform
            .post(&format!("{path}/rollback"), &json!({"version": 1}))
            .expect(200);
        assert_eq!(socket.exchange("version"), "one");
        platform.delete(&path).expect(200);
        assert_eq!((socket.end(), pinned.end()), (Some(1001), Some(1001)));
    });
}

#[test]
fn a_version_that_takes_no_connections_ends_them() {
    let platform = Platform::shared();
    let function = deploy(&platform, Language::Python);
    let mut socket = Socket::open(&platform, &function);
    let id = socket.id();
    platform
        .put(&format!("/functions/{function}"), &json!({"triggers": []}))
        .expect(200);
    socket.say("anyone?");
    assert_eq!(socket.end(), Some(1001));
    wait_until("the end", DEADLINE, || {
        platform.get(&format!("/connections/{id}")).status == 410
    });
    let answer = read_to_end(ask(
        &platform,
        &format!("/functions/{function}/ws"),
        "connection: close\r\n",
    ));
    assert_eq!(status(&answer), Some(404), "{answer}");
    assert!(answer.contains("websocket_not_found"), "{answer}");
}
