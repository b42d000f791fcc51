//! How many instances a function has ready, and why.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa::ToSchema;
use zygo_forecast::{Moment, Plan};

use super::{Failable, find, time};
use crate::function::manifest::Scaling;
use crate::platform::Platform;
use crate::scaling::{Decision, Scaler};

/// How a function is scaled.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ScalingState)]
struct ScalingView {
    /// Whether load and learned patterns are heeded; otherwise instances come with demand, and as the settings say.
    automatic: bool,
    /// The function's settings, with what its preset and defaults say.
    settings: Scaling,
    instances: Instances,
    /// So many instances are kept ready.
    ready: usize,
    /// What asks for them: `minimum`, `scheduled`, `utilization`, `queue`, `responseTime`, `coldStarts`, `calm` or
    /// `forecast`.
    cause: &'static str,
    load: Load,
    /// What is expected; absent while calls come in.
    #[serde(skip_serializing_if = "Option::is_none")]
    forecast: Option<Forecast>,
    /// The last changes of `ready` since the platform's start, the newest first.
    decisions: Vec<DecisionView>,
}

/// Instances of the current version.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ScalingInstances)]
struct Instances {
    /// All there are or will be.
    live: usize,
    /// Those that have served and wait.
    idle: usize,
    /// Those that were forked ahead of demand and wait.
    parked: usize,
    /// Callers that wait for one.
    waiting: usize,
}

/// What decisions are made from.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ScalingLoad)]
struct Load {
    /// The part of the instances' time that was used, over ten seconds: of the time, or of the processors, whichever is more.
    utilization: f64,
    /// Instances that were busy on average, over ten seconds.
    busy_instances: f64,
    /// Processors that they kept busy on average, over ten seconds.
    busy_processors: f64,
    /// The most that were busy at once, over a minute.
    busy_instances_max: usize,
    /// Calls, over ten seconds.
    calls_per_second: f64,
    /// The part of a minute's invocations that had a cold start, 0 to 1.
    cold_start_rate: f64,
    /// The part of ten seconds' invocations that took more than a second, 0 to 1.
    slow_rate: f64,
}

/// What is expected of calls.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ScalingForecast)]
struct Forecast {
    /// Why, for people.
    reason: String,
    /// An idle instance stays until then, RFC 3339.
    #[schema(format = DateTime)]
    keep_until: String,
    /// When instances are forked ahead of the next calls, and until when they then stay; absent when that is not worth it.
    #[serde(skip_serializing_if = "Option::is_none")]
    prewarm: Option<Prewarm>,
    /// When this is thought over again, RFC 3339; absent when nothing is expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    look_again_at: Option<String>,
}

/// Instances that are forked ahead of calls.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ScalingPrewarm)]
struct Prewarm {
    /// RFC 3339.
    #[schema(format = DateTime)]
    from: String,
    /// RFC 3339.
    #[schema(format = DateTime)]
    until: String,
    /// How many.
    instances: usize,
}

/// A change of the number of instances that are kept ready.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ScalingDecision)]
struct DecisionView {
    /// RFC 3339.
    #[schema(format = DateTime)]
    at: String,
    from: usize,
    to: usize,
    /// As in `cause` above.
    cause: &'static str,
    /// The same for people.
    reason: String,
}

/// Show how a function is scaled
#[utoipa::path(
    get, path = "/functions/{key}/scaling", tag = "functions", operation_id = "showScaling",
    responses((status = 200, body = ScalingView))
)]
pub(super) async fn show(
    State(platform): State<Arc<Platform>>,
    Path(key): Path<String>,
) -> Failable {
    let function = find(&platform, key)?;
    let version = function.current();
    let census = version.pool().census();
    let settings = version.manifest().scaling.effective(platform.config());
    let scaler = platform.scaling().of(function.id());
    let minimum = settings.min_instances.unwrap_or_default();
    let view = ScalingView {
        automatic: platform.config().scaling.automatic,
        settings,
        instances: Instances {
            live: census.live,
            idle: census.idle.len(),
            parked: census.parked.len(),
            waiting: census.waiting,
        },
        ready: scaler.as_ref().map_or(minimum, |scaler| scaler.ready),
        cause: scaler
            .as_ref()
            .map_or("minimum", |scaler| scaler.cause.name()),
        load: scaler.as_ref().map(load).unwrap_or_default(),
        forecast: scaler
            .as_ref()
            .and_then(|scaler| scaler.pattern.plan())
            .map(forecast),
        decisions: scaler
            .iter()
            .flat_map(|scaler| scaler.decisions.iter())
            .map(decision)
            .collect(),
    };
    Ok(Json(view).into_response())
}

fn load(scaler: &Scaler) -> Load {
    let figures = scaler.figures;
    Load {
        utilization: rounded(figures.utilization()),
        busy_instances: rounded(figures.load),
        busy_processors: rounded(figures.processors),
        busy_instances_max: figures.busy_peak,
        calls_per_second: rounded(figures.calls_per_second),
        cold_start_rate: rounded(figures.cold_rate()),
        slow_rate: rounded(figures.slow_rate()),
    }
}

fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

fn forecast(plan: &Plan) -> Forecast {
    let prewarm = plan.prewarm.map(|prewarm| Prewarm {
        from: at(prewarm.at),
        until: at(prewarm.until),
        instances: plan.parked,
    });
    Forecast {
        reason: plan.reason.to_string(),
        keep_until: at(plan.keep_until),
        prewarm,
        look_again_at: plan.look_again.map(at),
    }
}

fn decision(decision: &Decision) -> DecisionView {
    DecisionView {
        at: time::rfc3339(decision.unix_ms),
        from: decision.from,
        to: decision.to,
        cause: decision.cause.name(),
        reason: decision.reason.clone(),
    }
}

fn at(moment: Moment) -> String {
    let ms = moment.0.saturating_mul(1_000);
    time::rfc3339(i64::try_from(ms).unwrap_or(i64::MAX))
}
