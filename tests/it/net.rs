//! Sockets of functions in TypeScript (`zygo:net`): plain and encrypted ones, whom they trust, what becomes of them between
//! invocations and beside each other, and when there are none.

use std::time::Duration;

use serde_json::{Value, json};

use crate::echo::{Echo, How};
use crate::language::Language;
use crate::platform::{Platform, unique_name};
use crate::several::{together, with};
use crate::wait::wait_until;

const DEADLINE: Duration = Duration::from_secs(20);

/// A function that may reach this machine.
fn deploy(platform: &Platform, more: &Value) -> String {
    let settings = with(json!({"network": "all", "timeout": 20_000}), more);
    let language = Language::TypeScript;
    platform.deploy(language, &language.handler("typescript_net"), &settings)
}

/// What a function is to do with an echo.
fn order(what: &str, echo: &Echo, more: &Value) -> Value {
    let order = json!({
        "do": what, "port": echo.port(), "how": echo.how().name(), "ca": echo.authority(), "own": "own",
    });
    with(order, more)
}

/// An encrypted connection takes its leave in the background, which goes on with the next invocation.
fn wait_for_the_end_of_all(platform: &Platform, function: &str, echo: &Echo) {
    let next = order("all", echo, &json!({}));
    wait_until("the end of all connections", DEADLINE, || {
        platform.invoke(function, &next).expect(200);
        echo.open() == 0
    });
}

#[test]
fn connections_carry_bytes_both_ways_until_each_side_is_done() {
    let platform = Platform::shared();
    let function = deploy(&platform, &json!({}));
    for how in How::ALL {
        let echo = Echo::start(how, "localhost");
        let answer = platform.invoke(&function, &order("all", &echo, &json!({})));
        let answer = answer.handler_body();
        let alpn = match how {
            How::Plain => Value::Null,
            How::Tls => json!("echo"),
            How::StartTls => Value::Null,
        };
        assert_eq!(answer["alpn"], alpn, "{how:?}: {answer}");
        assert_eq!(answer["answers"], json!(["one", "two", true]), "{how:?}");
        assert_eq!(answer["rest"], "bye and the end", "{how:?}");
        assert_eq!(answer["remote"], echo.port(), "{how:?}");
        assert_eq!(answer["isLocal"], true, "{how:?}");
        assert_eq!(
            answer["closed"]["known"], "BadResource",
            "{how:?}: {answer}"
        );
        let streamed = platform.invoke(&function, &order("streams", &echo, &json!({})));
        assert_eq!(streamed.handler_body(), "streamed", "{how:?}");
        wait_for_the_end_of_all(&platform, &function, &echo);
    }
}

#[test]
fn only_who_is_vouched_for_is_trusted() {
    let platform = Platform::shared();
    let function = deploy(&platform, &json!({}));
    for how in [How::Tls, How::StartTls] {
        let (ours, other) = (
            Echo::start(how, "localhost"),
            Echo::start(how, "other.example"),
        );
        let cases = [
            (&ours, json!({}), "null"),
            (&ours, json!({"ca": null}), "UnknownIssuer"),
            (
                &ours,
                json!({"ca": other.authority()}),
                "invalid peer certificate",
            ),
            (&other, json!({}), "not valid for name"),
            (
                &ours,
                json!({"hostname": "127.0.0.1"}),
                "not valid for name",
            ),
        ];
        for (echo, more, words) in cases {
            let answer = platform.invoke(&function, &order("fail", echo, &more));
            let answer = answer.handler_body();
            let told = answer.to_string();
            assert!(told.contains(words), "{how:?}, {more}: {told}");
            if words != "null" {
                assert_eq!(answer["known"], "InvalidData", "{how:?}, {more}: {told}");
            }
        }
    }
}

#[test]
fn failures_have_the_types_that_the_engine_gives_them() {
    let platform = Platform::shared();
    let function = deploy(&platform, &json!({}));
    let gone = json!({"do": "fail", "port": Echo::start(How::Plain, "localhost").end()});
    let answer = platform.invoke(&function, &gone).handler_body();
    assert_eq!(answer["known"], "ConnectionRefused", "{answer}");
    assert_eq!(answer["name"], "ConnectionRefused", "{answer}");
    let misused = platform.invoke(&function, &json!({"do": "misused"}));
    let misused = misused.handler_body();
    assert_eq!(misused[0]["name"], "TypeError", "{misused}");
    assert_eq!(misused[1]["name"], "RangeError", "{misused}");
    // Libraries that find a `Deno` take for granted all that belongs to it.
    assert_eq!(misused[2], "undefined");
    let names = json!(["connect", "connectTls", "errors", "startTls"]);
    assert_eq!(misused[3], names);
}

