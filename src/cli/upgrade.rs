//! `zygo upgrade`: has a running platform make way for the program that now lies where it was started from, and waits until
//! that one serves. Knows the platform by its data folder.

use std::path::Path;
use std::time::{Duration, Instant};

use clap::Args;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::json;

use super::Context;
use super::failure::Failure;
use super::machine::Folder;
use crate::store::{Holder, holder};
use crate::time::now_unix_ms;

/// How often the data folder is looked at.
const PAUSE: Duration = Duration::from_millis(10);

/// Which platform, and how long it may take.
#[derive(Debug, Clone, Args)]
pub(super) struct UpgradeArgs {
    #[command(flatten)]
    folder: Folder,
    /// How long the platform may take, in seconds.
    #[arg(long, default_value_t = 120, value_name = "SECONDS")]
    timeout: u64,
}

pub(super) async fn upgrade(args: &UpgradeArgs, context: &Context) -> Result<(), Failure> {
    let folder = args.folder.path()?;
    let begun = Instant::now();
    let patience = Duration::from_secs(args.timeout);
    let before = serving(&folder, patience).await?;
    let asked = now_unix_ms();
    let pid = i32::try_from(before.pid).ok().and_then(Pid::from_raw);
    let pid = pid.ok_or_else(|| Failure::Files("the lock names no process".to_owned()))?;
    kill_process(pid, Signal::USR2).map_err(std::io::Error::from)?;
    while begun.elapsed() < patience {
        tokio::time::sleep(PAUSE).await;
        // Between the two, nobody has the folder.
        let Some(now) = holder(&folder)? else {
            match test_kill_process(pid) {
                Ok(()) => continue,
                Err(_) => {
                    return Err(Failure::Unwell(
                        "the platform has ended; its log says why".to_owned(),
                    ));
                }
            }
        };
        if let Some((_, reason)) = now.refused.filter(|(at, _)| *at >= asked) {
            return Err(Failure::Unwell(format!(
                "not handed over, the platform serves on: {reason}"
            )));
        }
        if now.serves && now.since_ms > before.since_ms {
            let took_ms = begun.elapsed().as_millis();
            match context.output.is_json {
                true => context.output.document(json!({
                    "pid": now.pid, "before": before.version, "after": now.version, "tookMs": took_ms,
                })),
                false => context.output.say(&format!(
                    "process {}: zygo {} has taken over from {} after {took_ms} ms",
                    now.pid, now.version, before.version
                )),
            }
            return Ok(());
        }
    }
    Err(Failure::TooSlow)
}

/// One that has not begun to serve would not understand what it is told, so that is waited for.
async fn serving(folder: &Path, patience: Duration) -> Result<Holder, Failure> {
    let begun = Instant::now();
    loop {
        let Some(holder) = holder(folder)? else {
            let folder = folder.display();
            return Err(Failure::Unreachable(format!("the data folder {folder}")));
        };
        if holder.serves {
            return Ok(holder);
        }
        if begun.elapsed() > patience {
            return Err(Failure::TooSlow);
        }
        tokio::time::sleep(PAUSE).await;
    }
}
