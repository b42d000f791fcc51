//! Figures as the API shows them. Pure.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::cost::float;
use crate::telemetry::Figures;

/// Figures as the API shows them: the specification's fields, and more. Durations are in ms, rates in per cent, costs in
/// USD.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Figures)]
pub(super) struct FiguresView {
    /// All invocations, failed ones too.
    invocations: u64,
    /// Failed invocations.
    errors: u64,
    /// Callers that were sent away for their number; no invocations.
    throttles: u64,
    /// Invocations that waited for a process to be made.
    cold_starts: u64,
    /// ms.
    avg_duration: f64,
    /// ms.
    avg_cold_start_duration: f64,
    /// ms.
    min_duration: f64,
    /// ms.
    max_duration: f64,
    /// ms.
    p50_duration: f64,
    /// ms.
    p95_duration: f64,
    /// ms.
    p99_duration: f64,
    /// Per cent.
    success_rate: f64,
    /// Per cent.
    error_rate: f64,
    /// Per cent.
    cold_start_rate: f64,
    /// USD.
    total_cost: f64,
    /// Failed invocations by the code of their problem.
    errors_by_kind: BTreeMap<String, u64>,
    start_kinds: StartKinds,
    /// The average wait for an instance, in ms.
    avg_queue: f64,
    /// Billed time, in ms.
    billed_ms: u64,
    /// Billed memory times billed time, in GB-seconds.
    gb_seconds: f64,
    /// MB.
    avg_memory_mb: f64,
    /// MB.
    max_memory_mb: f64,
    /// Processor time, in ms.
    cpu_ms: f64,
    /// The most invocations that were under way at once.
    max_concurrency: u64,
}

/// Invocations by the way their instance came to be.
#[derive(Debug, Serialize, ToSchema)]
struct StartKinds {
    /// It had served before.
    warm: u64,
    /// It was forked ahead of demand.
    parked: u64,
    /// It was forked on demand.
    forked: u64,
    /// Its function zygote had to be made first.
    booted: u64,
}

impl From<Figures> for FiguresView {
    fn from(figures: Figures) -> Self {
        let per = |sum: u64, count: u64, unit: f64| match count {
            0 => 0.0,
            _ => rounded(float(sum) / unit / float(count), 3),
        };
        let all = figures.invocations;
        let (errors, starts) = (figures.error_count(), figures.starts);
        let billed = figures.billed();
        Self {
            invocations: all,
            errors,
            throttles: figures.throttles,
            cold_starts: starts.cold(),
            avg_duration: per(figures.duration_us, all, 1e3),
            avg_cold_start_duration: per(figures.cold_us, starts.cold(), 1e3),
            min_duration: float(figures.duration_us_min) / 1e3,
            max_duration: float(figures.duration_us_max) / 1e3,
            p50_duration: figures.percentile_ms(0.50),
            p95_duration: figures.percentile_ms(0.95),
            p99_duration: figures.percentile_ms(0.99),
            success_rate: figures.percent(all - errors),
            error_rate: figures.percent(errors),
            cold_start_rate: figures.percent(starts.cold()),
            total_cost: rounded(billed.cost().total(), 9),
            start_kinds: StartKinds {
                warm: starts.warm,
                parked: starts.parked,
                forked: starts.forked,
                booted: starts.booted,
            },
            avg_queue: per(figures.queue_us, all, 1e3),
            billed_ms: figures.billed_ms,
            gb_seconds: rounded(billed.gb_seconds(), 6),
            avg_memory_mb: per(figures.memory_kib, all, 1_024.0),
            max_memory_mb: rounded(float(figures.memory_kib_max) / 1_024.0, 3),
            cpu_ms: float(figures.cpu_us) / 1e3,
            max_concurrency: figures.concurrency_max,
            errors_by_kind: figures.errors,
        }
    }
}

/// With so many decimals.
pub(super) fn rounded(value: f64, decimals: i32) -> f64 {
    let factor = 10_f64.powi(decimals);
    (value * factor).round() / factor
}
