//! From an upload to a version that serves: write, build, load, store, switch. The old version serves until the new one
//! has loaded; a version that does not load never serves.
//!
//! ```text
//!  Written ─► Built ─► Loaded ─► Archived ─► Committed ─► Serving
//!     └─────────┴─────────┴──────────┴─ failed: files removed, the old version serves on
//! ```
//! A deployment that changes nothing makes no version. `moves.rs` holds what goes between versions that are there.

use std::sync::Arc;

pub use super::build::BuildError;
use super::bundle::Bundle;
pub use super::dependencies::DependencyError;
use super::draft::{Code, Draft};
pub use super::failure::DeployError;
use super::folder::{Folders, Source};
use super::manifest::{Manifest, ManifestError};
use super::store::{Action, Change, FunctionStore, StoredVersion};
use super::{Function, Registry, Routes, StoredFunction, Surroundings, Version};
use crate::artifact::Artifacts;
use crate::cluster::Cluster;
use crate::config::Config;
use crate::pool::Capacity;
use crate::telemetry::Intake;
use crate::time::now_unix_ms;
use crate::zygote::{LanguageZygote, LanguageZygotes, ZygoteError};

/// Makes functions and versions.
#[derive(Debug)]
pub(crate) struct Deployer {
    pub(crate) config: Arc<Config>,
    pub(crate) store: FunctionStore,
    pub(crate) cluster: Cluster,
    pub(crate) artifacts: Artifacts,
    pub(crate) folders: Arc<Folders>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) routes: Arc<Routes>,
    pub(crate) zygotes: Arc<LanguageZygotes>,
    pub(crate) capacity: Arc<Capacity>,
    pub(crate) intake: Arc<Intake>,
    /// Held for reading while a version is made, so that nobody collects what it is made of.
    pub(crate) collecting: tokio::sync::RwLock<()>,
}

/// A function after a deployment.
#[derive(Debug)]
pub(crate) struct Deployed {
    pub(crate) function: Arc<Function>,
    /// Whether everything was there already.
    pub(crate) unchanged: bool,
}

impl Deployer {
    /// Makes a function with its first version. The very same function, deployed again, is the function that is there.
    pub(crate) async fn create(
        &self,
        manifest: Manifest,
        bundle: Bundle,
        by: &str,
    ) -> Result<Deployed, DeployError> {
        manifest.validate(&self.config)?;
        self.cluster.catch_up().await?;
        let known = self.cluster.applied();
        let name = manifest.name.clone();
        let draft = Draft::new(manifest, Code::New(bundle));
        let Some(reservation) = self.registry.reserve(&name) else {
            let same = self.registry.get(&name);
            let same = same.filter(|function| draft.is(function.current().stored()));
            let function = same.ok_or(DeployError::NameTaken(name))?;
            draft.keep_archive(&self.artifacts).await?;
            return Ok(Deployed {
                function,
                unchanged: true,
            });
        };
        let (id, now) = (new_id(), now_unix_ms());
        let claim = self.routes.claim(&id, &draft.manifest)?;
        let function = StoredFunction {
            id,
            name,
            current_version: 1,
            last_version: 1,
            generation: 1,
            created_unix_ms: now,
            updated_unix_ms: now,
        };
        let change = Change {
            by,
            now_unix_ms: now,
        };
        let made = self.make(&function.id, 1, draft, change, async |version| {
            let writing = self.begin(&function.id, &version.manifest, known).await?;
            let created = self.store.create(writing, &function, version, change);
            Ok(created.await?)
        });
        let (version, ()) = made
            .await
            .inspect_err(|_| self.folders.remove_all(&function.id))?;
        fail::fail_point!("deploy::committed");
        let function = Function::new(&function, version, self.cluster.live());
        reservation.fulfil(&function);
        claim.serve(&function);
        Ok(Deployed {
            function,
            unchanged: false,
        })
    }

    /// Makes a new version of a function and moves to it. Without a bundle, the code stays as it is. What an earlier
    /// version already is, makes no new one.
    pub(crate) async fn update(
        &self,
        function: &Arc<Function>,
        expected: Option<i64>,
        by: &str,
        change: impl FnOnce(&Manifest) -> Result<(Manifest, Option<Bundle>), ManifestError>,
    ) -> Result<Deployed, DeployError> {
        let _one_at_a_time = self.lock(function, expected).await?;
        let draft = self.changed(function, change)?;
        if draft.is(function.current().stored()) {
            draft.keep_archive(&self.artifacts).await?;
            return Ok(Deployed {
                function: Arc::clone(function),
                unchanged: true,
            });
        }
        match self.earlier(function, &draft).await? {
            Some(earlier) => {
                self.move_to(function, earlier, Action::Deploy, by).await?;
            }
            None => self.add(function, draft, by).await?,
        }
        Ok(Deployed {
            function: Arc::clone(function),
            unchanged: false,
        })
    }

