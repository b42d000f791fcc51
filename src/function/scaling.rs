//! How many instances a function has, and when: what a user says of it, checked. Pure.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::manifest::{Manifest, ManifestError, Trigger};
use crate::config::Config;
use crate::scaling::{Preset, Rules, ScheduledWarming};
use crate::time::now_unix_ms;
use crate::trigger::Schedule;

/// The most times for warming.
const SCHEDULED_MAX: usize = 10;
/// The longest cooldown: a day.
const COOLDOWN_MS_MAX: u64 = 86_400_000;

/// How many instances there are, and when. What is absent, the preset says.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Scaling {
    /// What is worth more: memory (`cost`), or calls that find an instance (`performance`); `balanced` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preset: Option<Preset>,
    /// At least so many are kept; 0 when absent, 2 for `performance`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 1_000_000)]
    pub min_instances: Option<usize>,
    /// At most so many may live; when absent 10 for `cost`, 100 for `performance`, and else what the operator has set.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub max_instances: Option<usize>,
    /// So many are kept forked ahead of demand.
    #[schema(maximum = 1_000_000)]
    pub parked: usize,
    /// Utilisation above which the auto-scaler adds instances, 0 to 1; 0.7 when absent, 0.5 for `performance`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 1)]
    pub scale_up_threshold: Option<f64>,
    /// Utilisation below which it lets some go, 0 to 1; 0.3 when absent, 0.5 for `cost`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 1)]
    pub scale_down_threshold: Option<f64>,
    /// So long after a change it lets none go, in ms; a minute when absent, half of one for `cost`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 86_400_000)]
    pub cooldown_period: Option<u64>,
    /// Times at which more are kept.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 10)]
    pub scheduled: Vec<ScheduledWarming>,
}

// Thresholds are never NaN: JSON has none.
impl Eq for Scaling {}

impl Scaling {
    /// With what the preset says.
    pub(crate) fn rules(&self, config: &Config, concurrency: u32) -> Rules {
        let preset = self.preset.unwrap_or_default().defaults();
        let cooldown = self.cooldown_period.map(Duration::from_millis);
        let max = self.max_instances.or(preset.instances_max);
        let max = max
            .unwrap_or(config.default_max_instances)
            .min(config.max_instances);
        // A preset's minimum is no reason to refuse a small maximum.
        let min = self
            .min_instances
            .unwrap_or_else(|| preset.instances_min.min(max));
        let up = self.scale_up_threshold.unwrap_or(preset.up);
        Rules {
            instances_min: min,
            instances_max: max,
            up,
            down: self
                .scale_down_threshold
                .unwrap_or_else(|| preset.down.min(up * 0.9)),
            cooldown: cooldown.unwrap_or(preset.cooldown),
            worth_minutes: preset.worth_minutes,
            concurrency: concurrency.max(1) as usize,
        }
    }

    /// The same as it holds, for people.
    pub(crate) fn effective(&self, config: &Config) -> Self {
        let rules = self.rules(config, 1);
        Self {
            preset: Some(self.preset.unwrap_or_default()),
            min_instances: Some(rules.instances_min),
            max_instances: Some(rules.instances_max),
            scale_up_threshold: Some(rules.up),
            scale_down_threshold: Some(rules.down),
            cooldown_period: Some(u64::try_from(rules.cooldown.as_millis()).unwrap_or(u64::MAX)),
            ..self.clone()
        }
    }

    pub(super) fn check(&self, config: &Config) -> Result<(), ManifestError> {
        let rules = self.rules(config, 1);
        let most = config.max_instances;
        if !(1..=most).contains(&self.max_instances.unwrap_or(rules.instances_max)) {
            let rule = format!("must be between 1 and {most}");
            return Err(ManifestError::new("/scaling/maxInstances", rule));
        }
        let max = rules.instances_max;
        let at_most = [
            ("/scaling/minInstances", rules.instances_min),
            ("/scaling/parked", self.parked),
        ];
        for (pointer, count) in at_most {
            if count > max {
                let rule = format!("must be at most {max}, the maximum");
                return Err(ManifestError::new(pointer, rule));
            }
        }
        self.check_thresholds(&rules)?;
        self.check_scheduled(max)
    }

