//! Functions by id and name, and the version of each that serves now. The two planes meet here: deployments write, and
//! invocations read.

pub(crate) mod addresses;
mod asynchronous;
mod build;
pub mod bundle;
mod collect;
pub(crate) mod dependencies;
pub mod deployment;
pub(crate) mod digest;
mod draft;
mod elsewhere;
mod failure;
pub(crate) mod folder;
pub mod manifest;
mod moves;
mod registry;
mod rollouts;
mod routes;
mod rules;
mod scaling;
mod staging;
pub(crate) mod store;
mod version;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};

use crate::admission::Gate;
use crate::rollout::Keyed;
pub use asynchronous::{Asynchronous, Destination};
pub(crate) use draft::unpacked;
pub(crate) use elsewhere::Followed;
pub(crate) use registry::Registry;
pub(crate) use rollouts::{Rollout, Shadow};
pub(crate) use routes::{Routes, Taken, Target};
use store::Alias;
pub(crate) use store::StoredFunction;
pub(crate) use version::Surroundings;
pub use version::Version;

/// How long a change of a function waits for the one before it.
const LOCK_PATIENCE: Duration = Duration::from_secs(60);

/// One function. What it is called and what it does may change; its id never does.
#[derive(Debug)]
pub struct Function {
    id: String,
    name: String,
    created_unix_ms: i64,
    /// Counts every change; what `ETag` shows.
    generation: AtomicI64,
    current: ArcSwap<Version>,
    others: Mutex<Others>,
    /// While a part of the calls goes to another version.
    rollout: ArcSwapOption<Rollout>,
    gate: Gate,
    /// Held through a deployment: versions of one function are made one after the other.
    deploying: tokio::sync::Mutex<()>,
}

/// Versions besides the current one that are ready to serve.
#[derive(Debug, Default)]
struct Others {
    /// The number of the version that served before, its zygote still there for a quick way back.
    previous: Option<u32>,
    aliases: BTreeMap<String, Alias>,
    /// The candidate of a rollout.
    candidate: Option<u32>,
    versions: BTreeMap<u32, Arc<Version>>,
}

impl Others {
    fn is_needed(&self, number: u32) -> bool {
        self.previous == Some(number) || self.serves(number)
    }

    /// Whether others than callers who ask for it by number may want it.
    fn serves(&self, number: u32) -> bool {
        let mut aliased = self.aliases.values().flat_map(Alias::versions);
        aliased.any(|aliased| aliased == number) || self.candidate == Some(number)
    }

    /// Lets go of what nobody needs any more. What still runs there keeps its version, and with it the zygote.
    fn drop_unneeded(&mut self) {
        let unneeded = |number: &u32| !self.is_needed(*number);
        let numbers: Vec<u32> = self.versions.keys().copied().filter(unneeded).collect();
        for number in numbers {
            self.versions.remove(&number);
        }
    }
}

impl Function {
    /// On one of so many nodes.
    pub(crate) fn new(stored: &StoredFunction, version: Arc<Version>, nodes: u32) -> Arc<Self> {
        let gate = Gate::default();
        gate.share(nodes);
        gate.limit(version.manifest().rate());
        Arc::new(Self {
            gate,
            id: stored.id.clone(),
            name: stored.name.clone(),
            created_unix_ms: stored.created_unix_ms,
            generation: AtomicI64::new(stored.generation),
            current: ArcSwap::new(version),
            others: Mutex::default(),
            rollout: ArcSwapOption::empty(),
            deploying: tokio::sync::Mutex::default(),
        })
    }

