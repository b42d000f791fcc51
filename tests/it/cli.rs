//! The command line against a real platform: what people and scripts see, and exit codes.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::language::{Language, in_every_language};
use crate::platform::{Platform, unique_name};

/// A shell of its own: a folder and a platform.
pub(crate) struct Shell<'a> {
    platform: &'a Platform,
    folder: tempfile::TempDir,
}

impl<'a> Shell<'a> {
    pub(crate) fn new(platform: &'a Platform) -> Self {
        Self {
            platform,
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, text).expect("written");
    }

    /// Runs `zygo` with these words; `input` comes from standard input.
    pub(crate) fn run(&self, words: &[&str], input: &str) -> Output {
        let mut child = command(self.path())
            .args(words)
            .env("ZYGO_URL", format!("http://{}", self.platform.address()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("zygo starts");
        let mut stdin = child.stdin.take().expect("standard input is piped");
        // A command that reads nothing may have ended already.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        child.wait_with_output().expect("zygo ends")
    }

    /// What a command that succeeds prints.
    #[track_caller]
    pub(crate) fn ok(&self, words: &[&str]) -> String {
        let output = self.run(words, "");
        assert!(output.status.success(), "{words:?}: {}", stderr(&output));
        String::from_utf8(output.stdout).expect("text")
    }

    #[track_caller]
    pub(crate) fn json(&self, words: &[&str]) -> Value {
        let words: Vec<&str> = words.iter().copied().chain(["--json"]).collect();
        serde_json::from_str(&self.ok(&words)).expect("one JSON document")
    }

    /// Exit code and messages of a command.
    fn fails(&self, words: &[&str]) -> (Option<i32>, String) {
        let output = self.run(words, "");
        (output.status.code(), stderr(&output))
    }
}

pub(crate) fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zygo"));
    command
        .current_dir(folder)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("NO_COLOR", "1");
    command
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_new_project_is_deployed_invoked_and_looked_at() {
    in_every_language(|language| {
        let platform = Platform::shared();
        let shell = Shell::new(&platform);
        let name = unique_name();
        shell.ok(&["init", &name, "--runtime", language.name()]);
        let project = Shell {
            platform: &platform,
            folder: tempfile::tempdir().expect("a folder"),
        };
        for entry in std::fs::read_dir(shell.path().join(&name))
            .expect("the project")
            .flatten()
        {
            std::fs::copy(entry.path(), project.path().join(entry.file_name())).expect("copied");
        }
        let url = project.ok(&["deploy"]);
        assert!(url.starts_with("http://127.0.0.1:"), "{url}");
        let again = project.json(&["deploy"]);
        assert_eq!(
            (&again["unchanged"], &again["schemaVersion"]),
            (&json!(true), &json!(1))
        );
        let said = project.ok(&["invoke", "--data", "@event.json"]);
        assert_eq!(
            serde_json::from_str::<Value>(&said).expect("JSON"),
            json!({"message": "Hello, Developer!"})
        );
        let envelope = project.json(&["invoke"]);
        assert_eq!(envelope["body"]["message"], "Hello, World!");
        assert_eq!(
            project.json(&["describe"])["function"]["name"],
            name.as_str()
        );
        assert!(project.ok(&["ls"]).contains(&name));
        assert!(project.ok(&["metrics"]).contains("invocations"));
        assert_eq!(
            project.fails(&["init"]).0,
            Some(2),
            "nothing is overwritten"
        );
        project.ok(&["rm", "--yes"]);
        assert_eq!(project.fails(&["describe"]).0, Some(3));
    });
}

#[test]
fn the_specifications_lines_work_as_they_are_written() {
    let platform = Platform::shared();
    let shell = Shell::new(&platform);
    let name = unique_name();
    let code = |word: &str| {
        format!(
            "export const handler = async (event: any) => {{ console.log('greeting'); return {{ statusCode: 200, body: {{ {word}: event.body.name }} }} }}"
        )
    };
    shell.write(&format!("{name}.ts"), &code("hello"));
    shell.ok(&["deploy", "--function", &name]);
    let said = shell.ok(&[
        "invoke",
        "--function",
        &name,
        "--data",
        "{\"name\":\"John\"}",
    ]);
    assert_eq!(
        serde_json::from_str::<Value>(&said).expect("JSON"),
        json!({"hello": "John"})
    );
    for word in ["two", "three"] {
        shell.write(&format!("{name}.ts"), &code(word));
        shell.ok(&["deploy", "--function", &name]);
    }
    shell.ok(&["metrics", "--function", &name]);
    shell.ok(&["rollback", "--function", &name, "--version", "2"]);
    let envelope = shell.json(&[
        "invoke",
        "--function",
        &name,
        "--data",
        "{\"name\":\"John\"}",
    ]);
    assert_eq!(
        (&envelope["version"], &envelope["body"]),
        (&json!(2), &json!({"two": "John"}))
    );
    let mut tail = command(shell.path())
        .args(["logs", "--function", &name, "--tail"])
        .env("ZYGO_URL", format!("http://{}", platform.address()))
        .stdout(Stdio::piped())
        .spawn()
        .expect("zygo starts");
    let stdout = tail.stdout.take().expect("standard output is piped");
    let line = std::io::BufRead::lines(std::io::BufReader::new(stdout)).next();
    let line = line.expect("a line").expect("text");
    tail.kill().expect("it runs on until it is told to end");
    tail.wait().expect("it ended");
    assert!(line.contains("info") && line.contains("greeting"), "{line}");
}

#[test]
fn folders_tell_what_they_are_and_what_is_not_packed() {
    let platform = Platform::shared();
    let shell = Shell::new(&platform);
    let name = unique_name();
    shell.write("lambda_function.py", "import os\ndef lambda_handler(event, context):\n    return sorted(os.listdir(os.environ['LAMBDA_TASK_ROOT']))\n");
    for left_out in [
        ".env",
        "node_modules/x.js",
        ".git/config",
        "__pycache__/a.pyc",
        "ignored.txt",
        "secret.pem",
    ] {
        shell.write(left_out, "x");
    }
    shell.write(".gitignore", "ignored.txt\n");
    shell.write(".zygoignore", "*.pem\n");
    shell.ok(&["deploy", "--function", &name]);
    let listed = shell.json(&["invoke", &name])["body"].take();
    let listed: Vec<&str> = listed
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    // What the platform's own build leaves there is not ours.
    let ours = listed
        .into_iter()
        .filter(|name| ![".zygo", "__pycache__"].contains(name));
    let ours: Vec<&str> = ours.collect();
    assert_eq!(ours, [".gitignore", ".zygoignore", "lambda_function.py"]);
}

#[test]
fn exit_codes_tell_scripts_what_happened() {
    let platform = Platform::start(&[]);
    let shell = Shell::new(&platform);
    let failing = platform.deploy(
        Language::Ruby,
        "def handler(event, context) = raise('no')",
        &json!({}),
    );
    let slow = platform.deploy(
        Language::Ruby,
        "def handler(event, context) = sleep(9)",
        &json!({"timeout": 50}),
    );
    let (code, text) = shell.fails(&["invoke", &failing]);
    assert_eq!(code, Some(1));
    assert!(
        text.contains("RuntimeError") && text.contains("index.rb:1"),
        "{text}"
    );
    assert_eq!(shell.fails(&["invoke", &slow]).0, Some(6));
    let mut slip = failing.clone();
    slip.push('x');
    let (code, text) = shell.fails(&["invoke", &slip]);
    assert_eq!(code, Some(3));
    assert!(
        text.contains(&format!("did you mean `{failing}`?")),
        "{text}"
    );
    assert_eq!(
        shell.fails(&["rollback", &failing, "--version", "7"]).0,
        Some(3)
    );
    for wrong in [
        &["invoke", &failing, "--data", "{"][..],
        &["deploy", "nowhere"],
        &["deplyo"],
        &["deploy"],
        &["describe"],
        &["--url", "nonsense", "ls"],
    ] {
        assert_eq!(shell.fails(wrong).0, Some(2), "{wrong:?}");
    }
    assert_eq!(
        shell.fails(&["--url", "http://127.0.0.1:1", "ls"]).0,
        Some(7)
    );
    platform
        .post("/keys", &json!({"name": "a", "role": "admin"}))
        .expect(201);
    assert_eq!(shell.fails(&["ls"]).0, Some(4));
    assert_eq!(shell.fails(&["ls", "--json"]).0, Some(4));
}
