//! A platform that makes way for its successor: nobody is refused, nothing fails, and what runs is answered.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::language::{LANGUAGES, Language};
use crate::launch;
use crate::platform::{Platform, say};
use crate::wait::wait_until;

const PATIENCE: Duration = Duration::from_secs(30);
/// Handovers in a row.
const TIMES: usize = 3;

pub(crate) fn upgrade(data: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zygo"));
    command
        .arg("upgrade")
        .arg("--data-dir")
        .arg(data)
        .env_clear();
    command.output().expect("zygo ends")
}

/// One request over a connection of its own; how long it took.
fn call(address: &str, function: &str) -> Duration {
    let started = Instant::now();
    let mut stream = TcpStream::connect(address).expect("nobody is refused");
    stream.set_read_timeout(Some(PATIENCE)).expect("a limit");
    let request = format!(
        "POST /functions/{function}/invoke HTTP/1.1\r\nhost: z\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: 6\r\n\r\n\"fine\""
    );
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    started.elapsed()
}

#[test]
fn nobody_is_refused_while_a_successor_takes_over() {
    let _turn = crate::turn::take();
    let platform = Arc::new(Platform::start(&[]));
    let functions = LANGUAGES
        .map(|language| platform.deploy(language, &language.handler("faults"), &json!({})));
    let ended = Arc::new(AtomicBool::new(false));
    let callers: Vec<_> = functions
        .iter()
        .map(|function| {
            let (address, function) = (platform.address().to_owned(), function.clone());
            let ended = Arc::clone(&ended);
            std::thread::spawn(move || {
                let mut times = Vec::new();
                while !ended.load(Ordering::Relaxed) {
                    times.push(call(&address, &function));
                }
                times
            })
        })
        .collect();
    for _ in 0..TIMES {
        let slow = {
            let (client, function) = (platform.another(), functions[1].clone());
            std::thread::spawn(move || client.invoke(&function, &json!("slow")))
        };
        let title = format!("instance:{}", functions[1]);
        wait_until("invocations to run", PATIENCE, || {
            platform.processes().iter().any(|one| one.title == title)
        });
        let output = upgrade(platform.data().path());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        assert!(said.contains("has taken over"), "{said}");
        slow.join().expect("an answer").expect(200);
    }
    ended.store(true, Ordering::Relaxed);
    let times = callers
        .into_iter()
        .map(|caller| caller.join().expect("no request failed"));
    let times: Vec<Duration> = times.flatten().collect();
    let longest = times.iter().max().copied().unwrap_or_default();
    say(&format!(
        "{} requests over {TIMES} handovers, the longest took {longest:?}",
        times.len()
    ));
    assert_eq!(platform.get("/functions").expect(200).json()["total"], 3);
}

#[test]
fn a_successor_that_cannot_start_is_refused_and_the_platform_serves_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = folder.path().join("zygo");
    std::fs::copy(env!("CARGO_BIN_EXE_zygo"), &program).expect("a copy");
    let runtimes = Path::new(env!("CARGO_BIN_EXE_zygo"))
        .parent()
        .expect("a folder");
    let runtimes =
        std::env::var("ZYGO_RUNTIME_DIR").unwrap_or_else(|_| runtimes.display().to_string());
    let data = Arc::new(tempfile::tempdir().expect("a folder"));
    let settings = [("ZYGO_RUNTIME_DIR", runtimes.as_str())];
    let platform = Platform::start_by(Arc::clone(&data), &settings, |command| {
        let mut other = launch::with_program(command, &program);
        launch::in_a_session(&mut other);
        other
    });
    let function = platform.deploy(
        Language::Python,
        "def handler(event, context): return 1",
        &json!({}),
    );
    let broken = folder.path().join("broken");
    std::fs::write(&broken, "#!/bin/sh\necho no luck >&2\nexit 3\n").expect("written");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&broken, mode).expect("a program");
    std::fs::rename(&broken, &program).expect("in its place");
    for _ in 0..2 {
        let output = upgrade(data.path());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("no luck"), "{said}");
        platform.invoke(&function, &json!({})).expect(200);
    }
}

#[test]
fn without_a_platform_there_is_nothing_to_take_over() {
    let data = tempfile::tempdir().expect("a folder");
    let output = upgrade(data.path());
    assert_eq!(output.status.code(), Some(7));
}
