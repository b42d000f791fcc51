//! `zygo-forecast`: replays traces through the policies and says what each costs.

mod azure;
mod contest;
mod draw;
mod pattern;
mod replay;
mod report;
mod synthetic;
mod trace;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use crate::contest::{Contestant, Score};
use crate::synthetic::Mix;
use crate::trace::{Function, Trigger};

/// Replays traces of calls through keep-alive and pre-warm policies.
#[derive(Debug, Parser)]
struct Cli {
    /// What synthetic traffic is like.
    #[arg(long, value_enum, default_value = "azure")]
    mix: Mix,
    /// Synthetic traces, one per seed.
    #[arg(long, value_delimiter = ',', default_value = "11,12,13,14,15")]
    seeds: Vec<u64>,
    /// Functions of a synthetic trace.
    #[arg(long, default_value_t = 500)]
    functions: usize,
    /// Days of a synthetic trace.
    #[arg(long, default_value_t = 14)]
    days: u64,
    /// Files of the Azure 2019 format, one per day and in order, instead of synthetic traces.
    #[arg(long, num_args = 1..)]
    csv: Vec<PathBuf>,
    /// One instance per function at most, as in the paper: how many calls come together does not matter.
    #[arg(long)]
    single: bool,
    /// Only policies of these families.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Where to put the figures as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Trace(#[from] azure::AzureError),
    #[error("cannot write: {0}")]
    Write(#[from] std::io::Error),
    #[error("cannot write the figures: {0}")]
    Json(#[from] serde_json::Error),
}

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = writeln!(std::io::stderr(), "zygo-forecast: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> Result<(), Failure> {
    let is_wanted =
        |of: &Contestant| cli.only.is_empty() || cli.only.iter().any(|only| only == of.family());
    let contestants: Vec<Contestant> = Contestant::all().into_iter().filter(is_wanted).collect();
    let mut census = Census::default();
    let mut seeds = Vec::new();
    if cli.csv.is_empty() {
        for seed in &cli.seeds {
            let functions = synthetic::functions(cli.mix, *seed, cli.functions, cli.days);
            let functions = functions.map(|function| shaped(cli, function));
            let functions = functions.inspect(|function| census.add(function));
            seeds.push(contest::run(
                &contestants,
                functions,
                synthetic::end(cli.days),
            ));
        }
    } else {
        let functions = azure::functions(&cli.csv, 1)?
            .into_iter()
            .map(|function| shaped(cli, function))
            .inspect(|function| census.add(function));
        seeds.push(contest::run(
            &contestants,
            functions,
            synthetic::end(cli.csv.len() as u64),
        ));
    }
    let all = merged(&seeds);
    write_json(cli, &all, &seeds)?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}\n\n{}", census.text(), report::curves(&all))?;
    for family in ["learned", "fewest", "learned+schedules"] {
        writeln!(out, "{}", report::comparison(&all, &seeds, family))?;
    }
    Ok(())
}

/// As the command line wants it.
fn shaped(cli: &Cli, mut function: Function) -> Function {
    if cli.single {
        function
            .calls
            .iter_mut()
            .for_each(|calls| calls.together = 1);
    }
    function
}

fn merged(seeds: &[Vec<Score>]) -> Vec<Score> {
    let mut seeds = seeds.iter();
    let mut all = seeds.next().cloned().unwrap_or_default();
    for scores in seeds {
        all.iter_mut()
            .zip(scores)
            .for_each(|(into, score)| into.merge(score));
    }
    all
}

fn write_json(cli: &Cli, all: &[Score], seeds: &[Vec<Score>]) -> Result<(), Failure> {
    let Some(path) = &cli.json else { return Ok(()) };
    let figures = |scores: &[Score]| scores.iter().map(Score::figures).collect::<Vec<_>>();
    let by_seed: Vec<_> = seeds.iter().map(|scores| figures(scores)).collect();
    let record = serde_json::json!({
        "mix": cli.mix, "seeds": cli.seeds, "functions": cli.functions, "days": cli.days, "single": cli.single,
        "csv": cli.csv, "all": figures(all), "bySeed": by_seed,
    });
    Ok(std::fs::write(path, serde_json::to_vec_pretty(&record)?)?)
}

/// What the trace was, so that it can be held against the published one.
#[derive(Debug, Default)]
struct Census {
    triggers: BTreeMap<Trigger, (u64, u64)>,
}

impl Census {
    fn add(&mut self, function: &Function) {
        let calls: u64 = function
            .calls
            .iter()
            .map(|calls| u64::from(calls.count))
            .sum();
        let (functions, sum) = self.triggers.entry(function.trigger).or_default();
        *functions += 1;
        *sum += calls;
    }

    fn text(&self) -> String {
        let (functions, calls) = self
            .triggers
            .values()
            .fold((0, 0), |(f, c), (functions, calls)| {
                (f + functions, c + calls)
            });
        let share =
            |of: u64, all: u64| 100.0 * contest::fraction(of) / contest::fraction(all.max(1));
        let each = self
            .triggers
            .iter()
            .map(|(trigger, (of_functions, of_calls))| {
                format!(
                    "{trigger:?} {:.0}/{:.0} %",
                    share(*of_functions, functions),
                    share(*of_calls, calls)
                )
            });
        let each: Vec<String> = each.collect();
        format!(
            "{functions} functions, {calls} calls; share of functions/calls: {}",
            each.join(", ")
        )
    }
}
