//! What RFC 6455 says, the platform does: frames as bytes, right and wrong.

use serde_json::json;

use crate::frames::{Socket, TEXT, frame};
use crate::language::Language;
use crate::platform::Platform;
use crate::websocket::taking_connections;
use crate::websocket_cases::{self, Expected};

#[test]
fn frames_are_read_as_the_standard_says() {
    let platform = Platform::shared();
    // Nothing is said of who left before.
    let mut settings = taking_connections();
    settings["environment"] = json!({"SILENT": "1"});
    let code = Language::Python.handler("sockets");
    let function = platform.deploy(Language::Python, &code, &settings);
    let cases = websocket_cases::all();
    assert!(cases.len() > 100, "{}", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        let mut socket = Socket::open(&platform, &function);
        case.sent.iter().for_each(|bytes| socket.send(bytes));
        match &case.expected {
            Expected::Frames(frames) => {
                for frame in frames {
                    let got = socket.next();
                    if got.as_ref() != Some(frame) {
                        let got = got.map(|frame| (frame.first, frame.payload.len()));
                        wrong.push(format!("{}: {got:x?}", case.name));
                    }
                }
            }
            Expected::End(code) => {
                let got = socket.end();
                if got != Some(*code) {
                    wrong.push(format!("{}: {got:?} instead of {code}", case.name));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    // Nobody else noticed.
    let mut socket = Socket::open(&platform, &function);
    assert_eq!(socket.exchange("fine"), "fine");
}

/// Bytes come as the network likes.
#[test]
fn frames_may_come_byte_by_byte_and_many_at_once() {
    let platform = Platform::shared();
    let function = platform.deploy(
        Language::TypeScript,
        &Language::TypeScript.handler("sockets"),
        &taking_connections(),
    );
    let mut socket = Socket::open(&platform, &function);
    for byte in frame(TEXT, "langsam".as_bytes()) {
        socket.send(&[byte]);
    }
    assert_eq!(socket.hear(), "langsam");
    let words: Vec<String> = (0..200).map(|number| number.to_string()).collect();
    let all: Vec<u8> = words
        .iter()
        .flat_map(|word| frame(TEXT, word.as_bytes()))
        .collect();
    socket.send(&all);
    for word in &words {
        assert_eq!(&socket.hear(), word);
    }
}
