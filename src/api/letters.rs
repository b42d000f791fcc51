//! Dead letters: deliveries that are tried no more, kept until someone decides.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::IntoResponse;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use zygo_wire::data::BodyKind;

use super::checked::Checked;
use super::page::{self, Newest};
use super::queued::ErrorView;
use super::{Failable, find, run_to_the_end, time};
use crate::gateway::problem::RequestError;
use crate::platform::Platform;
use crate::queue::{self, CHANGES_MAX, Change, Delivery};

/// A delivery that is tried no more.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeadLetter)]
struct LetterView {
    /// `dv-…`.
    id: String,
    request_id: String,
    function_id: String,
    /// Absent when the function is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    function: Option<String>,
    /// `async`, `event`, `cron`, `queue`, or `webhook` for a destination that could not be told.
    trigger: &'static str,
    /// What it came from: `event/<id>`, `cron/<trigger>`, `queue/<message>`, `delivery/<request>`; empty for an invocation.
    origin: String,
    attempts: u32,
    /// When it was accepted.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it was tried last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    died_at: Option<String>,
    /// Why it failed then.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorView>,
    /// What the handler was given; only when one is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    event: Option<Value>,
}

/// A page of dead letters, from the newest down.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct LetterPage {
    dead_letters: Vec<LetterView>,
    /// The `cursor` of the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// How many were changed.
#[derive(Debug, Serialize, ToSchema)]
struct Changed {
    message: &'static str,
    /// How many.
    count: u64,
}

/// List the dead letters of all functions
///
/// From the newest down.
#[utoipa::path(
    get, path = "/dead-letters", tag = "events", operation_id = "listAllDeadLetters",
    params(Newest), responses((status = 200, body = LetterPage))
)]
pub(super) async fn list_all(
    State(platform): State<Arc<Platform>>,
    Checked(Query(page)): Checked<Query<Newest>>,
) -> Failable {
    letters(&platform, "", &page).await
}

/// List a function's dead letters
///
/// From the newest down.
#[utoipa::path(
    get, path = "/functions/{key}/dead-letters", tag = "events", operation_id = "listDeadLetters",
    params(Newest), responses((status = 200, body = LetterPage))
)]
pub(super) async fn list(
    State(platform): State<Arc<Platform>>,
    Path(key): Path<String>,
    Checked(Query(page)): Checked<Query<Newest>>,
) -> Failable {
    let function = find(&platform, key)?;
    letters(&platform, function.id(), &page).await
}

async fn letters(platform: &Platform, function_id: &str, page: &Newest) -> Failable {
    let (limit, before) = (page.limit()?, page.before()?);
    let found = platform.queue().dead(function_id, before, limit + 1).await;
    let found = found.map_err(RequestError::from)?;
    let (found, next_cursor) = page::cut(found, limit, |last| last.id.to_string());
    let dead_letters = found.iter().map(|letter| view(platform, letter)).collect();
    let body = LetterPage {
        dead_letters,
        next_cursor,
    };
    Ok(Json(body).into_response())
}

/// Show a dead letter, with what the handler was given
#[utoipa::path(
    get, path = "/functions/{key}/dead-letters/{letter}", tag = "events", operation_id = "showDeadLetter",
    responses((status = 200, body = LetterView))
)]
pub(super) async fn show(
    State(platform): State<Arc<Platform>>,
    Path((key, letter)): Path<(String, String)>,
) -> Failable {
    let function = find(&platform, key)?;
    let found = match queue::id(&letter) {
        Some(id) => platform
            .queue()
            .letter(function.id(), id)
            .await
            .map_err(RequestError::from)?,
        None => None,
    };
    let found = found.ok_or(RequestError::LetterNotFound(letter))?;
    let view = LetterView {
        event: Some(event(&found)),
        ..view(&platform, &found)
    };
    Ok(Json(view).into_response())
}

/// Try all dead letters of a function again
///
/// Each has all its attempts before it, as if it were new.
#[utoipa::path(
    post, path = "/functions/{key}/dead-letters/redrive", tag = "events", operation_id = "redriveDeadLetters",
    responses((status = 202, description = "They are queued.", body = Changed))
)]
pub(super) async fn redrive_all(
    State(platform): State<Arc<Platform>>,
    Path(key): Path<String>,
) -> Failable {
    let function_id = find(&platform, key)?.id().to_owned();
    let change = Change::Redrive {
        function_id,
        id: None,
    };
    let body = Changed {
        message: "Dead letters are tried again",
        count: change_all(platform, change).await?,
    };
    Ok((http::StatusCode::ACCEPTED, Json(body)).into_response())
}

