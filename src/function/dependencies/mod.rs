//! Packages that a function's own files ask for, installed at deployment by the language's own tool into a tree that is
//! kept by the digest of what asked for it: the same lock file is resolved once.
//!
//! ```text
//!  dependencies/<key>/tree/…   the packages, as the runtime looks for them
//!  dependencies/<key>/log      what the tool said
//!  dependencies/<key>.new-…    one that is being made; renamed when it is whole
//! ```
//! The tool runs in a process group of its own, with a deadline, without the platform's environment, and without the
//! scripts that packages bring along where the tool can leave them out. Knows nothing of versions.

mod explain;
mod output;
mod run;
mod tool;
mod tree;

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};

use run::Ended;
use tool::Tool;

/// Lines that are kept of what a tool says: the last ones.
const LOG_LINES_MAX: usize = 500;

/// Why packages cannot be installed.
#[derive(Debug, thiserror::Error)]
pub enum DependencyError {
    /// The tool is not on this machine.
    #[error("{tool} is not installed here; {hint}")]
    NoTool {
        /// Which.
        tool: &'static str,
        /// How to get it.
        hint: &'static str,
    },
    /// The tool could not do it.
    #[error("{tool} could not install the packages: {summary}")]
    Failed {
        /// Which.
        tool: &'static str,
        /// The reason, in a line.
        summary: String,
        /// The last lines that it said.
        log: Vec<String>,
    },
    /// It took too long.
    #[error("{tool} took longer than {} s", limit.as_secs())]
    TimedOut {
        /// Which.
        tool: &'static str,
        /// How long it might have taken.
        limit: Duration,
        /// The last lines that it said.
        log: Vec<String>,
    },
    /// Files cannot be written.
    #[error("the packages cannot be stored")]
    Files(#[from] io::Error),
}

/// Packages that are there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Resolved {
    /// Names their tree.
    pub(crate) key: String,
    /// What the tool said when it made the tree.
    pub(crate) log: Vec<String>,
}

/// All trees.
#[derive(Debug)]
pub(crate) struct Dependencies {
    root: PathBuf,
    timeout: Duration,
    /// One resolution at a time: two of one key would do the same, and two of different ones would fight for the disk.
    one_at_a_time: tokio::sync::Mutex<()>,
}

impl Dependencies {
    /// Opens the folder of trees, made if missing. What an earlier run was making is removed.
    pub(crate) fn open(data_dir: &Path, timeout: Duration) -> io::Result<Self> {
        let root = data_dir.join("dependencies");
        std::fs::create_dir_all(&root)?;
        for entry in std::fs::read_dir(&root)?.flatten() {
            if entry.file_name().to_string_lossy().contains(".new-") {
                std::fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(Self {
            root: std::fs::canonicalize(root)?,
            timeout,
            one_at_a_time: tokio::sync::Mutex::default(),
        })
    }

    /// Installs what the files in `folder` ask for and puts it where the runtime finds it. `None` when they ask for
    /// nothing.
    pub(crate) async fn install(
        &self,
        runtime: &str,
        folder: &Path,
    ) -> Result<Option<Resolved>, DependencyError> {
        let Some(tool) = tool::for_files(runtime, folder)? else {
            return Ok(None);
        };
        let key = key(tool, folder)?;
        let kept = self.root.join(&key);
        {
            let _alone = self.one_at_a_time.lock().await;
            if !kept.join("log").is_file() {
                self.make(tool, folder, &kept).await?;
            }
        }
        let log = tokio::fs::read_to_string(kept.join("log")).await?;
        let target = folder.join(tool.folder);
        let tree = kept.join("tree");
        blocking(move || tree::link(&tree, &target)).await?;
        Ok(Some(Resolved {
            key,
            log: log.lines().map(str::to_owned).collect(),
        }))
    }

    /// Removes trees that no version needs.
    pub(crate) async fn keep_only(&self, keys: HashSet<String>) -> io::Result<()> {
        let _alone = self.one_at_a_time.lock().await;
        let root = self.root.clone();
        blocking(move || {
            for entry in std::fs::read_dir(root)?.flatten() {
                if !keys.contains(entry.file_name().to_string_lossy().as_ref()) {
                    std::fs::remove_dir_all(entry.path())?;
                }
            }
            Ok(())
        })
        .await
    }

    async fn make(
        &self,
        tool: &'static Tool,
        folder: &Path,
        kept: &Path,
    ) -> Result<(), DependencyError> {
        let key = kept.file_name().unwrap_or_default().to_string_lossy();
        let making = self
            .root
            .join(format!("{key}.new-{:08x}", fastrand::u32(..)));
        let made = self.make_in(tool, folder, &making, kept).await;
        if made.is_err() {
            let _ = tokio::fs::remove_dir_all(&making).await;
        }
        made
    }

    async fn make_in(
        &self,
        tool: &'static Tool,
        folder: &Path,
        making: &Path,
        kept: &Path,
    ) -> Result<(), DependencyError> {
        let (tree, files, home) = (making.join("tree"), folder.to_owned(), making.join("home"));
        tokio::fs::create_dir_all(&tree).await?;
        tokio::fs::create_dir_all(&home).await?;
        let (ended, log) = run::run(tool, &files, &tree, &home, self.timeout).await?;
        match ended {
            Ended::Well => {}
            Ended::Badly => {
                return Err(DependencyError::Failed {
                    tool: tool.name,
                    summary: explain::summary(&log),
                    log,
                });
            }
            Ended::TooSlow => {
                return Err(DependencyError::TimedOut {
                    tool: tool.name,
                    limit: self.timeout,
                    log,
                });
            }
        }
        let (making, kept, text) = (making.to_owned(), kept.to_owned(), log.join("\n"));
        blocking(move || {
            std::fs::remove_dir_all(home)?;
            std::fs::write(making.join("log"), text)?;
            tree::sync(&making)?;
            std::fs::rename(&making, &kept)
        })
        .await?;
        Ok(())
    }
}

/// Digest of the tool, of the engine that it installs for, and of the files that say what is wanted: of all files where
/// those lead to others.
fn key(tool: &Tool, folder: &Path) -> io::Result<String> {
    let mut hasher = Sha256::new();
    hasher.update(tool.name);
    hasher.update(tool::version(tool).as_bytes());
    let mut files = Vec::new();
    if tool::leads_to_other_files(tool, folder)? {
        tree::files(folder, &mut files)?;
    } else {
        let named = tool.files.iter().map(|file| folder.join(file));
        files.extend(named.filter(|path| path.is_file()));
    }
    files.sort();
    for path in files {
        let content = std::fs::read(&path)?;
        let name = path.strip_prefix(folder).unwrap_or(&path);
        hasher.update(format!("\n{} {}\n", name.display(), content.len()));
        hasher.update(content);
    }
    Ok(hex::encode(hasher.finalize()))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(io::Error::other)?
}
