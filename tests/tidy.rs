//! What the compiler cannot see of the tree's order: layers, names of languages, lengths, comments at `unsafe`, and
//! the same file names in each language. Reads text, runs nothing.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Files longer than the limit, each with its reason.
const LONG_FILES: [(&str, &str); 0] = [];
const FILE_LINES_MAX: usize = 300;
const FUNCTION_LINES_MAX: usize = 70;

/// Modules of `src/` from top to bottom; each uses only itself and what stands in a lower row.
#[rustfmt::skip]
const LAYERS: [&[&str]; 9] = [
    &["fuzzing"], &["cli"], &["gateway", "api"], &["platform"], &["invoke"], &["function"], &["pool"], &["instance"], &["zygote"],
];
/// What all may use; they use each other and the error types that they carry.
#[rustfmt::skip]
const LEAVES: [&str; 32] = ["admission", "alert", "artifact", "auth", "background", "backup", "cluster", "config", "cost", "error", "failpoints", "invocation", "isolation", "marketplace", "packet_socket", "pointer", "queue", "rollout", "route", "scaling", "seal", "secret", "service", "source", "store", "stream", "telemetry", "time", "trace", "trigger", "websocket", "main"];
/// Uses that go up, each with its reason.
const EXCEPTIONS: [(&str, &str, &str); 1] = [(
    "function",
    "zygote",
    "a version is made with the zygote of its language",
)];

const LANGUAGES: [&str; 3] = ["javascript", "python", "ruby"];
/// Files of `src/` that may name languages; the dashboard that of browsers.
#[rustfmt::skip]
const KNOW_LANGUAGES: [&str; 5] = ["src/function/manifest.rs", "src/function/dependencies/tool.rs", "src/config.rs", "src/cli/", "src/gateway/dashboard.rs"];

/// Folders of Rust files.
#[rustfmt::skip]
const SOURCES: [&str; 6] = ["src", "runtimes", "tests", "benches", "fuzz/src", "fuzz/targets"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files with an extension below a folder, with their text.
fn files(folder: &str, extension: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    collect(&root().join(folder), extension, &mut found);
    assert!(!found.is_empty(), "no .{extension} in {folder}");
    found
}

fn collect(folder: &Path, extension: &str, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path: PathBuf = entry.path();
        if path.is_dir() {
            collect(&path, extension, found);
        } else if path.extension().is_some_and(|its| its == extension) {
            let name = path.strip_prefix(root()).expect("below the root");
            let text = fs::read_to_string(&path).expect("a text");
            found.push((name.display().to_string(), text));
        }
    }
}

fn rust_files() -> Vec<(String, String)> {
    SOURCES
        .iter()
        .flat_map(|folder| files(folder, "rs"))
        .collect()
}

/// The text without the unit tests at its end.
fn without_tests(text: &str) -> &str {
    text.split("\n#[cfg(test)]\n").next().unwrap_or(text)
}

#[track_caller]
fn assert_none(what: &str, found: &[String]) {
    assert!(found.is_empty(), "{what}:\n{}", found.join("\n"));
}

#[test]
fn modules_use_only_what_stands_below_them() {
    let mut wrong = Vec::new();
    for (file, text) in files("src", "rs") {
        let path = file.trim_start_matches("src/").trim_end_matches(".rs");
        let module = path.split('/').next().expect("a name");
        for used in used_modules(without_tests(&text)) {
            if !may_use(module, &used) {
                wrong.push(format!("{file} uses crate::{used}"));
            }
        }
    }
    assert_none("uses that go up", &wrong);
}

/// Names after `crate::`, wherever they stand.
fn used_modules(text: &str) -> BTreeSet<String> {
    let code = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    code.flat_map(|line| line.split("crate::").skip(1))
        .map(|rest| {
            rest.split(|c: char| !c.is_alphanumeric() && c != '_')
                .next()
                .unwrap_or("")
        })
        .filter(|name| name.starts_with(|first: char| first.is_ascii_lowercase()))
        .map(str::to_owned)
        .collect()
}

fn may_use(module: &str, used: &str) -> bool {
    let layer = |name: &str| LAYERS.iter().position(|names| names.contains(&name));
    let is_exception = |&(from, to, _): &(&str, &str, &str)| (from, to) == (module, used);
    let is_error = module == "invocation" && used == "invoke";
    if module == used || LEAVES.contains(&used) || is_error || EXCEPTIONS.iter().any(is_exception) {
        return true;
    }
    match (layer(module), layer(used)) {
        (Some(module), Some(used)) => module <= used,
        // Leaves use leaves; `main` and `lib` only start things.
        (None, Some(_)) => ["main", "lib"].contains(&module),
        (_, None) => false,
    }
}

