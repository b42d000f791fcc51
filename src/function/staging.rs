//! Versions that are made and loaded but do not serve yet, and what a new version begins with.

use std::sync::Arc;

use super::bundle::Bundle;
use super::deployment::{DeployError, Deployer};
use super::draft::{Code, Draft};
use super::manifest::{Manifest, ManifestError};
use super::{Busy, Function};

impl Deployer {
    /// Makes a new version that does not serve yet, for a rollout or callers who name it. Its number, and whether it was
    /// there already.
    pub(crate) async fn stage(
        &self,
        function: &Arc<Function>,
        expected: Option<i64>,
        by: &str,
        change: impl FnOnce(&Manifest) -> Result<(Manifest, Option<Bundle>), ManifestError>,
    ) -> Result<(u32, bool), DeployError> {
        let _one_at_a_time = self.lock(function, expected).await?;
        let draft = self.changed(function, change)?;
        let current = function.current();
        if draft.is(current.stored()) {
            return Ok((current.number(), true));
        }
        if let Some(earlier) = self.earlier(function, &draft).await? {
            return Ok((earlier, true));
        }
        let (id, known) = (function.id(), self.cluster.applied());
        let made = self.make_next(id, draft, by, async |version, change| {
            let writing = self.store.begin(known).await?;
            if writing.elsewhere.iter().any(|(changed, _)| changed == id) {
                return Err(Busy.into());
            }
            let staged = self.store.add_staged(writing, id, version, change);
            Ok(staged.await?)
        });
        let (version, ()) = made.await?;
        fail::fail_point!("stage::committed");
        Ok((function.keep(version).number(), false))
    }

    /// An earlier version that is the very same.
    pub(super) async fn earlier(
        &self,
        function: &Function,
        draft: &Draft,
    ) -> Result<Option<u32>, DeployError> {
        let earlier = self
            .store
            .version_with_digest(function.id(), &draft.digest)
            .await?;
        let earlier = earlier.filter(|earlier| draft.is(earlier));
        Ok(earlier.map(|earlier| earlier.number))
    }

    /// What a change makes of the current version. Without a bundle, the code stays as it is.
    pub(super) fn changed(
        &self,
        function: &Function,
        change: impl FnOnce(&Manifest) -> Result<(Manifest, Option<Bundle>), ManifestError>,
    ) -> Result<Draft, DeployError> {
        let current = function.current();
        let (manifest, bundle) = change(current.manifest())?;
        manifest.validate(&self.config)?;
        let code = bundle.map_or_else(|| Code::Of(current), Code::New);
        Ok(Draft::new(manifest, code))
    }
}
