//! Backups of platforms that run, and of those that do not; and what comes back out of them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use flate2::read::GzDecoder;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::language::{LANGUAGES, Language};
use crate::platform::Platform;

/// Deployments and invocations that go on while a backup is made.
const ROUNDS: usize = 3;

fn zygo(data: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zygo"));
    command.args(words).arg("--data-dir").arg(data);
    command.env_clear().env("NO_COLOR", "1");
    command.output().expect("zygo ends")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[track_caller]
pub(crate) fn back_up(data: &Path, file: &Path, more: &[&str]) -> String {
    let file = file.display().to_string();
    let output = zygo(data, &[&["backup", "--to", &file], more].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    stderr(&output)
}

#[track_caller]
pub(crate) fn restore(data: &Path, file: &Path, more: &[&str]) -> String {
    let file = file.display().to_string();
    let output = zygo(data, &[&["restore", &file], more].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    stderr(&output)
}

/// What a restore that is refused says, and its exit code.
#[track_caller]
pub(crate) fn refused(data: &Path, file: &Path, more: &[&str]) -> (String, Option<i32>) {
    let file = file.display().to_string();
    let output = zygo(data, &[&["restore", &file], more].concat());
    assert!(!output.status.success(), "it ought to be refused");
    (stderr(&output), output.status.code())
}

pub(crate) fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

fn handler(language: Language) -> &'static str {
    language.pick(
        "export const handler = (event) => [event.body, process.env.TOKEN];",
        "import os\ndef handler(event, context): return [event['body'], os.environ['TOKEN']]",
        "def handler(event:, context:) = [event['body'], ENV['TOKEN']]",
    )
}

fn settings() -> Value {
    json!({
        "secrets": {"TOKEN": "hidden value"},
        "triggers": [{"type": "cron", "config": {"schedule": "0 0 1 1 *"}}],
        "memory": 96,
    })
}

#[test]
fn a_backup_of_a_platform_under_load_is_restored_elsewhere() {
    let _turn = crate::turn::take();
    let platform = Arc::new(Platform::start(&[]));
    let functions =
        LANGUAGES.map(|language| platform.deploy(language, handler(language), &settings()));
    let views = functions.each_ref().map(|function| platform.show(function));
    let ended = Arc::new(AtomicBool::new(false));
    let load: Vec<_> = LANGUAGES
        .into_iter()
        .zip(functions.clone())
        .map(|(language, function)| {
            let (platform, ended) = (Arc::clone(&platform), Arc::clone(&ended));
            std::thread::spawn(move || {
                while !ended.load(Ordering::Relaxed) {
                    platform.invoke(&function, &json!(1)).expect(200);
                    let other = platform.deploy(language, handler(language), &settings());
                    platform.delete(&format!("/functions/{other}"));
                }
            })
        })
        .collect();
    let kept = folder();
    let files: Vec<PathBuf> = (0..ROUNDS)
        .map(|round| {
            let file = kept.path().join(format!("{round}.tar.gz"));
            let said = back_up(platform.data().path(), &file, &["--with-keys"]);
            assert!(said.contains("the master key is in it"), "{said}");
            file
        })
        .collect();
    ended.store(true, Ordering::Relaxed);
    load.into_iter()
        .for_each(|thread| thread.join().expect("no failure under load"));
    for file in &files {
        let mode = std::os::unix::fs::PermissionsExt::mode(
            &file.metadata().expect("written").permissions(),
        );
        assert_eq!(mode & 0o777, 0o600);
        let data = Arc::new(folder());
        let said = restore(data.path(), file, &[]);
        assert!(!said.contains("secrets cannot be opened"), "{said}");
        let elsewhere = Platform::start_on(data, &[]);
        for (function, before) in functions.iter().zip(&views) {
            let now = elsewhere.show(function);
            for same in ["id", "version", "memory", "triggers", "createdAtMs"] {
                assert_eq!(now[same], before[same], "{same}");
            }
            let answer = elsewhere.invoke(function, &json!("x")).handler_body();
            assert_eq!(answer, json!(["x", "hidden value"]));
        }
    }
}

#[test]
fn without_its_key_a_backup_tells_no_secret_until_the_key_is_there() {
    let mut platform = Platform::start(&[]);
    let function = platform.deploy(Language::Python, handler(Language::Python), &settings());
    let data = platform.data();
    platform.stop();
    let kept = folder();
    let file = kept.path().join("backup.tar.gz");
    let said = back_up(data.path(), &file, &["--without-telemetry"]);
    assert!(said.contains("the master key is not in it"), "{said}");
    let names = names(&file);
    assert!(names.contains(&"state.db".to_owned()));
    for absent in ["master.key", "telemetry.db", "bundles"] {
        assert!(
            !names.iter().any(|name| name.starts_with(absent)),
            "{absent}"
        );
    }
    let first = folder();
    let said = restore(first.path(), &file, &[]);
    assert!(
        said.contains("secrets cannot be opened before master key"),
        "{said}"
    );
    let second = Arc::new(folder());
    let key = data.path().join("master.key").display().to_string();
    let said = restore(second.path(), &file, &["--master-key-file", &key]);
    assert!(!said.contains("secrets cannot be opened"), "{said}");
    let elsewhere = Platform::start_on(second, &[]);
    let answer = elsewhere.invoke(&function, &json!(1)).handler_body();
    assert_eq!(answer, json!([1, "hidden value"]));
}

#[test]
fn what_is_there_is_put_aside_only_when_that_is_asked_for() {
    let mut platform = Platform::start(&[]);
    let function = platform.deploy(
        Language::Ruby,
        "def handler(event:, context:) = 1",
        &json!({}),
    );
    let kept = folder();
    let file = kept.path().join("backup.tar.gz");
    back_up(platform.data().path(), &file, &[]);
    let second = platform.deploy(
        Language::Ruby,
        "def handler(event:, context:) = 2",
        &json!({}),
    );
    let data = platform.data();
    let (said, code) = refused(data.path(), &file, &["--force"]);
    assert!(
        said.contains("is in use by process") && code == Some(5),
        "{said}"
    );
    platform.invoke(&second, &json!({})).expect(200);
    platform.stop();
    let (said, code) = refused(data.path(), &file, &[]);
    assert!(said.contains("is not empty") && code == Some(5), "{said}");
    let key = data.path().join("master.key").display().to_string();
    let said = restore(data.path(), &file, &["--force", "--master-key-file", &key]);
    assert!(said.contains("before-restore-"), "{said}");
    let again = Platform::start_on(Arc::clone(&data), &[]);
    assert_eq!(again.invoke(&function, &json!({})).handler_body(), 1);
    assert_eq!(again.get(&format!("/functions/{second}")).status, 404);
}

#[test]
fn where_there_is_no_state_there_is_no_backup() {
    let (data, kept) = (folder(), folder());
    let file = kept.path().join("backup.tar.gz").display().to_string();
    let output = zygo(data.path(), &["backup", "--to", &file]);
    assert!(stderr(&output).contains("holds no state"));
    assert!(children(kept.path()).is_empty(), "half a backup is none");
}

pub(crate) fn children(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder").flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn names(file: &Path) -> Vec<String> {
    entries(file).into_iter().map(|(name, _)| name).collect()
}

/// All files in a backup.
pub(crate) fn entries(file: &Path) -> Vec<(String, Vec<u8>)> {
    let bytes = std::fs::File::open(file).expect("the backup");
    let mut archive = tar::Archive::new(GzDecoder::new(bytes));
    let entries = archive
        .entries()
        .expect("entries")
        .map(|entry| entry.expect("an entry"));
    let files = entries.filter(|entry| entry.header().entry_type().is_file());
    files
        .map(|mut entry| {
            let name = entry.path().expect("a name").display().to_string();
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut entry, &mut bytes).expect("its bytes");
            (name, bytes)
        })
        .collect()
}
