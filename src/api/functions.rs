//! Functions as resources: deploy, list, show, update, delete.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use http::{HeaderMap, Request, StatusCode, header};

use super::checked::Checked;
use super::page::{self, Page};
use super::precondition::{etag, expected};
use super::sources;
use super::types::FunctionInput;
use super::view::{Deleted, Deployed, FunctionAnswer, FunctionPage, FunctionView};
use super::{Changes, Failable, by, find, run_to_the_end, upload};
use crate::auth::{Principal, Role};
use crate::function::Function;
use crate::function::bundle::Bundle;
use crate::function::deployment::{self, DeployError};
use crate::function::manifest::{Manifest, ManifestError};
use crate::gateway::problem::RequestError;
use crate::platform::Platform;

/// List functions
///
/// Functions that the caller sees, by name.
#[utoipa::path(
    get, path = "/functions", tag = "functions", operation_id = "listFunctions",
    params(Page), responses((status = 200, body = FunctionPage))
)]
pub(super) async fn list(
    State(platform): State<Arc<Platform>>,
    Extension(principal): Extension<Arc<Principal>>,
    Checked(Query(page)): Checked<Query<Page>>,
) -> Failable {
    let (limit, after) = (page.limit()?, page.cursor);
    let mut all = platform.registry().list();
    all.retain(|function| principal.sees(function.name()));
    let total = all.len();
    all.retain(|function| after.as_deref().is_none_or(|after| function.name() > after));
    let (shown, next_cursor) = page::cut(all, limit, |last| last.name().to_owned());
    let functions = shown
        .iter()
        .map(|function| FunctionView::of(function))
        .collect();
    let body = FunctionPage {
        functions,
        total,
        next_cursor,
    };
    Ok(Json(body).into_response())
}

/// Deploy a new function
///
/// The code comes as `code`, `files` or `archive`, or as an archive that is the body. Settings may also stand in the query,
/// as those of an archive have to, objects and lists as JSON; the body's come first. The very same function again is no
/// error.
#[utoipa::path(
    post, path = "/functions", tag = "functions", operation_id = "createFunction",
    params(FunctionInput),
    request_body(content((FunctionInput = "application/json"), ("application/zip"), ("application/x-tar"), ("application/gzip"))),
    responses(
        (status = 201, description = "The function is there, and serves.", body = Deployed, headers(
            ("ETag" = String, description = "The function's tag, for `If-Match`."),
            ("Location" = String, description = "The function's path."),
        )),
        (status = 200, description = "It was there already.", body = Deployed, headers(
            ("ETag" = String, description = "The function's tag, for `If-Match`."),
            ("Location" = String, description = "The function's path."),
        )),
    )
)]
pub(super) async fn create(
    State(platform): State<Arc<Platform>>,
    Extension(principal): Extension<Arc<Principal>>,
    request: Request<Body>,
) -> Failable {
    let config = platform.config();
    let by = by(&request);
    let mut upload = upload::read(request, config.max_bundle_bytes).await?;
    let manifest = upload
        .settings
        .new_manifest(config)
        .map_err(DeployError::from)?;
    may_own(&principal, &manifest)?;
    upload.unpack().await?;
    let bundle = upload
        .bundle(manifest.runtime)
        .and_then(|bundle| bundle.ok_or_else(upload::missing_code))
        .map_err(DeployError::from)?;
    deploy_new(platform, by, manifest, bundle).await
}

/// Whether the caller may have a function of that name; asked before any code of it is looked at.
pub(super) fn may_own(principal: &Principal, manifest: &Manifest) -> Result<(), RequestError> {
    match principal.sees(&manifest.name) {
        true => Ok(()),
        false => Err(RequestError::Forbidden(Role::Deploy.name())),
    }
}

