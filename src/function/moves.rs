//! Going between versions that are there: rollback, aliases, versions asked for by number, and what an earlier run of the
//! platform stored.

use std::sync::Arc;

use super::deployment::{DeployError, Deployed, Deployer};
use super::manifest::ManifestError;
use super::store::{Action, Alias, Deployment, StoredVersion};
use super::{Function, StoredFunction, Version};
use crate::rollout::{Keyed, Portion};
use crate::time::now_unix_ms;

impl Deployer {
    /// Goes back, or forth, to a version that is there.
    pub(crate) async fn rollback(
        &self,
        function: &Arc<Function>,
        number: u32,
        expected: Option<i64>,
        by: &str,
    ) -> Result<Deployed, DeployError> {
        let _one_at_a_time = self.lock(function, expected).await?;
        let unchanged = function.current().number() == number;
        if !unchanged {
            self.move_to(function, number, Action::Rollback, by).await?;
        }
        Ok(Deployed {
            function: Arc::clone(function),
            unchanged,
        })
    }

    /// Makes an earlier version current. To be called with the function's lock held.
    pub(super) async fn move_to(
        &self,
        function: &Arc<Function>,
        number: u32,
        action: Action,
        by: &str,
    ) -> Result<(), DeployError> {
        let version = self.ready(function, number).await?;
        let known = self.cluster.applied();
        let claim = self.routes.claim(function.id(), version.manifest())?;
        // It is loaded before anything is stored: no caller has to wait for it, and one that does not load never serves.
        version.prepare().await?;
        fail::fail_point!("rollback::loaded");
        let deployment = Deployment {
            action,
            from_version: Some(function.current().number()),
            to_version: number,
            digest: version.stored().digest.clone(),
            created_unix_ms: now_unix_ms(),
            created_by: by.to_owned(),
        };
        let moving = async {
            let writing = self.begin(function.id(), version.manifest(), known).await?;
            let moved = self.store.move_to(writing, function.id(), &deployment);
            Ok::<_, DeployError>(moved.await?)
        };
        let generation = self.cluster.bounded(moving).await?;
        fail::fail_point!("rollback::committed");
        function.switch_to(version, generation);
        claim.serve(function);
        self.registry.changed();
        Ok(())
    }

    /// Points an alias to a version, and a part of its calls to another one.
    pub(crate) async fn set_alias(
        &self,
        function: &Arc<Function>,
        name: &str,
        number: u32,
        split: Option<Portion>,
    ) -> Result<Alias, DeployError> {
        if let Some(split) = &split {
            let checked = split.check();
            checked.map_err(|wrong| ManifestError::new(wrong.pointer, wrong.rule))?;
        }
        let _one_at_a_time = self.lock(function, None).await?;
        let alias = Alias {
            name: name.to_owned(),
            version: number,
            split,
            updated_unix_ms: now_unix_ms(),
        };
        let versions = self.versions_of(function, &alias).await?;
        for version in &versions {
            version.prepare().await?;
        }
        fail::fail_point!("alias::loaded");
        self.store.set_alias(function.id(), &alias).await?;
        fail::fail_point!("alias::set");
        function.point(&alias, &versions);
        Ok(alias)
    }

    /// All versions that an alias leads to.
    pub(super) async fn versions_of(
        &self,
        function: &Function,
        alias: &Alias,
    ) -> Result<Vec<Arc<Version>>, DeployError> {
        let mut versions = Vec::new();
        for number in alias.versions() {
            versions.push(self.ready(function, number).await?);
        }
        Ok(versions)
    }

    /// Removes an alias.
    pub(crate) async fn remove_alias(
        &self,
        function: &Arc<Function>,
        name: &str,
    ) -> Result<(), DeployError> {
        let _one_at_a_time = self.lock(function, None).await?;
        if !self.store.remove_alias(function.id(), name).await? {
            return Err(DeployError::NoAlias(name.to_owned()));
        }
        fail::fail_point!("alias::removed");
        function.forget_alias(name);
        Ok(())
    }

    /// The version that a caller asks for: a number or an alias.
    pub(crate) async fn qualified(
        &self,
        function: &Function,
        qualifier: &str,
        keyed: Keyed<'_>,
    ) -> Result<Arc<Version>, DeployError> {
        let number = match qualifier.parse() {
            Ok(number) => number,
            Err(_) => function
                .aliased(qualifier, keyed)
                .ok_or_else(|| DeployError::NoAlias(qualifier.to_owned()))?,
        };
        let version = self.ready(function, number).await?;
        version.pool().revive();
        Ok(version)
    }

    /// Makes the functions known that an earlier run of the platform stored. Their zygotes are made when first needed.
    pub(crate) async fn restore(&self) -> Result<usize, DeployError> {
        let stored = self.store.functions().await?;
        for function in &stored {
            match self.restore_one(function).await {
                Ok(restored) => self.registry.add(&restored),
                Err(error) => {
                    tracing::error!(function = %function.id, %error, "a function cannot be restored");
                }
            }
        }
        self.routes.restore(&self.registry.list());
        let known = self.store.numbers().await?;
        self.folders
            .keep_only(|id, number| known.contains(&(id.to_owned(), number)))?;
        Ok(stored.len())
    }

    pub(super) async fn restore_one(
        &self,
        stored: &StoredFunction,
    ) -> Result<Arc<Function>, DeployError> {
        let version = self.stored(&stored.id, stored.current_version).await?;
        let function = self.version(&stored.id, version)?;
        let function = Function::new(stored, function, self.cluster.live());
        for alias in self.store.aliases(&stored.id).await? {
            let versions = self.versions_of(&function, &alias).await?;
            function.point(&alias, &versions);
        }
        self.restore_rollout(&function).await?;
        Ok(function)
    }

    /// A version that can serve, from memory or from the store.
    pub(super) async fn ready(
        &self,
        function: &Function,
        number: u32,
    ) -> Result<Arc<Version>, DeployError> {
        if let Some(version) = function.ready(number) {
            return Ok(version);
        }
        let stored = self.stored(function.id(), number).await?;
        Ok(function.keep(self.version(function.id(), stored)?))
    }

    async fn stored(&self, id: &str, number: u32) -> Result<StoredVersion, DeployError> {
        let stored = self.store.version(id, number).await?;
        stored.ok_or(DeployError::NoVersion(number))
    }
}
