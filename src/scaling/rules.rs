//! What a function asks of its scaling, once presets and defaults are filled in. Pure.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What is worth more: memory, or calls that find an instance.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ScalingPreset)]
pub enum Preset {
    /// Memory: few instances, let go early.
    Cost,
    /// Both.
    #[default]
    Balanced,
    /// Calls: two instances at least, more of them sooner, kept longer.
    Performance,
}

/// What a preset stands for; a function's own fields come before it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Defaults {
    pub(crate) instances_min: usize,
    /// `None` for the operator's default.
    pub(crate) instances_max: Option<usize>,
    pub(crate) up: f64,
    pub(crate) down: f64,
    pub(crate) cooldown: Duration,
    /// One cold start less is worth so many minutes of one idle instance.
    pub(crate) worth_minutes: f32,
}

impl Preset {
    /// The numbers of `Cost` and `Performance` are the specification's.
    pub(crate) fn defaults(self) -> Defaults {
        let balanced = Defaults {
            instances_min: 0,
            instances_max: None,
            up: 0.7,
            down: 0.3,
            cooldown: Duration::from_secs(60),
            worth_minutes: 60.0,
        };
        match self {
            Self::Balanced => balanced,
            Self::Cost => Defaults {
                instances_max: Some(10),
                down: 0.5,
                cooldown: Duration::from_secs(30),
                worth_minutes: 15.0,
                ..balanced
            },
            Self::Performance => Defaults {
                instances_min: 2,
                instances_max: Some(100),
                up: 0.5,
                worth_minutes: 240.0,
                ..balanced
            },
        }
    }
}

/// What holds for one function.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rules {
    pub(crate) instances_min: usize,
    pub(crate) instances_max: usize,
    /// Utilisation above which instances are added.
    pub(crate) up: f64,
    /// Utilisation below which some are let go.
    pub(crate) down: f64,
    /// Nothing is let go so soon after the last change.
    pub(crate) cooldown: Duration,
    pub(crate) worth_minutes: f32,
    /// How many invocations an instance serves at once.
    pub(crate) concurrency: usize,
}
