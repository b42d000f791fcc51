//! Folders of built bundles, from which zygotes load. They are a cache: what they hold can be made again from the
//! archive, and is, when the machine was restarted since (a power failure may have left half of it).
//!
//! ```text
//!  bundles/boot            the boot of the machine in which the folders were made
//!  bundles/<id>/<n>/…      the files of version n, with the build's own folder .zygo
//!  bundles/<id>/<n>.ready  empty; there when the folder is whole
//! ```

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::bundle::Bundle;
use super::dependencies::{Dependencies, Resolved};
use super::deployment::DeployError;
use super::{build, draft};
use crate::artifact::Artifacts;
use crate::pool::{self, Ensured};
use crate::zygote::{LanguageZygote, ZygoteError};

/// Where the kernel says which boot this is.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// Changes when folders are laid out or may be read in another way.
const LAYOUT: u32 = 2;

/// What the name of the file ends with that says that a folder is whole.
const READY: &str = ".ready";

/// All folders.
#[derive(Debug)]
pub(crate) struct Folders {
    root: PathBuf,
    artifacts: Artifacts,
    dependencies: Dependencies,
}

impl Folders {
    /// Opens the cache; empties it when the machine was restarted since it was filled.
    pub(crate) fn open(
        data_dir: &Path,
        artifacts: Artifacts,
        dependencies: Dependencies,
    ) -> io::Result<Self> {
        let root = data_dir.join("bundles");
        let boot = fs::read_to_string(BOOT_ID).unwrap_or_default();
        // Folders of an older layout cannot be read by functions.
        let boot = (!boot.is_empty()).then(|| format!("{LAYOUT} {boot}"));
        let boot = boot.unwrap_or_default();
        let filled = fs::read_to_string(root.join("boot")).unwrap_or_default();
        if boot.is_empty() || boot != filled {
            remove_if_there(&root)?;
        }
        private_folder(&root)?;
        fs::write(root.join("boot"), boot)?;
        // Zygotes get absolute paths.
        let root = fs::canonicalize(root)?;
        Ok(Self {
            root,
            artifacts,
            dependencies,
        })
    }

    /// Where a version's files lie.
    pub(crate) fn path(&self, id: &str, number: u32) -> PathBuf {
        self.root.join(id).join(number.to_string())
    }

    /// Makes a version's folder from its files.
    pub(crate) async fn fill(
        &self,
        id: &str,
        number: u32,
        language: &LanguageZygote,
        bundle: Bundle,
    ) -> Result<Option<Resolved>, DeployError> {
        let (folder, ready) = (self.path(id, number), self.ready_file(id, number));
        let target = folder.clone();
        off_the_reactor(move || {
            remove_if_there(&target)?;
            target.parent().map_or(Ok(()), private_folder)?;
            bundle.write_to(&target)
        })
        .await?;
        fail::fail_point!("deploy::written");
        let resolved = self
            .dependencies
            .install(language.runtime(), &folder)
            .await?;
        fail::fail_point!("deploy::installed");
        build::build(language.binary(), &folder).await?;
        fail::fail_point!("deploy::built");
        off_the_reactor(move || fs::write(ready, "")).await?;
        Ok(resolved)
    }

    /// The packages of functions.
    pub(crate) fn dependencies(&self) -> &Dependencies {
        &self.dependencies
    }

    /// Removes a version's folder.
    pub(crate) fn remove(&self, id: &str, number: u32) {
        let removed = remove_file_if_there(&self.ready_file(id, number))
            .and_then(|()| remove_if_there(&self.path(id, number)));
        if let Err(error) = removed {
            tracing::warn!(%error, id, number, "files of a version stay behind");
        }
    }

    /// Removes folders of versions that `is_known` does not know: their deployment was cut off, or their collection.
    pub(crate) fn keep_only(&self, is_known: impl Fn(&str, u32) -> bool) -> io::Result<()> {
        for function in fs::read_dir(&self.root)?.flatten() {
            if !function.file_type()?.is_dir() {
                continue;
            }
            let id = function.file_name().to_string_lossy().into_owned();
            let mut any = false;
            for entry in fs::read_dir(function.path())?.flatten() {
                let name = entry.file_name().to_string_lossy().into_owned();
                let number = name.trim_end_matches(READY).parse();
                match number.is_ok_and(|number| is_known(&id, number)) {
                    true => any = true,
                    false if entry.file_type()?.is_dir() => fs::remove_dir_all(entry.path())?,
                    false => fs::remove_file(entry.path())?,
                }
            }
            if !any {
                self.remove_all(&id);
            }
        }
        Ok(())
    }

    /// Removes every folder of a function.
    pub(crate) fn remove_all(&self, id: &str) {
        if let Err(error) = remove_if_there(&self.root.join(id)) {
            tracing::warn!(%error, id, "files of a function stay behind");
        }
    }

    async fn ensure(&self, source: &Source) -> Result<(), DeployError> {
        let Source {
            id,
            number,
            archive,
            language,
            ..
        } = source;
        if tokio::fs::try_exists(self.ready_file(id, *number)).await? {
            return Ok(());
        }
        let (bundle, _) = draft::unpacked(&self.artifacts, archive).await?;
        self.fill(id, *number, language, bundle).await.map(drop)
    }

    fn ready_file(&self, id: &str, number: u32) -> PathBuf {
        self.root.join(id).join(format!("{number}{READY}"))
    }
}

/// From what a version's folder can be made again.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) folders: Arc<Folders>,
    pub(crate) id: String,
    pub(crate) number: u32,
    pub(crate) archive: String,
    pub(crate) language: Arc<LanguageZygote>,
}

impl pool::Bundle for Source {
    fn ensure(&self) -> Ensured<'_> {
        Box::pin(async move {
            let ensured = self.folders.ensure(self).await;
            ensured.map_err(|error| ZygoteError::FilesLost(error.to_string()))
        })
    }
}

/// Runs file operations where they keep no invocation waiting.
async fn off_the_reactor(work: impl FnOnce() -> io::Result<()> + Send + 'static) -> io::Result<()> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(io::Error::other)?
}

fn private_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    unless_missing(fs::remove_dir_all(path))
}

fn remove_file_if_there(path: &Path) -> io::Result<()> {
    unless_missing(fs::remove_file(path))
}

fn unless_missing(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
