//! All language zygotes, one for each runtime. Knows nothing of how one lives.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::ageing::Limits;
use super::language::LanguageZygote;
use crate::isolation::Isolation;

/// Every language zygote of the platform, by the name of its runtime.
#[derive(Debug, Default)]
pub(crate) struct LanguageZygotes {
    by_runtime: BTreeMap<&'static str, Arc<LanguageZygote>>,
}

impl LanguageZygotes {
    /// Starts one zygote for each runtime, from binaries in `directory`.
    pub(crate) fn start(
        runtimes: &[&'static str],
        directory: &Path,
        isolation: &Arc<Isolation>,
        limits: Limits,
    ) -> Self {
        let start = |&runtime| {
            let zygote = LanguageZygote::start(runtime, directory, Arc::clone(isolation), limits);
            (runtime, zygote)
        };
        Self {
            by_runtime: runtimes.iter().map(start).collect(),
        }
    }

    /// The zygote of one runtime.
    pub(crate) fn get(&self, runtime: &str) -> Option<&Arc<LanguageZygote>> {
        self.by_runtime.get(runtime)
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<LanguageZygote>> {
        self.by_runtime.values()
    }
}
