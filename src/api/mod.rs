//! The control plane: functions as resources. Knows HTTP, and of functions only how to make, show and remove them.

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
use crate::gateway::problem::{Problem, RequestError};
use crate::platform::Platform;
use types::FunctionView;

/// Routes of the control plane.
pub(crate) fn router() -> Router<Arc<Platform>> {
    Router::new()
        .route("/functions", get(list).post(create))
        .route("/functions/{key}", get(show).put(update).post(update).delete(remove))
}

/// An error on its way out.
struct Failed(RequestError, String);

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        let request_id = crate::gateway::request::request_id(&http::HeaderMap::new());
        if let RequestError::Deploy(error) = &self.0 {
            tracing::info!(%error, %request_id, "a deployment failed");
        }
        Problem::of_request(&self.0).with_request(&request_id, Some(&self.1)).into_response()
    }
}

async fn list(State(platform): State<Arc<Platform>>) -> Response {
    let functions: Vec<FunctionView> =
        platform.registry().list().iter().map(|function| FunctionView::of(function)).collect();
    Json(json!({ "functions": functions, "total": functions.len() })).into_response()
}

async fn create(State(platform): State<Arc<Platform>>, request: Request<Body>) -> Result<Response, Failed> {
    let at = |error: RequestError| Failed(error, "/functions".to_owned());
    let config = platform.config();
    let mut upload = upload::read(request, config.max_bundle_bytes).await.map_err(at)?;
    let manifest = upload.settings.new_manifest(config).map_err(|error| at(deploy(error)))?;
    let bundle = upload
        .bundle(manifest.runtime)
        .and_then(|bundle| bundle.ok_or_else(upload::missing_code))
        .map_err(|error| at(deploy(error)))?;
    let function = platform.deployer().create(manifest, bundle).await.map_err(|error| at(error.into()))?;
    let location = [(header::LOCATION, format!("/functions/{}", function.id()))];
    let body = Json(json!({
        "function": FunctionView::of(&function),
        "message": "Function deployed successfully",
    }));
    Ok((StatusCode::CREATED, location, body).into_response())
}

async fn show(State(platform): State<Arc<Platform>>, Path(key): Path<String>) -> Result<Response, Failed> {
    let function = find(&platform, &key)?;
    Ok(Json(json!({ "function": FunctionView::of(&function) })).into_response())
}

/// `PUT` and `POST` of a function make a new version of it.
async fn update(
    State(platform): State<Arc<Platform>>,
    Path(key): Path<String>,
    request: Request<Body>,
) -> Result<Response, Failed> {
    let function = find(&platform, &key)?;
    let at = |error: RequestError| Failed(error, format!("/functions/{key}"));
    let mut upload = upload::read(request, platform.config().max_bundle_bytes).await.map_err(at)?;
    let change = |old: &_| {
        let manifest = upload.settings.changed(old)?;
        let bundle = upload.bundle(manifest.runtime)?;
        Ok((manifest, bundle))
    };
    platform.deployer().update(&function, change).await.map_err(|error| at(error.into()))?;
    let body = json!({ "function": FunctionView::of(&function), "message": "Function updated successfully" });
    Ok(Json(body).into_response())
}

async fn remove(State(platform): State<Arc<Platform>>, Path(key): Path<String>) -> Result<Response, Failed> {
    let function = find(&platform, &key)?;
    let at = |error: RequestError| Failed(error, format!("/functions/{key}"));
    platform.deployer().delete(&function).await.map_err(|error| at(error.into()))?;
    Ok(Json(json!({ "message": "Function deleted successfully", "id": function.id() })).into_response())
}

fn find(platform: &Platform, key: &str) -> Result<Arc<Function>, Failed> {
    platform
        .registry()
        .get(key)
        .ok_or_else(|| Failed(RequestError::FunctionNotFound(key.to_owned()), format!("/functions/{key}")))
}

fn deploy(error: crate::function::manifest::ManifestError) -> RequestError {
    RequestError::Deploy(error.into())
}
