//! `zygo serve`: the platform in the foreground, until it is told to end, or to make way for its successor.

mod check;
mod guard;
mod successor;

use std::io::Write;
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use rustix::process::{Resource, Rlimit};
use serde::Serialize;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::config::Config;
use crate::error::chain;
use crate::gateway::{Gateway, Next};
use crate::platform::Platform;
use crate::service::{Listeners, Notifier};
use crate::time::now_unix_ms;
use successor::Successor;

/// How long threads that still do something may do it before the successor takes over.
const LAST_THREADS: Duration = Duration::from_secs(2);

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
    /// Look whether a platform could start with these settings, and end.
    #[arg(long)]
    #[serde(skip)]
    check: bool,
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
    // Before another program lies at its place, and before there are threads.
    let successor = Successor::of_this_program()?;
    let handed = Listeners::handed_over()?;
    let mut config = Config::load(flags.config.as_deref(), flags)?;
    // Who may come is asked for by where it is listened, whoever opened the socket.
    config.host = handed.exposed().unwrap_or(config.host);
    log_to_stderr(config.verbose);
    crate::failpoints::set()?;
    raise_descriptor_limit();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    if flags.check {
        return runtime.block_on(check::check(config));
    }
    let serving = serve_until_told(config, handed, &successor, flags.while_stdin);
    let kept = runtime.block_on(serving)?;
    runtime.shutdown_timeout(LAST_THREADS);
    match kept {
        Some(listeners) => Err(successor.become_it(listeners).into()),
        None => Ok(()),
    }
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

/// Gives back the listening sockets when its successor is to take over.
async fn serve_until_told(
    config: Config,
    handed: Listeners,
    successor: &Successor,
    while_stdin: bool,
) -> Result<Option<Listeners>, Box<dyn std::error::Error>> {
    let notifier = Notifier::of_environment();
    let mut signals = Signals::new()?;
    let drain = config.drain_timeout();
    let platform = Platform::start(config).await?;
    let gateway = Gateway::bind(&platform, handed).await?;
    if let Some(address) = gateway.encrypted_address() {
        tracing::info!("listening on https://{address}");
    }
    let address = gateway.address()?;
    tracing::info!("listening on http://{address}");
    let served = |pulse| {
        guard::watch(notifier.clone(), &platform, pulse);
        let (platform, notifier) = (Arc::clone(&platform), notifier.clone());
        tokio::spawn(async move {
            platform.ready().await;
            platform.say_it_serves(None);
            notifier.ready(&format!("serving at http://{address}"));
        });
    };
    let told = signals.told(&platform, successor, &notifier, while_stdin);
    let kept = gateway.serve(served, told, drain).await?;
    platform.stop().await;
    tracing::info!("stopped");
    Ok(kept)
}

/// What the platform can be told.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    upgrade: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            upgrade: signal(SignalKind::user_defined2())?,
        })
    }

    /// Waits for the end, or for a successor that can take over.
    async fn told(
        &mut self,
        platform: &Platform,
        successor: &Successor,
        notifier: &Notifier,
        while_stdin: bool,
    ) -> Next {
        let mut end_of_stdin = std::pin::pin!(end_of_stdin(while_stdin));
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => break,
                _ = self.terminate.recv() => break,
                () = end_of_stdin.as_mut() => break,
                _ = self.upgrade.recv() => match successor.can_start().await {
                    Ok(()) => {
                        notifier.reloading();
                        tracing::info!("draining, then handing over");
                        return Next::Successor;
                    }
                    Err(reason) => {
                        tracing::error!(%reason, "not handed over; this program serves on");
                        notifier.status("serving; the new program was refused");
                        platform.say_it_serves(Some((now_unix_ms(), reason)));
                    }
                },
            }
        }
        notifier.stopping();
        tracing::info!("draining");
        Next::Nobody
    }
}

/// A thread reads, because the library's own way would keep the platform from ending while nothing comes.
async fn end_of_stdin(matters: bool) {
    if !matters {
        return std::future::pending().await;
    }
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
