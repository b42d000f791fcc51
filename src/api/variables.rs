//! Environment variables and secrets one by one. Each change makes a new version; values are never shown.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use http::Request;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::precondition::expected;
use super::view::Deployed;
use super::{Changes, Failable, by, find, functions, json_body};
use crate::function::Function;
use crate::function::manifest::{Manifest, ManifestError};
use crate::platform::Platform;
use crate::secret::Secret;

/// A new value.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = VariableInput)]
struct NewValue {
    #[schema(value_type = String, write_only)]
    value: Secret,
}

/// Names of environment variables.
#[derive(Debug, Serialize, ToSchema)]
struct EnvironmentList {
    environment: Vec<Named>,
}

/// Names of secrets.
#[derive(Debug, Serialize, ToSchema)]
struct SecretList {
    secrets: Vec<Named>,
}

/// A variable, without its value.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Variable)]
struct Named {
    name: String,
}

/// Which of the two groups.
#[derive(Debug, Clone, Copy)]
enum Group {
    Environment,
    Secrets,
}

impl Group {
    /// The word in paths, bodies and pointers.
    fn word(self) -> &'static str {
        match self {
            Self::Environment => "environment",
            Self::Secrets => "secrets",
        }
    }

    fn of(self, manifest: &Manifest) -> &BTreeMap<String, Secret> {
        match self {
            Self::Environment => &manifest.environment,
            Self::Secrets => &manifest.secrets,
        }
    }

    fn of_mut(self, manifest: &mut Manifest) -> &mut BTreeMap<String, Secret> {
        match self {
            Self::Environment => &mut manifest.environment,
            Self::Secrets => &mut manifest.secrets,
        }
    }
}

/// List a function's environment variables
///
/// Names alone; values are never shown.
#[utoipa::path(
    get, path = "/functions/{key}/environment", tag = "variables", operation_id = "listEnvironment",
    responses((status = 200, body = EnvironmentList))
)]
pub(super) async fn list_environment(
    State(platform): State<Arc<Platform>>,
    Path(key): Path<String>,
) -> Failable {
    let environment = names(Group::Environment, &*find(&platform, key)?);
    Ok(Json(EnvironmentList { environment }).into_response())
}

/// List a function's secrets
///
/// Names alone; values are never shown.
#[utoipa::path(
    get, path = "/functions/{key}/secrets", tag = "variables", operation_id = "listSecrets",
    responses((status = 200, body = SecretList))
)]
pub(super) async fn list_secrets(
    State(platform): State<Arc<Platform>>,
    Path(key): Path<String>,
) -> Failable {
    let secrets = names(Group::Secrets, &*find(&platform, key)?);
    Ok(Json(SecretList { secrets }).into_response())
}

/// Set an environment variable
///
/// A new version serves it.
#[utoipa::path(
    put, path = "/functions/{key}/environment/{name}", tag = "variables", operation_id = "setEnvironment",
    request_body = NewValue, responses(Changes)
)]
pub(super) async fn set_environment(
    State(platform): State<Arc<Platform>>,
    Path(path): Path<(String, String)>,
    request: Request<Body>,
) -> Failable {
    set(platform, Group::Environment, path, request).await
}

/// Set a secret
///
/// A new version serves it.
#[utoipa::path(
    put, path = "/functions/{key}/secrets/{name}", tag = "variables", operation_id = "setSecret",
    request_body = NewValue, responses(Changes)
)]
pub(super) async fn set_secret(
    State(platform): State<Arc<Platform>>,
    Path(path): Path<(String, String)>,
    request: Request<Body>,
) -> Failable {
    set(platform, Group::Secrets, path, request).await
}

/// Remove an environment variable
///
/// A new version serves without it.
#[utoipa::path(
    delete,
    path = "/functions/{key}/environment/{name}",
    tag = "variables",
    operation_id = "removeEnvironment",
    responses(Changes)
)]
pub(super) async fn remove_environment(
    State(platform): State<Arc<Platform>>,
    Path(path): Path<(String, String)>,
    request: Request<Body>,
) -> Failable {
    remove(platform, Group::Environment, path, request).await
}

/// Remove a secret
///
/// A new version serves without it.
#[utoipa::path(
    delete,
    path = "/functions/{key}/secrets/{name}",
    tag = "variables",
    operation_id = "removeSecret",
    responses(Changes)
)]
pub(super) async fn remove_secret(
    State(platform): State<Arc<Platform>>,
    Path(path): Path<(String, String)>,
    request: Request<Body>,
) -> Failable {
    remove(platform, Group::Secrets, path, request).await
}

fn names(group: Group, function: &Function) -> Vec<Named> {
    let version = function.current();
    let names = group.of(version.manifest()).keys().cloned();
    names.map(|name| Named { name }).collect()
}

async fn set(
    platform: Arc<Platform>,
    group: Group,
    (key, name): (String, String),
    request: Request<Body>,
) -> Failable {
    let function = find(&platform, key)?;
    let (by, expected) = (by(&request), expected(request.headers())?);
    let NewValue { value } = json_body(request).await?;
    let change = move |old: &Manifest| {
        let mut manifest = old.clone();
        group.of_mut(&mut manifest).insert(name, value);
        Ok((manifest, None))
    };
    let deployed = functions::apply(platform, Arc::clone(&function), expected, by, change).await?;
    let message = "Variable set; a new version serves it";
    Ok(functions::answer(
        &Deployed::of(&deployed, message),
        &function,
    ))
}

async fn remove(
    platform: Arc<Platform>,
    group: Group,
    (key, name): (String, String),
    request: Request<Body>,
) -> Failable {
    let function = find(&platform, key)?;
    let (by, expected) = (by(&request), expected(request.headers())?);
    let change = move |old: &Manifest| {
        let mut manifest = old.clone();
        if group.of_mut(&mut manifest).remove(&name).is_none() {
            let message = format!("the function has no variable `{name}` there");
            return Err(ManifestError::new(
                format!("/{}/{name}", group.word()),
                message,
            ));
        }
        Ok((manifest, None))
    };
    let deployed = functions::apply(platform, Arc::clone(&function), expected, by, change).await?;
    let message = "Variable removed; a new version serves without it";
    Ok(functions::answer(
        &Deployed::of(&deployed, message),
        &function,
    ))
}