    fn check_thresholds(&self, rules: &Rules) -> Result<(), ManifestError> {
        let thresholds = [
            ("/scaling/scaleUpThreshold", self.scale_up_threshold),
            ("/scaling/scaleDownThreshold", self.scale_down_threshold),
        ];
        for (pointer, threshold) in thresholds {
            if threshold.is_some_and(|value| !(0.0..=1.0).contains(&value)) {
                return Err(ManifestError::new(pointer, "must be between 0 and 1"));
            }
        }
        if rules.down >= rules.up && rules.up > 0.0 {
            let rule = format!(
                "must be below {}, the threshold above which instances are added",
                rules.up
            );
            return Err(ManifestError::new("/scaling/scaleDownThreshold", rule));
        }
        if self
            .cooldown_period
            .is_some_and(|period| period > COOLDOWN_MS_MAX)
        {
            let rule = format!("must be at most {COOLDOWN_MS_MAX} (ms)");
            return Err(ManifestError::new("/scaling/cooldownPeriod", rule));
        }
        Ok(())
    }

    fn check_scheduled(&self, max: usize) -> Result<(), ManifestError> {
        if self.scheduled.len() > SCHEDULED_MAX {
            let rule = format!("must be at most {SCHEDULED_MAX}");
            return Err(ManifestError::new("/scaling/scheduled", rule));
        }
        for (index, warming) in self.scheduled.iter().enumerate() {
            let pointer = format!("/scaling/scheduled/{index}");
            let checked = warming.check(now_unix_ms());
            checked.map_err(|wrong| ManifestError::below(&pointer, wrong))?;
            if warming.min_instances > max {
                let rule = format!("must be at most {max}, the maximum");
                return Err(ManifestError::new(format!("{pointer}/minInstances"), rule));
            }
        }
        Ok(())
    }
}

impl Manifest {
    /// The most instances there may be.
    #[must_use]
    pub fn instances_max(&self, config: &Config) -> usize {
        self.scaling.rules(config, 1).instances_max
    }

    /// When it is invoked by schedule.
    pub(crate) fn schedules(&self) -> Vec<Schedule> {
        self.triggers.iter().filter_map(Trigger::schedule).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(written: Value) -> Scaling {
        serde_json::from_value(written).expect("scaling")
    }

    fn wrong(written: Value) -> String {
        read(written)
            .check(&Config::default())
            .expect_err("refused")
            .pointer
    }

    #[test]
    fn presets_fill_in_what_is_not_said() {
        let config = Config::default();
        let cost = read(json!({"preset": "cost", "maxInstances": 7})).rules(&config, 1);
        assert_eq!(
            (cost.instances_min, cost.instances_max, cost.cooldown),
            (0, 7, Duration::from_secs(30))
        );
        let performance = read(json!({"preset": "performance"})).effective(&config);
        assert_eq!(
            (performance.min_instances, performance.max_instances),
            (Some(2), Some(100))
        );
        let none =
            read(json!({"preset": "performance", "minInstances": 0, "scaleUpThreshold": 0.9}));
        assert_eq!(
            (
                none.rules(&config, 1).instances_min,
                none.rules(&config, 1).up
            ),
            (0, 0.9)
        );
        let small = read(json!({"preset": "performance", "maxInstances": 1}));
        small.check(&config).expect("possible");
        assert_eq!(small.rules(&config, 1).instances_min, 1);
        for written in [
            json!({}),
            json!({"scaleUpThreshold": 0.2}),
            json!({"preset": "cost"}),
        ] {
            read(written).check(&config).expect("possible");
        }
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        assert_eq!(
            wrong(json!({"minInstances": 5, "maxInstances": 4})),
            "/scaling/minInstances"
        );
        assert_eq!(
            wrong(json!({"scaleUpThreshold": 0.4, "scaleDownThreshold": 0.4})),
            "/scaling/scaleDownThreshold"
        );
        assert_eq!(
            wrong(json!({"cooldownPeriod": 86_400_001_u64})),
            "/scaling/cooldownPeriod"
        );
        let warming = json!({"schedule": "0 9 * * *", "duration": 1_000, "minInstances": 101});
        assert_eq!(
            wrong(json!({"scheduled": [warming]})),
            "/scaling/scheduled/0/minInstances"
        );
        let never = json!({"schedule": "0 0 31 2 *", "duration": 1_000, "minInstances": 1});
        assert_eq!(
            wrong(json!({"scheduled": [never]})),
            "/scaling/scheduled/0/schedule"
        );
    }
}
