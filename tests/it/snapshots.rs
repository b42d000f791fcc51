//! Modules that leave behind what a fork would break: noticed, named, and loaded after the fork instead.

use serde_json::json;

use crate::language::{Language, in_every_language};
use crate::platform::Platform;

/// What the module leaves behind, the code that does, and a part of the culprit's name.
type Case = (&'static str, &'static str, &'static str);

const TYPESCRIPT: [Case; 5] = [
    (
        "an interval",
        "setInterval(() => {}, 1000);",
        "setInterval at index.ts:1",
    ),
    (
        "a timer",
        "\nsetTimeout(() => {}, 60_000);",
        "setTimeout at index.ts:2",
    ),
    (
        "a request",
        "fetch('http://127.0.0.1:9/').catch(() => {});",
        "fetch at index.ts:1",
    ),
    (
        "a connection",
        "import { connect } from 'zygo:net';\nconnect({ port: 9 }).catch(() => {});",
        "connect at index.ts:2",
    ),
    (
        "an encrypted one that is waited for",
        "import net from 'zygo:net';\nawait net.connectTls({ port: 9 }).catch(() => {});",
        "connectTls at index.ts:2",
    ),
];

const PYTHON: [Case; 4] = [
    (
        "a thread",
        "import threading, time\nthreading.Thread(target=time.sleep, args=(600,), name='culprit', daemon=True).start()",
        "culprit",
    ),
    (
        "a socket",
        "import socket\nS = socket.create_server(('127.0.0.1', 0))",
        "socket",
    ),
    ("a file", "F = open('/etc/passwd')", "/etc/passwd"),
    ("a pipe", "import os\nP = os.pipe()", "pipe"),
];

const RUBY: [Case; 4] = [
    ("a thread", "Thread.new { sleep }", "hread"),
    (
        "a socket",
        "require 'socket'\nS = TCPServer.new('127.0.0.1', 0)",
        "socket",
    ),
    ("a file", "F = File.open('/etc/passwd')", "/etc/passwd"),
    ("a pipe", "P = IO.pipe", "pipe"),
];

fn handler(language: Language) -> &'static str {
    language.pick(
        "let served = 0; export const handler = () => ++served;",
        "SERVED = []\ndef handler(event, context):\n    SERVED.append(1)\n    return len(SERVED)",
        "SERVED = []\ndef handler(event:, context:) = SERVED.push(1).length",
    )
}

#[test]
fn what_cannot_be_forked_is_named_and_loaded_after_the_fork() {
    let platform = Platform::shared();
    in_every_language(|language| {
        let cases: &[Case] = language.pick(&TYPESCRIPT, &PYTHON, &RUBY);
        for (what, code, part) in cases {
            let code = format!("{code}\n{}", handler(language));
            // In a network of its own it may wait for callers.
            let settings = json!({"network": "none"});
            let name = platform.deploy(language, &code, &settings);
            let snapshot = platform.show(&name)["snapshot"].take();
            assert_eq!(
                snapshot["kind"], "runtime",
                "{what} in {language:?}: {snapshot}"
            );
            let named = snapshot["unforkable"].to_string();
            assert!(named.contains(part), "{what} in {language:?}: {named}");
            let first = platform.invoke(&name, &json!({})).expect(200).json();
            assert_eq!(
                (&first["body"], &first["startKind"]),
                (&json!(1), &json!("forked"))
            );
            let second = platform.invoke(&name, &json!({})).expect(200).json();
            assert_eq!(
                (&second["body"], &second["startKind"]),
                (&json!(2), &json!("warm"))
            );
            platform.delete(&format!("/functions/{name}")).expect(200);
        }
    });
}

#[test]
fn what_was_ended_before_the_load_was_is_forked() {
    let platform = Platform::shared();
    in_every_language(|language| {
        let code = language.pick(
            "clearTimeout(setTimeout(() => {}, 60_000)); await new Promise((done) => setTimeout(done, 5));",
            "import threading\nT = threading.Thread(target=lambda: None); T.start(); T.join()\nopen('/etc/passwd').close()",
            "Thread.new { 1 }.join\nFile.open('/etc/passwd') { |file| file.read }",
        );
        let code = format!("{code}\n{}", handler(language));
        let name = platform.deploy(language, &code, &json!({}));
        let snapshot = platform.show(&name)["snapshot"].take();
        assert_eq!(snapshot["kind"], "function", "{language:?}: {snapshot}");
        assert_eq!(platform.invoke(&name, &json!({})).handler_body(), 1);
    });
}

#[test]
fn a_child_of_the_load_is_noticed_and_leaves_nothing_behind() {
    let mut platform = Platform::start(&[]);
    let cases = [
        (
            Language::Python,
            "import subprocess\nC = subprocess.Popen(['sleep', '600'])",
        ),
        (Language::Ruby, "C = spawn('sleep 600')"),
    ];
    for (language, code) in cases {
        let code = format!("{code}\n{}", handler(language));
        let name = platform.deploy(language, &code, &json!({"subprocess": true}));
        let snapshot = platform.show(&name)["snapshot"].take();
        assert_eq!(snapshot["kind"], "runtime", "{language:?}: {snapshot}");
        assert!(
            snapshot["unforkable"].to_string().contains("child process"),
            "{snapshot}"
        );
        assert_eq!(platform.invoke(&name, &json!({})).handler_body(), 1);
    }
    platform.stop();
}

#[test]
fn a_hook_that_fails_is_a_load_that_fails() {
    let platform = Platform::shared();
    in_every_language(|language| {
        let code = language.pick(
            "import { beforeSnapshot } from 'zygo';\nbeforeSnapshot(() => { throw new Error('in the hook'); });",
            "import zygo\n@zygo.before_snapshot\ndef hook(): raise RuntimeError('in the hook')",
            "Zygo.before_snapshot { raise 'in the hook' }",
        );
        let name = crate::platform::unique_name();
        let code = json!({"code": format!("{code}\n{}", handler(language))});
        let answer = platform.try_deploy(&name, language.name(), &code);
        assert_eq!(answer.problem(422), "load_failed");
        assert_eq!(answer.json()["errorMessage"], "in the hook");
    });
}
