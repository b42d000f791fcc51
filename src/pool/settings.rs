//! What a pool is made with, and why it may have nothing to give.

use std::time::Duration;

use super::Bounds;
use crate::admission::Tolerance;
use crate::error::Origin;
use crate::scaling::Steering;
use crate::telemetry::Journal;

/// Whether an instance may serve more than one invocation.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    serde::Serialize,
    serde::Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Isolation {
    /// An instance serves one invocation after another, as on Lambda.
    #[default]
    Instance,
    /// Every invocation gets a fresh process, which ends after it.
    Request,
}

/// Why a pool has no instance for a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PoolError {
    /// All instances are busy and the queue is full.
    #[error("all {instances_max} instances are busy and {waiters_max} callers wait already")]
    QueueFull {
        /// The function's limit.
        instances_max: usize,
        /// The queue's limit.
        waiters_max: usize,
    },
    /// More callers come than the function's instances can serve, so they need not wait.
    #[error("more callers come than {instances_max} instances can serve; try again later")]
    Overloaded {
        /// The function's limit.
        instances_max: usize,
    },
    /// All instances stayed busy for as long as a caller may wait.
    #[error("all instances stayed busy for {} ms", .0.as_millis())]
    QueueTimeout(Duration),
    /// The platform has as many instances as it may, and too many callers wait for one of them, or one did for too long.
    #[error("the platform has reached its limit of instances, and all are busy")]
    PlatformFull,
    /// The version was replaced or deleted while the caller waited.
    #[error("the version is gone")]
    Retired,
}

impl PoolError {
    /// Whose fault it is.
    #[must_use]
    pub fn origin(&self) -> Origin {
        match self {
            Self::QueueFull { .. } | Self::Overloaded { .. } | Self::QueueTimeout(_) => {
                Origin::Caller
            }
            Self::PlatformFull | Self::Retired => Origin::Platform,
        }
    }
}

/// What a pool is made with.
#[derive(Debug, Clone)]
pub(crate) struct PoolSettings {
    /// Its bounds.
    pub(crate) bounds: Bounds,
    /// Whether instances are reused.
    pub(crate) isolation: Isolation,
    /// How many invocations a process serves at once.
    pub(crate) concurrency: usize,
    /// What it has and keeps until it is told otherwise.
    pub(crate) steering: Steering,
    /// Its zygote ends when it has had no instance for so long.
    pub(crate) zygote_idle: Option<Duration>,
    /// How long a caller may wait.
    pub(crate) queue_timeout: Duration,
    /// When callers need not wait.
    pub(crate) tolerance: Tolerance,
    /// Where lines go that belong to no invocation.
    pub(crate) journal: Journal,
    /// How long an answer's body may be.
    pub(crate) response_len_max: usize,
}
