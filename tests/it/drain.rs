//! The end of a platform, asked for or not, and what is there after it starts again.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::language::{LANGUAGES, Language, in_every_language};
use crate::platform::Platform;
use crate::processes;
use crate::wait::wait_until;

const DEADLINE: Duration = Duration::from_secs(30);
/// An end that takes longer has waited for what runs on: until its time-out, which is later than this.
const LATE: Duration = Duration::from_secs(15);

fn deploy(platform: &Platform, language: Language) -> String {
    platform.deploy(language, &language.handler("faults"), &json!({}))
}

fn is_busy(platform: &Platform, function: &str) -> bool {
    let title = format!("instance:{function}");
    platform
        .processes()
        .iter()
        .any(|process| process.title == title)
}

#[test]
fn what_runs_is_answered_before_the_end() {
    // What is only being forked yet is to be answered as well.
    let mut platform = Platform::start(&[("ZYGO_DRAIN_TIMEOUT_MS", "30000")]);
    let functions = LANGUAGES.map(|language| deploy(&platform, language));
    let calls: Vec<_> = functions
        .iter()
        .map(|function| {
            let (client, function) = (platform.another(), function.clone());
            std::thread::spawn(move || client.invoke(&function, &json!("slow")))
        })
        .collect();
    for function in &functions {
        wait_until("the invocation to run", DEADLINE, || {
            is_busy(&platform, function)
        });
    }
    let address = platform.address().to_owned();
    let status = platform.stop();
    for call in calls {
        call.join().expect("an answer").expect(200);
    }
    assert_eq!(status.code(), Some(0));
    assert!(
        TcpStream::connect(address).is_err(),
        "someone still listens"
    );
}

#[test]
fn who_follows_lines_holds_up_no_end() {
    // Longer than a test waits for an end.
    let mut platform = Platform::start(&[("ZYGO_DRAIN_TIMEOUT_MS", "120000")]);
    let mut stream = TcpStream::connect(platform.address()).expect("connected");
    stream.set_read_timeout(Some(DEADLINE)).expect("a limit");
    let request = b"GET /logs?follow=true HTTP/1.1\r\nhost: z\r\n\r\n";
    stream.write_all(request).expect("sent");
    let mut begun = [0; 15];
    stream.read_exact(&mut begun).expect("the beginning");
    assert_eq!(&begun, b"HTTP/1.1 200 OK");
    assert_eq!(platform.stop().code(), Some(0));
    let mut rest = String::new();
    stream.read_to_string(&mut rest).expect("the end");
    assert!(rest.ends_with("0\r\n\r\n"), "it was cut off: {rest}");
}

#[test]
fn what_runs_longer_than_the_drain_is_ended() {
    let _turn = crate::turn::take();
    in_every_language(|language| {
        let mut platform = Platform::start(&[("ZYGO_DRAIN_TIMEOUT_MS", "300")]);
        let function = deploy(&platform, language);
        for action in ["wait", "loop"] {
            let (client, function) = (platform.another(), function.clone());
            std::thread::spawn(move || {
                let body = json!(action).to_string().into_bytes();
                let uri = format!("http://{}/functions/{function}/invoke", client.address());
                // No answer is promised; that the connection ends is all there is to say.
                let _ = client.send(http::Request::post(uri).body(body).expect("a request"));
            });
        }
        let title = format!("instance:{function}");
        wait_until("two invocations to run", DEADLINE, || {
            platform
                .processes()
                .iter()
                .filter(|process| process.title == title)
                .count()
                == 2
        });
        let started = Instant::now();
        let status = platform.stop();
        assert_eq!(status.code(), Some(0));
        assert!(started.elapsed() < LATE, "{:?}", started.elapsed());
    });
}

#[test]
fn nothing_outlives_a_killed_supervisor() {
    let mut platform = Platform::start(&[]);
    for language in LANGUAGES {
        let settings = json!({"scaling": {"parked": 1}});
        let function = platform.deploy(language, &language.handler("faults"), &settings);
        platform.invoke(&function, &json!("fine")).expect(200);
        let client = platform.another();
        std::thread::spawn(move || {
            let uri = format!("http://{}/functions/{function}/invoke", client.address());
            // The connection breaks.
            let _ = client.send(
                http::Request::post(uri)
                    .body(b"\"wait\"".to_vec())
                    .expect("a request"),
            );
        });
    }
    // Three language zygotes, three function zygotes, and an instance that waits beside each.
    wait_until("all processes", DEADLINE, || {
        platform.processes().len() >= 12
    });
    processes::kill(platform.pid());
    platform.wait_for_end();
    platform.assert_nothing_left();
}

