//! What is watched: four rules with their thresholds, and what each may be. Pure.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::pointer;

/// The longest window; figures of the last moments are kept for so long.
pub(super) const WINDOW_MS_MAX: u64 = 3_600_000;

/// What can be wrong with a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AlertRule)]
pub(crate) enum Kind {
    /// Too many invocations fail.
    ErrorRate,
    /// Too many invocations are slow.
    P95Duration,
    /// Too many invocations wait for a new process.
    ColdStartRate,
    /// It costs more than it usually does.
    CostAnomaly,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [
        Self::ErrorRate,
        Self::P95Duration,
        Self::ColdStartRate,
        Self::CostAnomaly,
    ];

    /// Its name in rules, answers and rows.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ErrorRate => "errorRate",
            Self::P95Duration => "p95Duration",
            Self::ColdStartRate => "coldStartRate",
            Self::CostAnomaly => "costAnomaly",
        }
    }

    /// What its values and thresholds are counted in.
    pub(crate) fn unit(self) -> &'static str {
        match self {
            Self::ErrorRate | Self::ColdStartRate => "percent",
            Self::P95Duration => "ms",
            Self::CostAnomaly => "usd",
        }
    }
}

/// All rules as they hold for one function, or for the platform.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = AlertRules)]
pub(crate) struct Rules {
    /// The part of the invocations that failed.
    #[schema(inline)]
    pub(crate) error_rate: PercentRule,
    /// The duration that 95 of 100 invocations do not exceed.
    #[schema(inline)]
    pub(crate) p95_duration: DurationRule,
    /// The part of the invocations that waited for a new process.
    #[schema(inline)]
    pub(crate) cold_start_rate: PercentRule,
    /// The cost, compared with what it usually is.
    #[schema(inline)]
    pub(crate) cost_anomaly: CostRule,
}

/// A part of the invocations.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PercentRule {
    /// Whether it is watched.
    pub(crate) enabled: bool,
    /// More than this fires.
    #[schema(minimum = 0, maximum = 100)]
    pub(crate) threshold_percent: f64,
    /// Over how much time.
    #[schema(minimum = 1_000, maximum = 3_600_000)]
    pub(crate) window_ms: u64,
    /// With fewer invocations in the window it does not fire.
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub(crate) min_invocations: u64,
}

/// A duration of invocations.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct DurationRule {
    /// Whether it is watched.
    pub(crate) enabled: bool,
    /// More than this fires.
    #[schema(minimum = 0, maximum = 3_600_000)]
    pub(crate) threshold_ms: f64,
    /// Over how much time.
    #[schema(minimum = 1_000, maximum = 3_600_000)]
    pub(crate) window_ms: u64,
    /// With fewer invocations in the window it does not fire.
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub(crate) min_invocations: u64,
}

/// A cost that is not as usual.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CostRule {
    /// Whether it is watched.
    pub(crate) enabled: bool,
    /// More than so many times the mean of the seven days before fires.
    #[schema(minimum = 1, maximum = 1_000)]
    pub(crate) factor: f64,
    /// A window that costs no more than this does not fire.
    #[schema(minimum = 0, maximum = 1_000_000)]
    pub(crate) floor_usd: f64,
    /// The cost of how much time is compared.
    #[schema(minimum = 1_000, maximum = 3_600_000)]
    pub(crate) window_ms: u64,
}

impl Default for Rules {
    fn default() -> Self {
        let percent = |threshold_percent: f64| PercentRule {
            enabled: true,
            threshold_percent,
            window_ms: 300_000,
            min_invocations: 20,
        };
        Self {
            error_rate: percent(5.0),
            p95_duration: DurationRule {
                enabled: true,
                threshold_ms: 1_000.0,
                window_ms: 300_000,
                min_invocations: 20,
            },
            cold_start_rate: percent(20.0),
            cost_anomaly: CostRule {
                enabled: true,
                factor: 3.0,
                floor_usd: 1.0,
                window_ms: 3_600_000,
            },
        }
    }
}

/// A field that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RuleError {
    /// JSON pointer to the field.
    pub(crate) pointer: String,
    message: String,
}

impl RuleError {
    pub(super) fn new(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            message: message.into(),
        }
    }
}

impl Rules {
    /// Defaults with fields that were set, layer over layer.
    pub(super) fn of(layers: &[&Map<String, Value>]) -> Result<Self, RuleError> {
        let mut fields = serde_json::to_value(Self::default()).unwrap_or_default();
        for layer in layers {
            for (name, value) in *layer {
                merge(&mut fields, name, value);
            }
        }
        serde_path_to_error::deserialize(fields).map_err(|error| {
            let pointer = pointer::of(error.path());
            RuleError::new(pointer, error.into_inner().to_string())
        })
    }

    pub(super) fn check(&self, window_ms_min: u64) -> Result<(), RuleError> {
        let percents = [
            ("errorRate", self.error_rate),
            ("coldStartRate", self.cold_start_rate),
        ];
        for (name, rule) in percents {
            let percent = rule.threshold_percent;
            in_range(name, "thresholdPercent", percent, 0.0, 100.0)?;
            in_range(name, "minInvocations", rule.min_invocations, 1, 1_000_000)?;
        }
        let (slow, cost) = (self.p95_duration, self.cost_anomaly);
        in_range("p95Duration", "thresholdMs", slow.threshold_ms, 0.0, 3.6e6)?;
        let min = slow.min_invocations;
        in_range("p95Duration", "minInvocations", min, 1, 1_000_000)?;
        in_range("costAnomaly", "factor", cost.factor, 1.0, 1_000.0)?;
        in_range("costAnomaly", "floorUsd", cost.floor_usd, 0.0, 1e6)?;
        for kind in Kind::ALL {
            let window_ms = self.window_ms(kind);
            in_range(
                kind.name(),
                "windowMs",
                window_ms,
                window_ms_min,
                WINDOW_MS_MAX,
            )?;
        }
        Ok(())
    }

    fn window_ms(&self, kind: Kind) -> u64 {
        match kind {
            Kind::ErrorRate => self.error_rate.window_ms,
            Kind::P95Duration => self.p95_duration.window_ms,
            Kind::ColdStartRate => self.cold_start_rate.window_ms,
            Kind::CostAnomaly => self.cost_anomaly.window_ms,
        }
    }
}

fn in_range<T: PartialOrd + std::fmt::Display>(
    rule: &str,
    field: &str,
    value: T,
    min: T,
    max: T,
) -> Result<(), RuleError> {
    if value >= min && value <= max {
        return Ok(());
    }
    let message = format!("{field} must be between {min} and {max}, not {value}");
    Err(RuleError::new(format!("/{rule}/{field}"), message))
}

/// As RFC 7396 has it: objects are merged, and `null` takes away what was set.
fn merge(into: &mut Value, name: &str, value: &Value) {
    let Some(fields) = into.as_object_mut() else {
        return;
    };
    match value {
        Value::Null if fields.contains_key(name) => {}
        Value::Object(inner) if fields.get(name).is_some_and(Value::is_object) => {
            if let Some(field) = fields.get_mut(name) {
                inner
                    .iter()
                    .for_each(|(name, value)| merge(field, name, value));
            }
        }
        other => {
            fields.insert(name.to_owned(), other.clone());
        }
    }
}
