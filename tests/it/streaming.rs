//! Answers that come in pieces: as they are made, put together for those who want an envelope, and at a client's pace.

use std::time::Duration;

use serde_json::{Value, json};

use crate::language::{Language, in_every_language};
use crate::platform::Platform;
use crate::processes;
use crate::wait::{wait_for, wait_until};

const DEADLINE: Duration = Duration::from_secs(60);
const MIB: usize = 1024 * 1024;
/// What the second half of a long answer may add to a process.
const GROWTH_MAX_KIB: u64 = 16 * 1024;

/// Deploys the handler of these tests.
pub(crate) fn deploy(platform: &Platform, language: Language) -> String {
    platform.deploy(
        language,
        &language.handler("streaming"),
        &json!({"timeout": 60_000}),
    )
}

/// The process that serves a function.
pub(crate) fn instance(platform: &Platform, function: &str) -> i32 {
    let title = format!("instance:{function}");
    wait_for("the instance", DEADLINE, || {
        let found = platform.processes().into_iter();
        let mut own = found.filter(|process| process.title == title[..title.len().min(15)]);
        own.next().map(|process| process.pid)
    })
}

/// A function's lines, oldest first, once one of them holds this text.
pub(crate) fn lines_with(platform: &Platform, function: &str, text: &str) -> Vec<String> {
    wait_for(text, DEADLINE, || {
        let path = format!("/functions/{function}/logs?limit=1000");
        let page = platform.get(&path).expect(200).json();
        let lines = page["logs"].as_array().expect("a list").iter().rev();
        let lines: Vec<String> = lines
            .filter_map(|line| Some(line["message"].as_str()?.to_owned()))
            .collect();
        lines
            .iter()
            .any(|line| line.contains(text))
            .then_some(lines)
    })
}

fn forms(language: Language) -> &'static [&'static str] {
    language.pick(
        &[
            "generator",
            "asyncGenerator",
            "stream",
            "response",
            "iterator",
            "body",
            "bodyStream",
        ],
        &[
            "generator",
            "asyncGenerator",
            "asyncIterator",
            "iterator",
            "map",
            "file",
            "body",
            "bodyAsync",
        ],
        &["enumerator", "lazy", "object", "file", "body", "bodyObject"],
    )
}

#[test]
fn every_form_of_a_stream_is_one() {
    let platform = Platform::shared();
    in_every_language(|language| {
        let function = deploy(&platform, language);
        for form in forms(language) {
            let body = json!({"form": form});
            let streamed = platform.stream(&function, &body);
            let head = (streamed.status, streamed.headers["content-type"].clone());
            assert_eq!(head.0, 200, "{form}");
            assert!(
                head.1.as_bytes().starts_with(b"text/plain"),
                "{form}: {head:?}"
            );
            assert_eq!(streamed.text(), "abé", "{form}");
            let envelope = platform.invoke(&function, &body).expect(200).json();
            assert_eq!(envelope["body"], "abé", "{form}");
        }
        if language == Language::Ruby {
            lines_with(&platform, &function, "closed");
        }
    });
}

#[test]
fn the_head_is_the_handlers_own() {
    let platform = Platform::shared();
    in_every_language(|language| {
        let function = deploy(&platform, language);
        let streamed = platform.stream(&function, &json!({"do": "head"}));
        assert_eq!(streamed.status, 201);
        let headers = streamed.headers.clone();
        assert_eq!(headers["x-own"], "yes");
        assert_eq!(headers["content-type"], "text/event-stream");
        assert_eq!(headers["x-zygo-start-kind"], "forked");
        assert!(headers["x-request-id"].as_bytes().starts_with(b"req-"));
        assert_eq!(headers.get_all("set-cookie").iter().count(), 2);
        assert!(!headers.contains_key("content-length"), "{headers:?}");
        assert_eq!(streamed.text(), "abé");
        let envelope = platform.invoke(&function, &json!({"do": "head"}));
        let envelope = envelope.expect(200).json();
        assert_eq!(
            (
                &envelope["statusCode"],
                &envelope["body"],
                &envelope["startKind"]
            ),
            (&json!(201), &json!("abé"), &json!("warm"))
        );
        assert_eq!(envelope["headers"].as_array().map(Vec::len), Some(5));
        // An answer that comes at once is the handler's own too.
        let whole = platform.stream(&function, &json!({"do": "whole"}));
        assert_eq!(
            (whole.status, &whole.headers["x-own"]),
            (202, &headers["x-own"])
        );
        assert_eq!(whole.headers["content-type"], "application/json");
        let whole: Value = serde_json::from_str(&whole.text()).expect("JSON");
        assert_eq!(whole, json!({"whole": true}));
        let nothing = platform.stream(&function, &json!({"do": "nothing"}));
        assert_eq!((nothing.status, nothing.text().as_str()), (200, ""));
    });
}