#[test]
fn what_a_handler_started_ends_with_the_platform() {
    let mut platform = Platform::start(&[]);
    let cases = [
        (
            Language::Python,
            "import subprocess\ndef handler(event, context): return subprocess.Popen(['sleep', '600']).pid",
        ),
        (
            Language::Ruby,
            "def handler(event:, context:) = spawn('sleep 600')",
        ),
    ];
    for (language, code) in cases {
        let function = platform.deploy(language, code, &json!({"subprocess": true}));
        let pid = platform.invoke(&function, &json!({})).handler_body();
        assert!(processes::is_alive(platform.pid_outside(&function, &pid)));
    }
    platform.stop();
}

#[test]
fn functions_are_there_again_after_a_restart() {
    for ended_by_force in [false, true] {
        let mut platform = Platform::start(&[]);
        let settings = json!({"environment": {"KEY": "value"}, "memory": 96, "timeout": 7000});
        let functions =
            LANGUAGES.map(|language| platform.deploy(language, environment(language), &settings));
        for function in &functions {
            platform
                .put(&format!("/functions/{function}"), &json!({"timeout": 8000}))
                .expect(200);
        }
        let views = functions.each_ref().map(|function| platform.show(function));
        let data = platform.data();
        if ended_by_force {
            processes::kill(platform.pid());
            platform.wait_for_end();
            platform.assert_nothing_left();
        } else {
            platform.stop();
        }
        let again = Platform::start_on(Arc::clone(&data), &[]);
        assert_eq!(again.get("/functions").expect(200).json()["total"], 3);
        for (function, before) in functions.iter().zip(views) {
            let now = again.show(function);
            for kept in [
                "id",
                "name",
                "version",
                "memory",
                "timeout",
                "environment",
                "createdAtMs",
                "handler",
            ] {
                assert_eq!(now[kept], before[kept], "{kept}");
            }
            let envelope = again.invoke(function, &json!({})).expect(200).json();
            assert_eq!(
                (&envelope["startKind"], &envelope["coldStart"]),
                (&json!("booted"), &json!(true))
            );
            assert_eq!(
                (&envelope["body"], &envelope["version"]),
                (&json!("value"), &json!(2))
            );
            again
                .put(&format!("/functions/{function}"), &json!({"timeout": 9000}))
                .expect(200);
            assert_eq!(again.show(function)["version"], 3);
        }
    }
}

fn environment(language: Language) -> &'static str {
    language.pick(
        "export const handler = () => process.env.KEY;",
        "import os\ndef handler(event, context): return os.environ['KEY']",
        "def handler(event:, context:) = ENV['KEY']",
    )
}

#[test]
fn a_deployment_that_was_cut_off_never_was() {
    let mut platform = Platform::start(&[]);
    let (client, name) = (platform.another(), crate::platform::unique_name());
    let code = "import time; time.sleep(600)\ndef handler(event, context): return 1";
    let body = json!({"name": name, "runtime": "python", "code": code}).to_string();
    std::thread::spawn(move || {
        let uri = format!("http://{}/functions", client.address());
        // The connection breaks.
        let _ = client.send(
            http::Request::post(uri)
                .body(body.into_bytes())
                .expect("a request"),
        );
    });
    let title = format!("zygote:{name}");
    wait_until("the load", DEADLINE, || {
        platform
            .processes()
            .iter()
            .any(|process| process.title == title)
    });
    processes::kill(platform.pid());
    platform.wait_for_end();
    platform.assert_nothing_left();
    let again = Platform::start_on(platform.data(), &[]);
    assert_eq!(again.get(&format!("/functions/{name}")).status, 404);
    assert_eq!(again.get("/functions").expect(200).json()["total"], 0);
    let bundles = again.data().path().join("bundles");
    let left = std::fs::read_dir(bundles)
        .expect("the folder of bundles")
        .flatten();
    let folders = left.filter(|entry| entry.path().is_dir());
    assert_eq!(folders.count(), 0);
}
