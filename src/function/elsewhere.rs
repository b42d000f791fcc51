//! What other nodes do to functions: a change here that is at odds with theirs is refused, and theirs are taken over.

use std::sync::Arc;
use std::time::Duration;

use super::deployment::{DeployError, Deployer};
use super::manifest::Manifest;
use super::store::{StoredFunction, Writing};
use super::{Busy, Function};

/// How long callers get the version before while the one that another node has deployed is loaded; then they wait for it.
const LOAD_PATIENCE: Duration = Duration::from_secs(30);

/// What became of a function that another node has changed.
#[derive(Debug)]
pub(crate) enum Followed {
    /// It is here as it is stored.
    Here,
    /// It was deleted.
    Gone(Arc<Function>),
    /// It was not here, and is not stored.
    Nothing,
}

impl Deployer {
    /// Begins to write a version that is to serve, by who knows all changes up to `known`. Of two nodes that want one thing at
    /// once, the later one is refused here.
    pub(super) async fn begin(
        &self,
        id: &str,
        manifest: &Manifest,
        known: i64,
    ) -> Result<Writing, DeployError> {
        let writing = self.store.begin(known).await?;
        for (changed, current) in &writing.elsewhere {
            if changed == id {
                return Err(Busy.into());
            }
            let Some((name, theirs)) = current else {
                continue;
            };
            if *name == manifest.name {
                return Err(DeployError::NameTaken(name.clone()));
            }
            super::routes::check((id, manifest), (changed, theirs))?;
        }
        Ok(writing)
    }

    /// Takes over what another node has stored of a function.
    pub(crate) async fn follow(&self, id: &str) -> Result<Followed, DeployError> {
        let here = self.registry.get(id).filter(|here| here.id() == id);
        let Some(here) = here else {
            return match self.store.function(id).await? {
                Some(stored) => self.follow_new(&stored).await,
                None => Ok(Followed::Nothing),
            };
        };
        let _one_at_a_time = here.lock().await?;
        let Some(stored) = self.store.function(id).await? else {
            self.forget(&here);
            return Ok(Followed::Gone(Arc::clone(&here)));
        };
        if stored.generation > here.generation() {
            self.follow_version(&here, &stored).await?;
        }
        self.follow_aliases(&here).await?;
        self.follow_rollout(&here).await?;
        Ok(Followed::Here)
    }

    async fn follow_new(&self, stored: &StoredFunction) -> Result<Followed, DeployError> {
        // It may be this very one that is being deployed here.
        if self.registry.is_reserved(&stored.name) {
            return Err(Busy.into());
        }
        let function = self.restore_one(stored).await?;
        self.routes.follow(&function)?;
        self.registry.add(&function);
        Ok(Followed::Here)
    }

    /// The version is loaded first, so that no caller waits for that; one that cannot be is what serves elsewhere all the same.
    async fn follow_version(
        &self,
        here: &Arc<Function>,
        stored: &StoredFunction,
    ) -> Result<(), DeployError> {
        let version = self.ready(here, stored.current_version).await?;
        if here.current().number() == version.number() {
            here.move_on(stored.generation);
            return Ok(());
        }
        let prepared = tokio::time::timeout(LOAD_PATIENCE, version.prepare()).await;
        if let Ok(Err(error)) = prepared {
            tracing::error!(function = here.name(), version = version.number(), %error, "what another node has deployed does not load here");
        }
        here.switch_to(version, stored.generation);
        self.routes.follow(here)?;
        self.registry.changed();
        Ok(())
    }

    async fn follow_aliases(&self, here: &Arc<Function>) -> Result<(), DeployError> {
        let aliases = self.store.aliases(here.id()).await?;
        here.keep_aliases(|name| aliases.iter().any(|alias| alias.name == name));
        for alias in &aliases {
            let versions = self.versions_of(here, alias).await?;
            here.point(alias, &versions);
        }
        Ok(())
    }

    /// One that is the same goes on counting.
    async fn follow_rollout(&self, here: &Arc<Function>) -> Result<(), DeployError> {
        let stored = self.store.rollout(here.id()).await?;
        let current = here.rollout().map(|rollout| rollout.stored_now());
        match stored {
            stored if stored == current => Ok(()),
            None => {
                here.set_rollout(None);
                Ok(())
            }
            Some(_) => self.restore_rollout(here).await,
        }
    }
}
