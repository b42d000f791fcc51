//! Errors as callers see them: RFC 9457 `application/problem+json`. Which status each gets stands in [`super::status`].
//!
//! A body has `type`, `title`, `status`, `detail`, `instance`, a stable `code`, the `requestId`, a JSON `pointer` where
//! one field is to blame, and for a handler's failure `errorType`, `errorMessage`, `stackTrace`, `duration`, `logs`.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;
use zygo_wire::Failure;

pub(crate) use super::rejection::Rejection;
use super::status::{Row, error_type, invoke_row, request_row};
use super::websocket::SocketError;
use crate::alert::{AlertError, RuleError};
use crate::auth::AuthError;
use crate::function::Taken;
use crate::function::deployment::{BuildError, DependencyError, DeployError};
use crate::function::manifest::ManifestError;
use crate::instance::InstanceError;
use crate::invoke::InvokeError;
use crate::queue::QueueError;
use crate::store::StoreError;
use crate::zygote::ZygoteError;

/// After a refusal for lack of room, a caller may try again after so many seconds.
const RETRY_AFTER_S: &str = "1";

/// A request that cannot be served.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestError {
    /// No function has this id or name.
    #[error("no function has the id or name `{0}`")]
    FunctionNotFound(String),
    /// No such path.
    #[error("there is nothing at this path")]
    PathNotFound,
    /// The path is there, the method is not.
    #[error("this path does not take this method")]
    MethodNotAllowed,
    /// A body that is no JSON, or the wrong JSON.
    #[error("{message}")]
    Malformed {
        /// JSON pointer to the wrong field; empty for the whole body.
        pointer: String,
        /// What is wrong and what would be right.
        message: String,
    },
    /// A body beyond the limit.
    #[error("the body is longer than the limit of {limit} bytes")]
    BodyTooLong {
        /// The limit.
        limit: usize,
    },
    /// The body took too long to arrive.
    #[error("the body did not arrive in time")]
    BodyTimedOut,
    /// All bodies together take all the room that there is for them.
    #[error("the bodies of other requests take all the room; try again in a moment")]
    NoRoom,
    /// The connection broke.
    #[error("the body could not be read")]
    BodyBroken,
    /// A deployment failed.
    #[error(transparent)]
    Deploy(#[from] DeployError),
    /// Nothing can be queued.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// No invocation that nobody waits for has the id.
    #[error("no queued invocation has the id `{0}`, or it ended long ago")]
    InvocationNotFound(String),
    /// No trigger has the number.
    #[error("the function has no trigger {0} of the type `cron`")]
    TriggerNotFound(u32),
    /// Something about connections of functions cannot be done.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// No dead letter has the id.
    #[error("the function has no dead letter `{0}`")]
    LetterNotFound(String),
    /// Something about alerts cannot be done.
    #[error(transparent)]
    Alert(#[from] AlertError),
    /// Nobody knows the caller.
    #[error(transparent)]
    Unauthorized(#[from] AuthError),
    /// The caller may not do this.
    #[error("this needs the role {0}, or one that holds it, for all functions concerned")]
    Forbidden(&'static str),
    /// No template has the id.
    #[error("no template has the id `{0}`; GET /marketplace lists them")]
    TemplateNotFound(String),
    /// No key has the id.
    #[error("no key has the id `{0}`")]
    KeyNotFound(String),
    /// Work of the platform's own was cut off.
    #[error("the platform could not finish the work")]
    CutOff(#[from] std::io::Error),
    /// The database cannot be used.
    #[error("the platform's database cannot be used")]
    Store(#[from] StoreError),
    /// The first request with the same `Idempotency-Key` has not been answered yet.
    #[error("the first request with this Idempotency-Key is under way; repeat it in a moment")]
    KeyInUse,
    /// The `Idempotency-Key` came with another request before.
    #[error("this Idempotency-Key came with another request; use a new one")]
    KeyReused,
}

impl RequestError {
    /// A wrong field.
    pub(crate) fn malformed(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Malformed {
            pointer: pointer.into(),
            message: message.into(),
        }
    }
}

/// What a caller is told. Absent members are left out.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Problem {
    /// A URI for this kind of problem; it ends with the code.
    #[serde(rename = "type")]
    kind: String,
    /// The kind of problem in a few words.
    title: &'static str,
    /// The response's status.
    status: u16,
    /// A stable word for programs to act on.
    code: &'static str,
    /// What is wrong this time, and what would be right.
    detail: String,
    /// The path that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<String>,
    /// The request's id, as in `X-Request-Id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    /// JSON pointer to the field that is to blame; empty for the whole body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<String>,
    /// The class of what a handler threw, or a name for how it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    error_type: Option<String>,
    /// What the handler said.
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<String>,
    /// Where it was thrown, from the innermost call outwards.
    #[serde(skip_serializing_if = "Option::is_none")]
    stack_trace: Option<Vec<String>>,
    /// How long the invocation took, in ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<f64>,
    /// Lines that the invocation wrote.
    #[serde(skip_serializing_if = "Option::is_none")]
    logs: Option<Vec<String>>,
    /// What the tool said that could not install packages.
    #[serde(skip_serializing_if = "Option::is_none")]
    build_log: Option<Vec<String>>,
}

impl Problem {
    /// A problem of a kind, and nothing of how it came about.
    pub(super) fn new(row: Row, detail: String) -> Self {
        let (status, code, title) = row;
        let kind = format!("https://zygo.dev/errors/{code}");
        Self {
            kind,
            title,
            status: status.as_u16(),
            code,
            detail,
            ..Self::default()
        }
    }

    /// The problem with a request that reached no handler.
    pub(crate) fn of_request(error: &RequestError) -> Self {
        let problem = Self::new(request_row(error), error.to_string());
        match error {
            RequestError::Malformed { pointer, .. }
            | RequestError::Deploy(DeployError::Manifest(ManifestError { pointer, .. }))
            | RequestError::Deploy(DeployError::Taken(Taken { pointer, .. }))
            | RequestError::Alert(AlertError::Field(RuleError { pointer, .. })) => Self {
                pointer: Some(pointer.clone()),
                ..problem
            },
            RequestError::Deploy(DeployError::Dependencies(
                DependencyError::Failed { log, .. } | DependencyError::TimedOut { log, .. },
            )) => Self {
                build_log: Some(log.clone()),
                ..problem
            },
            RequestError::Deploy(DeployError::NameTaken(_)) => Self {
                pointer: Some("/name".to_owned()),
                ..problem
            },
            RequestError::Deploy(DeployError::Build(BuildError::Rejected(failure)))
            | RequestError::Deploy(DeployError::Load(ZygoteError::LoadFailed(failure))) => {
                problem.with_failure(failure)
            }
            _ => problem,
        }
    }

    /// The problem with an invocation that has no answer.
    pub(crate) fn of_invocation(error: &InvokeError) -> Self {
        let problem = Self::new(invoke_row(error), error.to_string());
        match error {
            InvokeError::Instance(
                InstanceError::Failed(failure) | InstanceError::OutOfMemory(failure),
            )
            | InvokeError::Zygote(ZygoteError::LoadFailed(failure)) => {
                problem.with_failure(failure)
            }
            other => {
                let error_type = Some(error_type(other).to_owned());
                Self {
                    error_type,
                    error_message: Some(other.to_string()),
                    ..problem
                }
            }
        }
    }

    /// Adds what only an invocation has.
    pub(crate) fn with_invocation(
        self,
        request_id: &str,
        duration_ms: f64,
        logs: Vec<String>,
    ) -> Self {
        Self {
            duration: Some(duration_ms),
            logs: Some(logs),
            ..self
        }
        .with_request(request_id, None)
    }

    /// Adds which request it was.
    pub(crate) fn with_request(self, request_id: &str, path: Option<&str>) -> Self {
        Self {
            request_id: Some(request_id.to_owned()),
            instance: path.map(str::to_owned),
            ..self
        }
    }

    fn with_failure(self, failure: &Failure) -> Self {
        Self {
            error_type: Some(failure.error_type.clone()),
            error_message: Some(failure.message.clone()),
            stack_trace: Some(failure.stack.clone()),
            ..self
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        let kind = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, kind);
        if status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Bearer realm=\"zygo\"");
            headers.insert(header::WWW_AUTHENTICATE, scheme);
        }
        if matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
        ) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_S));
        }
        response
    }
}
