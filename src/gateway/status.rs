//! The only table of status codes: which status, stable code and title each error gets. A code is there for callers to
//! act on; two errors that call for the same act share one.

use http::StatusCode;

use super::problem::RequestError;
use crate::admission::Refusal;
use crate::alert::AlertError;
use crate::artifact::ArtifactError;
use crate::function::deployment::{BuildError, DependencyError, DeployError};
use crate::instance::InstanceError;
use crate::invocation::Outcome;
use crate::invoke::InvokeError;
use crate::pool::PoolError;
use crate::queue::QueueError;
use crate::telemetry::CANCELLED;
use crate::zygote::ZygoteError;

/// Status, stable code, and title of one kind of error.
pub(super) type Row = (StatusCode, &'static str, &'static str);

const NOT_HELD: &str = "isolation_unavailable";
const FUNCTIONS_NOT_HELD: &str = "Functions cannot be isolated here";
const FILES_LOST: &str = "The files of the code are lost";
/// What each status says that an operation can refuse or fail with, for the API's description.
#[rustfmt::skip]
pub(super) const MEANINGS: [(StatusCode, &str); 16] = [
    (StatusCode::BAD_REQUEST, "The request is malformed; `pointer` names the field."),
    (StatusCode::UNAUTHORIZED, "The credential is missing, unknown, revoked or out of its time."),
    (StatusCode::FORBIDDEN, "The credential's role does not allow it, or only for other functions."),
    (StatusCode::NOT_FOUND, "It is not there, or not for the caller."),
    (StatusCode::REQUEST_TIMEOUT, "The body came too slowly."),
    (StatusCode::CONFLICT, "The name, a path or the domain is taken, another deployment takes too long, or the first request with this `Idempotency-Key` is under way."),
    (StatusCode::GONE, "The connection is closed."),
    (StatusCode::PRECONDITION_FAILED, "The function has changed since the tag in `If-Match`."),
    (StatusCode::PAYLOAD_TOO_LARGE, "The body is longer than the operator allows."),
    (StatusCode::UNPROCESSABLE_ENTITY, "A setting cannot be used, the code does not build or load, or the `Idempotency-Key` belongs to another request."),
    (StatusCode::UPGRADE_REQUIRED, "There is only WebSocket here."),
    (StatusCode::TOO_MANY_REQUESTS, "The rate limit is used up, all instances are busy, or more callers come than they can serve."),
    (StatusCode::INTERNAL_SERVER_ERROR, "The runtime failed."),
    (StatusCode::BAD_GATEWAY, "The handler threw, crashed, or answered what is no response."),
    (StatusCode::SERVICE_UNAVAILABLE, "The platform is full, its storage or the language is unavailable, or the circuit breaker is open."),
    (StatusCode::GATEWAY_TIMEOUT, "The handler took too long, or its code loads too slowly."),
];

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
        RequestError::NoRoom => (
            S::SERVICE_UNAVAILABLE,
            "platform_full",
            "The platform is full",
        ),
        RequestError::BodyBroken => (S::BAD_REQUEST, "body_broken", "The body was cut off"),
        RequestError::Deploy(error) => deploy_row(error),
        RequestError::Alert(error) => alert_row(error),
        RequestError::Queue(QueueError::Store(_)) => storage_row(),
        RequestError::Queue(QueueError::Full(_) | QueueError::Stopped) => (
            S::SERVICE_UNAVAILABLE,
            "platform_full",
            "The platform is full",
        ),
        RequestError::InvocationNotFound(_) => {
            (S::NOT_FOUND, "invocation_not_found", "No such invocation")
        }
        RequestError::TriggerNotFound(_) => (S::NOT_FOUND, "trigger_not_found", "No such trigger"),
        RequestError::Socket(error) => error.row(),
        RequestError::LetterNotFound(_) => {
            (S::NOT_FOUND, "dead_letter_not_found", "No such dead letter")
        }
        RequestError::Store(_) | RequestError::CutOff(_) => storage_row(),
        RequestError::Unauthorized(_) => (S::UNAUTHORIZED, "unauthorized", "Who are you?"),
        RequestError::Forbidden(_) => (S::FORBIDDEN, "forbidden", "The role does not allow it"),
        RequestError::TemplateNotFound(_) => {
            (S::NOT_FOUND, "template_not_found", "No such template")
        }
        RequestError::KeyNotFound(_) => (S::NOT_FOUND, "key_not_found", "No such key"),
        RequestError::KeyInUse => (
            S::CONFLICT,
            "idempotency_key_in_use",
            "The first request with this key is under way",
        ),
        RequestError::KeyReused => (
            S::UNPROCESSABLE_ENTITY,
            "idempotency_key_reused",
            "The key belongs to another request",
        ),
    }
}

