//! `zygo install` and `zygo uninstall`: Zygo as a service of systemd. Writes files and starts nothing: what is to be
//! typed next is said.
//!
//! What was written is remembered by digest. A file that somebody has changed since is never written over, and stays when
//! the rest is removed.

mod files;
mod record;

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::Context;
use super::failure::Failure;
use files::Planned;
use record::{Outcome, Record};

/// Where and as whom.
#[derive(Debug, Clone, Args)]
pub(super) struct InstallArgs {
    /// Where the program lies: its `bin`, `lib/zygo` and, for /usr, the units.
    #[arg(long, default_value = "/usr/local")]
    prefix: PathBuf,
    /// Put everything below this folder instead of /.
    #[arg(long, value_name = "DIR", default_value = "/")]
    root: PathBuf,
    /// The user that the platform runs as, made if missing. Others than root get the capabilities that it needs.
    #[arg(long, default_value = "root")]
    user: String,
    /// Address and port to listen on.
    #[arg(long, default_value = "127.0.0.1:3000", value_name = "ADDRESS:PORT")]
    listen: String,
    /// Leave the programs where they are.
    #[arg(long)]
    units_only: bool,
    /// Show what would be written, and write nothing.
    #[arg(long)]
    dry_run: bool,
}

/// What to remove.
#[derive(Debug, Clone, Args)]
pub(super) struct UninstallArgs {
    /// The prefix that it was installed with.
    #[arg(long, default_value = "/usr/local")]
    prefix: PathBuf,
    /// The folder that it was installed below.
    #[arg(long, value_name = "DIR", default_value = "/")]
    root: PathBuf,
    /// Show what would be removed, and remove nothing.
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn install(args: &InstallArgs, context: &Context) -> Result<(), Failure> {
    let plan = files::plan(args)?;
    let mut record = Record::read(&args.root, &args.prefix)?;
    let mut outcomes = Vec::with_capacity(plan.len());
    for planned in &plan {
        let outcome = record.put(planned, args.dry_run)?;
        outcomes.push((planned.path.clone(), outcome));
    }
    if !args.dry_run {
        record.write()?;
    }
    show(&outcomes, args.dry_run, context);
    if !context.output.is_json && !args.dry_run {
        say_what_is_next(args, &plan, context);
    }
    Ok(())
}

pub(super) fn uninstall(args: &UninstallArgs, context: &Context) -> Result<(), Failure> {
    let mut record = Record::read(&args.root, &args.prefix)?;
    let outcomes = record.remove_all(args.dry_run)?;
    if outcomes.is_empty() {
        let place = args.prefix.display();
        return Err(Failure::usage(format!(
            "nothing is recorded as installed with --prefix {place}"
        )));
    }
    show(&outcomes, args.dry_run, context);
    if !context.output.is_json && !args.dry_run {
        context
            .output
            .say("the data folder /var/lib/zygo stays; so does what was changed");
    }
    Ok(())
}

fn show(outcomes: &[(PathBuf, Outcome)], dry_run: bool, context: &Context) {
    if context.output.is_json {
        let of = |(path, outcome): &(PathBuf, Outcome)| json!({ "file": path, "outcome": outcome.word() });
        let files: Vec<_> = outcomes.iter().map(of).collect();
        context
            .output
            .document(json!({ "files": files, "dryRun": dry_run }));
        return;
    }
    for (path, outcome) in outcomes {
        let note = outcome.note(path);
        context
            .output
            .line(&format!("{:10} {}{note}", outcome.word(), path.display()));
    }
}

fn say_what_is_next(args: &InstallArgs, plan: &[Planned], context: &Context) {
    if args.root != Path::new("/") {
        return;
    }
    let users = plan.iter().find(|planned| planned.is_users());
    let users = users.map(|planned| format!("systemd-sysusers {} && ", planned.path.display()));
    context.output.say(&format!(
        "next: {}systemctl daemon-reload && systemctl enable --now zygo.socket zygo.service\n\
         then: zygo doctor; after another install: systemctl reload zygo",
        users.unwrap_or_default()
    ));
}
