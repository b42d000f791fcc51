//! Policies side by side over the same functions.

use serde::Serialize;
use zygo_forecast::baseline::{Fixed, Hybrid, OutOfBounds};
use zygo_forecast::{Learned, Moment, Policy, Settings};

use crate::replay::{Outcome, replay};
use crate::trace::Function;

/// A policy with its knob.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Contestant {
    /// Minutes.
    Fixed(u64),
    /// Minutes of the histogram; the paper's policy without ARIMA.
    Hybrid(usize),
    /// The same, with the mean of long gaps in the place of ARIMA.
    HybridMean(usize),
    /// Minutes of memory that a cold start is worth.
    Learned(f32),
    /// The same, with all cold starts weighing the same.
    Fewest(f32),
    /// As learned, but told the schedules of timers.
    Scheduled(f32),
}

impl Contestant {
    pub(crate) fn all() -> Vec<Self> {
        let fixed = [1, 2, 5, 10, 20, 40, 60, 120, 240].map(Self::Fixed);
        let hybrid = [10, 30, 60, 120, 240].map(Self::Hybrid);
        let mean = [10, 30, 60, 120, 240].map(Self::HybridMean);
        let worth = [
            3.0, 7.0, 15.0, 30.0, 60.0, 120.0, 240.0, 480.0, 960.0, 1920.0,
        ];
        let learned = worth
            .map(Self::Learned)
            .into_iter()
            .chain(worth.map(Self::Fewest));
        let learned = learned.chain(worth.map(Self::Scheduled));
        fixed
            .into_iter()
            .chain(hybrid)
            .chain(mean)
            .chain(learned)
            .collect()
    }

    pub(crate) fn family(self) -> &'static str {
        match self {
            Self::Fixed(_) => "fixed",
            Self::Hybrid(_) => "hybrid",
            Self::HybridMean(_) => "hybrid+mean",
            Self::Learned(_) => "learned",
            Self::Fewest(_) => "fewest",
            Self::Scheduled(_) => "learned+schedules",
        }
    }

    pub(crate) fn name(self) -> String {
        match self {
            Self::Fixed(minutes) => format!("fixed {minutes} min"),
            Self::Hybrid(minutes) => format!("hybrid {minutes} min"),
            Self::HybridMean(minutes) => format!("hybrid+mean {minutes} min"),
            Self::Learned(worth) => format!("learned, worth {worth} min"),
            Self::Fewest(worth) => format!("fewest, worth {worth} min"),
            Self::Scheduled(worth) => format!("learned+schedules, worth {worth} min"),
        }
    }

    fn policy(self, function: &Function) -> Box<dyn Policy> {
        let usual = Settings::default().evenness;
        let learned = |worth_minutes, evenness, ticks| {
            let settings = Settings {
                worth_minutes,
                evenness,
                ..Settings::default()
            };
            Box::new(Learned {
                settings,
                ticks,
                ..Learned::default()
            })
        };
        match self {
            Self::Fixed(minutes) => Box::new(Fixed::minutes(minutes)),
            Self::Hybrid(minutes) => Box::new(Hybrid::new(minutes, OutOfBounds::Keep)),
            Self::HybridMean(minutes) => Box::new(Hybrid::new(minutes, OutOfBounds::Mean)),
            Self::Learned(worth) => learned(worth, usual, Vec::new()),
            Self::Fewest(worth) => learned(worth, 0.0, Vec::new()),
            Self::Scheduled(worth) => learned(worth, usual, function.ticks.clone()),
        }
    }
}

/// What a policy did for all functions.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Score {
    pub(crate) name: String,
    pub(crate) family: &'static str,
    pub(crate) calls: u64,
    pub(crate) cold: u64,
    pub(crate) prewarms: u64,
    pub(crate) prewarms_wasted: u64,
    pub(crate) instance_hours: f64,
    /// Of memory that was held, whether used or not.
    pub(crate) gigabyte_hours: f64,
    pub(crate) busy_gigabyte_hours: f64,
    /// Cold share of each function that was called.
    #[serde(skip)]
    pub(crate) rates: Vec<f64>,
}

#[expect(clippy::cast_precision_loss, reason = "counts for people")]
pub(crate) fn fraction(count: u64) -> f64 {
    count as f64
}

impl Score {
    fn add(&mut self, function: &Function, outcome: Outcome) {
        let gigabytes = function.megabytes / 1024.0;
        let loaded = fraction(outcome.loaded) / 3600.0;
        let busy = (fraction(outcome.calls) * function.seconds / 3600.0).min(loaded);
        self.calls += outcome.calls;
        self.cold += outcome.cold;
        self.prewarms += outcome.prewarms;
        self.prewarms_wasted += outcome.prewarms_wasted;
        self.instance_hours += loaded;
        self.gigabyte_hours += loaded * gigabytes;
        self.busy_gigabyte_hours += busy * gigabytes;
        if outcome.calls > 0 {
            self.rates
                .push(fraction(outcome.cold) / fraction(outcome.calls));
        }
    }

    /// Joins the scores of another trace.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.calls += other.calls;
        self.cold += other.cold;
        self.prewarms += other.prewarms;
        self.prewarms_wasted += other.prewarms_wasted;
        self.instance_hours += other.instance_hours;
        self.gigabyte_hours += other.gigabyte_hours;
        self.busy_gigabyte_hours += other.busy_gigabyte_hours;
        self.rates.extend(&other.rates);
    }

    /// The figures for programs.
    pub(crate) fn figures(&self) -> serde_json::Value {
        let [p50, p75, p90] = [0.5, 0.75, 0.9].map(|share| self.percentile(share));
        let mut figures = serde_json::json!(self);
        figures["coldShareOfFunctions"] = serde_json::json!({"p50": p50, "p75": p75, "p90": p90});
        figures
    }

    /// The cold share that so many functions stay below.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index"
    )]
    pub(crate) fn percentile(&self, share: f64) -> f64 {
        let mut rates = self.rates.clone();
        rates.sort_by(f64::total_cmp);
        let last = rates.len().saturating_sub(1);
        rates
            .get((fraction(last as u64) * share).round() as usize)
            .copied()
            .unwrap_or(0.0)
    }
}

/// Each function through each policy.
pub(crate) fn run(
    contestants: &[Contestant],
    functions: impl Iterator<Item = Function>,
    end: Moment,
) -> Vec<Score> {
    let fresh = |of: &Contestant| Score {
        name: of.name(),
        family: of.family(),
        ..Score::default()
    };
    let mut scores: Vec<Score> = contestants.iter().map(fresh).collect();
    for function in functions {
        let mut known: Vec<(Contestant, Outcome)> = Vec::new();
        for (contestant, score) in contestants.iter().zip(&mut scores) {
            // Who is told no schedule does as who never is.
            let same = match contestant {
                Contestant::Scheduled(worth) if function.ticks.is_empty() => {
                    Contestant::Learned(*worth)
                }
                other => *other,
            };
            let before = known
                .iter()
                .find(|(of, _)| *of == same)
                .map(|(_, outcome)| *outcome);
            let outcome =
                before.unwrap_or_else(|| replay(&function, same.policy(&function).as_mut(), end));
            known.push((same, outcome));
            score.add(&function, outcome);
        }
    }
    scores
}
