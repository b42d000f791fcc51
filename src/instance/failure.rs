//! How an invocation can fail in its instance, and what that says about the instance.

use std::time::Duration;

use zygo_wire::control::ExitStatus;
use zygo_wire::{Failure, FailureKind, WireError};

use crate::error::Origin;
use crate::stream::NotTaken;

/// Why an instance gave no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum InstanceError {
    /// The process was gone before it read the invocation; another instance may serve it.
    #[error("the instance was gone before it read the invocation")]
    NotStarted,
    /// The handler threw, or its return value is no response.
    #[error("{}: {}", .0.error_type, .0.message)]
    Failed(Failure),
    /// The instance needed more than its memory limit.
    #[error("{}", .0.message)]
    OutOfMemory(Failure),
    /// The handler took too long and was killed.
    #[error("task timed out after {:.2} seconds", .0.as_secs_f64())]
    TimedOut(Duration),
    /// The process ended by itself, with this code, before it answered.
    #[error("the process exited with code {0} before it answered")]
    Exited(i32),
    /// The process was killed by this signal before it answered.
    #[error("the process was killed by {} before it answered", signal_name(*.0))]
    Killed(i32),
    /// The process had more processes and threads than it may, and was killed.
    #[error("the instance had more than {0} processes and threads")]
    TooManyTasks(u32),
    /// The process ended and nobody saw how.
    #[error("the process ended before it answered")]
    Vanished,
    /// The instance sent what is no message of the data socket, or one of another invocation.
    #[error("the instance broke the protocol of its socket: {0}")]
    Violation(&'static str),
    /// The answer's body is longer than the limit.
    #[error("the response has {len} bytes; the limit is {max} bytes")]
    ResponseTooLong {
        /// Its length.
        len: usize,
        /// The limit.
        max: usize,
    },
    /// The pieces of the answer are longer than the limit, and more may come.
    #[error("the response has more than {max} bytes, which is the limit")]
    StreamTooLong {
        /// The limit.
        max: usize,
    },
    /// What came before the pieces of the answer is no head of a response.
    #[error("the answer is no response: {0}")]
    NoResponse(String),
    /// Whoever took the answer went away before its end.
    #[error("the caller went away before the end of the answer")]
    Cancelled,
}

impl From<NotTaken> for InstanceError {
    fn from(reason: NotTaken) -> Self {
        match reason {
            NotTaken::Gone => Self::Cancelled,
            NotTaken::Refused(reason) => Self::NoResponse(reason),
            NotTaken::TooLong(max) => Self::StreamTooLong { max },
        }
    }
}

/// The signal that the kernel ends processes with.
const KILLED: i32 = 9;

impl InstanceError {
    /// Nothing could be sent.
    pub(crate) fn before_start(error: &WireError) -> Self {
        match error {
            WireError::TooLong { .. } => {
                Self::Violation("the event's headers are too long for one message")
            }
            _ => Self::NotStarted,
        }
    }

    /// The socket ended; `status` says how the process did, and the kernel whether it lacked memory.
    pub(crate) fn ended(status: Option<ExitStatus>, out_of_memory: bool) -> Self {
        match status {
            Some(ExitStatus::Signal(KILLED)) | None if out_of_memory => {
                let text = "the instance and what it started needed more than the memory limit";
                let kind = FailureKind::OutOfMemory;
                Self::OutOfMemory(Failure::new(kind, "OutOfMemory", text))
            }
            Some(ExitStatus::Code(code)) => Self::Exited(code),
            Some(ExitStatus::Signal(signal)) => Self::Killed(signal),
            None => Self::Vanished,
        }
    }

    /// Whether the instance can serve the next invocation.
    pub(crate) fn leaves_instance_usable(&self) -> bool {
        match self {
            Self::Failed(failure) => {
                matches!(failure.kind, FailureKind::Handler | FailureKind::Response)
            }
            Self::ResponseTooLong { .. } => true,
            _ => false,
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub fn origin(&self) -> Origin {
        match self {
            Self::NotStarted => Origin::Platform,
            Self::Failed(failure)
                if matches!(failure.kind, FailureKind::Runtime | FailureKind::Isolation) =>
            {
                Origin::Platform
            }
            Self::Cancelled => Origin::Caller,
            _ => Origin::Function,
        }
    }
}

/// Signals that a user meets, by name.
fn signal_name(signal: i32) -> String {
    let name = match signal {
        4 => "SIGILL",
        5 => "SIGTRAP",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        15 => "SIGTERM",
        24 => "SIGXCPU",
        31 => "SIGSYS",
        _ => return format!("signal {signal}"),
    };
    name.to_owned()
}