fn alert_row(error: &AlertError) -> Row {
    use StatusCode as S;
    match error {
        AlertError::NoAlert(_) => (S::NOT_FOUND, "alert_not_found", "No such alert"),
        AlertError::NoWebhook(_) => (S::NOT_FOUND, "webhook_not_found", "No such webhook"),
        AlertError::TooManyWebhooks => (S::CONFLICT, "too_many_webhooks", "Too many webhooks"),
        AlertError::Field(_) => (
            S::UNPROCESSABLE_ENTITY,
            "invalid_alert_setting",
            "A setting cannot be used",
        ),
        AlertError::Store(_) | AlertError::Client(_) => storage_row(),
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
        DeployError::Taken(_) => (
            S::CONFLICT,
            "route_taken",
            "Another function has the path or the domain",
        ),
        DeployError::Build(BuildError::Unavailable { .. }) => unavailable_row(),
        DeployError::Build(_) => (
            S::UNPROCESSABLE_ENTITY,
            "build_failed",
            "The code does not build",
        ),
        DeployError::Dependencies(DependencyError::NoTool { .. }) => (
            S::SERVICE_UNAVAILABLE,
            "tool_unavailable",
            "A tool that installs packages is missing",
        ),
        DeployError::Dependencies(DependencyError::Files(_)) => storage_row(),
        DeployError::Dependencies(_) => (
            S::UNPROCESSABLE_ENTITY,
            "dependencies_failed",
            "The packages cannot be installed",
        ),
        DeployError::Load(ZygoteError::Unavailable { .. }) => unavailable_row(),
        DeployError::Load(ZygoteError::Gone) => {
            (S::SERVICE_UNAVAILABLE, "zygote_gone", "Try again")
        }
        DeployError::Load(ZygoteError::Busy(_)) => (
            S::SERVICE_UNAVAILABLE,
            "platform_full",
            "The platform is full",
        ),
        DeployError::Load(ZygoteError::NotHeld(_)) => {
            (S::SERVICE_UNAVAILABLE, NOT_HELD, FUNCTIONS_NOT_HELD)
        }
        DeployError::Load(ZygoteError::FilesLost(_)) => {
            (S::SERVICE_UNAVAILABLE, "files_lost", FILES_LOST)
        }
        DeployError::Load(_) => (
            S::UNPROCESSABLE_ENTITY,
            "load_failed",
            "The code does not load",
        ),
        DeployError::Changed(_) => (
            S::PRECONDITION_FAILED,
            "function_changed",
            "The function has changed",
        ),
        DeployError::Busy(_) => (
            S::CONFLICT,
            "deployment_under_way",
            "Another deployment is under way",
        ),
        DeployError::NoVersion(_) => (S::NOT_FOUND, "version_not_found", "No such version"),
        DeployError::NoRollout => (S::NOT_FOUND, "rollout_not_found", "No rollout is under way"),
        DeployError::NoAlias(_) => (S::NOT_FOUND, "alias_not_found", "No such alias"),
        DeployError::Archive(ArtifactError::Missing(_)) | DeployError::Damaged(_) => {
            (S::SERVICE_UNAVAILABLE, "files_lost", FILES_LOST)
        }
        DeployError::Files(_) | DeployError::Archive(_) | DeployError::Store(_) => storage_row(),
    }
}

