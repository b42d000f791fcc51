//! The servers that Zygo is compared with, as `peers.toml` describes them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::Deserialize;

use super::{client, code};
use crate::cli::Language;
use crate::host::{self, children::Group};

const START_WITHIN: Duration = Duration::from_secs(20);

/// One peer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Peer {
    pub(crate) name: String,
    language: String,
    /// `bare`: only an HTTP server; `platform`: something that runs functions.
    pub(crate) kind: String,
    program: Vec<String>,
    arguments: Vec<String>,
    #[serde(default)]
    environment: BTreeMap<String, String>,
    /// What differs when it loads heavy imports; none when that is not measured.
    heavy: Option<Change>,
    /// What differs when it runs the handler in the file `HANDLER`; none when it cannot.
    workload: Option<Change>,
}

/// What differs.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    arguments: Option<Vec<String>>,
    #[serde(default)]
    environment: BTreeMap<String, String>,
}

/// All peers and where their files are.
#[derive(Debug)]
pub(crate) struct Catalog {
    pub(crate) peers: Vec<Peer>,
    folder: PathBuf,
    installed: PathBuf,
    scratch: tempfile::TempDir,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    peer: Vec<Peer>,
}

/// A peer that answers.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) group: Group,
    pub(crate) address: SocketAddr,
    /// When its process was started.
    pub(crate) begun: Instant,
    /// From the start of the process to the first answer.
    pub(crate) start_took: Duration,
}

impl Peer {
    /// The same peer with heavy imports.
    pub(crate) fn with_heavy_imports(&self) -> Option<Self> {
        self.heavy.clone().map(|change| self.changed(change))
    }

    /// The same peer with a handler of ours, if it runs functions of the language.
    pub(crate) fn with_handler(&self, language: Language, handler: &Path) -> Option<Self> {
        let change = self
            .workload
            .clone()
            .filter(|_| self.language == language.name())?;
        let mut peer = self.changed(change);
        let handler = handler.to_string_lossy().into_owned();
        peer.environment.insert("HANDLER".to_owned(), handler);
        Some(peer)
    }

    fn changed(&self, change: Change) -> Self {
        let mut environment = self.environment.clone();
        environment.extend(change.environment);
        let arguments = change.arguments.unwrap_or_else(|| self.arguments.clone());
        Self {
            arguments,
            environment,
            ..self.clone()
        }
    }
}

impl Catalog {
    /// Reads `peers.toml` and writes the files that are generated.
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        let path = folder.join("peers.toml");
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("reading {}", path.display()))?;
        let file: File =
            toml::from_str(&text).with_context(|| format!("reading {}", path.display()))?;
        let home =
            || std::env::var_os("HOME").map_or_else(|| PathBuf::from("/root"), PathBuf::from);
        let cache =
            std::env::var_os("XDG_CACHE_HOME").map_or_else(|| home().join(".cache"), PathBuf::from);
        let scratch = tempfile::Builder::new()
            .prefix("zygo-bench-peers-")
            .tempdir()?;
        std::fs::write(scratch.path().join("bundle.cjs"), code::bundle())?;
        let folder = folder.canonicalize()?;
        Ok(Self {
            peers: file.peer,
            folder,
            installed: cache.join("zygo/peers"),
            scratch,
        })
    }

    /// The peer's executable, if it is installed.
    pub(crate) fn program(&self, peer: &Peer) -> Option<PathBuf> {
        peer.program
            .iter()
            .map(|path| PathBuf::from(self.fill(path, 0)))
            .find(|path| path.exists())
    }

    /// Starts a peer and waits for its first answer.
    pub(crate) fn start(&self, peer: &Peer) -> Result<Running> {
        let program = self
            .program(peer)
            .with_context(|| format!("{} is not installed", peer.name))?;
        let port = host::free_port()?;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let log = self.scratch.path().join("log");
        let mut command = Command::new(program);
        command
            .args(peer.arguments.iter().map(|text| self.fill(text, port)))
            .envs(
                peer.environment
                    .iter()
                    .map(|(name, text)| (name, self.fill(text, port))),
            )
            .env("PORT", port.to_string())
            .current_dir(self.folder.join(&peer.language));
        let begun = Instant::now();
        let mut group = Group::start(&mut command, &log)?;
        let answered = client::until_200("/", address, START_WITHIN, || group.ended());
        let answered = answered.with_context(|| {
            format!(
                "{} wrote: {}",
                peer.name,
                std::fs::read_to_string(&log).unwrap_or_default().trim()
            )
        })?;
        Ok(Running {
            group,
            address,
            begun,
            start_took: answered - begun,
        })
    }

    fn fill(&self, text: &str, port: u16) -> String {
        text.replace(
            "{node}",
            &self.installed.join("node/node_modules").to_string_lossy(),
        )
        .replace(
            "{python}",
            &self.installed.join("python/bin").to_string_lossy(),
        )
        .replace(
            "{bundle}",
            &self.scratch.path().join("bundle.cjs").to_string_lossy(),
        )
        .replace("{port}", &port.to_string())
    }
}
