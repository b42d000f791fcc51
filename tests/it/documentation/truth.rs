//! What the pages list, compared with the code: errors, settings, the reference pages; and their links.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use http::StatusCode;
use serde_json::Value;

use super::{folder, names, text_of};
use crate::platform::Platform;

/// Files of the source in which codes of problems stand.
const CODES: [&str; 3] = [
    "src/gateway/status.rs",
    "src/gateway/websocket/error.rs",
    "src/invoke/code.rs",
];

fn source(path: &str) -> String {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path));
    let text = text.unwrap_or_else(|error| panic!("{path}: {error}"));
    let code = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    code.collect::<Vec<_>>().join("\n")
}

/// The lines of a page that are no code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut is_code = false;
    text.lines().filter(move |line| {
        let is_fence = line.starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    })
}

// Links

/// What a heading is called in an address, as GitHub makes it.
fn anchor(heading: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || " -_".contains(*c);
    let name: String = heading.trim().to_lowercase().chars().filter(kept).collect();
    name.replace(' ', "-")
}

fn anchors(text: &str) -> BTreeSet<String> {
    let headings = prose(text).filter(|line| line.starts_with('#'));
    headings
        .map(|line| anchor(line.trim_start_matches('#')))
        .collect()
}

/// Where the links of a line lead.
fn links(line: &str) -> impl Iterator<Item = &str> {
    let targets = line.split("](").skip(1);
    targets.filter_map(|rest| rest.split_once(')').map(|(target, _)| target))
}

