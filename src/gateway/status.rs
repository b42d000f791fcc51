//! The only table of status codes: which status, stable code and title each error gets. A code is there for callers to
//! act on; two errors that call for the same act share one.

use http::StatusCode;
use zygo_wire::FailureKind;

use super::problem::RequestError;
use crate::function::deployment::{BuildError, DeployError};
use crate::instance::InstanceError;
use crate::invoke::InvokeError;
use crate::pool::PoolError;
use crate::zygote::ZygoteError;

/// Status, stable code, and title of one kind of error.
pub(super) type Row = (StatusCode, &'static str, &'static str);

/// For a request that reached no handler.
pub(super) fn request_row(error: &RequestError) -> Row {
    use StatusCode as S;
    match error {
        RequestError::FunctionNotFound(_) => {
            (S::NOT_FOUND, "function_not_found", "No such function")
        }
        RequestError::PathNotFound => (S::NOT_FOUND, "path_not_found", "Nothing here"),
        RequestError::MethodNotAllowed => {
            (S::METHOD_NOT_ALLOWED, "method_not_allowed", "Wrong method")
        }
        RequestError::Malformed { .. } => (
            S::BAD_REQUEST,
            "malformed_request",
            "The request is malformed",
        ),
        RequestError::BodyTooLong { .. } => (
            S::PAYLOAD_TOO_LARGE,
            "body_too_large",
            "The body is too large",
        ),
        RequestError::BodyTimedOut => (
            S::REQUEST_TIMEOUT,
            "body_timeout",
            "The body came too slowly",
        ),
        RequestError::BodyBroken => (S::BAD_REQUEST, "body_broken", "The body was cut off"),
        RequestError::Deploy(error) => deploy_row(error),
    }
}

fn deploy_row(error: &DeployError) -> Row {
    use StatusCode as S;
    match error {
        DeployError::Manifest(_) => (
            S::UNPROCESSABLE_ENTITY,
            "invalid_function",
            "A setting cannot be used",
        ),
        DeployError::NameTaken(_) => (S::CONFLICT, "name_taken", "The name is taken"),
        DeployError::Build(BuildError::Unavailable { .. }) => unavailable_row(),
        DeployError::Build(_) => (
            S::UNPROCESSABLE_ENTITY,
            "build_failed",
            "The code does not build",
        ),
        DeployError::Load(ZygoteError::Unavailable { .. }) => unavailable_row(),
        DeployError::Load(ZygoteError::Gone) => {
            (S::SERVICE_UNAVAILABLE, "zygote_gone", "Try again")
        }
        DeployError::Load(_) => (
            S::UNPROCESSABLE_ENTITY,
            "load_failed",
            "The code does not load",
        ),
        DeployError::Storage(_) => (
            S::INTERNAL_SERVER_ERROR,
            "storage_failed",
            "The platform cannot store it",
        ),
    }
}

/// For an invocation that has no answer.
pub(super) fn invoke_row(error: &InvokeError) -> Row {
    match error {
        InvokeError::Pool(error) => pool_row(*error),
        InvokeError::Zygote(error) => zygote_row(error),
        InvokeError::Instance(error) => instance_row(error),
    }
}

fn pool_row(error: PoolError) -> Row {
    use StatusCode as S;
    match error {
        PoolError::QueueFull { .. } => (
            S::TOO_MANY_REQUESTS,
            "concurrency_limit",
            "All instances are busy",
        ),
        PoolError::QueueTimeout(_) => (
            S::TOO_MANY_REQUESTS,
            "concurrency_limit",
            "All instances stayed busy",
        ),
        PoolError::PlatformFull => (
            S::SERVICE_UNAVAILABLE,
            "platform_full",
            "The platform is full",
        ),
        PoolError::Retired => (
            S::SERVICE_UNAVAILABLE,
            "version_gone",
            "The version is gone",
        ),
    }
}

