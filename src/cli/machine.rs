//! What commands have in common that look after a platform's machine, and not after its functions: they read its
//! settings and its data folder, and need no platform that answers.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::failure::Failure;
use crate::config::Config;

/// Where a platform's data lies.
#[derive(Debug, Clone, Args, Serialize)]
pub(super) struct Folder {
    /// The platform's configuration file.
    #[arg(long, env = "ZYGO_CONFIG")]
    #[serde(skip)]
    config: Option<PathBuf>,
    /// The platform's data folder.
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    data_dir: Option<PathBuf>,
}

impl Folder {
    /// The platform's settings.
    pub(super) fn settings(&self) -> Result<Config, Failure> {
        let read = Config::load(self.config.as_deref(), self);
        read.map_err(|error| Failure::Files(crate::error::chain(&error)))
    }

    pub(super) fn path(&self) -> Result<PathBuf, Failure> {
        Ok(self.settings()?.data_dir)
    }
}
