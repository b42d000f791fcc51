//! What people and scripts see. Data on standard output, messages on standard error; tables for people, JSON for
//! scripts; colour only where it is wanted; nothing that user code wrote can steer the terminal.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use comfy_table::{ContentArrangement, Table, presets};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::failure::Failure;
use super::{Color, Global};

/// Version of the shape of JSON documents.
const SCHEMA_VERSION: u32 = 1;

/// How to print.
#[derive(Debug, Clone, Copy)]
pub(super) struct Output {
    pub(super) is_json: bool,
}

/// Green, for what is well.
pub(super) const GOOD: Style = AnsiColor::Green.on_default();
/// Yellow, for what needs a look.
pub(super) const ODD: Style = AnsiColor::Yellow.on_default();
/// Red, for what is wrong.
pub(super) const BAD: Style = AnsiColor::Red.on_default().bold();
/// Grey, for what is beside the point.
pub(super) const FAINT: Style = Style::new().dimmed();

impl Output {
    pub(super) fn new(global: &Global) -> Self {
        // NO_COLOR, CLICOLOR_FORCE and TERM=dumb are heeded by the streams unless a flag says otherwise.
        match global.color {
            Color::Auto => {}
            Color::Always => anstream::ColorChoice::Always.write_global(),
            Color::Never => anstream::ColorChoice::Never.write_global(),
        }
        Self {
            is_json: global.json,
        }
    }

    /// One JSON document, with the version of its shape.
    pub(super) fn document(self, mut value: Value) {
        if let Value::Object(map) = &mut value {
            map.insert("schemaVersion".to_owned(), SCHEMA_VERSION.into());
        }
        self.line(&serde_json::to_string_pretty(&value).unwrap_or_default());
    }

    /// A line of data.
    pub(super) fn line(self, text: &str) {
        // A reader who went away is no reason to fail.
        let _ = writeln!(anstream::stdout(), "{text}");
    }

    /// A line for people.
    pub(super) fn say(self, text: &str) {
        let _ = writeln!(anstream::stderr(), "{text}");
    }

    /// A table with a heading.
    pub(super) fn table(self, heading: &[&str], rows: Vec<Vec<String>>) {
        let mut table = Table::new();
        table
            .load_style(presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_header(heading.iter().map(|word| word.to_uppercase()));
        for row in rows {
            table.add_row(row.iter().map(|cell| plain(cell)));
        }
        for line in table.lines() {
            self.line(line.trim_end());
        }
    }

    /// Shows that something takes its time; on a terminal alone.
    pub(super) fn spinner(self, text: &str) -> ProgressBar {
        if self.is_json || !std::io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let spinner = ProgressBar::new_spinner().with_message(text.to_owned());
        let style = ProgressStyle::with_template("{spinner} {msg} {elapsed}");
        spinner.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        spinner.enable_steady_tick(Duration::from_millis(100));
        spinner
    }

    /// Why the command failed, and what to do.
    pub(super) fn failure(self, failure: &Failure) {
        if let (true, Failure::Refused { problem, .. }) = (self.is_json, failure) {
            self.document(json!({ "error": problem }));
            return;
        }
        self.say(&format!(
            "{BAD}error:{BAD:#} {}",
            plain(&failure.to_string())
        ));
        let Failure::Refused { problem, .. } = failure else {
            return;
        };
        if let Some(pointer) = problem["pointer"]
            .as_str()
            .filter(|pointer| !pointer.is_empty())
        {
            self.say(&format!("{FAINT}  at{FAINT:#} {}", plain(pointer)));
        }
        for field in ["stackTrace", "logs", "buildLog"] {
            for line in problem[field].as_array().into_iter().flatten() {
                self.say(&format!(
                    "{FAINT}  {}{FAINT:#}",
                    plain(line.as_str().unwrap_or_default())
                ));
            }
        }
        if let Some(id) = problem["requestId"].as_str() {
            self.say(&format!("{FAINT}  request {}{FAINT:#}", plain(id)));
        }
    }
}

/// A text without anything that a terminal would obey.
pub(super) fn plain(text: &str) -> String {
    let show = |character: char| match character {
        '\t' => "    ".to_owned(),
        character if character.is_control() => character.escape_default().to_string(),
        // Marks that turn the direction of writing around.
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => character.escape_unicode().to_string(),
        character => character.to_string(),
    };
    text.chars().map(show).collect()
}

/// A number of milliseconds for people.
pub(super) fn ms(value: &Value) -> String {
    match value.as_f64() {
        Some(ms) if ms >= 1_000.0 => format!("{:.2} s", ms / 1e3),
        Some(ms) => format!("{ms:.2} ms"),
        None => "-".to_owned(),
    }
}

/// A value as a cell.
pub(super) fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_the_terminal() {
        let text = plain("a\u{1b}[2Jb\r\nc\u{202e}d\te");
        assert_eq!(text, "a\\u{1b}[2Jb\\r\\nc\\u{202e}d    e");
    }
}