fn zygote_row(error: &ZygoteError) -> Row {
    use StatusCode as S;
    match error {
        ZygoteError::Unavailable { .. } => unavailable_row(),
        ZygoteError::LoadFailed(failure) if failure.kind == FailureKind::OutOfMemory => {
            out_of_memory_row()
        }
        ZygoteError::LoadFailed(_) => (S::BAD_GATEWAY, "load_failed", "The code does not load"),
        ZygoteError::LoadCrashed(_) => (
            S::BAD_GATEWAY,
            "load_failed",
            "The code crashed while it loaded",
        ),
        ZygoteError::LoadTimedOut { .. } => (
            S::GATEWAY_TIMEOUT,
            "load_timeout",
            "The code loads too slowly",
        ),
        ZygoteError::Gone => (S::SERVICE_UNAVAILABLE, "zygote_gone", "Try again"),
    }
}

fn instance_row(error: &InstanceError) -> Row {
    use StatusCode as S;
    match error {
        InstanceError::NotStarted => (S::SERVICE_UNAVAILABLE, "instance_gone", "Try again"),
        InstanceError::Failed(failure) => match failure.kind {
            FailureKind::Handler => (S::BAD_GATEWAY, "handler_error", "The handler threw"),
            FailureKind::Response => (
                S::BAD_GATEWAY,
                "invalid_response",
                "The handler's answer is no response",
            ),
            FailureKind::Runtime => (
                S::INTERNAL_SERVER_ERROR,
                "runtime_error",
                "The runtime failed",
            ),
            FailureKind::OutOfMemory => out_of_memory_row(),
            FailureKind::Load | FailureKind::HandlerNotFound => {
                (S::BAD_GATEWAY, "load_failed", "The code does not load")
            }
        },
        InstanceError::OutOfMemory(_) => out_of_memory_row(),
        InstanceError::TimedOut(_) => (S::GATEWAY_TIMEOUT, "timeout", "The handler took too long"),
        InstanceError::Exited(_) | InstanceError::Killed(_) | InstanceError::Vanished => (
            S::BAD_GATEWAY,
            "instance_crashed",
            "The process ended before it answered",
        ),
        InstanceError::Violation(_) => (
            S::BAD_GATEWAY,
            "protocol_violation",
            "The process broke the protocol",
        ),
        InstanceError::ResponseTooLong { .. } => (
            S::BAD_GATEWAY,
            "response_too_large",
            "The answer is too large",
        ),
    }
}

fn unavailable_row() -> Row {
    (
        StatusCode::SERVICE_UNAVAILABLE,
        "runtime_unavailable",
        "The language is unavailable",
    )
}

fn out_of_memory_row() -> Row {
    (
        StatusCode::BAD_GATEWAY,
        "memory_limit",
        "The memory limit was reached",
    )
}

/// The name under which users of other platforms know a failure that is no exception of theirs.
pub(super) fn error_type(error: &InvokeError) -> &'static str {
    match error {
        InvokeError::Pool(PoolError::PlatformFull | PoolError::Retired) => "Platform.Unavailable",
        InvokeError::Pool(_) => "Platform.ConcurrencyLimit",
        InvokeError::Zygote(ZygoteError::LoadTimedOut { .. }) => "Runtime.LoadTimeout",
        InvokeError::Zygote(ZygoteError::LoadCrashed(_)) => "Runtime.LoadCrash",
        InvokeError::Zygote(_) => "Platform.Unavailable",
        InvokeError::Instance(InstanceError::TimedOut(_)) => "Sandbox.Timedout",
        InvokeError::Instance(InstanceError::Exited(_)) => "Runtime.ExitError",
        InvokeError::Instance(InstanceError::Killed(_) | InstanceError::Vanished) => {
            "Runtime.Crash"
        }
        InvokeError::Instance(InstanceError::Violation(_)) => "Runtime.ProtocolViolation",
        InvokeError::Instance(InstanceError::ResponseTooLong { .. }) => {
            "Function.ResponseSizeTooLarge"
        }
        InvokeError::Instance(_) => "Platform.Unavailable",
    }
}
