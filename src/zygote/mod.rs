//! Zygotes as the supervisor sees them: processes that are asked to fork.
//!
//! ```text
//!  language zygote   Spawning ─► Ready ─► Stopped ─(back-off)─► Spawning …      language.rs
//!                                ▲   └─ old, or distrusted ─► its successor Spawning ─┐
//!                                └─────────── takes its place when it is Ready ───────┘
//!  one life of it    begun ─► held by its language and by whoever forks from it ─► dropped by all: ended      life.rs
//!  function zygote   Booting ─► Ready ─► Stopped                                function.rs
//!                       └─► LoadFailed | Unforkable ─► Booting again, loading after the fork
//!                    Ready ─ due: old, forked often, crashes ─► successor Booting ─► Replaced ─► Stopped with
//!                                                                                   its last busy instance
//! ```
//! When one is due, and how fast a function that crashes may fork, are pure functions of figures (`ageing.rs`).
//! The supervisor starts language zygotes with exec and never forks itself. Knows nothing of pools or HTTP.

mod ageing;
mod children;
mod crashes;
mod function;
mod language;
mod languages;
mod life;
mod lineage;
pub(crate) mod orphans;
mod output;
mod process;
mod refreshes;
mod state;

pub(crate) use ageing::{Limits, Reason, retry};
pub(crate) use crashes::Crashes;
pub(crate) use function::{FunctionZygote, Making};
pub(crate) use language::LanguageZygote;
pub(crate) use languages::LanguageZygotes;
pub(crate) use life::Life;
pub(crate) use output::Output;
pub(crate) use process::Process;
pub(crate) use state::BackOff;

use std::time::Duration;

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
    /// Too many zygotes of other functions are being made.
    #[error("the function's turn to be loaded did not come within {} ms; try again", .0.as_millis())]
    Busy(Duration),
    /// The function's instances crashed so often in the last minute that it may fork only now and then.
    #[error(
        "the function's processes crash too often to make another now; try again in {} ms", .0.as_millis()
    )]
    Crashing(Duration),
}

impl ZygoteError {
    /// Whose fault it is.
    #[must_use]
    pub fn origin(&self) -> Origin {
        match self {
            Self::LoadFailed(failure) if failure.kind == FailureKind::Runtime => Origin::Platform,
            Self::LoadFailed(_)
            | Self::LoadCrashed(_)
            | Self::LoadTimedOut { .. }
            | Self::Crashing(_) => Origin::Function,
            Self::Unavailable { .. }
            | Self::FilesLost(_)
            | Self::NotHeld(_)
            | Self::Busy(_)
            | Self::Gone => Origin::Platform,
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
