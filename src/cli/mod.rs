//! The command line: as typed, then as meant. Except for `serve` and for those that look after a platform's machine (see
//! `machine.rs`), every command is a client of the HTTP API and knows no more than any other client.
//!
//! Data goes to standard output and messages to standard error. Exit codes: 0 done, 1 the function or the platform
//! failed, 2 wrong usage, 3 not found, 4 not allowed, 5 conflict, 6 too slow, 7 no platform there, 130 interrupted.

mod alerts;
mod backup;
mod change;
mod client;
mod deploy;
mod detect;
mod dev;
mod doctor;
mod events;
mod failure;
mod init;
mod install;
mod invoke;
mod logs;
mod machine;
mod manual;
mod marketplace;
mod operate;
mod output;
mod pack;
mod project;
mod rollout;
mod scaling;
mod serve;
mod show;
mod upgrade;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};

use client::Client;
use failure::Failure;
use output::Output;

/// Run functions in TypeScript, Python and Ruby on your own machine.
#[derive(Debug, Parser)]
#[command(
    name = "zygo",
    version,
    arg_required_else_help = true,
    infer_subcommands = false,
    after_help = "Quick start:\n  zygo serve                      run the platform\n  zygo init hello && cd hello     write a function\n  zygo deploy                     deploy it\n  zygo invoke --data '{}'         invoke it\n\nExit codes: 0 done, 1 the function or the platform failed, 2 wrong usage, 3 not found,\n4 not allowed, 5 conflict, 6 too slow, 7 no platform there, 130 interrupted."
)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What the options of every command stand under.
const ANYWHERE: &str = "Global options";

/// What every command takes.
#[derive(Debug, Clone, Args)]
struct Global {
    /// Where the platform is.
    #[arg(
        long,
        global = true,
        help_heading = ANYWHERE,
        env = "ZYGO_URL",
        default_value = "http://127.0.0.1:3000"
    )]
    url: String,
    /// Print JSON.
    #[arg(long, global = true, help_heading = ANYWHERE)]
    json: bool,
    /// When to colour.
    #[arg(long, global = true, help_heading = ANYWHERE, value_enum, default_value_t = Color::Auto)]
    color: Color,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

/// Which function: by flag, by name, or the project in this folder.
#[derive(Debug, Clone, Args)]
struct Target {
    /// Name or id of the function; the project in this folder when absent.
    #[arg(value_name = "FUNCTION")]
    name: Option<String>,
    /// The same as a flag.
    #[arg(short, long, value_name = "FUNCTION", conflicts_with = "name")]
    function: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the platform in the foreground.
    Serve(serve::ServeArgs),
    /// Write a new function's files.
    Init(init::InitArgs),
    /// Run this folder's function and deploy it again at every change.
    Dev(dev::DevArgs),
    /// Deploy a folder or a file.
    Deploy(deploy::DeployCommand),
    /// Invoke a function.
    Invoke(invoke::InvokeArgs),
    /// Show an invocation that nobody waited for.
    Status(events::StatusArgs),
    /// Events, and who gets them.
    #[command(subcommand)]
    Events(events::EventCommand),
    /// Schedules and other triggers of a function.
    #[command(subcommand, visible_alias = "triggers")]
    Cron(events::CronCommand),
    /// Dead letters: what failed too often.
    #[command(subcommand)]
    Dlq(events::LetterCommand),
    /// Show what a function wrote.
    Logs(logs::LogsArgs),
    /// Show how often, how fast and at what cost a function ran.
    Metrics(show::MetricsArgs),
    /// Show what functions cost, by day.
    Cost(show::CostArgs),
    /// List functions.
    #[command(visible_alias = "list")]
    Ls,
    /// Show everything about a function.
    Describe(Target),
    /// List a function's versions.
    Versions(Target),
    /// Go back to an earlier version.
    Rollback(change::RollbackArgs),
    /// A part of the calls on another version.
    #[command(subcommand)]
    Rollout(rollout::RolloutCommand),
    /// Names that lead to versions.
    #[command(subcommand)]
    Aliases(change::AliasCommand),
    /// Values that nobody is shown again.
    #[command(subcommand)]
    Secrets(change::VariableCommand),
    /// Environment variables.
    #[command(subcommand)]
    Env(change::VariableCommand),
    /// API keys.
    #[command(subcommand)]
    Keys(operate::KeyCommand),
    /// Functions that are written already.
    #[command(subcommand)]
    Marketplace(marketplace::MarketplaceCommand),
    /// Show or set a function's circuit breaker.
    Breaker(operate::BreakerArgs),
    /// List the platforms that share a database with this one.
    Nodes,
    /// Show how many instances of a function are kept ready, and why.
    Scaling(Target),
    /// Show what is wrong with functions, and set what is watched and who is told.
    Alerts(alerts::AlertArgs),
    /// Delete a function with all its versions.
    Rm(change::RemoveArgs),
    /// Make Zygo a service of systemd: programs, units, settings.
    Install(install::InstallArgs),
    /// Remove what `install` wrote and nobody has changed.
    Uninstall(install::UninstallArgs),
    /// Write all state into one file; also while the platform runs.
    Backup(backup::BackupArgs),
    /// Put a backup into a data folder.
    Restore(backup::RestoreArgs),
    /// Have a running platform make way for the program that now lies at its place; nobody is refused meanwhile.
    Upgrade(upgrade::UpgradeArgs),
    /// Look whether everything that is needed is there.
    Doctor,
    /// Print a completion script for a shell.
    Completions(manual::CompletionArgs),
    /// Print the manual page.
    Man(manual::ManArgs),
}

