//! Tables of attacks: what is tried and which outcomes mean that it was stopped. Knows nothing of the attacks.

use std::fmt::Write;
use std::io::Write as _;

use crate::platform::say;

/// Refused by a layer: by a right that is missing, by the list of system calls, or by a kernel that has no such call.
pub(super) const DENIED: &[&str] = &["EPERM", "EACCES", "ENOSYS"];
/// Not there, or not to be opened.
pub(super) const ABSENT: &[&str] = &["ENOENT", "EACCES", "ENOTDIR", "EPERM"];
/// Not there, or read-only.
pub(super) const UNWRITABLE: &[&str] = &["EROFS", "EACCES", "EPERM", "ENOENT"];
/// A full temporary folder, or a file that is too long.
pub(super) const FULL: &[&str] = &["ENOSPC", "EFBIG", "EDQUOT"];

/// One line of the result.
#[derive(Debug)]
struct Line {
    row: &'static str,
    whose: String,
    attack: String,
    seen: String,
    wanted: String,
    holds: bool,
}

/// The results of one test, printed at its end.
#[derive(Debug, Default)]
pub(super) struct Report {
    lines: Vec<Line>,
}

impl Report {
    /// Notes an outcome; it holds if it is, or begins with, one of those wanted.
    pub(super) fn note(
        &mut self,
        row: &'static str,
        whose: impl std::fmt::Debug,
        attack: &str,
        seen: &str,
        wanted: &[&str],
    ) {
        let holds = wanted.contains(&seen);
        self.push(row, whose, attack, seen, &wanted.join("|"), holds);
    }

    /// Notes a fact that was looked at from outside.
    pub(super) fn check(
        &mut self,
        row: &'static str,
        whose: impl std::fmt::Debug,
        claim: &str,
        seen: &str,
        holds: bool,
    ) {
        self.push(row, whose, claim, seen, "as claimed", holds);
    }

    fn push(
        &mut self,
        row: &'static str,
        whose: impl std::fmt::Debug,
        attack: &str,
        seen: &str,
        wanted: &str,
        holds: bool,
    ) {
        let seen: String = seen.chars().take(400).collect();
        self.lines.push(Line {
            row,
            whose: format!("{whose:?}"),
            attack: attack.to_owned(),
            seen: seen.replace('\n', " "),
            wanted: wanted.to_owned(),
            holds,
        });
    }

    /// Appends row, language and verdict of each line to the file that `scripts/attacks` makes a table of.
    fn keep(&self) {
        let Some(path) = std::env::var_os("ZYGO_ATTACKS_FILE") else {
            return;
        };
        let mut text = String::new();
        for Line {
            row, whose, holds, ..
        } in &self.lines
        {
            let _ = writeln!(text, "{row}\t{whose}\t{}", u8::from(*holds));
        }
        let file = std::fs::File::options()
            .append(true)
            .create(true)
            .open(path);
        let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
        written.expect("the file of results");
    }

    /// Prints all lines.
    ///
    /// # Panics
    /// When one of them does not hold.
    #[track_caller]
    pub(super) fn finish(self) {
        let mut text = String::new();
        let mut failed = String::new();
        for line in &self.lines {
            let verdict = if line.holds { "stopped" } else { "NOT STOPPED" };
            let Line {
                row,
                whose,
                attack,
                seen,
                wanted,
                ..
            } = line;
            let one = format!("| {row} | {whose} | {attack} | {seen} | {verdict} |");
            let _ = writeln!(text, "{one}");
            if !line.holds {
                let _ = writeln!(failed, "{one} wanted: {wanted}");
            }
        }
        say(text.trim_end());
        self.keep();
        assert!(!self.lines.is_empty(), "nothing was tried");
        assert!(
            failed.is_empty(),
            "attacks that were not stopped:\n{failed}"
        );
    }
}
