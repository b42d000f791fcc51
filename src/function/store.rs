//! Functions and their versions as files below the data folder.
//!
//! ```text
//!  functions/<id>/function.json               which version is current
//!  functions/<id>/versions/<n>/bundle/…       the user's files, built
//!  functions/<id>/versions/<n>/manifest.json  written last: a folder without it is an unfinished deployment
//! ```
//! Files are for their owner's eyes: manifests hold environment values. Knows nothing of processes.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::manifest::Manifest;

/// The folder of all functions.
#[derive(Debug)]
pub(crate) struct Store {
    root: PathBuf,
}

/// What is written of a function.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StoredFunction {
    pub(crate) id: String,
    pub(crate) current_version: u32,
    pub(crate) created_unix_ms: u64,
    pub(crate) updated_unix_ms: u64,
}

/// What is written of a version.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StoredVersion {
    pub(crate) number: u32,
    pub(crate) created_unix_ms: u64,
    pub(crate) manifest: Manifest,
}

impl Store {
    /// Opens the folder, made if missing.
    pub(crate) fn open(data_dir: &Path) -> io::Result<Self> {
        let root = data_dir.join("functions");
        private_folder(&root)?;
        // Zygotes get absolute paths.
        Ok(Self {
            root: fs::canonicalize(root)?,
        })
    }

    /// All functions that were deployed to the end.
    pub(crate) fn functions(&self) -> io::Result<Vec<StoredFunction>> {
        let mut functions = Vec::new();
        for entry in fs::read_dir(&self.root)? {
            let folder = entry?.path();
            match read_json(&folder.join("function.json")) {
                Ok(function) => functions.push(function),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    fs::remove_dir_all(&folder)?
                }
                Err(error) => {
                    tracing::error!(folder = %folder.display(), %error, "a function cannot be read")
                }
            }
        }
        Ok(functions)
    }

    /// One version's settings.
    pub(crate) fn version(&self, id: &str, number: u32) -> io::Result<StoredVersion> {
        read_json(&self.version_folder(id, number).join("manifest.json"))
    }

    /// Where a version's bundle lies.
    pub(crate) fn bundle_folder(&self, id: &str, number: u32) -> PathBuf {
        self.version_folder(id, number).join("bundle")
    }

    /// An empty folder for a new version's bundle; what an unfinished deployment left there is removed.
    pub(crate) fn new_bundle_folder(&self, id: &str, number: u32) -> io::Result<PathBuf> {
        self.remove_version(id, number)?;
        let folder = self.bundle_folder(id, number);
        private_folder(&folder)?;
        Ok(folder)
    }

    /// Ends a deployment: from here on the version exists.
    pub(crate) fn commit(
        &self,
        function: &StoredFunction,
        version: &StoredVersion,
    ) -> io::Result<()> {
        let folder = self.version_folder(&function.id, version.number);
        write_json(&folder.join("manifest.json"), version)?;
        write_json(&self.folder(&function.id).join("function.json"), function)
    }

    /// Removes a version's files.
    pub(crate) fn remove_version(&self, id: &str, number: u32) -> io::Result<()> {
        remove_if_there(&self.version_folder(id, number))
    }

    /// Removes a function with all its versions.
    pub(crate) fn remove(&self, id: &str) -> io::Result<()> {
        remove_if_there(&self.folder(id))
    }

    fn folder(&self, id: &str) -> PathBuf {
        self.root.join(id)
    }

    fn version_folder(&self, id: &str, number: u32) -> PathBuf {
        self.folder(id).join("versions").join(number.to_string())
    }
}

fn private_folder(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> io::Result<T> {
    Ok(serde_json::from_slice(&fs::read(path)?)?)
}

/// Atomic: a reader sees the old text or the new one, also after a crash.
fn write_json<T: Serialize>(path: &Path, value: &T) -> io::Result<()> {
    let temporary = path.with_extension("tmp");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&temporary)?;
    file.write_all(&serde_json::to_vec_pretty(value)?)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    path.parent()
        .map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}
