//! `zygo backup` and `zygo restore`: a data folder into a file, and back. Work on the folder itself, whether a platform runs on
//! it or not; a restore wants none.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::Context;
use super::failure::Failure;
use super::machine::Folder;
use crate::backup::{self, BackupError, Restored, Wanted, Written};
use crate::config::Config;
use crate::error::chain;

/// What to back up, and where to.
#[derive(Debug, Clone, Args)]
pub(super) struct BackupArgs {
    #[command(flatten)]
    folder: Folder,
    /// The file to write; a name with the time in this folder when absent.
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    /// Put the master key and the keys of certificates into it, too: whoever has the file can then open all secrets.
    #[arg(long)]
    with_keys: bool,
    /// Leave out logs and records of invocations.
    #[arg(long)]
    without_telemetry: bool,
}

/// What to restore, and where to.
#[derive(Debug, Clone, Args)]
pub(super) struct RestoreArgs {
    /// The backup.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    folder: Folder,
    /// Take the master key from this file, when the backup was made without.
    #[arg(long, value_name = "FILE")]
    master_key_file: Option<PathBuf>,
    /// Put aside what the data folder holds.
    #[arg(long)]
    force: bool,
}

/// What an operator must do besides, where the state is on a server.
const POSTGRES_BACKUP: &str = "the state is in PostgreSQL and not in this file, which holds the code and packages: run `pg_dump --format=custom` \
     before each `zygo backup`, so that nothing that the dump names is missing here";
const POSTGRES_RESTORE: &str = "the state is in PostgreSQL: restore its dump of that time with `pg_restore --clean`, then start the platform";

pub(super) async fn backup(args: &BackupArgs, context: &Context) -> Result<(), Failure> {
    let config = args.folder.settings()?;
    let to = args.to.clone().unwrap_or_else(default_name);
    let wanted = Wanted {
        telemetry: !args.without_telemetry,
        keys: args.with_keys,
    };
    let spinner = context.output.spinner("backing up");
    let written = backup::write(&config, &to, wanted).await;
    spinner.finish_and_clear();
    let written = written.map_err(failure)?;
    if context.output.is_json {
        context.output.document(json!({
            "file": to, "bytes": written.bytes, "sha256": written.digest, "files": written.manifest.len(),
            "database": written.manifest.database, "withKeys": args.with_keys, "keyIds": written.manifest.key_ids,
        }));
        return Ok(());
    }
    context.output.line(&to.display().to_string());
    say_what_is_in_it(args, &config, &written, context);
    Ok(())
}

fn say_what_is_in_it(args: &BackupArgs, config: &Config, written: &Written, context: &Context) {
    let say = |text: &str| context.output.say(text);
    let (count, bytes) = (written.manifest.len(), written.bytes);
    say(&format!(
        "{count} files, {bytes} bytes, SHA-256 {}",
        written.digest
    ));
    if config.database_url.is_some() {
        say(POSTGRES_BACKUP);
    }
    match args.with_keys {
        true => say("the master key is in it: keep it as you would keep the secrets themselves"),
        false => {
            let own = config.data_dir.join("master.key");
            let place = match (&config.master_key_file, own.exists()) {
                (Some(file), _) => file.display().to_string(),
                (None, true) => own.display().to_string(),
                (None, false) => "ZYGO_MASTER_KEY".to_owned(),
            };
            say(&format!(
                "the master key is not in it, and without it no secret can be opened: keep {place} somewhere else, or back up \
                 with --with-keys"
            ));
        }
    }
}

pub(super) async fn restore(args: &RestoreArgs, context: &Context) -> Result<(), Failure> {
    let config = args.folder.settings()?;
    let key_file = args.master_key_file.as_deref();
    let spinner = context.output.spinner("restoring");
    let restored = backup::restore(&args.file, &config, key_file, args.force).await;
    spinner.finish_and_clear();
    let restored = restored.map_err(failure)?;
    if context.output.is_json {
        context.output.document(json!({
            "dataDir": config.data_dir, "files": restored.manifest.len(), "madeBy": restored.manifest.version,
            "createdAt": restored.manifest.created_at, "database": restored.manifest.database,
            "putAside": restored.put_aside, "keysMissing": restored.keys_missing,
        }));
        return Ok(());
    }
    say_what_was_restored(&config, &restored, context);
    Ok(())
}

fn say_what_was_restored(config: &Config, restored: &Restored, context: &Context) {
    let say = |text: &str| context.output.say(text);
    let manifest = &restored.manifest;
    say(&format!(
        "{} now holds the state of {}, {} files, backed up by zygo {}",
        config.data_dir.display(),
        manifest.created_at,
        manifest.len(),
        manifest.version
    ));
    if let Some(aside) = &restored.put_aside {
        say(&format!(
            "what was there before lies in {}",
            aside.display()
        ));
    }
    if manifest.database == "postgresql" {
        say(POSTGRES_RESTORE);
    }
    if !restored.keys_missing.is_empty() {
        say(&format!(
            "secrets cannot be opened before master key {} is in {}: put it there, or set ZYGO_MASTER_KEY",
            restored.keys_missing.join(", "),
            config.data_dir.join("master.key").display()
        ));
    }
}

fn default_name() -> PathBuf {
    let time = crate::time::rfc3339(crate::time::now_unix_ms());
    let time: String = time.chars().filter(char::is_ascii_alphanumeric).collect();
    PathBuf::from(format!("zygo-backup-{time}.tar.gz"))
}

/// A folder that is not empty, or in use, is a conflict; the rest is a failure.
fn failure(error: BackupError) -> Failure {
    match &error {
        BackupError::NotEmpty(_) | BackupError::Lock(_) => Failure::InTheWay(chain(&error)),
        _ => Failure::Files(chain(&error)),
    }
}
