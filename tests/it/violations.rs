//! Instances that break the protocol of their socket: that instance is killed, its caller is told, and nobody ever gets
//! another's answer. JavaScript has no way to write to a descriptor.

use serde_json::json;

use crate::language::Language;
use crate::platform::Platform;

/// `header length │ header │ body`; see the wire crate.
fn packet(header: &[u8], body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(header.len()).expect("small").to_le_bytes();
    [&length, header, body].concat()
}

/// `InstanceEvent::Finished` as postcard: status 200, no headers, a text, five zeros of usage.
fn forged_answer(number: u8) -> Vec<u8> {
    let body = b"forged";
    let header = [2, number, 200, 1, 0, 2, 6, 0, 0, 0, 0, 0];
    packet(&header, body)
}

fn violations() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("garbage", b"garbage".to_vec()),
        ("one byte", vec![0]),
        ("a header of 4 GB", [&[255; 4][..], b"x"].concat()),
        ("a header longer than the packet", vec![100, 0, 0, 0, 1, 1]),
        ("an unknown event", packet(&[9, 1, 1], b"")),
        ("an unfinished header", packet(&[2, 1], b"")),
        (
            "a body in a file that is not there",
            packet(&[2, 1, 200, 1, 0, 2, 255, 255, 15, 0, 0, 0, 0, 0], b""),
        ),
        (
            "a body shorter than announced",
            packet(&[2, 1, 200, 1, 0, 2, 9, 0, 0, 0, 0, 0], b"short"),
        ),
        ("a line of another invocation", packet(&[1, 99, 1], b"text")),
        ("an answer to another invocation", forged_answer(99)),
        ("being parked while serving", packet(&[0], b"")),
        (
            "a status of 9",
            packet(&[2, 1, 9, 0, 2, 6, 0, 0, 0, 0, 0], b"forged"),
        ),
        (
            "a text that is no UTF-8",
            packet(&[2, 1, 200, 1, 0, 2, 2, 0, 0, 0, 0, 0], &[255, 254]),
        ),
        (
            "a JSON body that is no JSON",
            packet(&[2, 1, 200, 1, 0, 1, 2, 0, 0, 0, 0, 0], b"{["),
        ),
        ("a piece of no answer", packet(&[5, 1], b"forged")),
        ("the end of no answer", packet(&[6, 1, 0, 0, 0, 0, 0], b"")),
        ("pieces of JSON", packet(&[4, 1, 200, 1, 0, 1], b"")),
        ("pieces with a status of 9", packet(&[4, 1, 9, 0, 2], b"")),
        (
            "an answer at once after one in pieces has begun",
            packet(&[4, 1, 200, 1, 0, 2], b""),
        ),
    ]
}

#[test]
fn a_broken_packet_is_a_violation() {
    // After so many cold starts one would be parked.
    let platform = Platform::start(&[("ZYGO_SCALING_AUTOMATIC", "false")]);
    for language in [Language::Python, Language::Ruby] {
        let function = platform.deploy(language, &language.handler("violations"), &json!({}));
        let mut wrong = Vec::new();
        for (what, packet) in violations() {
            let answer = platform.invoke(&function, &json!({"do": "send", "packet": packet}));
            if answer.status != 502 || answer.json()["code"] != "protocol_violation" {
                wrong.push(format!("{what}: {}", answer.text()));
            }
            let next = platform.invoke(&function, &json!({})).expect(200).json();
            assert_eq!(
                next["body"], "an honest answer",
                "after {what} in {language:?}"
            );
            assert_eq!(next["startKind"], "forked", "after {what} in {language:?}");
            // The next packet is to come in the first invocation of its instance too.
            platform
                .put(
                    &format!("/functions/{function}"),
                    &json!({"environment": {"RENEWED": crate::platform::unique_name()}}),
                )
                .expect(200);
        }
        assert!(wrong.is_empty(), "{language:?}: {wrong:#?}");
    }
}

#[test]
fn an_answer_that_comes_late_reaches_nobody() {
    let platform = Platform::shared();
    for language in [Language::Python, Language::Ruby] {
        let function = platform.deploy(language, &language.handler("violations"), &json!({}));
        for forged in [forged_answer(1), forged_answer(3)] {
            platform
                .put(
                    &format!("/functions/{function}"),
                    &json!({"environment": {"RENEWED": crate::platform::unique_name()}}),
                )
                .expect(200);
            let first = platform.invoke(&function, &json!({"do": "late", "packet": forged}));
            assert_eq!(first.handler_body(), "an honest answer");
            // The packet comes before this invocation or during it, but never after it.
            let second = platform.invoke(&function, &json!({"do": "join"}));
            match second.status {
                200 => assert_eq!(second.handler_body(), "an honest answer"),
                _ => assert_eq!(second.problem(502), "protocol_violation"),
            }
            assert_eq!(
                platform.invoke(&function, &json!({})).handler_body(),
                "an honest answer"
            );
        }
    }
}

#[test]
fn two_answers_to_one_invocation_never_serve_another() {
    let platform = Platform::shared();
    for language in [Language::Python, Language::Ruby] {
        let function = platform.deploy(language, &language.handler("violations"), &json!({}));
        let first = platform.invoke(
            &function,
            &json!({"do": "send", "packet": forged_answer(1)}),
        );
        assert_eq!(
            first.handler_body(),
            "forged",
            "an instance may answer for itself"
        );
        check_next(&platform, &function);
        platform
            .put(
                &format!("/functions/{function}"),
                &json!({"environment": {"RENEWED": crate::platform::unique_name()}}),
            )
            .expect(200);
        let absurd = [
            2, 1, 200, 1, 0, 2, 255, 255, 255, 255, 255, 255, 255, 255, 127, 0, 0, 0, 0, 0,
        ];
        let packet = packet(&absurd, b"");
        let first = platform.invoke(&function, &json!({"do": "send", "packet": packet}));
        assert_eq!(first.problem(502), "response_too_large");
        check_next(&platform, &function);
    }
}

/// The honest answer comes as a second one: it reaches nobody, and the invocation after next is as good as ever.
fn check_next(platform: &Platform, function: &str) {
    let second = platform.invoke(function, &json!({}));
    match second.status {
        200 => assert_eq!(second.handler_body(), "an honest answer"),
        _ => assert_eq!(second.problem(502), "protocol_violation"),
    }
    assert_eq!(
        platform.invoke(function, &json!({})).handler_body(),
        "an honest answer"
    );
}

#[test]
fn a_flood_of_packets_is_bounded_and_a_closed_socket_ends_the_instance() {
    let platform = Platform::shared();
    for language in [Language::Python, Language::Ruby] {
        let function = platform.deploy(language, &language.handler("violations"), &json!({}));
        // Lines of this invocation are allowed, however many; they are counted, not kept.
        let line = packet(&[1, 1, 1], &[b'x'; 1024]);
        let answer = platform
            .invoke(&function, &json!({"do": "flood", "packet": line}))
            .expect(200);
        assert!(
            answer.bytes.len() < 1024 * 1024,
            "{} bytes",
            answer.bytes.len()
        );
        assert!(answer.text().contains("more lines were dropped"));
        let closed = platform.invoke(&function, &json!({"do": "close"}));
        assert_eq!(closed.problem(502), "instance_crashed");
        assert_eq!(
            platform.invoke(&function, &json!({})).handler_body(),
            "an honest answer"
        );
    }
}