/// Makes a new function.
pub(super) async fn deploy_new(
    platform: Arc<Platform>,
    by: String,
    manifest: Manifest,
    bundle: Bundle,
) -> Failable {
    let work = async move { platform.deployer().create(manifest, bundle, &by).await };
    let deployed = run_to_the_end(work).await?;
    let (status, message) = match deployed.unchanged {
        false => (StatusCode::CREATED, "Function deployed successfully"),
        true => (StatusCode::OK, "The very same function is there already"),
    };
    let function = &deployed.function;
    let location = [(header::LOCATION, format!("/functions/{}", function.id()))];
    let body = Json(Deployed::of(&deployed, message));
    Ok((status, location, etag(function), body).into_response())
}

/// Show a function
#[utoipa::path(
    get, path = "/functions/{key}", tag = "functions", operation_id = "showFunction",
    responses((status = 200, body = FunctionAnswer, headers(
        ("ETag" = String, description = "The function's tag, for `If-Match`."),
    )))
)]
pub(super) async fn show(
    State(platform): State<Arc<Platform>>,
    Path(key): Path<String>,
) -> Failable {
    let function = find(&platform, key)?;
    let body = FunctionAnswer {
        function: FunctionView::of(&function).with(sources::of(&platform, function.id())),
    };
    Ok((etag(&function), Json(body)).into_response())
}

/// Make a new version of a function
///
/// What is left out stays as it is.
#[utoipa::path(
    put, path = "/functions/{key}", tag = "functions", operation_id = "updateFunction",
    params(FunctionInput),
    request_body(content((FunctionInput = "application/json"), ("application/zip"), ("application/x-tar"), ("application/gzip"))),
    responses(Changes)
)]
pub(super) async fn update(
    State(platform): State<Arc<Platform>>,
    Path(key): Path<String>,
    request: Request<Body>,
) -> Failable {
    let function = find(&platform, key)?;
    let (by, expected) = (by(&request), expected(request.headers())?);
    let mut upload = upload::read(request, platform.config().max_bundle_bytes).await?;
    upload.unpack().await?;
    let change = move |old: &_| upload.changed(old);
    let deployed = apply(platform, Arc::clone(&function), expected, by, change).await?;
    Ok(answer(
        &Deployed::of(&deployed, "Function updated successfully"),
        &function,
    ))
}

/// Make a new version of a function
///
/// The same as `PUT`, for clients that have no other method.
#[utoipa::path(
    post, path = "/functions/{key}", tag = "functions", operation_id = "updateFunctionByPost",
    params(FunctionInput),
    request_body(content((FunctionInput = "application/json"), ("application/zip"), ("application/x-tar"), ("application/gzip"))),
    responses(Changes)
)]
pub(super) async fn update_by_post(
    state: State<Arc<Platform>>,
    path: Path<String>,
    request: Request<Body>,
) -> Failable {
    update(state, path, request).await
}

/// Delete a function
///
/// Its versions and variables go with it.
#[utoipa::path(
    delete, path = "/functions/{key}", tag = "functions", operation_id = "deleteFunction",
    responses((status = 200, body = Deleted), (status = 409), (status = 412))
)]
pub(super) async fn remove(
    State(platform): State<Arc<Platform>>,
    Path(key): Path<String>,
    headers: HeaderMap,
) -> Failable {
    let function = find(&platform, key)?;
    let expected = expected(&headers)?;
    let body = Deleted {
        message: "Function deleted successfully",
        id: function.id().to_owned(),
    };
    let work = async move {
        platform.deployer().delete(&function, expected).await?;
        platform.forget(function.id()).await;
        Ok::<_, DeployError>(())
    };
    run_to_the_end(work).await?;
    Ok(Json(body).into_response())
}

/// Makes a new version by a change of the current one.
pub(super) async fn apply(
    platform: Arc<Platform>,
    function: Arc<Function>,
    expected: Option<i64>,
    by: String,
    change: impl FnOnce(&Manifest) -> Result<(Manifest, Option<Bundle>), ManifestError> + Send + 'static,
) -> Result<deployment::Deployed, DeployError> {
    run_to_the_end(async move {
        let deployer = platform.deployer();
        deployer.update(&function, expected, &by, change).await
    })
    .await
}

/// What was deployed, with the function's `ETag`.
pub(super) fn answer(deployed: &Deployed, function: &Function) -> Response {
    (etag(function), Json(deployed)).into_response()
}
