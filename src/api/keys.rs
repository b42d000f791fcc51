//! API keys as resources, and who the caller is.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use axum::{Extension, Json};
use http::{Request, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema, SchemaType, Type};

use super::{Failable, by, json_body, run_to_the_end, time};
use crate::auth::{Key, NewKey, Principal, Role};
use crate::gateway::problem::RequestError;
use crate::platform::Platform;

/// The longest name of a key, in characters.
const NAME_LEN_MAX: usize = 64;

/// A key that is wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct KeyInput {
    /// For people, and for the history.
    #[schema(
        min_length = 1,
        max_length = 64,
        pattern = r"^[^,\x00-\x1f\x7f-\x9f]*$"
    )]
    name: String,
    role: Role,
    #[schema(schema_with = names_schema, required = false)]
    functions: Option<Vec<String>>,
}

fn names_schema() -> Schema {
    let text = "Names of the functions that are all there is for it; of all functions when it is left out.";
    let name = ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(r"^[^,\x00-\x1f\x7f-\x9f]+$"));
    let names = ArrayBuilder::new()
        .schema_type(SchemaType::from_iter([Type::Array, Type::Null]))
        .items(name)
        .description(Some(text));
    names.into()
}

/// A key as the API shows it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Key)]
struct KeyView<'a> {
    id: &'a str,
    name: &'a str,
    role: Role,
    /// Names of the functions that are all there is for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>)]
    functions: Option<&'a [String]>,
    /// RFC 3339.
    #[schema(format = DateTime)]
    created_at: String,
    created_by: &'a str,
}

/// All keys.
#[derive(Debug, Serialize, ToSchema)]
struct KeyList<'a> {
    keys: Vec<KeyView<'a>>,
}

/// A new key.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NewKey)]
struct NewKeyView<'a> {
    #[serde(flatten)]
    view: KeyView<'a>,
    /// The key itself, which is shown this once.
    key: &'a str,
}

/// A key that opens nothing any more.
#[derive(Debug, Serialize, ToSchema)]
struct Revoked {
    message: &'static str,
    id: String,
}

/// Who the caller is.
#[derive(Debug, Serialize, ToSchema)]
struct Caller<'a> {
    name: &'a str,
    role: Role,
    /// Names of the functions that are all there is for the caller; null for all functions.
    #[schema(value_type = Option<Vec<String>>)]
    functions: Option<&'a [String]>,
}

impl<'a> From<&'a Key> for KeyView<'a> {
    fn from(key: &'a Key) -> Self {
        Self {
            id: &key.id,
            name: &key.name,
            role: key.role,
            functions: key.functions.as_deref(),
            created_at: time::rfc3339(key.created_unix_ms),
            created_by: &key.created_by,
        }
    }
}

/// List API keys
#[utoipa::path(
    get, path = "/keys", tag = "access", operation_id = "listKeys",
    responses((status = 200, body = KeyList))
)]
pub(super) async fn list(State(platform): State<Arc<Platform>>) -> Failable {
    let keys = platform.auth().keys().list();
    let keys = keys.iter().map(|key| key.as_ref().into()).collect();
    Ok(Json(KeyList { keys }).into_response())
}

/// Make an API key
///
/// The key itself is in this answer and in no other. The first key of all is an administrator's; from then on every call
/// needs a credential.
#[utoipa::path(
    post, path = "/keys", tag = "access", operation_id = "createKey",
    request_body = KeyInput, responses((status = 201, body = NewKeyView))
)]
pub(super) async fn create(
    State(platform): State<Arc<Platform>>,
    request: Request<Body>,
) -> Failable {
    let by = by(&request);
    let input: KeyInput = json_body(request).await?;
    let is_plain =
        |text: &str| !text.is_empty() && !text.contains(',') && !text.chars().any(char::is_control);
    if input.name.chars().count() > NAME_LEN_MAX || !is_plain(&input.name) {
        let rule = format!("a key's name has 1 to {NAME_LEN_MAX} characters, and no comma");
        return Err(RequestError::malformed("/name", rule).into());
    }
    if input.functions.iter().flatten().any(|name| !is_plain(name)) {
        let rule = "functions must be names of functions";
        return Err(RequestError::malformed("/functions", rule).into());
    }
    let is_whole = input.role == Role::Admin && input.functions.is_none();
    if !platform.auth().is_on() && !is_whole {
        let rule = "the first key must be an administrator's for all functions: from then on every call needs a credential, and no other could make more";
        return Err(RequestError::malformed("/role", rule).into());
    }
    let new = NewKey {
        name: input.name,
        role: input.role,
        functions: input.functions,
    };
    let work = async move { Ok(platform.auth().keys().create(new, &by).await?) };
    let made: Result<_, RequestError> = run_to_the_end(work).await;
    let (key, text) = made?;
    let body = NewKeyView {
        view: key.as_ref().into(),
        key: text.expose(),
    };
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

/// Revoke an API key
///
/// From this moment on it opens nothing.
#[utoipa::path(
    delete, path = "/keys/{id}", tag = "access", operation_id = "revokeKey",
    responses((status = 200, body = Revoked))
)]
pub(super) async fn revoke(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<String>,
) -> Failable {
    let revoking = id.clone();
    // What is not in the store any more must not stay in memory.
    let work = async move { Ok(platform.auth().keys().revoke(&revoking).await?) };
    let revoked: Result<_, RequestError> = run_to_the_end(work).await;
    if !revoked? {
        return Err(RequestError::KeyNotFound(id).into());
    }
    let message = "Key revoked";
    Ok(Json(Revoked { message, id }).into_response())
}

/// Show who the caller is
#[utoipa::path(
    get, path = "/whoami", tag = "access", operation_id = "whoAmI",
    responses((status = 200, body = Caller))
)]
pub(super) async fn whoami(Extension(principal): Extension<Arc<Principal>>) -> Failable {
    let body = Caller {
        name: &principal.name,
        role: principal.role,
        functions: principal.functions.as_deref(),
    };
    Ok(Json(body).into_response())
}
