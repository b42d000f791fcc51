//! How a change of a function can fail, and whose fault it is.

use super::Busy;
use super::build::BuildError;
use super::bundle::Damaged;
use super::dependencies::DependencyError;
use super::manifest::ManifestError;
use super::routes::Taken;
use crate::artifact::ArtifactError;
use crate::error::Origin;
use crate::store::StoreError;
use crate::zygote::ZygoteError;

/// Why a deployment failed.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    /// A setting or a file cannot be used.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// Another function has the name.
    #[error("the name `{0}` is taken; PUT /functions/{0} makes a new version of it")]
    NameTaken(String),
    /// Another function has a path or the domain.
    #[error(transparent)]
    Taken(#[from] Taken),
    /// The function was changed since the caller looked.
    #[error("the function has changed: its ETag is \"{0}\" now; read it again and repeat")]
    Changed(i64),
    /// Another deployment of the function takes too long.
    #[error(transparent)]
    Busy(#[from] Busy),
    /// No version has the number.
    #[error("the function has no version {0}; GET /functions/:id/versions lists them")]
    NoVersion(u32),
    /// No alias has the name.
    #[error("the function has no alias `{0}`")]
    NoAlias(String),
    /// No rollout is under way.
    #[error("the function has no rollout; PUT /functions/:id/rollout begins one")]
    NoRollout,
    /// The bundle did not build.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// Packages that it asks for cannot be installed.
    #[error(transparent)]
    Dependencies(#[from] DependencyError),
    /// The code did not load.
    #[error(transparent)]
    Load(#[from] ZygoteError),
    /// The platform cannot write.
    #[error("the function cannot be stored")]
    Files(#[from] std::io::Error),
    /// The archive cannot be stored or read.
    #[error("the archive of the code cannot be used: {0}")]
    Archive(#[from] ArtifactError),
    /// The archive is not what it was.
    #[error(transparent)]
    Damaged(#[from] Damaged),
    /// The database cannot be used.
    #[error("the function cannot be stored")]
    Store(#[from] StoreError),
}

impl DeployError {
    /// Whose fault it is.
    #[must_use]
    pub fn origin(&self) -> Origin {
        match self {
            Self::Manifest(_) | Self::NameTaken(_) | Self::Changed(_) | Self::Busy(_) => {
                Origin::Caller
            }
            Self::NoVersion(_) | Self::NoAlias(_) | Self::NoRollout | Self::Taken(_) => {
                Origin::Caller
            }
            Self::Files(_) | Self::Archive(_) | Self::Damaged(_) | Self::Store(_) => {
                Origin::Platform
            }
            Self::Dependencies(DependencyError::NoTool { .. } | DependencyError::Files(_)) => {
                Origin::Platform
            }
            Self::Dependencies(_) => Origin::Function,
            Self::Build(BuildError::Unavailable { .. }) => Origin::Platform,
            Self::Build(_) => Origin::Function,
            Self::Load(error) => error.origin(),
        }
    }
}
