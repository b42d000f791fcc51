//! The path of a request, taken apart and decoded once.

/// The segments of a path. `/a/` has an empty one at its end, `/` is one empty one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Segments(Vec<String>);

/// A path that no pattern is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PathError {
    /// It does not begin with a slash.
    #[error("the path does not begin with a slash")]
    NoPath,
    /// An escape that is none.
    #[error("a `%` in the path is not followed by two hexadecimal digits")]
    BadEscape,
    /// Bytes that are no text.
    #[error("the path is not UTF-8")]
    NoText,
    /// `.` or `..`, plain or escaped, also beside an escaped slash.
    #[error("the path has a part `.` or `..`")]
    Dots,
    /// NUL and the like.
    #[error("the path has a control character")]
    Control,
}

impl Segments {
    /// Takes a path apart, then decodes each part once.
    pub(crate) fn parse(path: &str) -> Result<Self, PathError> {
        let rest = path.strip_prefix('/').ok_or(PathError::NoPath)?;
        rest.split('/')
            .map(decode)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    pub(super) fn as_slice(&self) -> &[String] {
        &self.0
    }
}

/// One segment as text. What would lead elsewhere when somebody took it for a path is refused: handlers join paths.
pub(super) fn decode(segment: &str) -> Result<String, PathError> {
    let bytes = unescape(segment.as_bytes())?;
    let text = String::from_utf8(bytes).map_err(|_| PathError::NoText)?;
    if text
        .split(['/', '\\'])
        .any(|part| part == "." || part == "..")
    {
        return Err(PathError::Dots);
    }
    match text.chars().any(|c| c.is_ascii_control()) {
        true => Err(PathError::Control),
        false => Ok(text),
    }
}

fn unescape(text: &[u8]) -> Result<Vec<u8>, PathError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let [high, low, after @ ..] = rest else {
            return Err(PathError::BadEscape);
        };
        let digit = |byte: u8| {
            char::from(byte)
                .to_digit(16)
                .and_then(|digit| u8::try_from(digit).ok())
        };
        let (Some(high), Some(low)) = (digit(*high), digit(*low)) else {
            return Err(PathError::BadEscape);
        };
        bytes.push(high << 4 | low);
        rest = after;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_decoded_exactly_once() {
        let cases: [(&str, &[&str]); 8] = [
            ("/", &[""]),
            ("/a", &["a"]),
            ("/a/", &["a", ""]),
            ("//a", &["", "a"]),
            ("/a%2Fb/c", &["a/b", "c"]),
            ("/%25%32%35", &["%25"]),
            ("/%C3%BC+x", &["ü+x"]),
            ("/a..b/...", &["a..b", "..."]),
        ];
        for (path, expected) in cases {
            assert_eq!(
                Segments::parse(path).expect(path).as_slice(),
                expected,
                "{path}"
            );
        }
    }

    #[test]
    fn games_with_paths_are_refused() {
        use PathError::{BadEscape, Control, Dots, NoPath, NoText};
        let cases = [
            ("", NoPath),
            ("*", NoPath),
            ("a", NoPath),
            ("/a/../b", Dots),
            ("/./b", Dots),
            ("/%2e%2E/b", Dots),
            ("/x/..%2f..%2fetc", Dots),
            ("/x/..%5cetc", Dots),
            ("/%", BadEscape),
            ("/%2", BadEscape),
            ("/%zz", BadEscape),
            ("/%+1", BadEscape),
            ("/%FF", NoText),
            ("/%C0%AE", NoText),
            ("/a%00b", Control),
            ("/a%0d%0ab", Control),
        ];
        for (path, expected) in cases {
            assert_eq!(Segments::parse(path), Err(expected), "{path}");
        }
    }
}
