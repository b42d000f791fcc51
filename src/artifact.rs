//! Archives of code by the SHA-256 of what they hold, in a folder or in S3-compatible storage. Written once, whole and durably,
//! or not at all. Knows nothing of functions.

mod settings;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::TryStreamExt;
use object_store::local::LocalFileSystem;
use object_store::path::Path as ObjectPath;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};

pub(crate) use settings::ArtifactSettings;
use settings::Place;

use crate::config::Config;

/// In a folder that others use too, what looks half written may be somebody's who is writing it now.
const HALF_AGE: Duration = Duration::from_secs(3_600);

/// An archive that cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// It is not there.
    #[error(
        "the archive {0} is missing; put it back from a backup, or deploy the same code once more"
    )]
    Missing(String),
    /// The store refused.
    #[error("the store of archives refused")]
    Store(#[from] object_store::Error),
    /// The folder cannot be used.
    #[error("the folder of archives cannot be used")]
    Folder(#[from] std::io::Error),
}

/// All archives.
#[derive(Debug, Clone)]
pub(crate) struct Artifacts {
    store: Arc<dyn ObjectStore>,
}

impl Artifacts {
    /// Opens the store that the configuration names.
    pub(crate) fn open(config: &Config) -> Result<Self, ArtifactError> {
        match config.artifacts.place() {
            None => Self::in_folder(&config.data_dir.join("archives"), Duration::ZERO),
            Some(Place::Folder(folder)) => Self::in_folder(&folder, HALF_AGE),
            Some(Place::Bucket { name, prefix }) => {
                let bucket = config.artifacts.bucket(&name)?;
                let store = Arc::new(PrefixStore::new(bucket, prefix));
                Ok(Self { store })
            }
        }
    }

    /// In a folder, made if missing.
    fn in_folder(folder: &Path, half_age: Duration) -> Result<Self, ArtifactError> {
        std::fs::create_dir_all(folder)?;
        remove_halves(folder, half_age)?;
        let store = LocalFileSystem::new_with_prefix(folder)?.with_fsync(true);
        Ok(Self {
            store: Arc::new(store),
        })
    }

    /// Stores an archive under the digest of what it holds. One that is there already stays, unless it is damaged.
    pub(crate) async fn put(&self, digest: &str, archive: Bytes) -> Result<(), ArtifactError> {
        let put = async |mode: PutMode| {
            let (path, payload) = (path(digest), PutPayload::from(archive.clone()));
            let options = PutOptions::from(mode);
            self.store.put_opts(&path, payload, options).await
        };
        match put(PutMode::Create).await {
            Err(object_store::Error::AlreadyExists { .. })
                if self.get(digest).await.is_ok_and(|there| there == archive) => {}
            // Not every server knows how to write only what is not there; the name says what it is anyway.
            Err(
                object_store::Error::AlreadyExists { .. }
                | object_store::Error::NotImplemented { .. },
            ) => {
                put(PutMode::Overwrite).await?;
            }
            put => {
                put?;
            }
        }
        Ok(())
    }

    /// An archive's bytes.
    pub(crate) async fn get(&self, digest: &str) -> Result<Bytes, ArtifactError> {
        match self.store.get(&path(digest)).await {
            Err(object_store::Error::NotFound { .. }) => {
                Err(ArtifactError::Missing(digest.to_owned()))
            }
            found => Ok(found?.bytes().await?),
        }
    }

    /// Removes every archive that `in_use` does not name and that is older than `grace`: the deployment of a younger one
    /// may not have been committed yet. How many there were.
    pub(crate) async fn collect(
        &self,
        in_use: impl Fn(&str) -> bool,
        grace: Duration,
    ) -> Result<usize, ArtifactError> {
        let now = SystemTime::now();
        let horizon = now.checked_sub(grace).unwrap_or(SystemTime::UNIX_EPOCH);
        let objects: Vec<_> = self.store.list(None).try_collect().await?;
        let mut count = 0;
        for object in objects {
            let name = object.location.filename().unwrap_or_default();
            let digest = name.trim_end_matches(SUFFIX);
            if !in_use(digest) && SystemTime::from(object.last_modified) < horizon {
                self.store.delete(&object.location).await?;
                count += 1;
                fail::fail_point!("collect::archive");
            }
        }
        Ok(count)
    }
}

/// Files that a crash left half written: the store calls them `<name>#<number>` until they are whole.
fn remove_halves(folder: &Path, age: Duration) -> std::io::Result<()> {
    let is_old = |entry: &std::fs::DirEntry| {
        let written = entry.metadata()?.modified()?;
        Ok::<_, std::io::Error>(written.elapsed().unwrap_or_default() >= age)
    };
    for spread in std::fs::read_dir(folder)?.flatten() {
        if !spread.file_type()?.is_dir() {
            continue;
        }
        for entry in std::fs::read_dir(spread.path())?.flatten() {
            if entry.file_name().to_string_lossy().contains('#') && is_old(&entry)? {
                std::fs::remove_file(entry.path())?;
            }
        }
    }
    Ok(())
}

/// How the names of archives end.
pub(crate) const SUFFIX: &str = ".tar.gz";

/// Where an archive lies below the folder of all. Spread over folders by the first two digits: a folder of all archives
/// would grow too long to list.
pub(crate) fn place(digest: &str) -> String {
    format!("{}/{digest}{SUFFIX}", digest.get(..2).unwrap_or(""))
}

fn path(digest: &str) -> ObjectPath {
    ObjectPath::from(place(digest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn archives_are_kept_once_and_collected_when_nobody_needs_them() {
        let folder = tempfile::tempdir().expect("folder");
        let artifacts = Artifacts::in_folder(folder.path(), Duration::ZERO).expect("opened");
        for digest in ["aa11", "bb22"] {
            // The second time over one that is damaged.
            for archive in ["damaged", "one", "one"] {
                let archive = Bytes::from(archive);
                artifacts.put(digest, archive).await.expect("put");
            }
        }
        assert_eq!(artifacts.get("aa11").await.expect("there"), "one");
        let needed = |digest: &str| digest == "aa11";
        for (grace, count) in [(Duration::from_secs(3_600), 0), (Duration::ZERO, 1)] {
            let collected = artifacts.collect(needed, grace).await;
            assert_eq!(collected.expect("collected"), count);
        }
        let gone = artifacts.get("bb22").await;
        assert!(matches!(gone, Err(ArtifactError::Missing(digest)) if digest == "bb22"));
        assert!(artifacts.get("aa11").await.is_ok());
    }
}
