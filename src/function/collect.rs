//! Removes what nobody can ask for any more: versions beyond the number that is kept, and archives that no version needs.

use std::collections::HashSet;
use std::time::Duration;

use super::Function;
use super::deployment::{DeployError, Deployer};

impl Deployer {
    /// Collects everything there is to collect. How many archives there were.
    pub(crate) async fn collect(&self) -> Result<usize, DeployError> {
        for function in self.registry.list() {
            self.collect_versions(&function).await?;
        }
        // While something is being deployed it is not known what is needed; the next time will do.
        let Ok(_nothing_half_made) = self.collecting.try_write() else {
            return Ok(0);
        };
        let (archives, dependencies) = self.store.in_use().await?;
        let dependencies = dependencies.into_iter().collect();
        self.folders.dependencies().keep_only(dependencies).await?;
        fail::fail_point!("collect::dependencies");
        // One node looks after what all share.
        if !self.cluster.leads() {
            return Ok(0);
        }
        let archives: HashSet<String> = archives.into_iter().collect();
        let in_use = |digest: &str| archives.contains(digest);
        let grace = Duration::from_millis(self.config.archive_grace_ms);
        Ok(self.artifacts.collect(in_use, grace).await?)
    }

    /// Forgets a function's oldest versions; what serves, and what an alias means, stays.
    async fn collect_versions(&self, function: &Function) -> Result<(), DeployError> {
        let _one_at_a_time = function.lock().await?;
        let versions = self.store.summaries(function.id()).await?;
        let superseded: Vec<u32> = versions
            .iter()
            .skip(self.config.versions_kept)
            .map(|version| version.number)
            .filter(|number| !function.needs(*number))
            .collect();
        self.store
            .remove_versions(function.id(), &superseded)
            .await?;
        if !superseded.is_empty() {
            fail::fail_point!("collect::versions");
        }
        for number in superseded {
            self.folders.remove(function.id(), number);
        }
        Ok(())
    }
}
