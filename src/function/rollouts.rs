//! A function's rollout: begun, promoted, ended, taken back, and found again after a restart.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::deployment::{DeployError, Deployed, Deployer};
use super::manifest::ManifestError;
use super::store::Action;
use super::store::rollouts::StoredRollout;
use super::{Function, Version};
use crate::rollout::{Compared, Ended, Keyed, Settings, Sides};
use crate::time::now_unix_ms;

/// Calls of one function that are repeated on the candidate at a time; more are not repeated.
const SHADOWS_MAX: usize = 16;

/// A rollout with what came of it since it began, or since the platform's start.
#[derive(Debug)]
pub(crate) struct Rollout {
    stored: StoredRollout,
    candidate: Arc<Version>,
    /// What callers' keys are mixed with.
    salt: String,
    state: Mutex<State>,
    shadows: AtomicUsize,
}

#[derive(Debug, Default)]
struct State {
    sides: Sides,
    compared: Compared,
    rolled_back: Option<String>,
}

/// A call that is being repeated.
#[derive(Debug)]
pub(crate) struct Shadow(Arc<Rollout>);

impl Drop for Shadow {
    fn drop(&mut self) {
        self.0.shadows.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Rollout {
    fn new(id: &str, stored: StoredRollout, candidate: Arc<Version>) -> Arc<Self> {
        let rolled_back = stored.rolled_back.clone();
        Arc::new(Self {
            salt: format!("{id}/{}", candidate.number()),
            stored,
            candidate,
            state: Mutex::new(State {
                rolled_back,
                ..State::default()
            }),
            shadows: AtomicUsize::new(0),
        })
    }

    /// What was asked for.
    pub(crate) fn settings(&self) -> &Settings {
        &self.stored.settings
    }

    /// When it began, and who began it.
    pub(crate) fn begun(&self) -> (i64, &str) {
        (self.stored.started_unix_ms, &self.stored.started_by)
    }

    /// The other version.
    pub(crate) fn candidate(&self) -> &Arc<Version> {
        &self.candidate
    }

    /// What came of both versions' invocations.
    pub(crate) fn sides(&self) -> Sides {
        self.state().sides.clone()
    }

    /// What came of comparisons.
    pub(crate) fn compared(&self) -> Compared {
        self.state().compared.clone()
    }

    /// Why the candidate was taken back, if it was.
    pub(crate) fn rolled_back(&self) -> Option<String> {
        self.state().rolled_back.clone()
    }

    /// Notes what came of an invocation of one of the two versions.
    pub(crate) fn note(&self, number: u32, ended: Ended) {
        let is_candidate = number == self.candidate.number();
        self.state().sides.add(is_candidate, ended);
    }

    /// Notes a comparison.
    pub(crate) fn note_compared(&self, comparison: crate::rollout::Comparison) {
        self.state().compared.add(comparison);
    }

    /// Why the candidate is to be taken back now, once: from then on it gets no calls.
    pub(crate) fn take_back_if_worse(&self) -> Option<String> {
        let guard = self.settings().rollback?;
        let mut state = self.state();
        if state.rolled_back.is_some() {
            return None;
        }
        state.rolled_back = guard.verdict(&state.sides.candidate);
        state.rolled_back.clone()
    }

    /// Whether a call is to be repeated on the candidate; it is until the returned value is dropped.
    pub(crate) fn shadow(self: &Arc<Self>) -> Option<Shadow> {
        let is_wanted = fastrand::f64() * 100.0 < self.settings().shadow_percent;
        if !is_wanted || self.rolled_back().is_some() {
            return None;
        }
        if self.shadows.fetch_add(1, Ordering::Relaxed) >= SHADOWS_MAX {
            self.shadows.fetch_sub(1, Ordering::Relaxed);
            self.state().compared.skipped += 1;
            return None;
        }
        Some(Shadow(Arc::clone(self)))
    }

    pub(super) fn stored_now(&self) -> StoredRollout {
        StoredRollout {
            rolled_back: self.rolled_back(),
            ..self.stored.clone()
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Function {
    /// The version for a call that names none, while a rollout runs.
    pub(crate) fn choose(&self, keyed: Keyed<'_>) -> Option<Arc<Version>> {
        let rollout = self.rollout()?;
        if rollout.rolled_back().is_some() {
            return None;
        }
        let split = rollout.settings().split();
        Some(match split.takes(&rollout.salt, keyed, fastrand::f64()) {
            true => Arc::clone(rollout.candidate()),
            false => self.current(),
        })
    }
}

impl Deployer {
    /// Begins a rollout, or changes the one there is: figures begin anew.
    pub(crate) async fn roll_out(
        &self,
        function: &Arc<Function>,
        settings: Settings,
        by: &str,
    ) -> Result<Arc<Rollout>, DeployError> {
        settings
            .check()
            .map_err(|wrong| ManifestError::new(wrong.pointer, wrong.rule))?;
        let _one_at_a_time = self.lock(function, None).await?;
        let number = settings.version;
        if function.current().number() == number {
            let rule = format!("version {number} is current; name another one");
            return Err(ManifestError::new("/version", rule).into());
        }
        let candidate = self.ready(function, number).await?;
        candidate.prepare().await?;
        candidate.pool().revive();
        let stored = StoredRollout {
            settings,
            rolled_back: None,
            started_unix_ms: now_unix_ms(),
            started_by: by.to_owned(),
        };
        self.store.set_rollout(function.id(), &stored).await?;
        fail::fail_point!("rollout::set");
        let rollout = Rollout::new(function.id(), stored, candidate);
        function.set_rollout(Some(Arc::clone(&rollout)));
        Ok(rollout)
    }

    /// Makes the candidate current.
    pub(crate) async fn promote(
        &self,
        function: &Arc<Function>,
        expected: Option<i64>,
        by: &str,
    ) -> Result<Deployed, DeployError> {
        let _one_at_a_time = self.lock(function, expected).await?;
        let rollout = function.rollout().ok_or(DeployError::NoRollout)?;
        let number = rollout.candidate().number();
        self.move_to(function, number, Action::Deploy, by).await?;
        Ok(Deployed {
            function: Arc::clone(function),
            unchanged: false,
        })
    }

    /// Ends a rollout: all calls go to the current version again.
    pub(crate) async fn end_rollout(&self, function: &Arc<Function>) -> Result<(), DeployError> {
        let _one_at_a_time = self.lock(function, None).await?;
        if !self.store.remove_rollout(function.id()).await? {
            return Err(DeployError::NoRollout);
        }
        function.set_rollout(None);
        Ok(())
    }

    /// Keeps that a candidate was taken back.
    pub(crate) async fn keep_taken_back(
        &self,
        function: &Arc<Function>,
        rollout: &Arc<Rollout>,
    ) -> Result<(), DeployError> {
        let _one_at_a_time = self.lock(function, None).await?;
        let is_still = function
            .rollout()
            .is_some_and(|now| Arc::ptr_eq(&now, rollout));
        if is_still {
            let stored = rollout.stored_now();
            self.store.set_rollout(function.id(), &stored).await?;
        }
        Ok(())
    }

    /// The rollout that was under way when the platform ended.
    pub(super) async fn restore_rollout(
        &self,
        function: &Arc<Function>,
    ) -> Result<(), DeployError> {
        let Some(stored) = self.store.rollout(function.id()).await? else {
            return Ok(());
        };
        let candidate = self.ready(function, stored.settings.version).await?;
        function.set_rollout(Some(Rollout::new(function.id(), stored, candidate)));
        Ok(())
    }
}
