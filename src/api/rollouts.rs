//! Rollouts: a part of a function's calls on another version.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use http::Request;
use serde::Serialize;
use utoipa::ToSchema;

use super::precondition::expected;
use super::view::Deployed;
use super::{Changes, Failable, by, find, functions, json_body, run_to_the_end, time};
use crate::function::deployment::DeployError;
use crate::function::{Function, Rollout};
use crate::platform::Platform;
use crate::rollout::{Difference, Settings, Tally};

/// Where a rollout stands.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RolloutState)]
enum Stands {
    /// Some calls go to the candidate.
    Running,
    /// The candidate did worse than is allowed, and gets no more calls.
    RolledBack,
}

/// A rollout.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Rollout)]
struct RolloutView {
    settings: Settings,
    state: Stands,
    /// Why the candidate was taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// RFC 3339.
    #[schema(format = DateTime)]
    started_at: String,
    /// The name of the credential that began it.
    started_by: String,
    current: Side,
    candidate: Side,
    shadows: Shadows,
}

/// A version's invocations since the rollout began, or since the platform's start.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RolloutSide)]
struct Side {
    version: u32,
    invocations: u64,
    errors: u64,
    /// From 0 to 1.
    error_rate: f64,
    /// How long 95 of 100 took at most, in ms.
    p95_ms: f64,
}

/// Calls that were repeated on the candidate, and their answers.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RolloutShadows)]
struct Shadows {
    same: u64,
    different: u64,
    /// Not repeated, because too many were being repeated.
    skipped: u64,
    /// The last ten, the newest first.
    differences: Vec<Difference>,
}

/// A function's rollout.
#[derive(Debug, Serialize, ToSchema)]
struct RolloutAnswer {
    rollout: RolloutView,
}

/// A rollout that is no more.
#[derive(Debug, Serialize, ToSchema)]
struct RolloutEnded {
    message: &'static str,
}

/// Show a function's rollout
#[utoipa::path(
    get, path = "/functions/{key}/rollout", tag = "versions", operation_id = "showRollout",
    responses((status = 200, body = RolloutAnswer))
)]
pub(super) async fn show(
    State(platform): State<Arc<Platform>>,
    Path(key): Path<String>,
) -> Failable {
    let function = find(&platform, key)?;
    let rollout = function.rollout().ok_or(DeployError::NoRollout)?;
    Ok(answer(&function, &rollout).into_response())
}

/// Begin a rollout, or change it
///
/// A part of the calls that name no version goes to another version, which has loaded before this is answered. Versions
/// that do not serve yet are made with `?stage=true`. Any move of the function, such as a deployment, ends its rollout.
/// Figures begin anew with each call.
#[utoipa::path(
    put, path = "/functions/{key}/rollout", tag = "versions", operation_id = "setRollout",
    request_body = Settings,
    responses((status = 200, body = RolloutAnswer), (status = 409), (status = 422))
)]
pub(super) async fn set(
    State(platform): State<Arc<Platform>>,
    Path(key): Path<String>,
    request: Request<Body>,
) -> Failable {
    let function = find(&platform, key)?;
    let by = by(&request);
    let settings = json_body::<Settings>(request).await?;
    let shared = Arc::clone(&function);
    let work = async move { platform.deployer().roll_out(&shared, settings, &by).await };
    let rollout = run_to_the_end(work).await?;
    Ok(answer(&function, &rollout).into_response())
}

/// End a rollout
///
/// All calls go to the current version again.
#[utoipa::path(
    delete, path = "/functions/{key}/rollout", tag = "versions", operation_id = "endRollout",
    responses((status = 200, body = RolloutEnded), (status = 409))
)]
pub(super) async fn end(
    State(platform): State<Arc<Platform>>,
    Path(key): Path<String>,
) -> Failable {
    let function = find(&platform, key)?;
    let work = async move { platform.deployer().end_rollout(&function).await };
    run_to_the_end(work).await?;
    let message = "Rollout ended successfully";
    Ok(Json(RolloutEnded { message }).into_response())
}

/// Make a rollout's candidate current
#[utoipa::path(
    post,
    path = "/functions/{key}/rollout/promote",
    tag = "versions",
    operation_id = "promoteRollout",
    responses(Changes)
)]
pub(super) async fn promote(
    State(platform): State<Arc<Platform>>,
    Path(key): Path<String>,
    request: Request<Body>,
) -> Failable {
    let function = find(&platform, key)?;
    let (by, expected) = (by(&request), expected(request.headers())?);
    let shared = Arc::clone(&function);
    let work = async move {
        let deployer = platform.deployer();
        deployer.promote(&shared, expected, &by).await
    };
    let deployed = run_to_the_end(work).await?;
    let deployed = Deployed::of(&deployed, "The candidate serves now");
    Ok(functions::answer(&deployed, &function))
}

fn answer(function: &Function, rollout: &Rollout) -> Json<RolloutAnswer> {
    let (sides, compared) = (rollout.sides(), rollout.compared());
    let (started_unix_ms, started_by) = rollout.begun();
    let reason = rollout.rolled_back();
    Json(RolloutAnswer {
        rollout: RolloutView {
            settings: rollout.settings().clone(),
            state: match reason {
                Some(_) => Stands::RolledBack,
                None => Stands::Running,
            },
            reason,
            started_at: time::rfc3339(started_unix_ms),
            started_by: started_by.to_owned(),
            current: side(function.current().number(), &sides.current),
            candidate: side(rollout.candidate().number(), &sides.candidate),
            shadows: Shadows {
                same: compared.same,
                different: compared.different,
                skipped: compared.skipped,
                differences: compared.differences.into(),
            },
        },
    })
}

fn side(version: u32, tally: &Tally) -> Side {
    Side {
        version,
        invocations: tally.invocations,
        errors: tally.errors,
        error_rate: (tally.error_rate() * 1e4).round() / 1e4,
        p95_ms: (tally.p95().as_secs_f64() * 1e6).round() / 1e3,
    }
}
