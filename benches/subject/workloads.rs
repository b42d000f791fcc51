//! Workloads as `workloads.toml` lists them: which files the handlers are, what they are asked, and what they must answer.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::digest::sha256;
use super::inputs;
use crate::cli::Language;

/// One workload.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Workload {
    pub(crate) name: String,
    pub(crate) what: String,
    event: Map<String, Value>,
    #[serde(default)]
    answer: Map<String, Value>,
    #[serde(default)]
    between: BTreeMap<String, [f64; 2]>,
    sha256: Option<String>,
}

/// All workloads and where their files are.
#[derive(Debug)]
pub(crate) struct Catalog {
    pub(crate) workloads: Vec<Workload>,
    folder: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    workload: Vec<Workload>,
}

impl Catalog {
    /// Reads `workloads.toml` and fills in the inputs.
    pub(crate) fn read(folder: &Path, sink: SocketAddr) -> Result<Self> {
        let path = folder.join("workloads.toml");
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("reading {}", path.display()))?;
        let file: File =
            toml::from_str(&text).with_context(|| format!("reading {}", path.display()))?;
        let mut workloads = file.workload;
        let sink = format!("http://{sink}/upload");
        let fields = workloads
            .iter_mut()
            .flat_map(|workload| workload.event.values_mut());
        for field in fields {
            fill(field, &sink);
        }
        let folder = folder.canonicalize()?;
        Ok(Self { workloads, folder })
    }

    /// The file that has the handler.
    pub(crate) fn handler(&self, workload: &Workload, language: Language) -> PathBuf {
        let file = match language {
            Language::Javascript => "index.mjs",
            Language::Python => "index.py",
            Language::Ruby => "index.rb",
        };
        self.of(workload, language).join(file)
    }

    fn of(&self, workload: &Workload, language: Language) -> PathBuf {
        self.folder.join(language.name()).join(&workload.name)
    }

    /// The body of the deploy request but for its name and its scaling.
    pub(crate) fn deployment(&self, workload: &Workload, language: Language) -> Result<Value> {
        let folder = self.of(workload, language);
        let mut files = Map::new();
        for entry in
            std::fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))?
        {
            let entry = entry?;
            // What an interpreter left here is no part of the function.
            if entry.file_type()?.is_file() {
                let text = std::fs::read_to_string(entry.path())?;
                files.insert(
                    entry.file_name().to_string_lossy().into_owned(),
                    Value::from(text),
                );
            }
        }
        Ok(json!({
            "runtime": language.name(),
            "files": files,
            "handler": "index.handler",
            "memory": 256,
            "timeout": 30_000,
            "network": "all",
        }))
    }
}

fn fill(field: &mut Value, sink: &str) {
    let made = match field.as_str() {
        Some("{text}") => inputs::text(),
        Some("{orders}") => inputs::orders(),
        Some("{image}") => inputs::image(),
        Some("{sink}") => sink.to_owned(),
        _ => return,
    };
    *field = Value::from(made);
}

impl Workload {
    /// The event's body.
    pub(crate) fn event(&self) -> Vec<u8> {
        Value::from(self.event.clone()).to_string().into_bytes()
    }

    /// Whether an answer is right.
    pub(crate) fn check(&self, answer: &[u8]) -> Result<()> {
        if let Some(expected) = &self.sha256 {
            let digest = sha256(answer);
            ensure!(digest == *expected, "the answer's digest is {digest}");
            return Ok(());
        }
        let answer: Map<String, Value> =
            serde_json::from_slice(answer).with_context(|| beginning(answer))?;
        let wrong = self.wrong_fields(&answer);
        ensure!(wrong.is_empty(), "{}", wrong.join("; "));
        Ok(())
    }

    fn wrong_fields(&self, answer: &Map<String, Value>) -> Vec<String> {
        let just = self.answer.iter().filter_map(|(field, expected)| {
            let is = answer.get(field).unwrap_or(&Value::Null);
            (is != expected).then(|| format!("`{field}` is {is}, not {expected}"))
        });
        let about = self.between.iter().filter_map(|(field, [low, high])| {
            let is = answer.get(field).unwrap_or(&Value::Null);
            let is_right = is.as_f64().is_some_and(|is| (*low..=*high).contains(&is));
            (!is_right).then(|| format!("`{field}` is {is}, not between {low} and {high}"))
        });
        just.chain(about).collect()
    }
}

fn beginning(answer: &[u8]) -> String {
    let text: String = String::from_utf8_lossy(answer).chars().take(200).collect();
    format!("the answer is no JSON object: {text}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalog() -> Catalog {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("workloads");
        Catalog::read(&folder, SocketAddr::from(([127, 0, 0, 1], 1))).expect("a catalog")
    }

    #[test]
    fn every_workload_has_a_handler_in_every_language() {
        let catalog = catalog();
        assert_eq!(catalog.workloads.len(), 7);
        for workload in &catalog.workloads {
            for language in Language::ALL {
                let handler = catalog.handler(workload, language);
                assert!(handler.is_file(), "{}", handler.display());
                let deployment = catalog.deployment(workload, language).expect("files");
                assert!(
                    deployment["files"]
                        .as_object()
                        .is_some_and(|files| !files.is_empty())
                );
            }
        }
    }

    #[test]
    fn a_wrong_answer_is_told() {
        let catalog = catalog();
        let ranks = catalog
            .workloads
            .iter()
            .find(|one| one.name == "ranks")
            .expect("ranks");
        let answer = |top: u32| json!({ "top": top, "rank": 3_176_338, "last": 150_000, "sum": 1_000_000_000 });
        assert!(ranks.check(answer(106).to_string().as_bytes()).is_ok());
        assert!(ranks.check(answer(107).to_string().as_bytes()).is_err());
        assert!(ranks.check(b"no JSON").is_err());
    }
}
