//! Errors as callers see them: RFC 9457 `application/problem+json`. The only table of status codes.
//!
//! A body has `type`, `title`, `status`, `detail`, `instance`, a stable `code`, the `requestId`, a JSON `pointer` where
//! one field is to blame, and for a handler's failure `errorType`, `errorMessage`, `stackTrace`, `duration`, `logs`.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use zygo_wire::{Failure, FailureKind};

use crate::function::deployment::BuildError;
use crate::function::deployment::DeployError;
use crate::instance::InstanceError;
use crate::invoke::InvokeError;
use crate::pool::PoolError;
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
    /// The connection broke.
    #[error("the body could not be read")]
    BodyBroken,
    /// A deployment failed.
    #[error(transparent)]
    Deploy(#[from] DeployError),
}

impl RequestError {
    /// A wrong field.
    pub(crate) fn malformed(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Malformed { pointer: pointer.into(), message: message.into() }
    }
}

/// What a caller is told. Absent members are left out.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Problem {
    #[serde(rename = "type")]
    kind: String,
    title: &'static str,
    status: u16,
    code: &'static str,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stack_trace: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logs: Option<Vec<String>>,
}

/// Status, stable code, and title of one kind of error.
type Row = (StatusCode, &'static str, &'static str);

impl Problem {
    fn new(row: Row, detail: String) -> Self {
        let (status, code, title) = row;
        let kind = format!("https://zygo.dev/errors/{code}");
        Self { kind, title, status: status.as_u16(), code, detail, ..Self::default() }
    }

    /// The problem with a request that reached no handler.
    pub(crate) fn of_request(error: &RequestError) -> Self {
        let problem = Self::new(request_row(error), error.to_string());
        match error {
            RequestError::Malformed { pointer, .. } => Self { pointer: Some(pointer.clone()), ..problem },
            RequestError::Deploy(DeployError::Manifest(error)) => {
                Self { pointer: Some(error.pointer.clone()), ..problem }
            }
            RequestError::Deploy(DeployError::NameTaken(_)) => Self { pointer: Some("/name".to_owned()), ..problem },
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
            InvokeError::Instance(InstanceError::Failed(failure) | InstanceError::OutOfMemory(failure))
            | InvokeError::Zygote(ZygoteError::LoadFailed(failure)) => problem.with_failure(failure),
            other => {
                let error_type = Some(error_type(other).to_owned());
                Self { error_type, error_message: Some(other.to_string()), ..problem }
            }
        }
    }

    /// Adds what only an invocation has.
    pub(crate) fn with_invocation(self, request_id: &str, duration_ms: f64, logs: Vec<String>) -> Self {
        Self { duration: Some(duration_ms), logs: Some(logs), ..self }.with_request(request_id, None)
    }

    /// Adds which request it was.
    pub(crate) fn with_request(self, request_id: &str, path: Option<&str>) -> Self {
        Self { request_id: Some(request_id.to_owned()), instance: path.map(str::to_owned), ..self }
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
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_S));
        }
        response
    }
}

fn request_row(error: &RequestError) -> Row {
    use StatusCode as S;
    match error {
        RequestError::FunctionNotFound(_) => (S::NOT_FOUND, "function_not_found", "No such function"),
        RequestError::PathNotFound => (S::NOT_FOUND, "path_not_found", "Nothing here"),
        RequestError::MethodNotAllowed => (S::METHOD_NOT_ALLOWED, "method_not_allowed", "Wrong method"),
        RequestError::Malformed { .. } => (S::BAD_REQUEST, "malformed_request", "The request is malformed"),
        RequestError::BodyTooLong { .. } => (S::PAYLOAD_TOO_LARGE, "body_too_large", "The body is too large"),
        RequestError::BodyTimedOut => (S::REQUEST_TIMEOUT, "body_timeout", "The body came too slowly"),
        RequestError::BodyBroken => (S::BAD_REQUEST, "body_broken", "The body was cut off"),
        RequestError::Deploy(error) => deploy_row(error),
    }
}

fn deploy_row(error: &DeployError) -> Row {
    use StatusCode as S;
    match error {
        DeployError::Manifest(_) => (S::UNPROCESSABLE_ENTITY, "invalid_function", "A setting cannot be used"),
        DeployError::NameTaken(_) => (S::CONFLICT, "name_taken", "The name is taken"),
        DeployError::Build(BuildError::Unavailable { .. }) => unavailable_row(),
        DeployError::Build(_) => (S::UNPROCESSABLE_ENTITY, "build_failed", "The code does not build"),
        DeployError::Load(ZygoteError::Unavailable { .. }) => unavailable_row(),
        DeployError::Load(ZygoteError::Gone) => (S::SERVICE_UNAVAILABLE, "zygote_gone", "Try again"),
        DeployError::Load(_) => (S::UNPROCESSABLE_ENTITY, "load_failed", "The code does not load"),
        DeployError::Storage(_) => (S::INTERNAL_SERVER_ERROR, "storage_failed", "The platform cannot store it"),
    }
}

