//! Versions, the way back to one, and the history.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::response::IntoResponse;
use http::Request;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::checked::Checked;
use super::page::{self, Newest};
use super::precondition::expected;
use super::view::Deployed;
use super::{Changes, Failable, by, find, functions, json_body, run_to_the_end, time};
use crate::function::Function;
use crate::function::deployment::DeployError;
use crate::function::manifest::RuntimeName;
use crate::function::store::{Action, Deployment, StoredVersion};
use crate::platform::Platform;

/// Body of a rollback.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = VersionInput)]
pub(super) struct Target {
    /// The number of a version.
    #[schema(minimum = 1)]
    pub(super) version: u32,
}

/// A version as the API shows it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Version)]
struct VersionView {
    /// Its number, from 1 up.
    version: u32,
    /// SHA-256 of its code and settings.
    digest: String,
    /// RFC 3339.
    #[schema(format = DateTime)]
    created_at: String,
    /// The name of the credential that made it.
    created_by: String,
    runtime: RuntimeName,
    handler: String,
    /// Memory limit of an instance, in MB.
    memory: u32,
    /// How long one invocation may take, in ms.
    timeout: u64,
    /// Length of the archive of its code, in bytes.
    archive_bytes: i64,
    /// Names of environment variables.
    environment: Vec<String>,
    /// Names of secrets.
    secrets: Vec<String>,
    /// Whether it serves.
    current: bool,
    /// Aliases that name it.
    aliases: Vec<String>,
}

impl VersionView {
    fn of(function: &Function, stored: StoredVersion) -> Self {
        let manifest = stored.manifest;
        Self {
            version: stored.number,
            digest: stored.digest,
            created_at: time::rfc3339(stored.created_unix_ms),
            created_by: stored.created_by,
            runtime: manifest.runtime,
            handler: manifest.handler,
            memory: manifest.memory,
            timeout: manifest.timeout,
            archive_bytes: stored.archive_bytes,
            environment: manifest.environment.into_keys().collect(),
            secrets: manifest.secrets.into_keys().collect(),
            current: function.current().number() == stored.number,
            aliases: function.aliases_of(stored.number),
        }
    }
}

/// A move of a function as the API shows it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Deployment)]
struct DeploymentView {
    action: Action,
    /// The number of the version that served before; absent for the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    from_version: Option<u32>,
    to_version: u32,
    /// SHA-256 of the new version's code and settings.
    digest: String,
    /// RFC 3339.
    #[schema(format = DateTime)]
    created_at: String,
    /// The name of the credential that did it.
    created_by: String,
}

/// A page of versions.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct VersionPage {
    versions: Vec<VersionView>,
    /// The `cursor` of the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// One version.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct VersionAnswer {
    version: VersionView,
}

impl VersionAnswer {
    pub(super) fn of(function: &Function, stored: StoredVersion) -> Self {
        let version = VersionView::of(function, stored);
        Self { version }
    }
}

/// What a version's build said.
#[derive(Debug, Serialize, ToSchema)]
struct BuildLog {
    /// The number of the version.
    version: u32,
    /// Whether it has packages.
    dependencies: bool,
    log: Vec<String>,
}

/// A page of moves.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct DeploymentPage {
    deployments: Vec<DeploymentView>,
    /// The `cursor` of the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

impl From<Deployment> for DeploymentView {
    fn from(deployment: Deployment) -> Self {
        Self {
            action: deployment.action,
            from_version: deployment.from_version,
            to_version: deployment.to_version,
            digest: deployment.digest,
            created_at: time::rfc3339(deployment.created_unix_ms),
            created_by: deployment.created_by,
        }
    }
}

/// Go back to a version
///
/// Or forward: to any version that there is.
#[utoipa::path(
    post, path = "/functions/{key}/rollback", tag = "versions", operation_id = "rollBackFunction",
    request_body = Target, responses(Changes)
)]
pub(super) async fn rollback(
    State(platform): State<Arc<Platform>>,
    Path(key): Path<String>,
    request: Request<Body>,
) -> Failable {
    let function = find(&platform, key)?;
    let (by, expected) = (by(&request), expected(request.headers())?);
    let Target { version } = json_body(request).await?;
    let moved = Arc::clone(&function);
    let work = async move {
        let deployer = platform.deployer();
        deployer.rollback(&moved, version, expected, &by).await
    };
    let deployed = run_to_the_end(work).await?;
    let message = "Function rolled back successfully";
    Ok(functions::answer(
        &Deployed::of(&deployed, message),
        &function,
    ))
}