#[test]
fn a_connection_that_a_module_keeps_serves_the_next_invocation() {
    let platform = Platform::shared();
    let function = deploy(&platform, &json!({}));
    for how in How::ALL {
        let echo = Echo::start(how, "localhost");
        let mut pids = Vec::new();
        for own in ["first", "second", "third"] {
            let order = order("keep", &echo, &json!({"own": own}));
            let answer = platform.invoke(&function, &order).handler_body();
            assert_eq!(answer["answer"], own, "{how:?}");
            pids.push(answer["pid"].clone());
        }
        pids.dedup();
        assert_eq!((pids.len(), echo.callers()), (1, 1), "{how:?}");
    }
}

#[test]
fn siblings_open_their_own_after_the_fork() {
    let platform = Platform::shared();
    let echo = Echo::start(How::Plain, "localhost");
    let environment = json!({"OPEN_AT_START": echo.port().to_string()});
    let settings = json!({"isolation": "request", "environment": environment});
    let function = deploy(&platform, &settings);
    assert_eq!(platform.show(&function)["snapshot"]["kind"], "function");
    for own in ["one", "two"] {
        let order = order("keep", &echo, &json!({"key": 0, "own": own}));
        let answer = platform.invoke(&function, &order).handler_body();
        assert_eq!(answer["answer"], own);
    }
    assert!(echo.callers() >= 2, "{}", echo.callers());
}

#[test]
fn invocations_of_one_process_do_not_mix_theirs_up() {
    let platform = Platform::shared();
    let function = deploy(&platform, &json!({"concurrency": 4}));
    for how in How::ALL {
        let echo = Echo::start(how, "localhost");
        let orders: Vec<Value> = ["a", "bb", "ccc", "dddd"]
            .iter()
            .map(|own| order("beside", &echo, &json!({"own": own, "of": 4})))
            .collect();
        let answers = together(&platform, &function, &orders);
        let mut pids = Vec::new();
        for (order, answer) in orders.iter().zip(answers) {
            let answer = answer.handler_body();
            assert_eq!(answer["answers"], json!([order["own"]]), "{how:?}");
            pids.push(answer["pid"].clone());
        }
        pids.dedup();
        assert_eq!(pids.len(), 1, "{how:?}: {pids:?}");
        wait_for_the_end_of_all(&platform, &function, &echo);
    }
}

#[test]
fn who_waits_for_a_silent_peer_is_ended_in_time_and_the_connection_with_them() {
    let platform = Platform::shared();
    let function = deploy(&platform, &json!({"timeout": 2_000}));
    for how in How::ALL {
        let echo = Echo::start(how, "localhost");
        let answer = platform.invoke(&function, &order("hang", &echo, &json!({})));
        assert_eq!(answer.problem(504), "timeout", "{how:?}");
        wait_until("the connection", DEADLINE, || echo.callers() == 1);
        wait_until("its end", DEADLINE, || echo.open() == 0);
    }
}

#[test]
fn the_network_policy_holds_for_them() {
    let platform = Platform::shared();
    let echo = Echo::start(How::Plain, "localhost");
    for network in ["none", "internet"] {
        let function = deploy(&platform, &json!({"network": network}));
        for hostname in ["127.0.0.1", "localhost", "::1"] {
            for how in ["plain", "tls"] {
                let more = json!({"hostname": hostname, "how": how});
                let answer = platform.invoke(&function, &order("fail", &echo, &more));
                let answer = answer.handler_body();
                assert!(answer["message"].is_string(), "{network}, {more}: {answer}");
            }
        }
    }
    assert_eq!(echo.callers(), 0);
}

#[test]
fn there_are_none_before_the_snapshot() {
    let platform = Platform::shared();
    for (what, call) in [
        ("connect", "connect({ port: 9 })"),
        ("connectTls", "connectTls({ port: 9 })"),
        ("fetch", "fetch('http://127.0.0.1:9')"),
    ] {
        let code = format!(
            "import {{ connect, connectTls }} from 'zygo:net';\nimport {{ beforeSnapshot }} from 'zygo';\n\
             beforeSnapshot(() => {call});\nexport const handler = () => 1;"
        );
        let answer = platform.try_deploy(&unique_name(), "typescript", &json!({"code": code}));
        assert_eq!(answer.problem(422), "load_failed", "{what}");
        let message = answer.json()["errorMessage"].to_string();
        assert!(message.contains(what), "{message}");
        assert!(
            message.contains("no network before the snapshot"),
            "{message}"
        );
    }
}

#[test]
fn commonjs_has_them_too() {
    let platform = Platform::shared();
    let code = "const { connect, errors } = require('zygo:net');\nexports.handler = () => [typeof connect, typeof errors.TimedOut];";
    let settings = json!({"code": code});
    let name = unique_name();
    platform
        .try_deploy(&name, "javascript", &settings)
        .expect(201);
    let answer = platform.invoke(&name, &json!({})).handler_body();
    assert_eq!(answer, json!(["function", "function"]));
}
