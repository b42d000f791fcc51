//! Looks after all functions once a second: what each has to have and to keep, what is to end, and what was learned.

use std::collections::HashSet;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::Platform;
use crate::function::{Function, Version};
use crate::scaling::{Decision, Now, Sample, Steering, Terms, memory};
use crate::time::now_unix_ms;
use crate::zygote::orphans;

/// How often functions are looked at.
const INTERVAL: Duration = Duration::from_secs(1);
/// What was learned is stored, and functions that are gone are forgotten, once in so many looks.
const LOOKS_PER_SAVE: u32 = 60;
/// How long the last save may take.
const SAVE_TIMEOUT: Duration = Duration::from_secs(2);

/// Runs until the platform is gone.
pub(super) async fn run(platform: Weak<Platform>) {
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let (mut ended, mut look, mut last) = (HashSet::new(), 0_u32, Instant::now());
    loop {
        ticks.tick().await;
        let Some(platform) = platform.upgrade() else {
            return;
        };
        let now = Now {
            instant: Instant::now(),
            unix_ms: now_unix_ms(),
        };
        let span = now.instant - std::mem::replace(&mut last, now.instant);
        platform.heed_memory();
        for function in platform.registry.list() {
            platform.scale(&function, span, now);
            platform.watch_rollout(&function);
            function.tend();
        }
        platform.capacity.relieve();
        orphans::reap(&mut ended);
        look = (look + 1) % LOOKS_PER_SAVE;
        if look == 0 {
            tokio::spawn(async move { platform.keep_learned().await });
        }
    }
}

impl Platform {
    fn scale(&self, function: &Function, span: Duration, now: Now) {
        if !self.scaling.settings().automatic {
            return;
        }
        let version = function.current();
        let pool = version.pool();
        let sample = Sample {
            span,
            pulse: version.journal().take_pulse(),
            ..pool.take_sample()
        };
        let terms = || terms(&version, self);
        let (steering, decision) =
            self.scaling
                .step(function.id(), version.number(), terms, sample, now);
        pool.steer(self.kept_as_set(steering));
        if let Some(decision) = decision {
            tell(function, &decision);
        }
    }

    /// Where the operator has set how long idle instances stay, that is what holds.
    fn kept_as_set(&self, steering: Steering) -> Steering {
        let Some(idle_ms) = self.config.idle_timeout_ms else {
            return steering;
        };
        Steering {
            floor: steering.floor,
            ..Steering::fixed(Duration::from_millis(idle_ms))
        }
    }

    fn heed_memory(&self) {
        let reserve = self.scaling.settings().memory_reserve_percent;
        let is_short = reserve > 0.0
            && memory::available_percent().is_some_and(|available| available < reserve);
        self.capacity.set_short(is_short);
        if is_short {
            let shed = self.capacity.shed();
            if shed.instances + shed.zygotes > 0 {
                let (instances, zygotes) = (shed.instances, shed.zygotes);
                tracing::warn!(
                    instances,
                    zygotes,
                    "memory is short: what nobody used was ended"
                );
            }
        }
    }

    async fn keep_learned(self: Arc<Self>) {
        let ids = self
            .registry
            .list()
            .iter()
            .map(|function| function.id().to_owned())
            .collect();
        self.scaling.retain(&ids);
        self.save_learned().await;
    }

    /// Stores what was learned of functions.
    pub(super) async fn save_learned(&self) {
        let saved = tokio::time::timeout(SAVE_TIMEOUT, self.scaling.save(now_unix_ms())).await;
        match saved {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "what was learned of calls cannot be stored"),
            Err(_) => tracing::warn!("what was learned of calls could not be stored in time"),
        }
    }
}

fn terms(version: &Version, platform: &Platform) -> Terms {
    let manifest = version.manifest();
    Terms {
        version: version.number(),
        rules: manifest
            .scaling
            .rules(&platform.config, manifest.concurrency),
        scheduled: manifest.scaling.scheduled.clone(),
        schedules: manifest.schedules(),
    }
}

fn tell(function: &Function, decision: &Decision) {
    let Decision {
        from,
        to,
        cause,
        reason,
        ..
    } = decision;
    let (function, cause) = (function.name(), cause.name());
    tracing::info!(function, from, to, cause, reason, "instances kept ready");
}
