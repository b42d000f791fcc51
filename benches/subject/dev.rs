//! A project that is being developed: a folder with one function's file, and `zygo dev` at work on it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use super::client;
use crate::cli::Language;
use crate::host::{self, children::Group};
use crate::http;

/// The function has the name of its folder.
const NAME: &str = "project";
const START_WITHIN: Duration = Duration::from_secs(60);
const RELOAD_WITHIN: Duration = Duration::from_secs(20);
const STOP_WITHIN: Duration = Duration::from_secs(15);

/// A running `zygo dev`.
#[derive(Debug)]
pub(crate) struct Dev {
    group: Group,
    address: SocketAddr,
    language: Language,
    /// How often the file was written.
    saves: u32,
    folder: TempDir,
}

/// What one save led to.
#[derive(Debug)]
pub(crate) struct Reload {
    /// From before the save until the answer of what was saved.
    pub(crate) took: Duration,
    /// Invocations meanwhile that no version answered.
    pub(crate) refused: u64,
}

impl Dev {
    /// Starts it on a new project and waits until its function answers.
    pub(crate) fn start(executable: &Path, language: Language) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("zygo-bench-dev-")
            .tempdir()?;
        let project = folder.path().join(NAME);
        std::fs::create_dir(&project)?;
        std::fs::write(project.join(file(language)), code(language, 0))?;
        let port = host::free_port()?;
        let mut command = Command::new(executable);
        command
            .args(["dev", "--port", &port.to_string()])
            .current_dir(&project);
        let mut group = Group::start(&mut command, &folder.path().join("log"))?;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        client::until_200("/readyz", address, START_WITHIN, || group.ended())?;
        let dev = Self {
            group,
            address,
            language,
            saves: 0,
            folder,
        };
        dev.until_told(START_WITHIN).context("the first version")?;
        Ok(dev)
    }

    /// Writes other code into the file, as an editor does, and waits until it answers.
    pub(crate) fn save(&mut self) -> Result<Reload> {
        self.saves += 1;
        let (path, code) = (self.file(), code(self.language, self.saves));
        let begun = Instant::now();
        std::fs::write(path, code)?;
        let (told, refused) = self.until_told(RELOAD_WITHIN)?;
        Ok(Reload {
            took: told - begun,
            refused,
        })
    }

    /// Ends it as its user would.
    pub(crate) fn stop(mut self) -> Result<()> {
        ensure!(
            self.group.interrupt(STOP_WITHIN),
            "`zygo dev` did not end within {STOP_WITHIN:?} of Ctrl-C"
        );
        Ok(())
    }

    /// What it said.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join(NAME).join(file(self.language))
    }

    fn until_told(&self, patience: Duration) -> Result<(Instant, u64)> {
        let path = format!("/functions/{NAME}/invoke");
        let request = http::request("POST", &path, self.address, Some(b"{}"));
        let answer = format!("{}\"", answer(self.saves));
        client::until_told(&request, self.address, answer.as_bytes(), patience)
    }
}

fn file(language: Language) -> &'static str {
    match language {
        Language::Javascript => "index.mjs",
        Language::Python => "index.py",
        Language::Ruby => "index.rb",
    }
}

fn answer(number: u32) -> String {
    format!("answer {number}")
}

fn code(language: Language, number: u32) -> String {
    let answer = answer(number);
    match language {
        Language::Javascript => format!(
            "export const handler = async () => ({{ statusCode: 200, body: \"{answer}\" }});\n"
        ),
        Language::Python => format!(
            "def handler(event, context):\n    return {{\"statusCode\": 200, \"body\": \"{answer}\"}}\n"
        ),
        Language::Ruby => format!(
            "def handler(event, context)\n  {{ statusCode: 200, body: \"{answer}\" }}\nend\n"
        ),
    }
}