#[test]
fn every_link_leads_somewhere() {
    let mut wrong = Vec::new();
    for name in names() {
        let text = text_of(&name);
        let inside = prose(&text).flat_map(links);
        for target in inside.filter(|target| !target.contains("://")) {
            let (path, place) = target.split_once('#').unwrap_or((target, ""));
            let path = if path.is_empty() { name.as_str() } else { path };
            let found = fs::read_to_string(folder().join(path)).ok();
            let is_there =
                found.is_some_and(|text| place.is_empty() || anchors(&text).contains(place));
            if !is_there {
                wrong.push(format!("docs/{name}: {target}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

// Errors

/// Codes with the statuses that stand beside them.
type Codes = BTreeMap<String, BTreeSet<u16>>;

/// The status that the source calls `NOT_FOUND`.
fn status(name: &str) -> Option<u16> {
    let is_it = |number: &u16| {
        let status = StatusCode::from_u16(*number).ok();
        let reason = status.and_then(|status| status.canonical_reason());
        reason.is_some_and(|reason| reason.to_uppercase().replace([' ', '-'], "_") == name)
    };
    (400..600).find(is_it)
}

fn is_code(text: &str) -> bool {
    let is_word =
        |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
    text.split('_').all(is_word)
}

/// The codes in a text: `(S::NOT_FOUND, "function_not_found", …)`, or `"timeout" => (S::GATEWAY_TIMEOUT, …)`.
fn codes(source: &str) -> Codes {
    let mut found = Codes::new();
    let parts: Vec<&str> = source.split('"').collect();
    for (index, text) in parts.iter().enumerate().skip(1).step_by(2) {
        if !is_code(text) {
            continue;
        }
        let before = parts[index - 1].trim_end().strip_suffix(',');
        let before = before.and_then(|before| before.rsplit("::").next());
        // Several codes may share an arm.
        let mut after = parts[index + 1..].iter().step_by(2).map(|part| part.trim());
        let after = after.find(|part| *part != "|").unwrap_or_default();
        let after = after.strip_prefix("=> (S::");
        let after = after.and_then(|after| after.split(',').next());
        let statuses = found.entry((*text).to_owned()).or_default();
        statuses.extend(before.and_then(status));
        statuses.extend(after.and_then(status));
    }
    found
}

/// The codes that the index lists, with their statuses: what stands before whose fault it is.
fn listed(page: &str) -> Codes {
    let sections = page.split("\n### ").skip(1);
    let of = |section: &str| {
        let (code, text) = section.split_once('\n').expect("a text");
        let (before, after) = text.split_once(", the ").expect("whose fault it is");
        let is_known = ["caller.", "function.", "platform."]
            .iter()
            .any(|fault| after.starts_with(fault));
        assert!(is_known, "{code}: whose fault is it?");
        let words = before.split(|c: char| !c.is_ascii_digit());
        let statuses = words.filter_map(|word| word.parse::<u16>().ok());
        (code.to_owned(), statuses.collect::<BTreeSet<u16>>())
    };
    sections.map(of).collect()
}

#[test]
fn the_index_of_errors_lists_every_code_with_its_status() {
    let mut known = codes(&CODES.map(source).join("\n"));
    // It has a name of its own in the source.
    known.entry("cancelled".to_owned()).or_default().insert(499);
    let listed = listed(&text_of("errors.md"));
    let names = |codes: &Codes| codes.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&listed), names(&known));
    for (code, statuses) in known.iter().filter(|(_, statuses)| !statuses.is_empty()) {
        assert_eq!(&listed[code], statuses, "{code}");
    }
}

// Settings

/// Every key with its default, `table.key` for one in a table.
fn settings() -> BTreeMap<String, String> {
    let config = serde_json::to_value(zygo::config::Config::default()).expect("settings");
    let mut all = BTreeMap::new();
    for (key, value) in config.as_object().expect("an object") {
        match value {
            Value::Object(table) => all.extend(
                table
                    .iter()
                    .map(|(name, value)| (format!("{key}.{name}"), default(value))),
            ),
            value => drop(all.insert(key.clone(), default(value))),
        }
    }
    all
}

fn default(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) if text.is_empty() => "\"\"".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[test]
fn the_table_of_settings_lists_every_key_with_its_default() {
    let page = text_of("operations.md");
    let (_, tables) = page.split_once("\n## Every setting\n").expect("the tables");
    let mut listed = BTreeMap::new();
    for row in tables.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row
            .split('|')
            .map(|cell| cell.trim().trim_matches('`'))
            .collect();
        let twice = listed.insert(cells[1].to_owned(), cells[2].to_owned());
        assert_eq!(twice, None, "{} is there twice", cells[1]);
        assert_eq!(cells.len(), 6, "{row}");
    }
    assert_eq!(listed, settings());
}

#[test]
fn the_table_of_a_functions_settings_lists_every_field() {
    let document = Platform::shared().get("/openapi.json").expect(200).json();
    let fields = &document["components"]["schemas"]["FunctionInput"]["properties"];
    let fields: BTreeSet<&String> = fields.as_object().expect("fields").keys().collect();
    let page = text_of("functions.md");
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    let names = rows.filter_map(|row| row.split('|').nth(1));
    let listed: BTreeSet<String> = names
        .flat_map(|names| names.split(','))
        .map(|name| name.trim().trim_matches('`').to_owned())
        .collect();
    assert_eq!(listed.iter().collect::<BTreeSet<_>>(), fields);
}

// Reference

#[test]
fn the_reference_pages_are_current() {
    let work = tempfile::tempdir().expect("a folder");
    let openapi = work.path().join("openapi.json");
    let document = Platform::shared().get("/openapi.json").expect(200).bytes;
    fs::write(&openapi, document).expect("written");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let status = Command::new("/usr/bin/python3")
        .arg(root.join("scripts/lib/reference.py"))
        .arg(env!("CARGO_BIN_EXE_zygo"))
        .args([openapi.as_path(), work.path()])
        .status()
        .expect("python3 runs");
    assert!(status.success(), "the pages cannot be written");
    for name in ["cli.md", "api.md"] {
        let written = fs::read_to_string(work.path().join(name)).expect("a page");
        // Without all of both in the message.
        assert!(
            written == text_of(name),
            "docs/{name} is behind: run scripts/docs"
        );
    }
}
