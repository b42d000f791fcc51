//! Versions that are made but do not serve yet.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use http::{Request, StatusCode};

use super::precondition::expected;
use super::types::FunctionInput;
use super::versions::{self, VersionAnswer};
use super::{Failable, by, find, run_to_the_end, upload};
use crate::platform::Platform;

/// Make a version that does not serve yet
///
/// As an update, but the current version stays current. The new one has loaded when this is answered; callers get it by its
/// number (`qualifier`), a rollout sends it a part of the calls, and promoting the rollout, or a rollback to it, makes it
/// current. What an earlier version already is, makes no new one.
#[utoipa::path(
    post, path = "/functions/{key}/versions", tag = "versions", operation_id = "stageVersion",
    params(FunctionInput),
    request_body(content((FunctionInput = "application/json"), ("application/zip"), ("application/x-tar"), ("application/gzip"))),
    responses(
        (status = 201, description = "The version is there.", body = VersionAnswer),
        (status = 200, description = "It was there already.", body = VersionAnswer),
        (status = 409), (status = 412), (status = 422),
    )
)]
pub(super) async fn stage(
    State(platform): State<Arc<Platform>>,
    Path(key): Path<String>,
    request: Request<Body>,
) -> Failable {
    let function = find(&platform, key)?;
    let (by, expected) = (by(&request), expected(request.headers())?);
    let mut upload = upload::read(request, platform.config().max_bundle_bytes).await?;
    upload.unpack().await?;
    let (shared, staged) = (Arc::clone(&platform), Arc::clone(&function));
    let work = async move {
        let deployer = shared.deployer();
        let change = move |old: &_| upload.changed(old);
        deployer.stage(&staged, expected, &by, change).await
    };
    let (number, was_there) = run_to_the_end(work).await?;
    let stored = versions::stored(&platform, &function, number).await?;
    let status = match was_there {
        true => StatusCode::OK,
        false => StatusCode::CREATED,
    };
    Ok((status, Json(VersionAnswer::of(&function, stored))).into_response())
}