fn invoke_row(error: &InvokeError) -> Row {
    match error {
        InvokeError::Pool(error) => pool_row(*error),
        InvokeError::Zygote(error) => zygote_row(error),
        InvokeError::Instance(error) => instance_row(error),
    }
}

fn pool_row(error: PoolError) -> Row {
    use StatusCode as S;
    match error {
        PoolError::QueueFull { .. } => (S::TOO_MANY_REQUESTS, "concurrency_limit", "All instances are busy"),
        PoolError::QueueTimeout(_) => (S::TOO_MANY_REQUESTS, "concurrency_limit", "All instances stayed busy"),
        PoolError::PlatformFull => (S::SERVICE_UNAVAILABLE, "platform_full", "The platform is full"),
        PoolError::Retired => (S::SERVICE_UNAVAILABLE, "version_gone", "The version is gone"),
    }
}

fn zygote_row(error: &ZygoteError) -> Row {
    use StatusCode as S;
    match error {
        ZygoteError::Unavailable { .. } => unavailable_row(),
        ZygoteError::LoadFailed(failure) if failure.kind == FailureKind::OutOfMemory => out_of_memory_row(),
        ZygoteError::LoadFailed(_) => (S::BAD_GATEWAY, "load_failed", "The code does not load"),
        ZygoteError::LoadCrashed(_) => (S::BAD_GATEWAY, "load_failed", "The code crashed while it loaded"),
        ZygoteError::LoadTimedOut { .. } => (S::GATEWAY_TIMEOUT, "load_timeout", "The code loads too slowly"),
        ZygoteError::Gone => (S::SERVICE_UNAVAILABLE, "zygote_gone", "Try again"),
    }
}

fn instance_row(error: &InstanceError) -> Row {
    use StatusCode as S;
    match error {
        InstanceError::NotStarted => (S::SERVICE_UNAVAILABLE, "instance_gone", "Try again"),
        InstanceError::Failed(failure) => match failure.kind {
            FailureKind::Handler => (S::BAD_GATEWAY, "handler_error", "The handler threw"),
            FailureKind::Response => (S::BAD_GATEWAY, "invalid_response", "The handler's answer is no response"),
            FailureKind::Runtime => (S::INTERNAL_SERVER_ERROR, "runtime_error", "The runtime failed"),
            FailureKind::OutOfMemory => out_of_memory_row(),
            FailureKind::Load | FailureKind::HandlerNotFound => {
                (S::BAD_GATEWAY, "load_failed", "The code does not load")
            }
        },
        InstanceError::OutOfMemory(_) => out_of_memory_row(),
        InstanceError::TimedOut(_) => (S::GATEWAY_TIMEOUT, "timeout", "The handler took too long"),
        InstanceError::Exited(_) | InstanceError::Killed(_) | InstanceError::Vanished => {
            (S::BAD_GATEWAY, "instance_crashed", "The process ended before it answered")
        }
        InstanceError::Violation(_) => (S::BAD_GATEWAY, "protocol_violation", "The process broke the protocol"),
        InstanceError::ResponseTooLong { .. } => (S::BAD_GATEWAY, "response_too_large", "The answer is too large"),
    }
}

fn unavailable_row() -> Row {
    (StatusCode::SERVICE_UNAVAILABLE, "runtime_unavailable", "The language is unavailable")
}

fn out_of_memory_row() -> Row {
    (StatusCode::BAD_GATEWAY, "memory_limit", "The memory limit was reached")
}

/// The name under which users of other platforms know a failure that is no exception of theirs.
fn error_type(error: &InvokeError) -> &'static str {
    match error {
        InvokeError::Pool(PoolError::PlatformFull | PoolError::Retired) => "Platform.Unavailable",
        InvokeError::Pool(_) => "Platform.ConcurrencyLimit",
        InvokeError::Zygote(ZygoteError::LoadTimedOut { .. }) => "Runtime.LoadTimeout",
        InvokeError::Zygote(ZygoteError::LoadCrashed(_)) => "Runtime.LoadCrash",
        InvokeError::Zygote(_) => "Platform.Unavailable",
        InvokeError::Instance(InstanceError::TimedOut(_)) => "Sandbox.Timedout",
        InvokeError::Instance(InstanceError::Exited(_)) => "Runtime.ExitError",
        InvokeError::Instance(InstanceError::Killed(_) | InstanceError::Vanished) => "Runtime.Crash",
        InvokeError::Instance(InstanceError::Violation(_)) => "Runtime.ProtocolViolation",
        InvokeError::Instance(InstanceError::ResponseTooLong { .. }) => "Function.ResponseSizeTooLarge",
        InvokeError::Instance(_) => "Platform.Unavailable",
    }
}
