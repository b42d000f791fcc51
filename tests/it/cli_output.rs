//! The whole of what the command line prints, compared with what was once read and found good: `tests/it/snapshots`.
//! `INSTA_UPDATE=always` writes them anew; a difference is then for the reader of the change.

use std::process::Output;
use std::time::Duration;

use serde_json::json;

use crate::cli::{Shell, command, stderr};
use crate::language::Language;
use crate::platform::Platform;
use crate::wait::wait_until;

const DEADLINE: Duration = Duration::from_secs(60);

/// What is another in every run.
const FILTERS: [(&str, &str); 11] = [
    // What depends on how quickly processes come and go.
    (
        r"(?m)^ *(snapshot|processes|instances|load|forecast) .*$",
        "$1 {..}",
    ),
    (r"\b\d+ MB", "N MB"),
    (r"\bfn-[0-9a-z]+", "fn-ID"),
    (r"\breq-[0-9a-z]+", "req-ID"),
    (r"\bi-[0-9a-f]{12}", "i-ID"),
    (r"\bzygo_[0-9A-Za-z_-]{20,}", "zygo_KEY"),
    (r"\b(key|wh|dl)-[0-9a-z]+", "$1-ID"),
    (r"\b[0-9a-f]{12,64}\b", "DIGEST"),
    (r"\b\d{4}-\d\d-\d\d([T ]\d\d:\d\d:\d\d(\.\d+)?Z?)?", "TIME"),
    (r"127\.0\.0\.1:\d{2,}", "127.0.0.1:PORT"),
    // Columns are as wide as what stands in them.
    (r" {2,}", "  "),
];

/// How long something took.
const DURATIONS: [(&str, &str); 1] = [(r"\b\d+(\.\d+)? ms\b", "N ms")];
/// All figures.
const FIGURES: [(&str, &str); 1] = [(r"\b\d+(\.\d+)?(e-?\d+)?\b", "N")];

/// Compares a text with the snapshot of that name.
fn assert_unchanged(name: &str, text: &str, filters: &[&[(&str, &str)]]) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for (pattern, word) in filters.iter().copied().flatten() {
        settings.add_filter(pattern, *word);
    }
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// A command and everything that came of it.
fn transcript(words: &[&str], output: &Output) -> String {
    let mut text = format!("$ zygo {}\n", words.join(" "));
    text.push_str(&String::from_utf8_lossy(&output.stdout));
    for line in stderr(output).lines() {
        text.push_str(&format!("! {line}\n"));
    }
    if output.status.code() != Some(0) {
        text.push_str(&format!(
            "exit code {}\n",
            output.status.code().unwrap_or(-1)
        ));
    }
    text.push('\n');
    text
}

fn transcripts(shell: &Shell<'_>, lines: &[&[&str]]) -> String {
    let run = |words: &&[&str]| transcript(words, &shell.run(words, "a-value\n"));
    lines.iter().map(run).collect()
}

