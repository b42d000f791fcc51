//! `zygo-bench`: measures Zygo and its peers on one machine in one run, and writes down what it saw.
//!
//! Layers, each using only what stands above it: `http`, `host` (the machine and its processes), `load` (the generator),
//! `subject` (what is measured: the platform and the peers), `measure` (one file per kind of figure), `record` (what a
//! run leaves behind), `report` (tables and plots of a record).

mod cli;
mod counts;
mod host;
mod http;
mod load;
mod measure;
mod record;
mod report;
mod run;
mod subject;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let outcome = match cli.command.unwrap_or(cli::Command::Run(cli.run)) {
        cli::Command::Run(options) => run::run(&options),
        cli::Command::Compare(files) => report::compare::print(&files.before, &files.after),
        cli::Command::Instructions(options) => counts::run(&options),
        cli::Command::Report(files) => report::rewrite(&files.record, &files.budgets),
    };
    host::children::end_all();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            host::say(&format!("zygo-bench: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