    /// Its id, `fn-…`.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// When it was first deployed, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn created_unix_ms(&self) -> i64 {
        self.created_unix_ms
    }

    /// What every invocation passes first.
    pub(crate) fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Counts its changes.
    #[must_use]
    pub fn generation(&self) -> i64 {
        self.generation.load(Ordering::Acquire)
    }

    /// The version that serves now.
    #[must_use]
    pub fn current(&self) -> Arc<Version> {
        self.current.load_full()
    }

    /// Waits until no other change of this function is under way.
    pub(crate) async fn lock(&self) -> Result<tokio::sync::MutexGuard<'_, ()>, Busy> {
        let locked = tokio::time::timeout(LOCK_PATIENCE, self.deploying.lock()).await;
        locked.map_err(|_| Busy)
    }

    /// A version that is ready to serve, by its number.
    pub(crate) fn ready(&self, number: u32) -> Option<Arc<Version>> {
        let current = self.current();
        if current.number() == number {
            return Some(current);
        }
        self.others().versions.get(&number).cloned()
    }

    /// The version that an alias means for a caller.
    pub(crate) fn aliased(&self, alias: &str, keyed: Keyed<'_>) -> Option<u32> {
        let others = self.others();
        let alias = others.aliases.get(alias)?;
        let salt = || format!("{}/{}", self.id, alias.name);
        let split = alias.split.as_ref().filter(|portion| {
            let split = portion.split();
            split.takes(&salt(), keyed, fastrand::f64())
        });
        Some(split.map_or(alias.version, |portion| portion.version))
    }

    /// Names of the aliases of a version.
    pub(crate) fn aliases_of(&self, number: u32) -> Vec<String> {
        let others = self.others();
        let leads = |alias: &&Alias| alias.versions().any(|version| version == number);
        let aliases = others.aliases.values().filter(leads);
        aliases.map(|alias| alias.name.clone()).collect()
    }

    /// Whether a version must stay: it serves, or is about to.
    pub(crate) fn needs(&self, number: u32) -> bool {
        self.current().number() == number || self.others().is_needed(number)
    }

    /// Keeps a version ready besides the current one. The one that is kept, if there was one already.
    pub(crate) fn keep(&self, version: Arc<Version>) -> Arc<Version> {
        let mut others = self.others();
        Arc::clone(others.versions.entry(version.number()).or_insert(version))
    }

    /// Points an alias to its versions.
    pub(crate) fn point(&self, alias: &Alias, versions: &[Arc<Version>]) {
        let current = self.current().number();
        let mut others = self.others();
        others.aliases.insert(alias.name.clone(), alias.clone());
        for version in versions.iter().filter(|one| one.number() != current) {
            let version = Arc::clone(version);
            others.versions.insert(version.number(), version);
        }
        others.drop_unneeded();
    }

    /// Forgets an alias.
    pub(crate) fn forget_alias(&self, alias: &str) {
        let mut others = self.others();
        others.aliases.remove(alias);
        others.drop_unneeded();
    }

    /// Forgets all aliases but some.
    pub(crate) fn keep_aliases(&self, is_kept: impl Fn(&str) -> bool) {
        let mut others = self.others();
        others.aliases.retain(|name, _| is_kept(name));
        others.drop_unneeded();
    }

    /// It was moved, and is where it was.
    pub(crate) fn move_on(&self, generation: i64) {
        self.generation.store(generation, Ordering::Release);
    }

    /// The rollout, if there is one.
    pub(crate) fn rollout(&self) -> Option<Arc<Rollout>> {
        self.rollout.load_full()
    }

    /// Begins a rollout, or ends it. Its candidate stays as long as it does.
    pub(crate) fn set_rollout(&self, rollout: Option<Arc<Rollout>>) {
        let mut others = self.others();
        others.candidate = rollout.as_ref().map(|rollout| {
            let candidate = rollout.candidate();
            let number = candidate.number();
            others.versions.insert(number, Arc::clone(candidate));
            number
        });
        self.rollout.store(rollout);
        others.drop_unneeded();
    }

    /// Moves to another version. The old one serves what it has begun; the one before it ends, and so does a rollout.
    pub(crate) fn switch_to(&self, version: Arc<Version>, generation: i64) {
        let mut others = self.others();
        others.candidate = None;
        self.rollout.store(None);
        others.versions.remove(&version.number());
        self.gate.limit(version.manifest().rate());
        let replaced = self.current.swap(version);
        self.generation.store(generation, Ordering::Release);
        if !others.serves(replaced.number()) {
            replaced.retire();
        }
        others.previous = Some(replaced.number());
        others.versions.insert(replaced.number(), replaced);
        others.drop_unneeded();
    }

    /// Looks after the instances of every version, and lets go of versions that were only asked for by number and are
    /// idle.
    pub(crate) fn tend(&self) {
        self.current().pool().tend();
        let mut others = self.others();
        for version in others.versions.values() {
            version.pool().tend();
        }
        let live = |version: &Version| version.pool().census().live > 0;
        let mut versions = std::mem::take(&mut others.versions);
        versions.retain(|number, version| others.is_needed(*number) || live(version));
        others.versions = versions;
    }

    /// Ends all its processes.
    pub(crate) fn stop(&self) {
        self.current().stop();
        let versions = std::mem::take(&mut self.others().versions);
        for version in versions.values() {
            version.stop();
        }
    }

    fn others(&self) -> MutexGuard<'_, Others> {
        self.others.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Another change of the same function takes too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("another deployment of this function is under way")]
pub struct Busy;
