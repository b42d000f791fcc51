//! Backups: what a platform cannot make again, in one file, as it was at one moment; and back into a data folder, all of it or
//! nothing.
//!
//! ```text
//!  zygo-backup-….tar.gz
//!    state.db  telemetry.db     as of one moment each, copied by the database itself while a platform may write
//!    archives/…                 those that the versions in that state.db name
//!    dependencies/…             their packages
//!    master.key  certificates/  only when asked for: whoever has them can open secrets, and pass for the platform
//!    manifest.json              last, with the digest of each: a file that was cut off has none
//! ```
//! The state is copied first. Archives are never changed and removed only when they are old and no version needs them; if one was
//! removed meanwhile nevertheless, all is begun anew. Bundles are left out: they are made again. On PostgreSQL the state is
//! the server's to back up (`pg_dump`, before this), and the file holds the rest.
//!
//! Knows files and the database, and no platform: that may run or not.

mod folder;
mod manifest;
mod restore;
mod write;

pub(crate) use restore::{Restored, restore};
pub(crate) use write::{Wanted, Written, write};

use std::io;
use std::path::Path;

use crate::seal::SealError;
use crate::store::{LockError, StoreError};

/// Why there is no backup, or why it was not restored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BackupError {
    /// A file.
    #[error("{file} cannot be used")]
    Files {
        /// Which.
        file: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// There is nothing to back up.
    #[error("{0} holds no state; --data-dir says where the platform's data lies")]
    NoState(String),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The keys.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// Somebody uses the folder.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// Archives vanish faster than they are copied.
    #[error(
        "the archive {0} of a version is missing; `zygo doctor` and a new deployment of it help"
    )]
    ArchiveMissing(String),
    /// It is no backup, or only half of one.
    #[error("{file} is no whole backup: {reason}")]
    NotWhole {
        /// Which file.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// It is of a later format.
    #[error(
        "{file} is of format {format}, made by zygo {version}; this one knows formats up to {known}"
    )]
    Newer {
        /// Which file.
        file: String,
        /// Its format.
        format: u32,
        /// What made it.
        version: String,
        /// What is known here.
        known: u32,
    },
    /// There is something already.
    #[error("{0} is not empty; with --force what it holds is put aside")]
    NotEmpty(String),
}

impl BackupError {
    fn files(file: &Path, source: io::Error) -> Self {
        Self::Files {
            file: file.display().to_string(),
            source,
        }
    }
}