/// List a function's versions
///
/// From the newest down.
#[utoipa::path(
    get, path = "/functions/{key}/versions", tag = "versions", operation_id = "listVersions",
    params(Newest), responses((status = 200, body = VersionPage))
)]
pub(super) async fn list(
    State(platform): State<Arc<Platform>>,
    Path(key): Path<String>,
    Checked(Query(page)): Checked<Query<Newest>>,
) -> Failable {
    let function = find(&platform, key)?;
    let (limit, before) = (page.limit()?, page.before()?);
    let store = &platform.deployer().store;
    let one_more = u32::try_from(limit + 1).unwrap_or(u32::MAX);
    let before = before.map(|before| u32::try_from(before).unwrap_or(u32::MAX));
    let found = store.versions(function.id(), before, one_more).await;
    let found = found.map_err(DeployError::from)?;
    let (found, next_cursor) = page::cut(found, limit, |last| last.number.to_string());
    let versions = found.into_iter();
    let body = VersionPage {
        versions: versions
            .map(|version| VersionView::of(&function, version))
            .collect(),
        next_cursor,
    };
    Ok(Json(body).into_response())
}

/// Show a version
#[utoipa::path(
    get, path = "/functions/{key}/versions/{number}", tag = "versions", operation_id = "showVersion",
    responses((status = 200, body = VersionAnswer))
)]
pub(super) async fn show(
    State(platform): State<Arc<Platform>>,
    Checked(Path((key, number))): Checked<Path<(String, u32)>>,
) -> Failable {
    let function = find(&platform, key)?;
    let version = stored(&platform, &function, number).await?;
    Ok(Json(VersionAnswer::of(&function, version)).into_response())
}

/// Show what a version's build said
#[utoipa::path(
    get, path = "/functions/{key}/versions/{number}/build", tag = "versions", operation_id = "showBuildLog",
    responses((status = 200, body = BuildLog))
)]
pub(super) async fn build_log(
    State(platform): State<Arc<Platform>>,
    Checked(Path((key, number))): Checked<Path<(String, u32)>>,
) -> Failable {
    let function = find(&platform, key)?;
    let version = stored(&platform, &function, number).await?;
    let body = BuildLog {
        version: number,
        dependencies: !version.dependencies.is_empty(),
        log: version.build_log,
    };
    Ok(Json(body).into_response())
}

/// List a function's moves from version to version
///
/// Who made them and when, from the newest down.
#[utoipa::path(
    get, path = "/functions/{key}/deployments", tag = "versions", operation_id = "listDeployments",
    params(Newest), responses((status = 200, body = DeploymentPage))
)]
pub(super) async fn history(
    State(platform): State<Arc<Platform>>,
    Path(key): Path<String>,
    Checked(Query(page)): Checked<Query<Newest>>,
) -> Failable {
    let function = find(&platform, key)?;
    let (limit, before) = (page.limit()?, page.before()?);
    let store = &platform.deployer().store;
    let one_more = u32::try_from(limit + 1).unwrap_or(u32::MAX);
    let found = store.deployments(function.id(), before, one_more).await;
    let found = found.map_err(DeployError::from)?;
    let (found, next_cursor) = page::cut(found, limit, |(generation, _)| generation.to_string());
    let deployments = found.into_iter();
    let body = DeploymentPage {
        deployments: deployments
            .map(|(_, deployment)| deployment.into())
            .collect(),
        next_cursor,
    };
    Ok(Json(body).into_response())
}

pub(super) async fn stored(
    platform: &Platform,
    function: &Function,
    number: u32,
) -> Result<StoredVersion, DeployError> {
    let stored = platform.deployer().store.version(function.id(), number);
    stored.await?.ok_or(DeployError::NoVersion(number))
}
