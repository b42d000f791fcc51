//! Every behaviour in every language. The table is `tests/handlers/`: one folder for each behaviour, with one handler
//! for each language and `cases.json`, which holds settings, requests and the expected answers. A folder whose name
//! begins with a language's name is about that language alone.

use std::collections::BTreeMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::client::{Answer, Client};
use crate::language::{LANGUAGES, Language};
use crate::pattern;
use crate::platform::Platform;

/// `cases.json` of one behaviour.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Behaviour {
    /// Added to the deployment.
    #[serde(default)]
    settings: Map<String, Value>,
    /// Run in their order, on one function.
    cases: Vec<Case>,
}

/// One request and what must come of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// Body as JSON.
    request: Option<Value>,
    /// Body as text, sent with `type`.
    text: Option<String>,
    /// Body as numbers from 0 to 255, sent with `type`.
    bytes: Option<Vec<u8>>,
    /// The content type; JSON when absent.
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    query: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default = "success")]
    status: u16,
    /// Pattern of the answer's JSON.
    answer: Value,
}

fn success() -> u16 {
    200
}

#[test]
fn every_behaviour_in_every_language() {
    let platform = Platform::shared();
    let behaviours = folders();
    assert!(behaviours.len() >= 20, "the table is too short to be true");
    let mut failed = Vec::new();
    for folder in &behaviours {
        for language in LANGUAGES
            .into_iter()
            .filter(|language| concerns(folder, *language))
        {
            let run = AssertUnwindSafe(|| check(&platform, folder, language));
            if catch_unwind(run).is_err() {
                failed.push(format!("{} in {}", name_of(folder), language.name()));
            }
        }
    }
    assert!(
        failed.is_empty(),
        "failed, the reasons stand above: {failed:#?}"
    );
}

fn folders() -> Vec<PathBuf> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/handlers");
    let entries = fs::read_dir(root).expect("tests/handlers");
    let mut folders: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|folder| folder.join("cases.json").is_file())
        .collect();
    folders.sort();
    folders
}

fn name_of(folder: &Path) -> &str {
    let name = folder.file_name().and_then(|name| name.to_str());
    name.expect("names are plain")
}

fn concerns(folder: &Path, language: Language) -> bool {
    let owner = LANGUAGES
        .into_iter()
        .find(|language| name_of(folder).starts_with(language.name()));
    owner.is_none_or(|owner| owner == language)
}

fn check(platform: &Platform, folder: &Path, language: Language) {
    let cases = fs::read(folder.join("cases.json")).expect("cases.json");
    let behaviour: Behaviour = serde_json::from_slice(&cases)
        .unwrap_or_else(|error| panic!("{}/cases.json: {error}", name_of(folder)));
    let mut settings = Value::Object(behaviour.settings);
    settings["files"] = files(folder, language).into();
    let function = platform.deploy_files(language, &settings);
    for (index, case) in behaviour.cases.iter().enumerate() {
        let answer = send(platform, &function, case);
        let matched = match answer.status == case.status {
            true => pattern::matches(language, &case.answer, Some(&answer.json())),
            false => Err(format!(": status {}", answer.status)),
        };
        if let Err(why) = matched {
            let place = format!("{} in {}, case {index}", name_of(folder), language.name());
            panic!("{place}: {why}\n{}", answer.text());
        }
    }
    platform
        .delete(&format!("/functions/{function}"))
        .expect(200);
}

/// The files of one language, and those of none.
fn files(folder: &Path, language: Language) -> Map<String, Value> {
    let mut files = Map::new();
    add_files(folder, "", language, &mut files);
    let is_code = |name: &String| name.ends_with(language.extension());
    assert!(files.keys().any(is_code), "no code in {}", folder.display());
    files
}

fn add_files(folder: &Path, prefix: &str, language: Language, files: &mut Map<String, Value>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        let name = format!("{prefix}{}", name_of(&path));
        let extension = path.extension().and_then(|extension| extension.to_str());
        let is_of_another = LANGUAGES
            .into_iter()
            .any(|other| other != language && extension == Some(other.extension()));
        if path.is_dir() {
            add_files(&path, &format!("{name}/"), language, files);
        } else if !is_of_another && name != "cases.json" {
            files.insert(name, fs::read_to_string(&path).expect("a text").into());
        }
    }
}

fn send(client: &Client, function: &str, case: &Case) -> Answer {
    let body = match (&case.request, &case.text, &case.bytes) {
        (Some(json), None, None) => json.to_string().into_bytes(),
        (None, Some(text), None) => text.clone().into_bytes(),
        (None, None, Some(bytes)) => bytes.clone(),
        (None, None, None) => Vec::new(),
        _ => panic!("a case has one body: {}", json!({"answer": case.answer})),
    };
    let uri = format!(
        "http://{}/functions/{function}/invoke{}",
        client.address(),
        case.query
    );
    let kind = case.kind.as_deref().unwrap_or("application/json");
    let request = http::Request::post(uri).header("content-type", kind);
    let request = case.headers.iter().fold(request, |request, (name, value)| {
        request.header(name, value)
    });
    let request = request.body(body).expect("a request");
    client.send(request).expect("an answer")
}