    /// Ends a function and removes all that is kept of it.
    pub(crate) async fn delete(
        &self,
        function: &Arc<Function>,
        expected: Option<i64>,
    ) -> Result<(), DeployError> {
        let _one_at_a_time = self.lock(function, expected).await?;
        let writing = self.store.begin_alone().await?;
        self.store.delete(writing, function.id()).await?;
        fail::fail_point!("delete::committed");
        self.forget(function);
        Ok(())
    }

    /// A function is in the database no more.
    pub(super) fn forget(&self, function: &Arc<Function>) {
        self.routes.remove(function);
        self.registry.remove(function);
        function.stop();
        self.folders.remove_all(function.id());
    }

    /// Waits for other changes of the function, then looks whether it still is what the caller saw.
    pub(super) async fn lock<'a>(
        &self,
        function: &'a Arc<Function>,
        expected: Option<i64>,
    ) -> Result<tokio::sync::MutexGuard<'a, ()>, DeployError> {
        self.cluster.catch_up().await?;
        let guard = function.lock().await?;
        let generation = function.generation();
        if expected.is_some_and(|expected| expected != generation) {
            return Err(DeployError::Changed(generation));
        }
        Ok(guard)
    }

    /// A version object over what is stored of it. Starts no process.
    pub(super) fn version(
        &self,
        id: &str,
        stored: StoredVersion,
    ) -> Result<Arc<Version>, DeployError> {
        let language = Arc::clone(self.language(&stored.manifest)?);
        let source = Source {
            folders: Arc::clone(&self.folders),
            id: id.to_owned(),
            number: stored.number,
            archive: stored.archive.clone(),
            language: Arc::clone(&language),
        };
        let surroundings = Surroundings {
            config: &self.config,
            language,
            capacity: Arc::clone(&self.capacity),
            bundle: Box::new(source),
            directory: &self.folders.path(id, stored.number),
            intake: &self.intake,
        };
        Ok(Version::new(id, stored, surroundings))
    }

    async fn add(
        &self,
        function: &Arc<Function>,
        draft: Draft,
        by: &str,
    ) -> Result<(), DeployError> {
        let (id, known) = (function.id(), self.cluster.applied());
        let claim = self.routes.claim(id, &draft.manifest)?;
        let from = function.current().number();
        let made = self.make_next(id, draft, by, async |version, change| {
            let writing = self.begin(id, &version.manifest, known).await?;
            let added = self.store.add_version(writing, id, from, version, change);
            Ok(added.await?)
        });
        let (version, generation) = made.await?;
        fail::fail_point!("deploy::committed");
        function.switch_to(version, generation);
        claim.serve(function);
        self.registry.changed();
        Ok(())
    }

    /// Everything up to the commit of a function's next version; what a failure left is removed.
    pub(super) async fn make_next<T>(
        &self,
        id: &str,
        draft: Draft,
        by: &str,
        commit: impl AsyncFnOnce(&StoredVersion, Change<'_>) -> Result<T, DeployError>,
    ) -> Result<(Arc<Version>, T), DeployError> {
        let change = Change {
            by,
            now_unix_ms: now_unix_ms(),
        };
        let number = self.store.next_number(id).await?;
        let made = self.make(id, number, draft, change, async |version| {
            commit(version, change).await
        });
        made.await.inspect_err(|_| self.folders.remove(id, number))
    }

    /// Everything up to the commit, which `commit` is.
    async fn make<T>(
        &self,
        id: &str,
        number: u32,
        draft: Draft,
        change: Change<'_>,
        commit: impl AsyncFnOnce(&StoredVersion) -> Result<T, DeployError>,
    ) -> Result<(Arc<Version>, T), DeployError> {
        let _not_now = self.collecting.read().await;
        let language = Arc::clone(self.language(&draft.manifest)?);
        let (bundle, archive) = draft.code.files(&self.artifacts).await?;
        let resolved = self.folders.fill(id, number, &language, bundle).await?;
        let resolved = resolved.unwrap_or_default();
        let stored = StoredVersion {
            number,
            digest: draft.digest,
            archive: draft.archive,
            archive_bytes: i64::try_from(archive.len()).unwrap_or(i64::MAX),
            dependencies: resolved.key,
            manifest: draft.manifest,
            build_log: resolved.log,
            created_unix_ms: change.now_unix_ms,
            created_by: change.by.to_owned(),
        };
        let version = self.version(id, stored)?;
        version.prepare().await?;
        fail::fail_point!("deploy::loaded");
        self.artifacts
            .put(&version.stored().archive, archive)
            .await?;
        fail::fail_point!("deploy::archived");
        let committed = self.cluster.bounded(commit(version.stored())).await;
        let committed = committed.inspect_err(|_| version.stop())?;
        Ok((version, committed))
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
}

/// `fn-` and 12 random characters.
fn new_id() -> String {
    const ALPHABET: &[u8] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let letters = (0..12).map(|_| char::from(ALPHABET[fastrand::usize(..ALPHABET.len())]));
    std::iter::once("fn-".to_owned())
        .chain(letters.map(String::from))
        .collect()
}