/// For an invocation that has no answer.
pub(super) fn invoke_row(error: &InvokeError) -> Row {
    use StatusCode as S;
    let code = error.code();
    let (status, title) = match code {
        "rate_limited" => (S::TOO_MANY_REQUESTS, "The rate limit is used up"),
        "circuit_open" => (S::SERVICE_UNAVAILABLE, "The circuit breaker is open"),
        "concurrency_limit" => (S::TOO_MANY_REQUESTS, "All instances are busy"),
        "overloaded" => (S::TOO_MANY_REQUESTS, "More callers come than can be served"),
        "platform_full" => (S::SERVICE_UNAVAILABLE, "The platform is full"),
        "version_gone" => (S::SERVICE_UNAVAILABLE, "The version is gone"),
        "runtime_unavailable" => return unavailable_row(),
        "memory_limit" => (S::BAD_GATEWAY, "The memory limit was reached"),
        "load_failed" => (S::BAD_GATEWAY, "The code does not load"),
        "load_timeout" => (S::GATEWAY_TIMEOUT, "The code loads too slowly"),
        "files_lost" => (S::SERVICE_UNAVAILABLE, FILES_LOST),
        NOT_HELD => (S::SERVICE_UNAVAILABLE, FUNCTIONS_NOT_HELD),
        "crash_back_off" => (S::SERVICE_UNAVAILABLE, "The function crashes too often"),
        "zygote_gone" | "instance_gone" => (S::SERVICE_UNAVAILABLE, "Try again"),
        "handler_error" => (S::BAD_GATEWAY, "The handler threw"),
        "invalid_response" => (S::BAD_GATEWAY, "The handler's answer is no response"),
        "timeout" => (S::GATEWAY_TIMEOUT, "The handler took too long"),
        "instance_crashed" => (S::BAD_GATEWAY, "The process ended before it answered"),
        "protocol_violation" => (S::BAD_GATEWAY, "The process broke the protocol"),
        // Nobody is there to read it; the number is what others write in their logs then.
        CANCELLED => (
            S::from_u16(499).unwrap_or(S::BAD_REQUEST),
            "The caller went away",
        ),
        "response_too_large" => (S::BAD_GATEWAY, "The answer is too large"),
        _ => (S::INTERNAL_SERVER_ERROR, "The runtime failed"),
    };
    (status, code, title)
}

impl Outcome {
    /// The status that the caller of the invoke API sees.
    pub(crate) fn http_status(&self) -> u16 {
        let error = self.result.as_ref().err();
        let status = error.map_or(StatusCode::OK, |error| invoke_row(error).0);
        status.as_u16()
    }
}

fn storage_row() -> Row {
    (
        StatusCode::SERVICE_UNAVAILABLE,
        "storage_failed",
        "The platform cannot store or read it",
    )
}

fn unavailable_row() -> Row {
    (
        StatusCode::SERVICE_UNAVAILABLE,
        "runtime_unavailable",
        "The language is unavailable",
    )
}

/// The name under which users of other platforms know a failure that is no exception of theirs.
pub(super) fn error_type(error: &InvokeError) -> &'static str {
    match error {
        InvokeError::Refused(Refusal::RateLimited { .. }) => "Platform.RateLimited",
        InvokeError::Refused(Refusal::CircuitOpen { .. }) => "Platform.CircuitOpen",
        InvokeError::Pool(PoolError::PlatformFull | PoolError::Retired) => "Platform.Unavailable",
        InvokeError::Pool(_) => "Platform.ConcurrencyLimit",
        InvokeError::Zygote(ZygoteError::LoadTimedOut { .. }) => "Runtime.LoadTimeout",
        InvokeError::Zygote(ZygoteError::LoadCrashed(_)) => "Runtime.LoadCrash",
        InvokeError::Zygote(_) => "Platform.Unavailable",
        InvokeError::Instance(InstanceError::TimedOut(_)) => "Sandbox.Timedout",
        InvokeError::Instance(InstanceError::Exited(_)) => "Runtime.ExitError",
        InvokeError::Instance(
            InstanceError::Killed(_) | InstanceError::TooManyTasks(_) | InstanceError::Vanished,
        ) => "Runtime.Crash",
        InvokeError::Instance(InstanceError::NoResponse(_)) => "Runtime.InvalidResponse",
        InvokeError::Instance(InstanceError::Violation(_)) => "Runtime.ProtocolViolation",
        InvokeError::Instance(
            InstanceError::ResponseTooLong { .. } | InstanceError::StreamTooLong { .. },
        ) => "Function.ResponseSizeTooLarge",
        InvokeError::Instance(_) => "Platform.Unavailable",
    }
}
