//! One rule of one function over time. Pure.
//!
//! ```text
//!          exceeds, with enough invocations          CALM_MIN evaluations in a row that do not exceed,
//!  Quiet ────────────────────────────────► Firing ─► the rule is switched off, or the function is deleted
//!    ▲                                      ▲  │                 │
//!    │                             exceeds: └──┘                 ▼
//!    └────────────────────────── next evaluation ◄────────── Resolved
//! ```
//! An alert is told of when it begins to fire and when it is resolved, and never between.

use serde::{Deserialize, Serialize};

use super::recent::Recent;
use super::rules::{Kind, Rules};
use crate::cost::float;

/// So many evaluations in a row must be fine before an alert is resolved, so that it does not come and go.
pub(super) const CALM_MIN: u32 = 3;

const HOUR_MS: u64 = 3_600_000;

/// Where a rule stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Quiet,
    /// For how many evaluations in a row nothing has exceeded.
    Firing {
        calm: u32,
    },
    Resolved(Reason),
}

/// Why an alert was resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = AlertEnd)]
pub(crate) enum Reason {
    /// What is measured is below the threshold again.
    Recovered,
    /// Nobody invokes the function any more.
    NoTraffic,
    /// The rule was switched off.
    RuleOff,
    /// The function was deleted.
    FunctionDeleted,
}

impl Reason {
    pub(super) const ALL: [Self; 4] = [
        Self::Recovered,
        Self::NoTraffic,
        Self::RuleOff,
        Self::FunctionDeleted,
    ];

    /// Its name in rows and answers.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Recovered => "recovered",
            Self::NoTraffic => "no_traffic",
            Self::RuleOff => "rule_off",
            Self::FunctionDeleted => "function_deleted",
        }
    }
}

/// What was measured for a rule.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Measured {
    pub(super) value: f64,
    pub(super) threshold: f64,
    invocations: u64,
    /// Whether there were enough invocations to begin to fire.
    is_enough: bool,
}

impl Measured {
    fn exceeds(&self) -> bool {
        self.invocations > 0 && self.value > self.threshold
    }
}

impl Phase {
    /// After one more evaluation; `None` when the rule is switched off.
    pub(super) fn next(self, measured: Option<&Measured>) -> Self {
        let Some(measured) = measured else {
            return match self {
                Self::Firing { .. } => Self::Resolved(Reason::RuleOff),
                Self::Quiet | Self::Resolved(_) => Self::Quiet,
            };
        };
        match self {
            Self::Firing { .. } if measured.exceeds() => Self::Firing { calm: 0 },
            Self::Firing { calm } if calm + 1 < CALM_MIN => Self::Firing { calm: calm + 1 },
            Self::Firing { .. } if measured.invocations == 0 => Self::Resolved(Reason::NoTraffic),
            Self::Firing { .. } => Self::Resolved(Reason::Recovered),
            _ if measured.exceeds() && measured.is_enough => Self::Firing { calm: 0 },
            Self::Quiet | Self::Resolved(_) => Self::Quiet,
        }
    }
}

