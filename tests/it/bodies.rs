//! Large bodies both ways, and where they end.

use serde_json::{Value, json};

use crate::language::{Language, in_every_language};
use crate::pack::base64_of;
use crate::platform::Platform;

const MIB: usize = 1024 * 1024;

fn mirror(language: Language) -> &'static str {
    language.pick(
        "export const handler = (event) => ({ statusCode: 200, body: event.body });",
        "def handler(event, context): return {'statusCode': 200, 'body': event['body']}",
        "def handler(event:, context:) = { statusCode: 200, body: event['body'] }",
    )
}

fn generator(language: Language) -> &'static str {
    language.pick(
        "export const handler = (event) => ({ statusCode: 200, body: 'é'.repeat(event.body / 2) });",
        "def handler(event, context): return {'statusCode': 200, 'body': 'é' * (event['body'] // 2)}",
        "def handler(event:, context:) = { statusCode: 200, body: 'é' * (event['body'] / 2) }",
    )
}

/// Bytes that are no text and do not repeat soon.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32;
    let next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[0]
    };
    // The first byte alone makes it no text.
    std::iter::once(255)
        .chain(std::iter::repeat_with(next))
        .take(length)
        .collect()
}

#[test]
fn five_megabytes_come_back_as_they_were() {
    let platform = Platform::shared();
    in_every_language(|language| {
        let function = platform.deploy(language, mirror(language), &json!({}));
        let path = format!("/functions/{function}/invoke");
        let text = "snow ☃ ".repeat(5 * MIB / 9);
        for length in [1, 65_535, 65_536, 65_537, 5 * MIB] {
            let mut end = length.min(text.len());
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            let sent = &text[..end];
            let answer = platform.request("POST", &path, "text/plain", sent.as_bytes());
            assert!(answer.handler_body() == sent, "{length} bytes of text");
            let bytes = noise(length);
            let answer = platform.request("POST", &path, "application/octet-stream", &bytes);
            let envelope = answer.expect(200).json();
            assert!(envelope["body"] == base64_of(&bytes), "{length} bytes");
            let list: Value = (0..length / 8).map(|index| json!(index)).collect();
            let answer = platform.post(&path, &list);
            assert!(answer.handler_body() == list, "{length} bytes of JSON");
        }
    });
}

#[test]
fn bodies_beyond_the_limit_are_refused() {
    let platform = Platform::start(&[("ZYGO_MAX_BODY_BYTES", "100000")]);
    in_every_language(|language| {
        let echo = platform.deploy(language, mirror(language), &json!({}));
        let path = format!("/functions/{echo}/invoke");
        let send = |length| platform.request("POST", &path, "text/plain", &vec![b'x'; length]);
        send(100_000).expect(200);
        assert_eq!(send(100_001).problem(413), "body_too_large");
        let long = platform.deploy(language, generator(language), &json!({}));
        let answer = |length: u32| platform.invoke(&long, &json!(length));
        assert_eq!(
            answer(100_000).handler_body().as_str().map(str::len),
            Some(100_000)
        );
        let refused = answer(100_002);
        assert_eq!(refused.problem(502), "response_too_large");
        assert_eq!(refused.json()["errorType"], "Function.ResponseSizeTooLarge");
        assert_eq!(answer(2).expect(200).json()["startKind"], "warm");
    });
}

#[test]
fn an_answer_with_endless_headers_is_refused() {
    let platform = Platform::shared();
    in_every_language(|language| {
        let code = language.pick(
            "export const handler = () => ({ statusCode: 200, headers: { a: 'x'.repeat(1e6) } });",
            "def handler(event, context): return {'statusCode': 200, 'headers': {'a': 'x' * 10**6}}",
            "def handler(event:, context:) = { statusCode: 200, headers: { 'a' => 'x' * 1_000_000 } }",
        );
        let function = platform.deploy(language, code, &json!({}));
        let answer = platform.invoke(&function, &json!({}));
        assert_eq!(answer.problem(502), "invalid_response");
    });
}
