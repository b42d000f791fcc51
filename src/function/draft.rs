//! What is to become a version, before it has a number.

use std::sync::Arc;

use bytes::Bytes;

use super::bundle::Bundle;
use super::failure::DeployError;
use super::manifest::Manifest;
use super::store::StoredVersion;
use super::{Version, digest};
use crate::artifact::Artifacts;

/// The code of a version to be.
pub(super) enum Code {
    /// New files, with their archive.
    New(Bundle),
    /// That of an earlier version.
    Of(Arc<Version>),
}

impl Code {
    /// The files of a version to be, and their archive.
    pub(super) async fn files(self, artifacts: &Artifacts) -> Result<(Bundle, Bytes), DeployError> {
        let version = match self {
            Self::Of(version) => version,
            Self::New(bundle) => {
                let pack = move || Ok((Bytes::from(bundle.to_archive()?), bundle));
                let packed: std::io::Result<_> = off_the_reactor(pack).await?;
                let (archive, bundle) = packed?;
                return Ok((bundle, archive));
            }
        };
        unpacked(artifacts, &version.stored().archive).await
    }
}

/// The files of the archive with this digest, and the archive. Unpacking takes long enough to keep invocations waiting.
pub(crate) async fn unpacked(
    artifacts: &Artifacts,
    digest: &str,
) -> Result<(Bundle, Bytes), DeployError> {
    let (digest, archive) = (digest.to_owned(), artifacts.get(digest).await?);
    let unpack = move || Ok((Bundle::from_archive(&archive, &digest)?, archive));
    off_the_reactor(unpack).await?
}

/// A version to be: its number, and what is to be in it.
pub(super) struct Draft {
    pub(super) manifest: Manifest,
    pub(super) code: Code,
    /// Digest of the code alone.
    pub(super) archive: String,
    /// Digest of code and settings.
    pub(super) digest: String,
}

impl Draft {
    pub(super) fn new(manifest: Manifest, code: Code) -> Self {
        let archive = match &code {
            Code::New(bundle) => bundle.digest(),
            Code::Of(version) => version.stored().archive.clone(),
        };
        let digest = digest::digest(&manifest, &archive);
        Self {
            manifest,
            code,
            archive,
            digest,
        }
    }

    /// Whether a version is that already.
    pub(super) fn is(&self, version: &StoredVersion) -> bool {
        self.digest == version.digest && digest::has_same_values(&self.manifest, &version.manifest)
    }

    /// Sees to it that the archive of a version that is this already is there and whole.
    pub(super) async fn keep_archive(self, artifacts: &Artifacts) -> Result<(), DeployError> {
        if let Code::New(_) = self.code {
            let (_, archive) = self.code.files(artifacts).await?;
            artifacts.put(&self.archive, archive).await?;
        }
        Ok(())
    }
}

async fn off_the_reactor<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> std::io::Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(std::io::Error::other)
}
