//! The command line: as typed, then as meant.

use std::io::Write;
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};

use crate::config::Config;
use crate::gateway::Gateway;
use crate::platform::Platform;

/// Run functions in TypeScript, Python and Ruby on your own machine.
#[derive(Debug, Parser)]
#[command(name = "zygo", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the platform in the foreground.
    Serve(ServeArgs),
}

/// Flags that were not given stay out of the configuration.
#[derive(Debug, Args, Serialize)]
struct ServeArgs {
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
    /// Log more.
    #[arg(long, short)]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    verbose: bool,
}

/// Parses the command line and does what it says.
#[must_use]
pub fn run() -> ExitCode {
    let Cli {
        command: Command::Serve(flags),
    } = Cli::parse();
    match serve(&flags) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "zygo: {}", chain(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

/// The error and its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

fn serve(flags: &ServeArgs) -> Result<(), Box<dyn std::error::Error>> {
    let config = Config::load(flags.config.as_deref(), flags)?;
    log_to_stderr(config.verbose);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(serve_until_told(config))
}

async fn serve_until_told(config: Config) -> Result<(), Box<dyn std::error::Error>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let drain = config.drain_timeout();
    let platform = Platform::start(config)?;
    let gateway = Gateway::bind(&platform).await.inspect_err(|_| {
        let config = platform.config();
        tracing::error!("cannot listen on {}:{}", config.host, config.port);
    })?;
    tracing::info!("listening on http://{}", gateway.address()?);
    let told = async {
        tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
        tracing::info!("draining");
    };
    gateway.serve(told, drain).await?;
    platform.stop().await;
    tracing::info!("stopped");
    Ok(())
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