/// Names of the commands that a help text lists.
fn commands(help: &str) -> Vec<String> {
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let listed = listed.take_while(|line| line.starts_with("  "));
    let names = listed.filter(|line| !line.starts_with("   "));
    names
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

/// The help of a command, and of the commands below it.
fn help(words: &[&str]) -> String {
    let asked: Vec<&str> = words.iter().copied().chain(["--help"]).collect();
    let folder = tempfile::tempdir().expect("a folder");
    let output = command(folder.path())
        .args(&asked)
        .output()
        .expect("zygo starts");
    let mut text = transcript(&asked, &output);
    let below = commands(&String::from_utf8_lossy(&output.stdout));
    for name in below.iter().filter(|_| !words.is_empty()) {
        let words: Vec<&str> = words.iter().copied().chain([name.as_str()]).collect();
        text.push_str(&help(&words));
    }
    text
}

#[test]
fn every_command_explains_itself() {
    let whole = help(&[]);
    assert_unchanged("help", &whole, &[]);
    let names = commands(&whole);
    assert!(names.len() > 15, "{names:?}");
    for name in &names {
        assert_unchanged(&format!("help-{name}"), &help(&[name]), &[]);
    }
}

#[test]
fn what_people_read_of_a_functions_life() {
    let platform = Platform::start(&[]);
    let shell = Shell::new(&platform);
    let code = |says: &str| {
        format!(
            "def handler(event, context):\n    print('was here')\n    return {{'says': '{says}'}}\n"
        )
    };
    shell.write("hello.py", &code("one"));
    let deploy = ["deploy", "hello.py", "-f", "hello"];
    let mut text = transcripts(&shell, &[&["ls"], &deploy, &deploy]);
    shell.write("hello.py", &code("two"));
    let lines: [&[&str]; 23] = [
        &deploy,
        &["ls"],
        &["invoke", "hello", "--data", "{\"a\":1}"],
        &["secrets", "set", "TOKEN", "-f", "hello"],
        &["secrets", "ls", "hello"],
        &["env", "ls", "hello"],
        &["versions", "hello"],
        &["aliases", "set", "live", "hello", "--version", "1"],
        &["aliases", "ls", "hello"],
        &["rollback", "hello", "--version", "1"],
        &["describe", "hello"],
        &["breaker", "hello"],
        &["scaling", "hello"],
        &["alerts"],
        &["alerts", "webhooks", "ls"],
        &["alerts", "rules"],
        &["marketplace", "list"],
        &["marketplace", "show", "mp-hello-world"],
        &["rm", "hello", "--yes"],
        &["keys", "ls"],
        &["keys", "create", "ci", "--role", "deploy"],
        &["keys", "create", "me", "--role", "admin"],
        &["keys", "ls"],
    ];
    text.push_str(&transcripts(&shell, &lines));
    assert_unchanged("life", &text, &[&FILTERS, &DURATIONS]);
}

#[test]
fn what_people_read_of_figures() {
    let platform = Platform::start(&[]);
    let shell = Shell::new(&platform);
    let code = "def handler(event, context):\n    print('was here')\n    return 1\n";
    let settings = json!({"name": "hello"});
    platform.deploy(Language::Python, code, &settings);
    platform.invoke("hello", &json!({})).expect(200);
    for (path, list) in [("logs", "logs"), ("cost", "days")] {
        wait_until("what is written a moment later", DEADLINE, || {
            let answer = platform
                .get(&format!("/functions/hello/{path}"))
                .expect(200);
            answer.json()[list]
                .as_array()
                .is_some_and(|all| !all.is_empty())
        });
    }
    let lines: [&[&str]; 3] = [
        &["logs", "hello"],
        &["metrics", "hello"],
        &["cost", "hello"],
    ];
    assert_unchanged(
        "figures",
        &transcripts(&shell, &lines),
        &[&FILTERS, &FIGURES],
    );
}

#[test]
fn what_people_read_when_something_is_wrong() {
    let platform = Platform::start(&[]);
    let shell = Shell::new(&platform);
    shell.write("broken.py", "def handler(event, context)\n    return 1\n");
    shell.write(
        "throws.py",
        "def handler(event, context):\n    raise ValueError('no')\n",
    );
    let lines: [&[&str]; 13] = [
        &["deply"],
        &["deploy", "--memry", "1"],
        &["deploy", "missing.py"],
        &["deploy", "broken.py"],
        &["deploy", "throws.py", "--memory", "1"],
        &["deploy", "throws.py"],
        &["invoke", "throws"],
        &["invoke", "thrws"],
        &["invoke", "throws", "--data", "{"],
        &["rollback", "throws", "--version", "7"],
        &["describe", "nothing", "--json"],
        &["logs", "throws", "--since", "yesterday"],
        &["ls", "--url", "http://127.0.0.1:1"],
    ];
    let text = transcripts(&shell, &lines);
    assert_unchanged("wrong", &text, &[&FILTERS, &DURATIONS]);
}
