//! Which paths files of a bundle may have. Pure.

use unicode_normalization::UnicodeNormalization;

/// Longer paths are refused.
const PATH_LEN_MAX: usize = 512;
/// File systems refuse names of more than 255 bytes, and builds put up to seven behind a name.
const NAME_LEN_MAX: usize = 240;
/// The build's own folder inside a bundle.
const RESERVED: &str = ".zygo";

/// The rule that a path breaks, if it breaks one.
pub(super) fn check(path: &str) -> Result<(), &'static str> {
    if path.is_empty() || path.len() > PATH_LEN_MAX {
        return Err("it must have 1 to 512 bytes");
    }
    if path
        .chars()
        .any(|character| character.is_control() || character == '\\')
    {
        return Err("it must not contain control characters or backslashes");
    }
    if path
        .split('/')
        .any(|part| part.is_empty() || part == "." || part == "..")
    {
        return Err("it must be relative, without empty parts, `.` or `..`");
    }
    if path.split('/').any(|part| part.len() > NAME_LEN_MAX) {
        return Err("each of its parts must have at most 240 bytes");
    }
    let first = path.split('/').next().unwrap_or_default();
    if first == RESERVED {
        return Err("the folder .zygo is kept for the platform");
    }
    if matches!(first.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic()) {
        return Err("it must not begin with a drive");
    }
    Ok(())
}

/// What a path is to file systems that know neither case nor normal forms: two with one are one file there.
pub(super) fn folded(path: &str) -> String {
    path.nfc().flat_map(char::to_lowercase).nfc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn harmful_paths_are_refused() {
        let long = "x/".repeat(256) + "x";
        let name = format!("a/{}", "x".repeat(241));
        let longest = "x".repeat(240);
        for path in [
            "",
            "/etc/passwd",
            "../x",
            "a/../../x",
            "a//b",
            "a\\b",
            "a\0b",
            "a\nb",
            "./a",
            "a/",
            ".zygo/x",
            "C:/x",
            "c:x",
            &long,
            &name,
        ] {
            assert!(check(path).is_err(), "{path:?}");
        }
        for path in ["a", "a.b/c-d/e f", ".zygorc", "ab:c", "ü/日本.py", &longest] {
            assert_eq!(check(path), Ok(()), "{path:?}");
        }
    }

    #[test]
    fn paths_that_some_file_systems_take_for_one_are_one() {
        for (one, other) in [
            ("README", "readme"),
            ("\u{e9}.py", "e\u{301}.py"),
            ("\u{c9}.py", "e\u{301}.py"),
        ] {
            assert_eq!(folded(one), folded(other));
        }
        assert_ne!(folded("a/b"), folded("ab"));
    }
}
