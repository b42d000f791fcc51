//! What stands in frames: texts, ends, and what is too long.

use crate::frames::{BINARY, CLOSE, MASK, TEXT, close, frame, head};
use crate::websocket_cases::{Case, ENDS, Expected, GOES_ON, TEXT_BEGINS, case, frames};

/// Group 6: texts that are UTF-8, and those that are not.
pub(crate) fn texts() -> Vec<Case> {
    let mut all = Vec::new();
    for text in ["κόσμε", "\u{0}", "\u{7FF}\u{FFFF}\u{10FFFF}", "𐍈"] {
        let bytes = text.as_bytes();
        all.push(case(text, &[frame(TEXT, bytes)], frames(&[(TEXT, bytes)])));
        let mut pieces = vec![frame(TEXT_BEGINS, &[])];
        pieces.extend(bytes.iter().map(|byte| frame(GOES_ON, &[*byte])));
        pieces.push(frame(ENDS, &[]));
        all.push(case(
            format!("{text} byte by byte"),
            &pieces,
            frames(&[(TEXT, bytes)]),
        ));
    }
    let none: [(&str, &[u8]); 7] = [
        ("a lone continuation", b"\x80"),
        ("an overlong slash", b"\xC0\xAF"),
        ("a surrogate", b"\xED\xA0\x80"),
        ("beyond the last character", b"\xF4\x90\x80\x80"),
        ("a byte that never is", b"ok \xFE"),
        ("half a character", b"\xCE"),
        ("a wrong second byte", b"\xCE("),
    ];
    for (name, bytes) in none {
        all.push(case(name, &[frame(TEXT, bytes)], Expected::End(1007)));
        let pieces = [frame(TEXT_BEGINS, b"well "), frame(ENDS, bytes)];
        all.push(case(
            format!("{name} in the second piece"),
            &pieces,
            Expected::End(1007),
        ));
    }
    // Told at once, not when the message ends.
    let early = [frame(TEXT_BEGINS, b"\xCE\xBA\xED\xA0\x80")];
    all.push(case(
        "a surrogate in a message that never ends",
        &early,
        Expected::End(1007),
    ));
    all
}

/// Group 7: ends.
pub(crate) fn ends() -> Vec<Case> {
    let mut all = Vec::new();
    for code in [
        1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999,
    ] {
        all.push(case(
            format!("the code {code}"),
            &[close(code, b"why")],
            Expected::End(code),
        ));
    }
    for code in [
        0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535,
    ] {
        all.push(case(
            format!("the code {code}"),
            &[close(code, b"")],
            Expected::End(1002),
        ));
    }
    all.push(case(
        "an end without a code",
        &[frame(CLOSE, b"")],
        Expected::End(1005),
    ));
    all.push(case(
        "half a code",
        &[frame(CLOSE, &[3])],
        Expected::End(1002),
    ));
    all.push(case(
        "a reason that is no text",
        &[close(1000, b"\xFF")],
        Expected::End(1007),
    ));
    all.push(case(
        "a long reason",
        &[close(1000, &[b'*'; 123])],
        Expected::End(1000),
    ));
    all.push(case(
        "a reason that is too long",
        &[close(1000, &[b'*'; 124])],
        Expected::End(1002),
    ));
    all.push(case(
        "words after the end",
        &[close(1000, b""), frame(TEXT, b"and")],
        Expected::End(1000),
    ));
    let cut = [frame(TEXT_BEGINS, b"half"), close(1000, b"")];
    all.push(case("an end within a message", &cut, Expected::End(1000)));
    all
}

/// Group 9: what is too long.
pub(crate) fn lengths() -> Vec<Case> {
    let long = vec![b'*'; 131_073];
    let half = &long[..65_537];
    vec![
        case(
            "a byte too many",
            &[frame(TEXT, &long)],
            Expected::End(1009),
        ),
        case(
            "bytes too many",
            &[frame(BINARY, &long)],
            Expected::End(1009),
        ),
        case(
            "two halves that are too long",
            &[frame(TEXT_BEGINS, half), frame(ENDS, half)],
            Expected::End(1009),
        ),
        case(
            "64 MB that never come",
            &[head(BINARY, 0x80, 64 << 20), MASK.to_vec()],
            Expected::End(1009),
        ),
        case(
            "64 MB",
            &[frame(BINARY, &vec![0; 64 << 20])],
            Expected::End(1009),
        ),
        case(
            "the longest length",
            &[head(BINARY, 0x80, u64::MAX >> 1), MASK.to_vec()],
            Expected::End(1009),
        ),
    ]
}
