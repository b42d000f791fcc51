//! One platform at a time uses a data folder: the file `platform.lock` in it is locked for as long as the platform lives,
//! and says which one it is.
//!
//! A platform that starts while another one drains waits for it. Nothing has to be cleaned up after a crash: the kernel
//! lets go of the lock with the process.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::FlockOperation;
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::time;

/// The file.
pub(crate) const LOCK: &str = "platform.lock";

/// Where a restored state lies until it is whole. A folder that has one has lost its state halfway.
pub(crate) const RESTORING: &str = "restoring";

/// How often it is tried again.
const PAUSE: Duration = Duration::from_millis(20);

/// Who uses a data folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Holder {
    /// Process id.
    pub(crate) pid: u32,
    /// Version of the program.
    pub(crate) version: String,
    /// When it began, in ms.
    pub(crate) since_ms: i64,
    /// Whether it serves by now.
    pub(crate) serves: bool,
    /// Why it did not hand over to another program when it was last asked, and when that was, in ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) refused: Option<(i64, String)>,
}

/// A data folder cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Someone else has it.
    #[error("{folder} is in use by {by}; one platform at a time uses a data folder")]
    InUse {
        /// Which folder.
        folder: String,
        /// Whose it is.
        by: String,
    },
    /// A restore was cut off.
    #[error("a restore into {0} was cut off: run `zygo restore --force` again")]
    HalfRestored(String),
    /// The system refused.
    #[error("{folder} cannot be locked")]
    Files {
        /// Which folder.
        folder: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// A data folder that is nobody else's.
#[derive(Debug)]
pub(crate) struct FolderLock {
    file: File,
    path: PathBuf,
    since_ms: i64,
}

impl FolderLock {
    /// Makes the folder if it is missing, and locks it; waits for so long at most. Blocks. The folder is for its owner's
    /// eyes: it holds code, and under a key of its own, secrets.
    pub(crate) fn take(folder: &Path, patience: Duration) -> Result<Self, LockError> {
        let failed = |source| LockError::Files {
            folder: folder.display().to_string(),
            source,
        };
        let private = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        private.map_err(failed)?;
        let path = folder.join(LOCK);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let file = options.mode(0o600).open(&path).map_err(failed)?;
        let deadline = Instant::now() + patience;
        let mut told = false;
        loop {
            match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => break,
                Err(Errno::WOULDBLOCK) if Instant::now() < deadline => {
                    if !told {
                        let by = whose(folder);
                        tracing::info!(%by, "waiting for the data folder");
                        told = true;
                    }
                    std::thread::sleep(PAUSE);
                }
                Err(Errno::WOULDBLOCK) => {
                    let (folder, by) = (folder.display().to_string(), whose(folder));
                    return Err(LockError::InUse { folder, by });
                }
                Err(Errno::NOTSUP | Errno::NOLCK | Errno::NOSYS) => {
                    tracing::warn!(
                        "this file system has no locks: see that no other platform uses the folder"
                    );
                    break;
                }
                Err(error) => return Err(failed(error.into())),
            }
        }
        let since_ms = time::now_unix_ms();
        Ok(Self {
            file,
            path,
            since_ms,
        })
    }

    /// Refuses a folder whose state is only half there.
    pub(crate) fn is_whole(&self) -> Result<(), LockError> {
        let folder = self.path.parent().unwrap_or(&self.path);
        match folder.join(RESTORING).exists() {
            true => Err(LockError::HalfRestored(folder.display().to_string())),
            false => Ok(()),
        }
    }

    /// Says who has it, and how things are. What cannot be written is missed by no one but people.
    pub(crate) fn say(&self, serves: bool, refused: Option<(i64, String)>) {
        let holder = Holder {
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            since_ms: self.since_ms,
            serves,
            refused,
        };
        let text = serde_json::to_vec(&holder).unwrap_or_default();
        let written = self
            .file
            .write_all_at(&text, 0)
            .and_then(|()| self.file.set_len(text.len() as u64));
        if let Err(error) = written {
            tracing::warn!(%error, "the data folder's lock does not say whose it is");
        }
    }
}

/// Who has a data folder, if anyone does. The lock is tried, as a file alone proves nothing.
pub(crate) fn holder(folder: &Path) -> io::Result<Option<Holder>> {
    let file = match File::open(folder.join(LOCK)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => Ok(None),
        Err(Errno::WOULDBLOCK) => {
            let text = std::fs::read(folder.join(LOCK))?;
            Ok(serde_json::from_slice(&text).ok())
        }
        Err(error) => Err(error.into()),
    }
}

fn whose(folder: &Path) -> String {
    let text = std::fs::read(folder.join(LOCK)).unwrap_or_default();
    let holder: Option<Holder> = serde_json::from_slice(&text).ok();
    holder.map_or_else(
        || "another process".to_owned(),
        |holder| format!("process {} (zygo {})", holder.pid, holder.version),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_one_platforms_until_that_ends() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(holder(folder.path()).unwrap(), None);
        let first = FolderLock::take(folder.path(), Duration::ZERO).unwrap();
        let long = "a reason that is longer than what is said next".to_owned();
        first.say(true, Some((1, long)));
        first.say(true, None);
        let said = holder(folder.path()).unwrap().unwrap();
        assert_eq!((said.pid, said.serves), (std::process::id(), true));
        assert_eq!((said.since_ms, said.refused), (first.since_ms, None));
        let second = FolderLock::take(folder.path(), Duration::ZERO).unwrap_err();
        let second = second.to_string();
        assert!(
            second.contains(&format!("process {}", said.pid)),
            "{second}"
        );
        drop(first);
        assert_eq!(holder(folder.path()).unwrap(), None);
        let third = FolderLock::take(folder.path(), Duration::ZERO).unwrap();
        assert!(third.is_whole().is_ok());
        std::fs::create_dir(folder.path().join(RESTORING)).unwrap();
        assert!(third.is_whole().is_err());
    }
}
