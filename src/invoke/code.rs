//! The stable name of each way in which an invocation can have no answer: what callers act on, and what is counted. Two
//! errors that call for the same act share one.

use zygo_wire::FailureKind;

use super::InvokeError;
use crate::admission::Refusal;
use crate::instance::InstanceError;
use crate::pool::PoolError;
use crate::telemetry::CANCELLED;
use crate::zygote::ZygoteError;

impl InvokeError {
    /// Its stable name.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused(Refusal::RateLimited { .. }) => "rate_limited",
            Self::Refused(Refusal::CircuitOpen { .. }) => "circuit_open",
            Self::Pool(error) => pool(*error),
            Self::Zygote(error) => zygote(error),
            Self::Instance(error) => instance(error),
        }
    }
}

fn pool(error: PoolError) -> &'static str {
    match error {
        PoolError::QueueFull { .. } | PoolError::QueueTimeout(_) => "concurrency_limit",
        PoolError::Overloaded { .. } => "overloaded",
        PoolError::PlatformFull => "platform_full",
        PoolError::Retired => "version_gone",
    }
}

fn zygote(error: &ZygoteError) -> &'static str {
    match error {
        ZygoteError::Unavailable { .. } => "runtime_unavailable",
        ZygoteError::LoadFailed(failure) if failure.kind == FailureKind::OutOfMemory => {
            "memory_limit"
        }
        ZygoteError::LoadFailed(_) | ZygoteError::LoadCrashed(_) => "load_failed",
        ZygoteError::LoadTimedOut { .. } => "load_timeout",
        ZygoteError::FilesLost(_) => "files_lost",
        ZygoteError::NotHeld(_) => "isolation_unavailable",
        ZygoteError::Gone => "zygote_gone",
        ZygoteError::Busy(_) => "platform_full",
        ZygoteError::Crashing(_) => "crash_back_off",
    }
}

fn instance(error: &InstanceError) -> &'static str {
    match error {
        InstanceError::NotStarted => "instance_gone",
        InstanceError::Failed(failure) => match failure.kind {
            FailureKind::Handler => "handler_error",
            FailureKind::Response => "invalid_response",
            FailureKind::Runtime => "runtime_error",
            FailureKind::Isolation => "isolation_unavailable",
            FailureKind::OutOfMemory => "memory_limit",
            FailureKind::Load | FailureKind::HandlerNotFound => "load_failed",
        },
        InstanceError::NoResponse(_) => "invalid_response",
        InstanceError::OutOfMemory(_) => "memory_limit",
        InstanceError::TimedOut(_) => "timeout",
        InstanceError::Exited(_)
        | InstanceError::Killed(_)
        | InstanceError::TooManyTasks(_)
        | InstanceError::Vanished => "instance_crashed",
        InstanceError::Violation(_) => "protocol_violation",
        InstanceError::ResponseTooLong { .. } | InstanceError::StreamTooLong { .. } => {
            "response_too_large"
        }
        InstanceError::Cancelled => CANCELLED,
    }
}
