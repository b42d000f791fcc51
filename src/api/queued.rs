//! Invocations that nobody waited for, and how many there are.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::Request;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Failable, find, time};
use crate::auth::Principal;
use crate::gateway::problem::{Rejection, RequestError};
use crate::platform::Platform;
use crate::queue::{Counts, Delivery, State as Stands};
use crate::time::now_unix_ms;

/// How an invocation stands that nobody waited for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = QueuedInvocationStatus)]
enum Status {
    /// It has not begun.
    Queued,
    /// It runs.
    Running,
    /// The handler answered.
    Succeeded,
    /// An attempt failed; there will be another.
    Failed,
    /// It is tried no more, and is a dead letter.
    Dead,
}

/// An invocation that nobody waited for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = QueuedInvocation)]
struct InvocationView {
    request_id: String,
    function_id: String,
    function: String,
    /// `async`, `event` or `cron`.
    trigger: &'static str,
    status: Status,
    /// Attempts that ended, except those that were refused before anything ran.
    attempts: u32,
    max_attempts: u32,
    /// When it was accepted.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it is tried next.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    next_attempt_at: Option<String>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    ended_at: Option<String>,
    /// The handler's own status.
    #[serde(skip_serializing_if = "Option::is_none")]
    status_code: Option<u16>,
    /// Why the last attempt failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<ErrorView>,
}

/// Why an attempt failed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeliveryError)]
pub(super) struct ErrorView {
    /// A stable word.
    code: String,
    message: String,
}

impl ErrorView {
    pub(super) fn of(delivery: &Delivery) -> Option<Self> {
        delivery.error.as_ref().map(|error| Self {
            code: error.code.clone(),
            message: error.message.clone(),
        })
    }
}

/// Show an invocation that nobody waited for
///
/// It is known for a day after its end.
#[utoipa::path(
    get, path = "/invocations/{invocation}", tag = "events", operation_id = "showInvocation",
    responses((status = 200, body = InvocationView))
)]
pub(super) async fn invocation(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Result<Response, Rejection> {
    let principal = request.extensions().get::<Arc<Principal>>();
    let found = platform
        .queue()
        .of_request(&id)
        .await
        .map_err(RequestError::from)?;
    for delivery in found {
        let Some(function) = platform.registry().get(&delivery.new.function_id) else {
            continue;
        };
        if principal.is_none_or(|principal| principal.sees(function.name())) {
            return Ok(Json(view(&delivery, function.name())).into_response());
        }
    }
    Err(RequestError::InvocationNotFound(id).into())
}

fn view(delivery: &Delivery, function: &str) -> InvocationView {
    let waits = matches!(delivery.state, Stands::Held | Stands::Pending);
    InvocationView {
        request_id: delivery.new.request_id.clone(),
        function_id: delivery.new.function_id.clone(),
        function: function.to_owned(),
        trigger: delivery.new.kind.name(),
        status: match delivery.state {
            Stands::Pending if delivery.error.is_some() => Status::Failed,
            Stands::Held | Stands::Pending => Status::Queued,
            Stands::Running => Status::Running,
            Stands::Succeeded => Status::Succeeded,
            Stands::Dead => Status::Dead,
        },
        attempts: delivery.attempts,
        max_attempts: delivery.new.retry.attempts_max,
        created_at: time::rfc3339(delivery.created_unix_ms),
        next_attempt_at: waits.then(|| time::rfc3339(delivery.new.due_unix_ms)),
        ended_at: delivery.ended_unix_ms.map(time::rfc3339),
        status_code: delivery.status,
        last_error: ErrorView::of(delivery),
    }
}

/// How many deliveries of a function stand where.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = QueueDepth)]
struct DepthView {
    /// Due, or to be tried again.
    pending: u64,
    /// Behind an earlier one of their ordering key.
    held: u64,
    running: u64,
    dead: u64,
    /// How long the oldest has waited that has not ended, in ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    oldest_age_ms: Option<i64>,
}

impl From<Counts> for DepthView {
    fn from(counts: Counts) -> Self {
        Self {
            pending: counts.pending,
            held: counts.held,
            running: counts.running,
            dead: counts.dead,
            oldest_age_ms: counts.oldest_unix_ms.map(|oldest| now_unix_ms() - oldest),
        }
    }
}

/// Show how many deliveries of a function wait
#[utoipa::path(
    get, path = "/functions/{key}/queue", tag = "events", operation_id = "showQueue",
    responses((status = 200, body = DepthView))
)]
pub(super) async fn depth(
    State(platform): State<Arc<Platform>>,
    Path(key): Path<String>,
) -> Failable {
    let function = find(&platform, key)?;
    let counts = platform.queue().counts(function.id()).await;
    Ok(Json(DepthView::from(counts.map_err(RequestError::from)?)).into_response())
}
