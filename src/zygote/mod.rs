//! Zygotes as the supervisor sees them: processes that are asked to fork.
//!
//! ```text
//!  language zygote   Spawning ─► Ready ─► Stopped ─(back-off)─► Spawning …      language.rs
//!  function zygote   Booting ─► Ready ─► Stopped                                function.rs
//!                       └─► LoadFailed | Unforkable ─► Booting again, loading after the fork
//! ```
//! The supervisor starts language zygotes with exec and never forks itself. Knows nothing of pools or HTTP.

mod children;
mod function;
mod language;
mod languages;
pub(crate) mod orphans;
mod process;
mod state;

pub(crate) use function::{FunctionZygote, Output};
pub(crate) use language::LanguageZygote;
pub(crate) use languages::LanguageZygotes;
pub(crate) use process::Process;
pub(crate) use state::BackOff;

use zygo_wire::{Failure, FailureKind, WireError};

use crate::error::Origin;

/// Why there is no zygote to fork from.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ZygoteError {
    /// The runtime's binary or the engine's library is missing on this machine.
    #[error("the {runtime} runtime is unavailable: {reason}")]
    Unavailable {
        /// The runtime's name.
        runtime: String,
        /// What is missing and how to get it.
        reason: String,
    },
    /// The user's code did not load.
    #[error("{}: {}", .0.error_type, .0.message)]
    LoadFailed(Failure),
    /// The process ended while it loaded the user's code.
    #[error("the process ended while it loaded the code ({0})")]
    LoadCrashed(String),
    /// The user's code took too long to load.
    #[error("loading the code took longer than {limit_ms} ms")]
    LoadTimedOut {
        /// How long it might have taken.
        limit_ms: u128,
    },
    /// The files of the code are lost and cannot be made again.
    #[error("the files of the code cannot be restored: {0}")]
    FilesLost(String),
    /// What keeps functions apart does not hold on this machine, so none of the function's code was read.
    #[error(
        "{0}. Functions do not run without it, unless the operator names the layer in insecure_without"
    )]
    NotHeld(String),
    /// The zygote died at the wrong moment; a new one is on its way.
    #[error("the zygote is gone")]
    Gone,
}

impl ZygoteError {
    /// Whose fault it is.
    #[must_use]
    pub fn origin(&self) -> Origin {
        match self {
            Self::LoadFailed(failure) if failure.kind == FailureKind::Runtime => Origin::Platform,
            Self::LoadFailed(_) | Self::LoadCrashed(_) | Self::LoadTimedOut { .. } => {
                Origin::Function
            }
            Self::Unavailable { .. } | Self::FilesLost(_) | Self::NotHeld(_) | Self::Gone => {
                Origin::Platform
            }
        }
    }
}

impl From<Failure> for ZygoteError {
    fn from(failure: Failure) -> Self {
        match failure.kind {
            FailureKind::Isolation => Self::NotHeld(failure.message),
            _ => Self::LoadFailed(failure),
        }
    }
}

impl From<WireError> for ZygoteError {
    fn from(_: WireError) -> Self {
        Self::Gone
    }
}