/// Try a dead letter again
#[utoipa::path(
    post, path = "/functions/{key}/dead-letters/{letter}/redrive", tag = "events", operation_id = "redriveDeadLetter",
    responses((status = 202, description = "It is queued.", body = Changed))
)]
pub(super) async fn redrive(
    State(platform): State<Arc<Platform>>,
    Path((key, letter)): Path<(String, String)>,
) -> Failable {
    let function_id = find(&platform, key)?.id().to_owned();
    let change = |id| Change::Redrive {
        function_id,
        id: Some(id),
    };
    let body = Changed {
        message: "The dead letter is tried again",
        count: change_one(platform, letter, change).await?,
    };
    Ok((http::StatusCode::ACCEPTED, Json(body)).into_response())
}

/// Forget all dead letters of a function
#[utoipa::path(
    delete, path = "/functions/{key}/dead-letters", tag = "events", operation_id = "deleteDeadLetters",
    responses((status = 200, body = Changed))
)]
pub(super) async fn remove_all(
    State(platform): State<Arc<Platform>>,
    Path(key): Path<String>,
) -> Failable {
    let function_id = find(&platform, key)?.id().to_owned();
    let change = Change::Remove {
        function_id,
        id: None,
    };
    let body = Changed {
        message: "Dead letters deleted",
        count: change_all(platform, change).await?,
    };
    Ok(Json(body).into_response())
}

/// Forget a dead letter
#[utoipa::path(
    delete, path = "/functions/{key}/dead-letters/{letter}", tag = "events", operation_id = "deleteDeadLetter",
    responses((status = 200, body = Changed))
)]
pub(super) async fn remove(
    State(platform): State<Arc<Platform>>,
    Path((key, letter)): Path<(String, String)>,
) -> Failable {
    let function_id = find(&platform, key)?.id().to_owned();
    let change = |id| Change::Remove {
        function_id,
        id: Some(id),
    };
    let body = Changed {
        message: "Dead letter deleted",
        count: change_one(platform, letter, change).await?,
    };
    Ok(Json(body).into_response())
}

async fn change_one(
    platform: Arc<Platform>,
    letter: String,
    change: impl FnOnce(i64) -> Change,
) -> Result<u64, RequestError> {
    let Some(id) = queue::id(&letter) else {
        return Err(RequestError::LetterNotFound(letter));
    };
    match platform.queue().change(change(id)).await? {
        0 => Err(RequestError::LetterNotFound(letter)),
        count => Ok(count),
    }
}

/// Goes on until nothing is left to change, even when the caller goes away.
async fn change_all(platform: Arc<Platform>, change: Change) -> Result<u64, RequestError> {
    run_to_the_end(async move {
        let mut total = 0;
        loop {
            let count = platform.queue().change(change.clone()).await?;
            total += count;
            if count < CHANGES_MAX.unsigned_abs() {
                return Ok::<_, RequestError>(total);
            }
        }
    })
    .await
}

fn view(platform: &Platform, letter: &Delivery) -> LetterView {
    let function = platform.registry().get(&letter.new.function_id);
    LetterView {
        id: letter.name(),
        request_id: letter.new.request_id.clone(),
        function_id: letter.new.function_id.clone(),
        function: function.map(|function| function.name().to_owned()),
        trigger: letter.new.kind.name(),
        origin: letter.new.origin.clone(),
        attempts: letter.attempts,
        created_at: time::rfc3339(letter.created_unix_ms),
        died_at: letter.ended_unix_ms.map(time::rfc3339),
        error: ErrorView::of(letter),
        event: None,
    }
}

/// What the handler was given, bytes in base64.
fn event(letter: &Delivery) -> Value {
    let payload = &letter.new.payload;
    let mut event: Value = serde_json::from_slice(&payload.event).unwrap_or_default();
    match payload.body_kind {
        BodyKind::None => {}
        BodyKind::Json => event["body"] = serde_json::from_slice(&payload.body).unwrap_or_default(),
        BodyKind::Text => event["body"] = String::from_utf8_lossy(&payload.body).into(),
        BodyKind::Binary => {
            event["body"] = BASE64.encode(&payload.body).into();
            event["isBase64Encoded"] = true.into();
        }
    }
    event
}