#[test]
fn no_language_is_named_where_none_is_known() {
    let mut wrong = Vec::new();
    for (file, text) in files("src", "rs")
        .into_iter()
        .chain(files("runtimes/core/src", "rs"))
        .chain(files("runtimes/wire/src", "rs"))
    {
        if KNOW_LANGUAGES.iter().any(|known| file.starts_with(known)) {
            continue;
        }
        for (number, line) in without_tests(&text).lines().enumerate() {
            let code = line.split("//").next().unwrap_or("").to_lowercase();
            let names = LANGUAGES.iter().chain(&["typescript", "v8", "cpython"]);
            if names.into_iter().any(|name| code.contains(name)) {
                wrong.push(format!("{file}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    assert_none("languages named in code", &wrong);
}

#[test]
fn files_are_short_and_say_what_they_are() {
    let mut wrong = Vec::new();
    for (file, text) in rust_files() {
        let lines = without_tests(&text).lines().count();
        let is_excused = LONG_FILES.iter().any(|(name, _)| *name == file);
        if lines > FILE_LINES_MAX && !is_excused {
            wrong.push(format!("{file} has {lines} lines"));
        }
        if !text.starts_with("//!") {
            wrong.push(format!("{file} does not begin with `//!`"));
        }
    }
    assert_none(
        &format!("files beyond {FILE_LINES_MAX} lines, or silent ones"),
        &wrong,
    );
}

#[test]
fn functions_are_short() {
    let of = |(file, text): (String, String)| {
        let long = functions(&text)
            .into_iter()
            .filter(|(_, lines)| *lines > FUNCTION_LINES_MAX);
        long.map(move |(name, lines)| format!("{file}: {name} has {lines} lines"))
            .collect::<Vec<_>>()
    };
    let wrong: Vec<String> = rust_files().into_iter().flat_map(of).collect();
    assert_none(
        &format!("functions beyond {FUNCTION_LINES_MAX} lines"),
        &wrong,
    );
}

/// Functions and their lengths: from `fn` to the brace in the same column, as rustfmt puts it.
fn functions(text: &str) -> Vec<(String, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let words = [
            "fn ",
            "pub fn ",
            "pub(crate) fn ",
            "pub(super) fn ",
            "async fn ",
            "pub(crate) async fn ",
            "pub async fn ",
        ];
        if !words.iter().any(|word| code.starts_with(word)) {
            continue;
        }
        let end = format!("{}}}", &line[..line.len() - code.len()]);
        let length = lines[start..].iter().position(|line| *line == end);
        found.push((code.to_owned(), length.map_or(1, |length| length + 1)));
    }
    found
}

#[test]
fn every_unsafe_block_names_its_invariant() {
    let mut wrong = Vec::new();
    for (file, text) in rust_files()
        .into_iter()
        .filter(|(file, _)| file != "tests/tidy.rs")
    {
        let lines: Vec<&str> = text.lines().collect();
        for (number, line) in lines.iter().enumerate() {
            let code = line.split("//").next().unwrap_or("");
            let is_block = code.contains("unsafe {") || code.contains("unsafe impl");
            if is_block && !has_safety_comment(&lines[..number]) {
                wrong.push(format!("{file}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    assert_none("unsafe without a SAFETY comment", &wrong);
}

/// The comment stands above the statement that the block is part of.
fn has_safety_comment(above: &[&str]) -> bool {
    let statement = above.iter().rev().take_while(|line| {
        let line = line.trim();
        !(line.is_empty() || line.ends_with(';') || line.ends_with('}')) || line.starts_with("//")
    });
    statement.take(12).any(|line| line.contains("SAFETY:"))
}

#[test]
fn the_three_languages_have_the_same_files() {
    let mut wrong = Vec::new();
    let shims = [
        "bootstrap",
        "context",
        "error",
        "event",
        "hooks",
        "log",
        "response",
    ];
    for language in LANGUAGES {
        let found = stems(&format!("shims/{language}"));
        let missing = shims.iter().filter(|name| !found.contains(**name));
        wrong.extend(missing.map(|name| format!("shims/{language}/{name}.*")));
        let sources = stems(&format!("runtimes/{language}/src"));
        let wanted = ["main", "runtime", "convert", "fork_hooks"];
        let missing = wanted.iter().filter(|name| !sources.contains(**name));
        wrong.extend(missing.map(|name| format!("runtimes/{language}/src/{name}.rs")));
    }
    assert_none("missing files", &wrong);
}

fn stems(folder: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(root().join(folder)).expect("a folder");
    let stem = |entry: fs::DirEntry| Some(entry.path().file_stem()?.to_str()?.to_owned());
    entries.flatten().filter_map(stem).collect()
}

#[test]
fn nothing_is_left_for_later_and_no_test_sleeps_or_is_skipped() {
    let mut wrong = Vec::new();
    for (file, text) in rust_files()
        .into_iter()
        .filter(|(file, _)| file != "tests/tidy.rs")
    {
        for (number, line) in text.lines().enumerate() {
            let unfinished = ["todo!(", "unimplemented!(", "#[ignore", "dbg!("];
            let sleeps = file.starts_with("tests/")
                && file != "tests/it/wait.rs"
                && line.contains("thread::sleep(");
            if unfinished.iter().any(|word| line.contains(word)) || sleeps {
                wrong.push(format!("{file}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    assert_none("unfinished code", &wrong);
}

#[test]
fn every_exception_has_a_reason_and_is_needed() {
    for (file, reason) in LONG_FILES {
        let text = fs::read_to_string(root().join(file)).expect("an excused file");
        let is_long = without_tests(&text).lines().count() > FILE_LINES_MAX;
        assert!(is_long && !reason.is_empty(), "{file} is short enough");
    }
    for (from, to, reason) in EXCEPTIONS {
        let uses = |(file, text): &(String, String)| {
            file.starts_with(&format!("src/{from}/"))
                && used_modules(without_tests(text)).contains(to)
        };
        let is_needed = files("src", "rs").iter().any(uses);
        assert!(is_needed && !reason.is_empty(), "{from} does not use {to}");
    }
}
