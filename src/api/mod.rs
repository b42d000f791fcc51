//! The control plane: functions as resources. Knows HTTP, and of functions only how to make, show and remove them.

mod object;
mod types;
mod upload;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::{Request, StatusCode, header};
use serde_json::json;

use crate::function::Function;
use crate::function::deployment::DeployError;
use crate::gateway::problem::{Rejection, RequestError};
use crate::platform::Platform;
use types::{Deployed, FunctionView};

/// Routes of the control plane.
pub(crate) fn router() -> Router<Arc<Platform>> {
    Router::new()
        .route("/functions", get(list).post(create))
        .route(
            "/functions/{key}",
            get(show).put(update).post(update).delete(remove),
        )
}

/// What a control-plane call ends with when it fails.
type Failable = Result<Response, Rejection>;

async fn list(State(platform): State<Arc<Platform>>) -> Response {
    let functions: Vec<FunctionView> = platform
        .registry()
        .list()
        .iter()
        .map(|function| FunctionView::of(function))
        .collect();
    Json(json!({ "functions": functions, "total": functions.len() })).into_response()
}

async fn create(State(platform): State<Arc<Platform>>, request: Request<Body>) -> Failable {
    let config = platform.config();
    let mut upload = upload::read(request, config.max_bundle_bytes).await?;
    let manifest = upload
        .settings
        .new_manifest(config)
        .map_err(DeployError::from)?;
    let bundle = upload
        .bundle(manifest.runtime)
        .and_then(|bundle| bundle.ok_or_else(upload::missing_code))
        .map_err(DeployError::from)?;
    let function = platform.deployer().create(manifest, bundle).await?;
    let location = [(header::LOCATION, format!("/functions/{}", function.id()))];
    let body = Json(Deployed::of(&function, "Function deployed successfully"));
    Ok((StatusCode::CREATED, location, body).into_response())
}

async fn show(State(platform): State<Arc<Platform>>, Path(key): Path<String>) -> Failable {
    let function = find(&platform, key)?;
    Ok(Json(json!({ "function": FunctionView::of(&function) })).into_response())
}

/// `PUT` and `POST` of a function make a new version of it.
async fn update(
    State(platform): State<Arc<Platform>>,
    Path(key): Path<String>,
    request: Request<Body>,
) -> Failable {
    let function = find(&platform, key)?;
    let mut upload = upload::read(request, platform.config().max_bundle_bytes).await?;
    let change = |old: &_| {
        let manifest = upload.settings.changed(old)?;
        let bundle = upload.bundle(manifest.runtime)?;
        Ok((manifest, bundle))
    };
    platform.deployer().update(&function, change).await?;
    Ok(Json(Deployed::of(&function, "Function updated successfully")).into_response())
}

async fn remove(State(platform): State<Arc<Platform>>, Path(key): Path<String>) -> Failable {
    let function = find(&platform, key)?;
    platform.deployer().delete(&function).await?;
    let body = json!({ "message": "Function deleted successfully", "id": function.id() });
    Ok(Json(body).into_response())
}

fn find(platform: &Platform, key: String) -> Result<Arc<Function>, Rejection> {
    let function = platform.registry().get(&key);
    Ok(function.ok_or(RequestError::FunctionNotFound(key))?)
}
