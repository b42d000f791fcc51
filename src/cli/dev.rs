//! `zygo dev`: the folder's function on a platform of its own, deployed again at every change. The platform is the real
//! one, with its data in a temporary folder.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use clap::Args;
use notify::{RecursiveMode, Watcher};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::mpsc;

use super::Context;
use super::client::Client;
use super::deploy::{self, DeployArgs};
use super::failure::Failure;
use super::logs;
use super::output::{FAINT, GOOD, plain};

/// A platform that does not listen by then never will.
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// Editors write a file in several steps; changes so close together are one.
const SETTLE: Duration = Duration::from_millis(20);

/// What to run.
#[derive(Debug, Clone, Args)]
pub(super) struct DevArgs {
    #[command(flatten)]
    deploy: DeployArgs,
    /// Port of the platform; a free one when absent.
    #[arg(long, default_value_t = 0)]
    port: u16,
}

pub(super) async fn dev(args: &DevArgs, context: &Context) -> Result<(), Failure> {
    let parcel = deploy::parcel(&args.deploy)?;
    let data = tempfile::tempdir()?;
    let (mut platform, _lifeline, url) = start(args.port, data.path()).await?;
    let own = Context {
        client: Client::new(&url)?,
        output: context.output,
    };
    let (changed, mut changes) = mpsc::channel(1);
    let _watcher = watch(&args.deploy, changed)?;
    own.output.say(&format!(
        "{GOOD}{}{GOOD:#} at {url}/functions/{}/invoke",
        plain(&parcel.name),
        plain(&parcel.name)
    ));
    redeploy(args, &own).await;
    let following = logs::follow(&parcel.name, &own);
    let reloading = async {
        while changes.recv().await.is_some() {
            tokio::time::sleep(SETTLE).await;
            while changes.try_recv().is_ok() {}
            redeploy(args, &own).await;
        }
    };
    tokio::select! {
        ended = following => ended,
        () = reloading => Ok(()),
        _ = platform.wait() => Err(Failure::Unwell("the platform ended".to_owned())),
    }
}

/// Deploys what there is now. A failure is shown, and the version before serves on.
async fn redeploy(args: &DevArgs, context: &Context) {
    let started = Instant::now();
    let done = async {
        let parcel = deploy::parcel(&args.deploy)?;
        deploy::send(context, &parcel).await
    };
    match done.await {
        Ok(answer) if answer["unchanged"] == true => {}
        Ok(answer) => {
            let (version, took) = (
                &answer["function"]["version"],
                started.elapsed().as_millis(),
            );
            context.output.say(&format!(
                "{GOOD}version {version}{GOOD:#} {FAINT}in {took} ms{FAINT:#}"
            ));
        }
        Err(failure) => context.output.failure(&failure),
    }
}

fn watch(
    args: &DeployArgs,
    changed: mpsc::Sender<()>,
) -> Result<notify::RecommendedWatcher, Failure> {
    let path = args.path().unwrap_or_else(|| PathBuf::from("."));
    let told = move |event: notify::Result<notify::Event>| {
        if event.is_ok_and(|event| !event.kind.is_access()) {
            // One is waiting already: it will see this change too.
            let _ = changed.try_send(());
        }
    };
    let broken = |error: notify::Error| Failure::Files(error.to_string());
    let mut watcher = notify::recommended_watcher(told).map_err(broken)?;
    watcher
        .watch(&path, RecursiveMode::Recursive)
        .map_err(broken)?;
    Ok(watcher)
}

/// Starts a platform and waits until it listens. It ends with this program.
async fn start(port: u16, data: &Path) -> Result<(Child, Option<ChildStdin>, String), Failure> {
    let mut platform = Command::new(std::env::current_exe()?)
        .args(["serve", "--while-stdin", "--port", &port.to_string()])
        .env("ZYGO_DATA_DIR", data)
        .env_remove("ZYGO_URL")
        .env_remove("ZYGO_API_KEY")
        // However this program ends, the pipe ends with it.
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let stderr = platform.stderr.take();
    let mut lines =
        BufReader::new(stderr.ok_or_else(|| Failure::Unwell("no output".to_owned()))?).lines();
    let listening = async {
        let mut last = String::new();
        while let Ok(Some(line)) = lines.next_line().await {
            if let Some((_, address)) = line.split_once("listening on ") {
                return Ok(address.trim().to_owned());
            }
            last = line;
        }
        Err(Failure::Unwell(format!(
            "the platform did not start: {last}"
        )))
    };
    let url = tokio::time::timeout(START_TIMEOUT, listening)
        .await
        .map_err(|_| Failure::TooSlow)??;
    // What it goes on to say is not of interest, but must not stop it.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    // Taken out, because waiting for a child closes it.
    let lifeline = platform.stdin.take();
    Ok((platform, lifeline, url))
}
