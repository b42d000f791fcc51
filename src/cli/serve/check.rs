//! `zygo serve --check`: could a platform start with these settings? Looked at before a running one makes way.

use std::sync::Arc;

use crate::config::Config;
use crate::function::manifest::RUNTIMES;
use crate::gateway::Gateway;
use crate::store::{self, Schema};

pub(super) async fn check(config: Config) -> Result<(), Box<dyn std::error::Error>> {
    let config = Arc::new(config);
    Gateway::check(&config)?;
    let folder = config.runtime_directory()?;
    let is_there = |name: &&str| folder.join(format!("zygo-{name}")).is_file();
    if !RUNTIMES.iter().any(is_there) {
        let folder = folder.display();
        return Err(format!("no runtime is in {folder}; runtime_dir says where they are").into());
    }
    for schema in [Schema::State, Schema::Telemetry] {
        let file = config.data_dir.join(format!("{}.db", schema.name()));
        if config.database_url.is_none() && file.is_file() {
            store::check(&file, schema, false).await?;
        }
    }
    tracing::info!("a platform could start with these settings");
    Ok(())
}