#[test]
fn bytes_stay_bytes() {
    let platform = Platform::shared();
    in_every_language(|language| {
        let function = deploy(&platform, language);
        let streamed = platform.stream(&function, &json!({"do": "bytes"}));
        assert_eq!(streamed.headers["content-type"], "application/octet-stream");
        assert_eq!(streamed.rest(), (vec![0, 255, 1, 0], true));
        let envelope = platform.invoke(&function, &json!({"do": "bytes"}));
        let envelope = envelope.expect(200).json();
        assert_eq!(
            (&envelope["body"], &envelope["isBase64Encoded"]),
            (&json!("AP8BAA=="), &json!(true))
        );
    });
}

#[test]
fn lines_and_pieces_keep_their_order() {
    let platform = Platform::shared();
    in_every_language(|language| {
        let function = deploy(&platform, language);
        let envelope = platform.invoke(&function, &json!({"do": "lines"}));
        let envelope = envelope.expect(200).json();
        assert_eq!(envelope["body"], "ab");
        assert_eq!(envelope["logs"], json!(["one", "two", "three"]));
    });
}

#[test]
fn a_piece_arrives_while_the_handler_goes_on() {
    let platform = Platform::shared();
    in_every_language(|language| {
        let function = deploy(&platform, language);
        // This handler never ends by itself.
        let mut streamed = platform.stream(&function, &json!({"do": "hang"}));
        assert_eq!(streamed.read(5), b"first");
        assert!(processes::is_alive(instance(&platform, &function)));
    });
}

#[test]
fn two_hundred_megabytes_pass_through_flat_memory() {
    // What others have pass through it is in nobody else's figures.
    let platform = Platform::start(&[]);
    in_every_language(|language| {
        let function = deploy(&platform, language);
        let length = 200 * MIB;
        let mut streamed = platform.stream(&function, &json!({"do": "large", "mib": 200}));
        let instance = instance(&platform, &function);
        let resident = || [platform.pid(), instance].map(processes::resident_kib);
        let (mut first, mut most) = ([0; 2], [0; 2]);
        for step in 0..length / MIB {
            let piece = streamed.read(MIB);
            assert!(piece.iter().all(|byte| *byte == b'a'), "at {step} MiB");
            let now = resident();
            // The garbage of an engine grows until it is collected, and then no more.
            if step == 100 {
                first = now;
            }
            most = [most[0].max(now[0]), most[1].max(now[1])];
        }
        let (rest, whole) = streamed.rest();
        assert!(rest.is_empty() && whole);
        let grown: Vec<u64> = (0..2)
            .map(|who| most[who].saturating_sub(first[who]))
            .collect();
        assert!(
            grown.iter().all(|grown| *grown <= GROWTH_MAX_KIB),
            "{language:?}: from {first:?} to {most:?} KiB"
        );
    });
}

#[test]
fn a_client_that_does_not_read_holds_up_the_handler() {
    let platform = Platform::shared();
    in_every_language(|language| {
        let function = deploy(&platform, language);
        let mut streamed = platform.stream(&function, &json!({"do": "endless"}));
        streamed.read(MIB);
        let instance = instance(&platform, &function);
        wait_until_it_rests(instance);
        let made = lines_with(&platform, &function, "piece 1");
        assert!(made.len() < 64, "{} MiB for nobody", made.len());
        streamed.read(80 * MIB);
        lines_with(&platform, &function, "piece 80");
        wait_until_it_rests(instance);
    });
}

/// Waits until a process has used no processor, and was not woken, for a while.
fn wait_until_it_rests(pid: i32) {
    let mut seen = (String::new(), 0);
    wait_until("the handler to rest", DEADLINE, || {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it lives");
        let switches = status.lines().filter(|line| line.contains("ctxt_switches"));
        let switches: String = switches.collect();
        seen = match seen.0 == switches {
            true => (switches, seen.1 + 1),
            false => (switches, 0),
        };
        seen.1 >= 40
    });
}

#[test]
fn queued_invocations_gather_too() {
    let platform = Platform::shared();
    in_every_language(|language| {
        let function = deploy(&platform, language);
        let path = format!("/functions/{function}/invoke");
        let headers = [("x-zygo-invocation", "event"), ("x-zygo-stream", "true")];
        let accepted = platform.request_with("POST", &path, &headers, &json!({"form": "body"}));
        let accepted = accepted.expect(202).json();
        let url = accepted["statusUrl"].as_str().expect("a path");
        wait_until("the end of the invocation", DEADLINE, || {
            let state = platform.get(url).json();
            assert_ne!(state["status"], "dead", "{state}");
            state["status"] == "succeeded"
        });
    });
}
