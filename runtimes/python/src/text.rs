//! A growing JSON text: strings with their escapes, numbers. Knows nothing of Python.

use std::collections::TryReserveError;
use std::fmt::Write as _;

/// A JSON text in the making. Every method fails instead of aborting when there is no memory for more, because a
/// function's memory limit is no reason to end its process.
#[derive(Debug, Default)]
pub(crate) struct JsonText(Vec<u8>);

impl JsonText {
    /// The finished text.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// Appends what is JSON already.
    pub(crate) fn put(&mut self, bytes: &[u8]) -> Result<(), TryReserveError> {
        self.0.try_reserve(bytes.len())?;
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    /// Appends a string with its quotes.
    pub(crate) fn string(&mut self, text: &str) -> Result<(), TryReserveError> {
        self.0.try_reserve(text.len() + 2)?;
        self.0.push(b'"');
        let bytes = text.as_bytes();
        let mut written = 0;
        for (index, &byte) in bytes.iter().enumerate() {
            if byte >= 0x20 && byte != b'"' && byte != b'\\' {
                continue;
            }
            self.put(&bytes[written..index])?;
            self.escape(byte)?;
            written = index + 1;
        }
        self.put(&bytes[written..])?;
        self.put(b"\"")
    }

    /// Appends a string of UTF-16 units; halves of surrogate pairs, which UTF-8 cannot hold, become escapes.
    pub(crate) fn utf16(
        &mut self,
        units: impl Iterator<Item = u16>,
    ) -> Result<(), TryReserveError> {
        self.put(b"\"")?;
        for unit in char::decode_utf16(units) {
            match unit {
                Ok(character) if character < ' ' || matches!(character, '"' | '\\') => {
                    self.put(format!("\\u{:04x}", u32::from(character)).as_bytes())?;
                }
                Ok(character) => self.put(character.encode_utf8(&mut [0; 4]).as_bytes())?,
                Err(half) => {
                    self.put(format!("\\u{:04x}", half.unpaired_surrogate()).as_bytes())?
                }
            }
        }
        self.put(b"\"")
    }

    /// Appends a number.
    pub(crate) fn number(&mut self, value: impl std::fmt::Display) -> Result<(), TryReserveError> {
        let mut text = ShortText::default();
        // A number of at most 64 bits is never longer than the room.
        let _ = write!(text, "{value}");
        self.put(text.as_bytes())
    }

    fn escape(&mut self, byte: u8) -> Result<(), TryReserveError> {
        match byte {
            b'"' => self.put(b"\\\""),
            b'\\' => self.put(b"\\\\"),
            b'\n' => self.put(b"\\n"),
            b'\r' => self.put(b"\\r"),
            b'\t' => self.put(b"\\t"),
            other => self.put(format!("\\u{other:04x}").as_bytes()),
        }
    }
}

/// Room for a number, on the stack.
#[derive(Default)]
struct ShortText {
    bytes: [u8; 32],
    len: usize,
}

impl ShortText {
    fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl std::fmt::Write for ShortText {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let end = self.len + text.len();
        self.bytes
            .get_mut(self.len..end)
            .ok_or(std::fmt::Error)?
            .copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_read_back_unchanged() {
        for original in [
            "",
            "plain",
            "\"\\\n\r\t\u{0}\u{1f}\u{7f}",
            "é€😀",
            "a\"b\\c",
        ] {
            let mut text = JsonText::default();
            text.string(original).expect("memory");
            let read: String = serde_json::from_slice(&text.into_bytes()).expect("JSON");
            assert_eq!(read, original);
            let mut text = JsonText::default();
            text.utf16(original.encode_utf16()).expect("memory");
            let read: String = serde_json::from_slice(&text.into_bytes()).expect("JSON");
            assert_eq!(read, original);
        }
    }

    #[test]
    fn half_a_surrogate_pair_becomes_an_escape() {
        let mut text = JsonText::default();
        text.utf16([0x61, 0xd800, 0x62].into_iter())
            .expect("memory");
        assert_eq!(text.into_bytes(), br#""a\ud800b""#);
    }

    #[test]
    fn the_longest_numbers_fit() {
        let mut text = JsonText::default();
        for number in [i64::MIN, i64::MAX] {
            text.number(number).expect("memory");
            text.put(b" ").expect("memory");
        }
        text.number(-f64::MIN_POSITIVE).expect("memory");
        let text = String::from_utf8(text.into_bytes()).expect("UTF-8");
        assert!(
            text.starts_with("-9223372036854775808 9223372036854775807 -"),
            "{text}"
        );
    }
}
