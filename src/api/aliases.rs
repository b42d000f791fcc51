//! Aliases: names for versions of a function.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use http::Request;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Failable, find, json_body, run_to_the_end, time};
use crate::function::deployment::DeployError;
use crate::function::manifest::ManifestError;
use crate::function::store::Alias;
use crate::platform::Platform;
use crate::rollout::Portion;

/// An alias as the API shows it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Alias)]
struct AliasView {
    name: String,
    /// The number of the version that it names.
    version: u32,
    /// The part of its calls that goes to another version.
    #[serde(skip_serializing_if = "Option::is_none")]
    split: Option<Portion>,
    /// RFC 3339.
    #[schema(format = DateTime)]
    updated_at: String,
}

impl From<Alias> for AliasView {
    fn from(alias: Alias) -> Self {
        Self {
            name: alias.name,
            version: alias.version,
            split: alias.split,
            updated_at: time::rfc3339(alias.updated_unix_ms),
        }
    }
}

/// Where an alias is to lead.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AliasInput)]
struct NewAlias {
    /// The number of a version.
    #[schema(minimum = 1)]
    version: u32,
    /// A part of its calls that goes to another version; none when absent.
    split: Option<Portion>,
}

/// All aliases of a function.
#[derive(Debug, Serialize, ToSchema)]
struct AliasList {
    aliases: Vec<AliasView>,
}

/// One alias.
#[derive(Debug, Serialize, ToSchema)]
struct AliasAnswer {
    alias: AliasView,
}

/// An alias that is no more.
#[derive(Debug, Serialize, ToSchema)]
struct AliasRemoved {
    message: &'static str,
    name: String,
}

/// List a function's aliases
#[utoipa::path(
    get, path = "/functions/{key}/aliases", tag = "versions", operation_id = "listAliases",
    responses((status = 200, body = AliasList))
)]
pub(super) async fn list(
    State(platform): State<Arc<Platform>>,
    Path(key): Path<String>,
) -> Failable {
    let function = find(&platform, key)?;
    let found = platform.deployer().store.aliases(function.id()).await;
    let aliases = found.map_err(DeployError::from)?.into_iter();
    let aliases = aliases.map(AliasView::from).collect();
    Ok(Json(AliasList { aliases }).into_response())
}

/// Make an alias name a version
///
/// Or two: `split` sends a part of its calls to another one.
#[utoipa::path(
    put, path = "/functions/{key}/aliases/{alias}", tag = "versions", operation_id = "setAlias",
    request_body = NewAlias,
    responses((status = 200, body = AliasAnswer), (status = 409), (status = 422))
)]
pub(super) async fn set(
    State(platform): State<Arc<Platform>>,
    Path((key, name)): Path<(String, String)>,
    request: Request<Body>,
) -> Failable {
    let function = find(&platform, key)?;
    check_alias(&name).map_err(DeployError::from)?;
    let NewAlias { version, split } = json_body(request).await?;
    let work = async move {
        let deployer = platform.deployer();
        deployer.set_alias(&function, &name, version, split).await
    };
    let alias = run_to_the_end(work).await?;
    let alias = alias.into();
    Ok(Json(AliasAnswer { alias }).into_response())
}

/// Remove an alias
#[utoipa::path(
    delete, path = "/functions/{key}/aliases/{alias}", tag = "versions", operation_id = "removeAlias",
    responses((status = 200, body = AliasRemoved), (status = 409))
)]
pub(super) async fn remove(
    State(platform): State<Arc<Platform>>,
    Path((key, name)): Path<(String, String)>,
) -> Failable {
    let function = find(&platform, key)?;
    platform.deployer().remove_alias(&function, &name).await?;
    let message = "Alias deleted successfully";
    Ok(Json(AliasRemoved { message, name }).into_response())
}

/// An alias is no number: both stand in one place.
fn check_alias(name: &str) -> Result<(), ManifestError> {
    const LEN_MAX: usize = 64;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let is_name = !name.is_empty() && name.len() <= LEN_MAX && name.bytes().all(allowed);
    if is_name && name.starts_with(|first: char| first.is_ascii_alphabetic()) {
        return Ok(());
    }
    let rule = format!(
        "an alias begins with a letter and has at most {LEN_MAX} of a-z, A-Z, 0-9, - and _"
    );
    Err(ManifestError::new("/path/alias", rule))
}
