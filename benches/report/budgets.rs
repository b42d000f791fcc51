//! Promised numbers and whether a record keeps them.

use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::numbers;
use crate::cli::Language;
use crate::record::{Record, Series};

/// With fewer samples a p99 is nothing but the slowest one.
const ENOUGH_FOR_P99: u64 = 100;

/// A promise as `budgets.toml` states it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Promise {
    what: String,
    series: Option<String>,
    minus: Option<String>,
    memory: Option<String>,
    p50_ms: Option<f64>,
    p99_ms: Option<f64>,
    per_second: Option<f64>,
    pss_mb: Option<f64>,
    peers: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    promise: Vec<Promise>,
}

/// A promise beside what was measured.
#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) what: String,
    pub(crate) language: String,
    pub(crate) promised: String,
    pub(crate) measured: String,
    /// None: not measured.
    pub(crate) kept: Option<bool>,
    pub(crate) peers: String,
}

/// Reads `budgets.toml`.
pub(crate) fn read(path: &Path) -> Result<Vec<Promise>> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let file: File =
        toml::from_str(&text).with_context(|| format!("reading {}", path.display()))?;
    Ok(file.promise)
}

/// Compares a record with promises, one verdict per promise and language.
pub(crate) fn check(promises: &[Promise], record: &Record) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for promise in promises {
        let id = promise
            .series
            .as_deref()
            .or(promise.memory.as_deref())
            .unwrap_or_default();
        if id.contains("{language}") {
            verdicts.extend(
                Language::ALL
                    .iter()
                    .map(|language| promise.check(language.name(), record)),
            );
        } else {
            let language = Language::ALL
                .iter()
                .find(|language| id.contains(language.name()));
            verdicts.push(promise.check(language.map_or("", |language| language.name()), record));
        }
    }
    verdicts
}

/// One number of a promise: what was promised and, if there is one, what was measured.
struct Limit {
    promised: f64,
    measured: Option<f64>,
    at_least: bool,
    /// Whether requests failed: figures without them keep no promise.
    failed: bool,
    show: fn(f64) -> String,
}

impl Limit {
    fn kept(&self) -> Option<bool> {
        let measured = self.measured?;
        let within = if self.at_least {
            measured >= self.promised
        } else {
            measured <= self.promised
        };
        Some(within && !self.failed)
    }
}

impl Promise {
    fn check(&self, language: &str, record: &Record) -> Verdict {
        let (limits, remark) = self.limits(language, record);
        let join = |texts: Vec<String>| texts.join(" / ");
        let kept = limits
            .iter()
            .map(Limit::kept)
            .try_fold(true, |all, one| one.map(|one| all && one));
        let shown = limits
            .iter()
            .map(|limit| limit.measured.map_or_else(|| "–".to_owned(), limit.show))
            .collect();
        Verdict {
            what: self.what.clone(),
            language: numbers::language(language).to_owned(),
            promised: join(limits.iter().map(promised).collect()),
            measured: join(shown) + &remark,
            kept,
            peers: self.peers.as_deref().map_or_else(String::new, |prefix| {
                self.peers_of(prefix, language, record)
            }),
        }
    }

    fn limits(&self, language: &str, record: &Record) -> (Vec<Limit>, String) {
        let fill = |id: &Option<String>| id.as_ref().map(|id| id.replace("{language}", language));
        if let Some(id) = fill(&self.memory) {
            let measured = record
                .memory
                .iter()
                .find(|row| row.id == id)
                .map(|row| row.pss);
            let limit = |promised| Limit {
                promised,
                measured,
                at_least: false,
                failed: false,
                show: numbers::megabytes,
            };
            return (self.pss_mb.map(limit).into_iter().collect(), String::new());
        }
        let series = fill(&self.series).and_then(|id| record.find(&id));
        let minus = fill(&self.minus);
        let base = minus.as_ref().and_then(|id| record.find(id));
        let series = series.filter(|_| minus.is_none() || base.is_some());
        let remark = series.map_or_else(String::new, |series| self.remark(series));
        (self.latency_limits(series, base), remark)
    }

    /// What the figures alone do not say.
    fn remark(&self, series: &Series) -> String {
        let mut remarks = Vec::new();
        if self.p99_ms.is_some() && series.n < ENOUGH_FOR_P99 {
            remarks.push(format!("the slowest of {} stands for p99", series.n));
        }
        match series.errors.values().sum::<u64>() {
            0 => {}
            failed => remarks.push(format!("{failed} failed")),
        }
        match series.kinds.values().sum::<u64>().saturating_sub(series.n) {
            0 => {}
            others => remarks.push(format!("{others} more were starts of another kind")),
        }
        if remarks.is_empty() {
            String::new()
        } else {
            format!(" ({})", remarks.join("; "))
        }
    }

    fn latency_limits(&self, series: Option<&Series>, base: Option<&Series>) -> Vec<Limit> {
        let at = |of: fn(&Series) -> f64| series.map(|series| of(series) - base.map_or(0.0, of));
        let failed = series.is_some_and(|series| !series.errors.is_empty());
        let limit = |promised, measured, at_least, show| Limit {
            promised,
            measured,
            at_least,
            failed,
            show,
        };
        let milliseconds = numbers::milliseconds;
        [
            self.p50_ms
                .map(|ms| limit(ms, at(|series| series.latency_ms.p50), false, milliseconds)),
            self.p99_ms
                .map(|ms| limit(ms, at(|series| series.latency_ms.p99), false, milliseconds)),
            self.per_second.map(|rate| {
                limit(
                    rate,
                    series.and_then(|series| series.per_second),
                    true,
                    numbers::per_second,
                )
            }),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// The peers of the same language; the figure is the one that was promised first.
    fn peers_of(&self, prefix: &str, language: &str, record: &Record) -> String {
        let figures = |id: &str| {
            if self.pss_mb.is_some() {
                return record
                    .memory
                    .iter()
                    .find(|row| row.id == id)
                    .map(|row| numbers::megabytes(row.pss));
            }
            let series = record.find(id)?;
            let rate = self
                .per_second
                .and(series.per_second)
                .map(numbers::per_second);
            Some(rate.unwrap_or_else(|| numbers::milliseconds(series.latency_ms.p50)))
        };
        peers_of_language(language)
            .iter()
            .filter_map(|name| Some(format!("{name} {}", figures(&format!("{prefix}{name}"))?)))
            .collect::<Vec<_>>()
            .join(", ")
    }
}

fn promised(limit: &Limit) -> String {
    let sign = if limit.at_least { "≥" } else { "≤" };
    format!("{sign} {}", (limit.show)(limit.promised))
}

fn peers_of_language(language: &str) -> &'static [&'static str] {
    match language {
        "javascript" => &["workerd", "functions-framework-node", "bun", "deno", "node"],
        "python" => &[
            "functions-framework-python",
            "uvicorn",
            "gunicorn",
            "granian",
        ],
        "ruby" => &["puma"],
        _ => &[],
    }
}
