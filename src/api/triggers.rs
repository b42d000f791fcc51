//! A function's triggers, and schedules fired by hand.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::checked::Checked;
use super::sources::{self, SourceView};
use super::{Failable, find, time};
use crate::function::manifest::{Trigger, TriggerKind};
use crate::gateway::problem::RequestError;
use crate::platform::Platform;
use crate::time::now_unix_ms;
use crate::trigger::Schedule;

/// So many next ticks are shown.
const NEXT_RUNS: usize = 5;

/// A trigger of a function.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TriggerState)]
struct TriggerView {
    /// Its place among those of the function, from 0.
    number: usize,
    #[serde(rename = "type")]
    kind: TriggerKind,
    #[schema(value_type = std::collections::BTreeMap<String, Value>)]
    config: Map<String, Value>,
    /// When a schedule ticks next.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_runs: Option<Vec<String>>,
    /// How a queue elsewhere stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<SourceView>,
}

/// All triggers of a function.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TriggerStateList)]
struct TriggerList {
    triggers: Vec<TriggerView>,
}

/// A schedule that was fired.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TriggerFired)]
struct Fired {
    /// Leads to the state of the invocation.
    request_id: String,
    status: &'static str,
    status_url: String,
}

/// List a function's triggers
///
/// Schedules come with their next ticks, queues elsewhere with how they stand.
#[utoipa::path(
    get, path = "/functions/{key}/triggers", tag = "events", operation_id = "listTriggers",
    responses((status = 200, body = TriggerList))
)]
pub(super) async fn list(
    State(platform): State<Arc<Platform>>,
    Path(key): Path<String>,
) -> Failable {
    let function = find(&platform, key)?;
    let version = function.current();
    let mut sources = sources::of(&platform, function.id());
    let triggers = version.manifest().triggers.iter().enumerate();
    let triggers = triggers.map(|(number, trigger)| TriggerView {
        number,
        kind: trigger.kind,
        config: trigger.config.clone(),
        next_runs: (trigger.kind == TriggerKind::Cron).then(|| next_runs(&trigger.config)),
        source: {
            let its = sources.iter().position(|source| source.trigger == number);
            its.map(|at| sources.swap_remove(at))
        },
    });
    let triggers = triggers.collect();
    Ok(Json(TriggerList { triggers }).into_response())
}

fn next_runs(config: &Map<String, Value>) -> Vec<String> {
    let Ok(schedule) = Schedule::parse(config) else {
        return Vec::new();
    };
    let next = |tick: &i64| schedule.next(*tick);
    let ticks = std::iter::successors(schedule.next(now_unix_ms()), next);
    ticks.take(NEXT_RUNS).map(time::rfc3339).collect()
}

/// Fire a schedule now
///
/// Its own ticks come all the same.
#[utoipa::path(
    post, path = "/functions/{key}/triggers/{trigger}/fire", tag = "events", operation_id = "fireTrigger",
    responses((status = 202, description = "It is queued.", body = Fired))
)]
pub(super) async fn fire(
    State(platform): State<Arc<Platform>>,
    Checked(Path((key, number))): Checked<Path<(String, u32)>>,
) -> Failable {
    let function = find(&platform, key)?;
    let version = function.current();
    let trigger = usize::try_from(number).ok();
    let trigger = trigger.and_then(|number| version.manifest().triggers.get(number));
    let schedule = trigger.and_then(Trigger::schedule);
    let schedule = schedule.ok_or(RequestError::TriggerNotFound(number))?;
    let fired = platform.fire(&function, i64::from(number), &schedule).await;
    let request_id = fired.map_err(RequestError::from)?;
    let body = Fired {
        status: "queued",
        status_url: format!("/invocations/{request_id}"),
        request_id,
    };
    Ok((StatusCode::ACCEPTED, Json(body)).into_response())
}
