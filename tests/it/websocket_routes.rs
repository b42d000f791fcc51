//! Connections at addresses that are a function's own: its path, its domain, encrypted or not.

use http::StatusCode;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::certificates::{folder, make};
use crate::frames::{KEY, Socket, TEXT, ask_at, frame};
use crate::http::{read_to_end, status};
use crate::language::Language;
use crate::platform::Platform;
use crate::tls::{client, url};

const HELLO: &[u8] = b"\x81\x05hello";

#[test]
fn a_function_takes_connections_at_its_own_addresses() {
    let platform = Platform::start(&[]);
    let code = Language::TypeScript.handler("sockets");
    let socket = json!({"type": "websocket"});
    let settings = json!({"code": code, "customDomain": "chat.example.org", "triggers": [socket]});
    let answer = platform.try_deploy("domain", "typescript", &settings);
    let function = answer.expect(201).json()["function"].take();
    let own = format!("/functions/{}/ws", function["id"].as_str().expect("an id"));
    let listed = function["endpoints"].as_array().expect("addresses");
    assert!(listed.contains(&json!(own)), "{listed:?}");
    let path = json!({"type": "http", "config": {"path": "/live/:room"}});
    let settings = json!({"code": code, "triggers": [socket, path]});
    platform
        .try_deploy("path", "typescript", &settings)
        .expect(201);
    let deaf = json!({"code": code, "triggers": [{"type": "http", "config": {"path": "/deaf"}}]});
    platform.try_deploy("deaf", "typescript", &deaf).expect(201);
    // Each is held to the end: the others are told of whoever leaves.
    let mut held = Vec::new();
    for (host, path) in [
        ("chat.example.org", "/"),
        ("chat.example.org", "/any/where"),
        ("localhost", "/live/kitchen"),
        ("localhost", "/functions/path/http/live/kitchen"),
    ] {
        let mut socket = Socket::finish(ask_at(&platform, host, path, ""));
        assert_eq!(socket.exchange("hello"), "hello", "{host}{path}");
        held.push(socket);
    }
    let refused = ask_at(
        &platform,
        "localhost",
        "/live/kitchen?refuse=403",
        "connection: close\r\n",
    );
    assert_eq!(status(&read_to_end(refused)), Some(403));
    // To a function that takes none, it is a request as any other.
    let plain = read_to_end(ask_at(
        &platform,
        "localhost",
        "/deaf",
        "connection: close\r\n",
    ));
    assert_ne!(status(&plain), Some(101), "{plain}");
}

#[test]
fn a_connection_may_be_encrypted() {
    let made = make("a.example.com");
    let folder = folder(&[("a.example.com", &made)]);
    let folder = folder.path().to_str().expect("a path");
    let platform = Platform::start(&[("ZYGO_TLS_PORT", "0"), ("ZYGO_TLS_DIR", folder)]);
    let code = Language::Python.handler("sockets");
    let settings = json!({"customDomain": "a.example.com", "triggers": [{"type": "websocket"}]});
    platform.deploy(Language::Python, &code, &settings);
    let url = url(&platform, "a.example.com", "/");
    let trusting = client(&made, &platform, "a.example.com").http1_only();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(async {
        let asked = trusting.build().expect("a client").get(url);
        let asked = asked.header("connection", "upgrade");
        let asked = asked.header("upgrade", "websocket");
        let asked = asked.header("sec-websocket-version", "13");
        let answer = asked.header("sec-websocket-key", KEY).send().await;
        let answer = answer.expect("an answer");
        assert_eq!(answer.status(), StatusCode::SWITCHING_PROTOCOLS);
        let mut socket = answer.upgrade().await.expect("a connection");
        socket
            .write_all(&frame(TEXT, b"hello"))
            .await
            .expect("sent");
        let mut told = [0; HELLO.len()];
        socket.read_exact(&mut told).await.expect("an answer");
        assert_eq!(told, HELLO);
    });
}