/// Measures a function by a rule; `None` when the rule is switched off. `usual_usd` is what an hour costs on average.
pub(super) fn measure(
    kind: Kind,
    rules: &Rules,
    recent: &Recent,
    usual_usd: f64,
    now_unix_ms: i64,
) -> Option<Measured> {
    match kind {
        Kind::ErrorRate | Kind::ColdStartRate => {
            let is_errors = kind == Kind::ErrorRate;
            let rule = if is_errors {
                rules.error_rate
            } else {
                rules.cold_start_rate
            };
            let counts = recent.over(rule.window_ms, now_unix_ms);
            let count = if is_errors {
                counts.errors
            } else {
                counts.cold
            };
            rule.enabled.then(|| Measured {
                value: counts.percent(count),
                threshold: rule.threshold_percent,
                invocations: counts.invocations,
                is_enough: counts.invocations >= rule.min_invocations,
            })
        }
        Kind::P95Duration => {
            let rule = rules.p95_duration;
            let counts = recent.over(rule.window_ms, now_unix_ms);
            rule.enabled.then(|| Measured {
                value: recent.p95_ms(rule.window_ms, now_unix_ms),
                threshold: rule.threshold_ms,
                invocations: counts.invocations,
                is_enough: counts.invocations >= rule.min_invocations,
            })
        }
        Kind::CostAnomaly => {
            let rule = rules.cost_anomaly;
            let counts = recent.over(rule.window_ms, now_unix_ms);
            let usual = usual_usd * float(rule.window_ms) / float(HOUR_MS);
            rule.enabled.then(|| Measured {
                value: counts.cost_usd(),
                threshold: (usual * rule.factor).max(rule.floor_usd),
                invocations: counts.invocations,
                // The floor keeps little things away.
                is_enough: true,
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::Figures;
    use proptest::prelude::*;

    fn measured(value: f64, invocations: u64) -> Measured {
        Measured {
            value,
            threshold: 5.0,
            invocations,
            is_enough: invocations >= 20,
        }
    }

    #[test]
    fn one_failure_of_one_call_fires_nothing_and_a_pause_of_two_resolves_nothing() {
        let (few, bad, good) = (measured(100.0, 1), measured(50.0, 20), measured(1.0, 20));
        assert_eq!(Phase::Quiet.next(Some(&few)), Phase::Quiet);
        let firing = Phase::Quiet.next(Some(&bad));
        assert_eq!(firing, Phase::Firing { calm: 0 });
        // A few bad ones are no recovery.
        assert_eq!(firing.next(Some(&few)), Phase::Firing { calm: 0 });
        let calm = firing.next(Some(&good)).next(Some(&good));
        assert_eq!(calm.next(Some(&bad)), Phase::Firing { calm: 0 });
        let resolved = calm.next(Some(&good));
        assert_eq!(resolved, Phase::Resolved(Reason::Recovered));
        assert_eq!(resolved.next(Some(&good)), Phase::Quiet);
        assert_eq!(resolved.next(Some(&bad)), Phase::Firing { calm: 0 });
        let nobody = calm.next(Some(&measured(0.0, 0)));
        assert_eq!(nobody, Phase::Resolved(Reason::NoTraffic));
        assert_eq!(firing.next(None), Phase::Resolved(Reason::RuleOff));
        assert_eq!(Phase::Quiet.next(None), Phase::Quiet);
    }

    proptest! {
        #[test]
        fn firing_ends_only_after_calm_and_begins_only_with_enough(
            seen in prop::collection::vec((0.0_f64..10.0, 0_u64..40), 1..200),
        ) {
            let (mut phase, mut calm) = (Phase::Quiet, 0);
            for (value, invocations) in seen {
                let measured = measured(value, invocations);
                let next = phase.next(Some(&measured));
                calm = if measured.exceeds() { 0 } else { calm + 1 };
                match (phase, next) {
                    (Phase::Firing { .. }, Phase::Firing { .. }) => prop_assert!(calm < CALM_MIN),
                    (Phase::Firing { .. }, next) => {
                        prop_assert!(matches!(next, Phase::Resolved(_)) && calm >= CALM_MIN);
                    }
                    (_, Phase::Firing { .. }) => prop_assert!(invocations >= 20 && value > 5.0),
                    (_, next) => prop_assert_eq!(next, Phase::Quiet),
                }
                phase = next;
            }
        }
    }

    #[test]
    fn each_rule_measures_its_own() {
        let mut recent = Recent::new(&Figures::default(), 0);
        let mut figures = Figures {
            invocations: 40,
            mb_ms: 40 * 256 * 100,
            ..Figures::default()
        };
        figures.errors.insert("timeout".to_owned(), 4);
        figures.starts.forked = 10;
        recent.look(&figures, 0, 1_000);
        let rules = Rules::default();
        let value = |kind| {
            let measured = measure(kind, &rules, &recent, 0.5, 1_000).expect("watched");
            (measured.value, measured.threshold)
        };
        assert_eq!(value(Kind::ErrorRate), (10.0, 5.0));
        assert_eq!(value(Kind::ColdStartRate), (25.0, 20.0));
        let (cost, threshold) = value(Kind::CostAnomaly);
        assert!((cost - 40.0 * 0.616_75e-6).abs() < 1e-9, "{cost}");
        assert!((threshold - 1.5).abs() < 1e-9, "three times the usual");
        let mut off = rules;
        off.error_rate.enabled = false;
        assert_eq!(measure(Kind::ErrorRate, &off, &recent, 0.0, 1_000), None);
    }
}