/// What a command needs to talk.
#[derive(Debug)]
struct Context {
    client: Client,
    output: Output,
}

/// Parses the command line and does what it says.
#[must_use]
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let output = Output::new(&cli.global);
    let done = match cli.command {
        Command::Serve(flags) => return serve::run(&flags),
        command => start(command, &cli.global, output),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output.failure(&failure);
            ExitCode::from(failure.code())
        }
    }
}

fn start(command: Command, global: &Global, output: Output) -> Result<(), Failure> {
    let context = Context {
        client: Client::new(&global.url)?,
        output,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        tokio::select! {
            done = obey(command, &context) => done,
            _ = tokio::signal::ctrl_c() => Err(Failure::Interrupted),
        }
    })
}

async fn obey(command: Command, context: &Context) -> Result<(), Failure> {
    match command {
        // Has no use for a client.
        Command::Serve(_) => Ok(()),
        Command::Init(args) => init::init(&args, context.output),
        Command::Dev(args) => dev::dev(&args, context).await,
        Command::Deploy(args) => deploy::deploy(&args, context).await,
        Command::Invoke(args) => invoke::invoke(&args, context).await,
        Command::Status(args) => events::status(&args, context).await,
        Command::Events(command) => events::events(command, context).await,
        Command::Cron(command) => events::cron(command, context).await,
        Command::Dlq(command) => events::letters(command, context).await,
        Command::Logs(args) => logs::logs(&args, context).await,
        Command::Metrics(args) => show::metrics(&args, context).await,
        Command::Cost(args) => show::cost(&args, context).await,
        Command::Ls => show::list(context).await,
        Command::Describe(target) => show::describe(&target, context).await,
        Command::Versions(target) => show::versions(&target, context).await,
        Command::Rollback(args) => change::rollback(&args, context).await,
        Command::Rollout(command) => rollout::rollout(command, context).await,
        Command::Aliases(command) => change::aliases(command, context).await,
        Command::Secrets(command) => change::variables("secrets", command, context).await,
        Command::Env(command) => change::variables("environment", command, context).await,
        Command::Keys(command) => operate::keys(command, context).await,
        Command::Marketplace(command) => marketplace::marketplace(command, context).await,
        Command::Breaker(args) => operate::breaker(&args, context).await,
        Command::Nodes => operate::nodes(context).await,
        Command::Scaling(target) => scaling::scaling(&target, context).await,
        Command::Alerts(args) => alerts::alerts(args, context).await,
        Command::Rm(args) => change::remove(&args, context).await,
        Command::Install(args) => install::install(&args, context),
        Command::Uninstall(args) => install::uninstall(&args, context),
        Command::Backup(args) => backup::backup(&args, context).await,
        Command::Restore(args) => backup::restore(&args, context).await,
        Command::Upgrade(args) => upgrade::upgrade(&args, context).await,
        Command::Doctor => doctor::doctor(context).await,
        Command::Completions(args) => manual::completions(args),
        Command::Man(args) => manual::man(&args),
    }
}

impl Target {
    /// The function that is meant.
    fn name(&self) -> Result<String, Failure> {
        if let Some(name) = self.function.as_ref().or(self.name.as_ref()) {
            return Ok(name.clone());
        }
        let project = project::Project::read(&PathBuf::from("."))?;
        project.and_then(|project| project.name).ok_or_else(|| {
            Failure::usage("which function? Name one, or go to a folder with a zygo.toml")
        })
    }
}
