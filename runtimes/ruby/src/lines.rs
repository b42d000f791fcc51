//! Cuts what user code writes into lines. Knows nothing of Ruby or of who reads the lines.

/// A line that grows beyond this without an end is given on in pieces, so that memory stays bounded.
const PENDING_LEN_MAX: usize = 32 * 1024;

/// One stream's unfinished line.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    pending: Vec<u8>,
}

impl Lines {
    /// No line begun.
    pub(crate) const fn new() -> Self {
        Self {
            pending: Vec::new(),
        }
    }

    /// Takes in bytes and gives every line that they complete to `emit`, without its end.
    pub(crate) fn write(&mut self, mut bytes: &[u8], emit: &mut impl FnMut(&str)) {
        while let Some(end) = bytes.iter().position(|&byte| byte == b'\n') {
            if self.pending.is_empty() {
                emit_line(&bytes[..end], emit);
            } else {
                self.pending.extend_from_slice(&bytes[..end]);
                self.flush(emit);
            }
            bytes = &bytes[end + 1..];
        }
        self.pending.extend_from_slice(bytes);
        if self.pending.len() > PENDING_LEN_MAX {
            self.flush(emit);
        }
    }

    /// Whether no line is begun.
    pub(crate) fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// Gives an unfinished line to `emit`.
    pub(crate) fn flush(&mut self, emit: &mut impl FnMut(&str)) {
        if !self.pending.is_empty() {
            emit_line(&self.pending, emit);
            self.pending.clear();
        }
    }
}

fn emit_line(bytes: &[u8], emit: &mut impl FnMut(&str)) {
    let line = bytes.strip_suffix(b"\r").unwrap_or(bytes);
    emit(&String::from_utf8_lossy(line));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_of(writes: &[&[u8]]) -> Vec<String> {
        let mut found = Vec::new();
        let mut lines = Lines::new();
        let mut emit = |line: &str| found.push(line.to_owned());
        writes
            .iter()
            .for_each(|bytes| lines.write(bytes, &mut emit));
        lines.flush(&mut emit);
        found
    }

    #[test]
    fn joins_and_cuts() {
        let cases: &[(&[&[u8]], &[&str])] = &[
            (&[b"a\n"], &["a"]),
            (&[b"a", b"b\nc", b"\n"], &["ab", "c"]),
            (&[b"a\n\nb"], &["a", "", "b"]),
            (&[b"a\r\nb\r\n"], &["a", "b"]),
            (&[b"\n"], &[""]),
            (&[b""], &[]),
            (&[b"\xff\n"], &["\u{fffd}"]),
            // A character cut in two between writes is whole again.
            (&[b"\xc3", b"\xa9\n"], &["é"]),
        ];
        for (writes, expected) in cases {
            assert_eq!(lines_of(writes), *expected, "{writes:?}");
        }
    }

    #[test]
    fn a_line_without_end_does_not_grow_for_ever() {
        let found = lines_of(&[&[b'x'; 40_000], b"y\n"]);
        assert_eq!(
            found.iter().map(String::len).collect::<Vec<_>>(),
            [40_000, 1]
        );
    }
}
