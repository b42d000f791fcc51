//! All functions' scaling, and what was learned of each.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use zygo_forecast::Learner;

use super::decision::Decision;
use super::scaler::{Now, Scaler, Terms};
use super::settings::ScalingSettings;
use super::steering::Steering;
use super::store::{Learned, PatternStore};
use super::window::Sample;
use crate::store::{Database, StoreError};

/// Every function's scaling, by its id.
#[derive(Debug)]
pub(crate) struct Scaling {
    settings: ScalingSettings,
    store: PatternStore,
    scalers: Mutex<HashMap<String, Scaler>>,
    /// What earlier runs learned of functions that were not looked at yet.
    learned: Mutex<HashMap<String, Learner>>,
}

impl Scaling {
    /// Reads what was learned.
    pub(crate) async fn open(
        database: Database,
        settings: ScalingSettings,
    ) -> Result<Self, StoreError> {
        let store = PatternStore::new(database);
        let learned = store.all().await?;
        Ok(Self {
            settings,
            store,
            scalers: Mutex::default(),
            learned: Mutex::new(learned),
        })
    }

    /// The operator's settings.
    pub(crate) fn settings(&self) -> &ScalingSettings {
        &self.settings
    }

    /// Decides for one function. `terms` are asked for when another version serves than before.
    pub(crate) fn step(
        &self,
        function_id: &str,
        version: u32,
        terms: impl FnOnce() -> Terms,
        sample: Sample,
        now: Now,
    ) -> (Steering, Option<Decision>) {
        let mut scalers = lock(&self.scalers);
        if let Some(scaler) = scalers.get_mut(function_id) {
            if scaler.terms.version != version {
                scaler.set_terms(terms(), now);
            }
            return scaler.step(sample, &self.settings, now);
        }
        let learner = lock(&self.learned).remove(function_id).unwrap_or_default();
        let scaler = scalers.entry(function_id.to_owned());
        let scaler = scaler.or_insert_with(|| Scaler::new(learner, terms(), now));
        scaler.step(sample, &self.settings, now)
    }

    /// How a function stands.
    pub(crate) fn of(&self, function_id: &str) -> Option<Scaler> {
        lock(&self.scalers).get(function_id).cloned()
    }

    /// So many instances are kept ready for a function.
    pub(crate) fn ready(&self, function_id: &str) -> usize {
        lock(&self.scalers)
            .get(function_id)
            .map_or(0, |scaler| scaler.ready)
    }

    /// Forgets functions that are gone.
    pub(crate) fn retain(&self, ids: &HashSet<String>) {
        lock(&self.scalers).retain(|id, _| ids.contains(id));
    }

    /// Stores what was learned since the last time.
    pub(crate) async fn save(&self, now_unix_ms: i64) -> Result<(), StoreError> {
        let fresh = self.take_fresh();
        if fresh.is_empty() {
            return Ok(());
        }
        let saved = self.store.save(&fresh, now_unix_ms).await;
        if saved.is_err() {
            let mut scalers = lock(&self.scalers);
            for (id, _) in &fresh {
                if let Some(scaler) = scalers.get_mut(id) {
                    scaler.pattern.is_fresh = true;
                }
            }
        }
        saved
    }

    fn take_fresh(&self) -> Vec<Learned> {
        let mut scalers = lock(&self.scalers);
        let take = |(id, scaler): (&String, &mut Scaler)| {
            let is_fresh = std::mem::take(&mut scaler.pattern.is_fresh);
            is_fresh.then(|| (id.clone(), scaler.pattern.learner.clone()))
        };
        scalers.iter_mut().filter_map(take).collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
