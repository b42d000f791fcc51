//! `zygo serve`: the platform in the foreground.

use std::io::Write;
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use rustix::process::{Resource, Rlimit};
use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};

use crate::config::Config;
use crate::error::chain;
use crate::gateway::Gateway;
use crate::platform::Platform;

/// Flags that were not given stay out of the configuration.
#[derive(Debug, Args, Serialize)]
pub(super) struct ServeArgs {
    /// A configuration file in TOML.
    #[arg(long, env = "ZYGO_CONFIG")]
    #[serde(skip)]
    config: Option<PathBuf>,
    /// Address to listen on.
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<IpAddr>,
    /// Port to listen on; 0 takes a free one.
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    /// Folder that holds all state.
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    data_dir: Option<PathBuf>,
    /// Folder of the runtime binaries.
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    runtime_dir: Option<PathBuf>,
    /// End with whoever holds the other end of standard input.
    #[arg(long, hide = true)]
    #[serde(skip)]
    while_stdin: bool,
    /// Log more.
    #[arg(long, short)]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    verbose: bool,
}

/// Runs the platform until it is told to end.
pub(super) fn run(flags: &ServeArgs) -> ExitCode {
    match serve(flags) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "zygo: {}", chain(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

fn serve(flags: &ServeArgs) -> Result<(), Box<dyn std::error::Error>> {
    let config = Config::load(flags.config.as_deref(), flags)?;
    log_to_stderr(config.verbose);
    crate::failpoints::set()?;
    raise_descriptor_limit();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(serve_until_told(config, flags.while_stdin))
}

/// Connections and instances take descriptors, and most systems give programs fewer than they may have.
fn raise_descriptor_limit() {
    let limit = rustix::process::getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    if let Err(error) = rustix::process::setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
}

async fn serve_until_told(
    config: Config,
    while_stdin: bool,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let drain = config.drain_timeout();
    let platform = Platform::start(config).await?;
    let gateway = Gateway::bind(&platform).await?;
    if let Some(address) = gateway.encrypted_address() {
        tracing::info!("listening on https://{address}");
    }
    tracing::info!("listening on http://{}", gateway.address()?);
    let told = async {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            () = end_of_stdin(), if while_stdin => {}
        }
        tracing::info!("draining");
    };
    gateway.serve(told, drain).await?;
    platform.stop().await;
    tracing::info!("stopped");
    Ok(())
}

/// A thread reads, because the library's own way would keep the platform from ending while nothing comes.
async fn end_of_stdin() {
    let (ended, end) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        // An error is an end as well.
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        let _ = ended.send(());
    });
    let _ = end.await;
}

/// `ZYGO_LOG` selects what is logged, in the syntax of `RUST_LOG`.
fn log_to_stderr(verbose: bool) {
    let default = if verbose { "debug" } else { "info" };
    let filter = tracing_subscriber::EnvFilter::try_from_env("ZYGO_LOG");
    let filter = filter.unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(default));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
}
