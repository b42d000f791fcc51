//! From an upload to a version that serves: write, build, load, switch. The old version serves until the new one has
//! loaded; a version that does not load never serves.
//!
//! ```text
//!  Written ─► Built ─► Loaded ─► Committed ─► Serving
//!     └─────────┴─────────┴─ failed: files removed, the old version serves on
//! ```

use std::sync::Arc;
use std::time::SystemTime;

use super::build;
pub use super::build::BuildError;
use super::bundle::Bundle;
use super::manifest::{Manifest, ManifestError};
use super::{Function, Registry, Store, StoredFunction, StoredVersion, Surroundings, Version};
use crate::config::Config;
use crate::error::Origin;
use crate::pool::Capacity;
use crate::zygote::{LanguageZygote, LanguageZygotes, ZygoteError};

/// Why a deployment failed.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    /// A setting or a file cannot be used.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// Another function has the name.
    #[error("the name `{0}` is taken; PUT /functions/{0} makes a new version of it")]
    NameTaken(String),
    /// The bundle did not build.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The code did not load.
    #[error(transparent)]
    Load(#[from] ZygoteError),
    /// The platform cannot write.
    #[error("the function cannot be stored")]
    Storage(#[from] std::io::Error),
}

impl DeployError {
    /// Whose fault it is.
    #[must_use]
    pub fn origin(&self) -> Origin {
        match self {
            Self::Manifest(_) | Self::NameTaken(_) => Origin::Caller,
            Self::Build(BuildError::Unavailable { .. }) | Self::Storage(_) => Origin::Platform,
            Self::Build(_) => Origin::Function,
            Self::Load(error) => error.origin(),
        }
    }
}

/// Makes functions and versions.
#[derive(Debug)]
pub(crate) struct Deployer {
    pub(crate) config: Arc<Config>,
    pub(crate) store: Store,
    pub(crate) registry: Arc<Registry>,
    pub(crate) zygotes: Arc<LanguageZygotes>,
    pub(crate) capacity: Arc<Capacity>,
}

impl Deployer {
    /// Makes a function with its first version.
    pub(crate) async fn create(
        &self,
        manifest: Manifest,
        bundle: Bundle,
    ) -> Result<Arc<Function>, DeployError> {
        manifest.validate(&self.config)?;
        let reservation = self
            .registry
            .reserve(&manifest.name)
            .ok_or_else(|| DeployError::NameTaken(manifest.name.clone()))?;
        let id = new_id();
        let now = now_unix_ms();
        let version = self.make_version(&id, 1, now, manifest, Some(bundle)).await;
        let version = version.inspect_err(|_| self.clean_up(self.store.remove(&id)))?;
        self.commit(&id, now, &version)
            .inspect_err(|_| version.stop())?;
        version.pool().refill();
        let function = Function::new(id, now, version);
        reservation.fulfil(&function);
        Ok(function)
    }

    /// Makes a new version of a function. Without a bundle, the code stays as it is.
    pub(crate) async fn update(
        &self,
        function: &Function,
        change: impl FnOnce(&Manifest) -> Result<(Manifest, Option<Bundle>), ManifestError>,
    ) -> Result<Arc<Version>, DeployError> {
        let _one_at_a_time = function.deploying.lock().await;
        let (manifest, bundle) = change(function.current().manifest())?;
        manifest.validate(&self.config)?;
        let (id, number) = (function.id(), function.current().number() + 1);
        let version = self
            .make_version(id, number, now_unix_ms(), manifest, bundle)
            .await;
        let version =
            version.inspect_err(|_| self.clean_up(self.store.remove_version(id, number)))?;
        self.commit(id, function.created_unix_ms(), &version)
            .inspect_err(|_| version.stop())?;
        version.pool().refill();
        function.switch_to(Arc::clone(&version));
        Ok(version)
    }

    /// Ends a function and removes its files.
    pub(crate) async fn delete(&self, function: &Function) -> Result<(), DeployError> {
        let _one_at_a_time = function.deploying.lock().await;
        self.registry.remove(function);
        function.stop();
        Ok(self.store.remove(function.id())?)
    }

    /// Makes the functions known that an earlier run of the platform stored. Their zygotes are made when first needed.
    pub(crate) fn restore(&self) -> Result<usize, DeployError> {
        let stored = self.store.functions()?;
        for function in &stored {
            match self.restore_one(function) {
                Ok(restored) => self.registry.add(&restored),
                Err(error) => {
                    tracing::error!(function = %function.id, %error, "a function cannot be restored")
                }
            }
        }
        Ok(stored.len())
    }

    fn restore_one(&self, stored: &StoredFunction) -> Result<Arc<Function>, DeployError> {
        let StoredVersion {
            number,
            created_unix_ms,
            manifest,
        } = self.store.version(&stored.id, stored.current_version)?;
        let version = self.version(&stored.id, number, created_unix_ms, manifest)?;
        Ok(Function::new(
            stored.id.clone(),
            stored.created_unix_ms,
            version,
        ))
    }

    async fn make_version(
        &self,
        id: &str,
        number: u32,
        now: u64,
        manifest: Manifest,
        bundle: Option<Bundle>,
    ) -> Result<Arc<Version>, DeployError> {
        let folder = self.store.new_bundle_folder(id, number)?;
        let previous = self.store.bundle_folder(id, number.saturating_sub(1));
        let language = self.language(&manifest)?;
        let target = folder.clone();
        off_the_reactor(move || match bundle {
            Some(bundle) => bundle.write_to(&target),
            None => copy_folder(&previous, &target),
        })
        .await?;
        build::build(language.binary(), &folder).await?;
        let version = self.version(id, number, now, manifest)?;
        version.pool().zygote().get().await?;
        Ok(version)
    }

    fn version(
        &self,
        id: &str,
        number: u32,
        now: u64,
        manifest: Manifest,
    ) -> Result<Arc<Version>, DeployError> {
        let surroundings = Surroundings {
            config: &self.config,
            language: Arc::clone(self.language(&manifest)?),
            capacity: Arc::clone(&self.capacity),
        };
        let folder = self.store.bundle_folder(id, number);
        Ok(Version::new(
            id,
            number,
            now,
            manifest,
            &folder,
            surroundings,
        ))
    }

    fn language(&self, manifest: &Manifest) -> Result<&Arc<LanguageZygote>, DeployError> {
        let runtime = manifest.runtime.runtime();
        self.zygotes.get(runtime).ok_or_else(|| {
            DeployError::Load(ZygoteError::Unavailable {
                runtime: runtime.to_owned(),
                reason: "this platform was built without it".to_owned(),
            })
        })
    }

    fn commit(&self, id: &str, created_unix_ms: u64, version: &Version) -> Result<(), DeployError> {
        let function = StoredFunction {
            id: id.to_owned(),
            current_version: version.number(),
            created_unix_ms,
            updated_unix_ms: version.created_unix_ms(),
        };
        let stored = StoredVersion {
            number: version.number(),
            created_unix_ms: version.created_unix_ms(),
            manifest: version.manifest().clone(),
        };
        Ok(self.store.commit(&function, &stored)?)
    }

    /// What a failed deployment leaves behind is no reason for another error.
    fn clean_up(&self, removed: std::io::Result<()>) {
        if let Err(error) = removed {
            tracing::warn!(%error, "files of a failed deployment stay behind");
        }
    }
}

/// Runs file operations where they keep no invocation waiting.
async fn off_the_reactor(
    work: impl FnOnce() -> std::io::Result<()> + Send + 'static,
) -> std::io::Result<()> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(std::io::Error::other)?
}

fn copy_folder(from: &std::path::Path, to: &std::path::Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// `fn-` and 12 random characters.
fn new_id() -> String {
    const ALPHABET: &[u8] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let letters = (0..12).map(|_| char::from(ALPHABET[fastrand::usize(..ALPHABET.len())]));
    std::iter::once("fn-".to_owned())
        .chain(letters.map(String::from))
        .collect()
}

fn now_unix_ms() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}
