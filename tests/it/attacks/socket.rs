//! The instance's own end of its data socket, and answers that are more than answers. What a single broken packet does is
//! tested in `violations`; here it is made sure that no descriptor helps and that nobody else sees anything.

use std::time::Duration;

use serde_json::{Value, json};

use super::canary::Canary;
use super::table::Report;
use super::{deploy, in_native, outcome};
use crate::language::in_every_language;
use crate::platform::Platform;
use crate::processes;
use crate::wait::wait_until;

const DEADLINE: Duration = Duration::from_secs(30);
/// An instance that broke the protocol, or one that is no more.
const ENDED: &[&str] = &[
    "protocol_violation",
    "instance_crashed",
    "instance_crashed:SIGKILL",
];

/// `header length │ header │ body`; see the wire crate.
fn packet(header: &[u8], body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(header.len()).expect("small").to_le_bytes();
    [&length, header, body].concat()
}

/// An answer that says that its body is so long.
fn answer(number: u8, len: u8) -> Vec<u8> {
    packet(&[2, number, 200, 1, 0, 2, len, 0, 0, 0, 0, 0], b"")
}

/// What is done to the socket, and how the invocation must end.
fn forged() -> Vec<(&'static str, Value, &'static [&'static str])> {
    let mut attacks = vec![
        ("closed", json!(["close"]), ENDED),
        (
            "a header of 4 GB",
            json!(["send", [255, 255, 255, 255, 120]]),
            ENDED,
        ),
        (
            "half a frame, then nothing",
            json!(["half_then_sleep", [12, 0, 0, 0, 2]]),
            ENDED,
        ),
        ("byte for byte", json!(["send_slowly", answer(1, 0)]), ENDED),
        (
            "an answer of another invocation",
            json!(["send", answer(77, 0)]),
            ENDED,
        ),
        (
            "a foreign socket in its place",
            json!(["replace_socket"]),
            &["protocol_violation", "instance_crashed", "timeout"],
        ),
        ("never answers", json!(["never_reads"]), &["timeout"]),
    ];
    for kind in ["pipe", "folder", "zero", "file", "socket"] {
        for count in [1, 3, 4, 200] {
            let step = json!(["packet_with", answer(1, 5), count, kind]);
            attacks.push((
                kind,
                step,
                &[
                    "protocol_violation",
                    "instance_crashed",
                    "instance_crashed:SIGKILL",
                ],
            ));
        }
    }
    attacks
}

#[test]
fn packets_that_nobody_asked_for_end_the_instance_alone() {
    let _turn = crate::turn::take();
    let platform = Platform::start(&[]);
    in_native(|language| {
        let mut report = Report::default();
        let canary = Canary::start(&platform);
        let function = deploy(&platform, language, &json!({"timeout": 3000}));
        let bystander = deploy(&platform, language, &json!({}));
        let closes = processes::descriptors(platform.pid());
        for (what, step, wanted) in forged() {
            renew(&platform, &function);
            let seen = outcome(&platform, &function, &step);
            let text = step.to_string();
            let shown = text.chars().take(60).collect::<String>();
            report.note("S20", language, &format!("{what}: {shown}"), &seen, wanted);
            let next = outcome(&platform, &function, &json!(["respond", "honest"]));
            report.check(
                "S20",
                language,
                &format!("the invocation after {what}"),
                &next,
                next == "honest",
            );
            let other = outcome(&platform, &bystander, &json!(["respond", "mine"]));
            report.check(
                "S20",
                language,
                &format!("somebody else after {what}"),
                &other,
                other == "mine",
            );
        }
        canary.assert_unharmed("forged packets");
        // Whatever was sent along is closed.
        wait_until("as many descriptors as before", DEADLINE, || {
            processes::descriptors(platform.pid()) <= closes + 24
        });
        report.finish();
    });
}

/// A packet with a descriptor that says nothing is a plain answer; what came with it is closed.
#[test]
fn descriptors_that_are_sent_along_do_not_stay() {
    let platform = Platform::start(&[]);
    in_native(|language| {
        let mut report = Report::default();
        let function = deploy(&platform, language, &json!({}));
        outcome(&platform, &function, &json!(["pid"]));
        let before = processes::descriptors(platform.pid());
        let line = packet(&[1, 1, 1], b"a line");
        for count in [1, 3, 4, 200] {
            for _ in 0..20 {
                renew(&platform, &function);
                outcome(
                    &platform,
                    &function,
                    &json!(["packet_with", line, count, "zero"]),
                );
            }
        }
        wait_until("as many descriptors as before", DEADLINE, || {
            processes::descriptors(platform.pid()) <= before + 16
        });
        let after = processes::descriptors(platform.pid());
        report.check(
            "S13",
            language,
            "descriptors of the supervisor after 80 packets with descriptors",
            &format!("{before} -> {after}"),
            after <= before + 16,
        );
        report.finish();
    });
}

/// So that the next packet comes in the first invocation of its instance.
fn renew(platform: &Platform, function: &str) {
    let renewed = json!({"environment": {"RENEWED": crate::platform::unique_name()}});
    platform
        .put(&format!("/functions/{function}"), &renewed)
        .expect(200);
}

#[test]
fn concurrent_callers_never_get_each_others_answers() {
    let _turn = crate::turn::take();
    let platform = Platform::shared();
    in_native(|language| {
        let mut report = Report::default();
        let function = deploy(&platform, language, &json!({"timeout": 3000}));
        let wrong = std::thread::scope(|scope| {
            let callers: Vec<_> = (0..4)
                .map(|caller| {
                    let client = platform.another();
                    let function = &function;
                    scope.spawn(move || {
                        let mut wrong = Vec::new();
                        for turn in 0..50 {
                            let own = format!("{caller}-{turn}");
                            let step = match turn % 5 {
                                4 => json!(["send", answer(99, 0)]),
                                _ => json!(["respond", own]),
                            };
                            let seen = outcome(&client, function, &step);
                            let fine =
                                seen == own || (turn % 5 == 4 && ENDED.contains(&seen.as_str()));
                            if !fine {
                                wrong.push(format!("{own}: {seen}"));
                            }
                        }
                        wrong
                    })
                })
                .collect();
            callers
                .into_iter()
                .flat_map(|caller| caller.join().expect("calls"))
                .collect::<Vec<_>>()
        });
        report.check(
            "S20",
            language,
            "200 calls of four callers, a fifth forged",
            &format!("{wrong:?}"),
            wrong.is_empty(),
        );
        report.finish();
    });
}

fn with_headers(headers: Value) -> Value {
    json!({"statusCode": 200, "headers": headers, "body": "x"})
}

/// Answers that would be more than one header, or more than headers of the handler's own.
fn splits() -> Vec<(&'static str, Value)> {
    let many: Value = (0..10_000)
        .map(|index| (format!("x-{index}"), json!("v")))
        .collect::<serde_json::Map<_, _>>()
        .into();
    vec![
        (
            "CRLF in a value",
            with_headers(json!({"x-evil": "a\r\nset-cookie: stolen=1\r\n\r\n<html>"})),
        ),
        (
            "LF in a value",
            with_headers(json!({"x-evil": "a\nset-cookie: stolen=1"})),
        ),
        (
            "CRLF in a name",
            with_headers(json!({"x-evil: a\r\nset-cookie": "stolen=1"})),
        ),
        ("NUL in a value", with_headers(json!({"x-evil": "a\u{0}b"}))),
        (
            "hop by hop",
            with_headers(
                json!({"connection": "close", "transfer-encoding": "chunked", "content-length": "1", "te": "trailers", "upgrade": "h2c"}),
            ),
        ),
        (
            "a foreign cookie",
            with_headers(json!({"set-cookie": "stolen=1; domain=example.org"})),
        ),
        ("10,000 headers", with_headers(many)),
    ]
}

#[test]
fn answers_cannot_be_more_than_answers() {
    let platform = Platform::shared();
    in_every_language(|language| {
        let mut report = Report::default();
        let function = deploy(&platform, language, &json!({}));
        let wrong = [
            ("status 99", json!({"statusCode": 99})),
            ("status 1000", json!({"statusCode": 1000})),
            ("status -1", json!({"statusCode": -1})),
            ("status 2^64", json!({"statusCode": 1_u64 << 63})),
            (
                "a header of 1 MB",
                with_headers(json!({"x-long": "v".repeat(1 << 20)})),
            ),
        ];
        for (what, answer) in wrong {
            let seen = outcome(&platform, &function, &json!(["respond", answer]));
            report.note("S21", language, what, &seen, &["invalid_response"]);
        }
        for (what, answer) in splits() {
            let answer = platform.invoke(&function, &json!({"step": ["respond", answer]}));
            let names: Vec<&str> = answer
                .headers
                .keys()
                .map(http::HeaderName::as_str)
                .collect();
            let own = ["content-type", "content-length", "x-request-id", "date"];
            let foreign = names.iter().filter(|name| !own.contains(name)).count();
            let whole = answer.json().is_object();
            let seen = format!("{} {names:?}", answer.status);
            let holds = [200, 502].contains(&answer.status) && foreign == 0 && whole;
            report.check(
                "S21",
                language,
                &format!("{what}: no header of the HTTP answer"),
                &seen,
                holds,
            );
        }
        let next = outcome(&platform, &function, &json!(["respond", "honest"]));
        report.check(
            "S21",
            language,
            "the invocation after",
            &next,
            next == "honest",
        );
        report.finish();
    });
}
