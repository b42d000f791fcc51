//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Measures Zygo and its peers on this machine.
#[derive(Debug, Parser)]
#[command(version, about, args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// Without a command, `run` is meant.
    #[command(flatten)]
    pub(crate) run: Run,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start a platform, measure it and its peers, write the record, the table and the plots.
    Run(Run),
    /// Show how the second record differs from the first.
    Compare(Compare),
    /// Write the table and the plots of a record again.
    Report(Report),
    /// Count the instructions of pieces of the hot code, and compare them with their budgets.
    Instructions(Instructions),
}

/// Options of `run`.
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// A tenth of the samples; under 5 minutes instead of under an hour.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Only these measurements.
    #[arg(long, value_delimiter = ',')]
    pub(crate) only: Vec<Part>,
    /// Only these languages.
    #[arg(long, value_delimiter = ',')]
    pub(crate) languages: Vec<Language>,
    /// Where the record and its reports go.
    #[arg(long, default_value = "benches/results")]
    pub(crate) out: PathBuf,
    /// The promised numbers.
    #[arg(long, default_value = "benches/budgets.toml")]
    pub(crate) budgets: PathBuf,
    /// The folder with `peers.toml` and the peers' own files.
    #[arg(long, default_value = "benches/peers")]
    pub(crate) peers: PathBuf,
    /// The folder with `workloads.toml` and the handlers.
    #[arg(long, default_value = "benches/workloads")]
    pub(crate) workloads: PathBuf,
    /// The platform's executable [default: `zygo` beside this one].
    #[arg(long)]
    pub(crate) zygo: Option<PathBuf>,
    /// The platform's port [default: a free one].
    #[arg(long)]
    pub(crate) port: Option<u16>,
    /// Which cores servers and generator get while throughput is measured.
    #[arg(long, value_enum, default_value_t = Pin::Split)]
    pub(crate) pin: Pin,
}

/// Options of `compare`.
#[derive(Debug, Args)]
pub(crate) struct Compare {
    /// The older record.
    pub(crate) before: PathBuf,
    /// The newer record.
    pub(crate) after: PathBuf,
}

/// Options of `report`.
#[derive(Debug, Args)]
pub(crate) struct Report {
    /// The record.
    pub(crate) record: PathBuf,
    /// The promised numbers.
    #[arg(long, default_value = "benches/budgets.toml")]
    pub(crate) budgets: PathBuf,
}

/// Options of `instructions`.
#[derive(Debug, Args)]
pub(crate) struct Instructions {
    /// What the pieces may take.
    #[arg(long, default_value = "benches/instructions/budgets.toml")]
    pub(crate) budgets: PathBuf,
    /// Where the counts go as JSON and Markdown [default: nowhere].
    #[arg(long)]
    pub(crate) out: Option<PathBuf>,
}

/// A group of figures that can be asked for alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Starts of a trivial handler: forked, parked, booted.
    Cold,
    /// Starts of a handler with heavy imports.
    Heavy,
    /// Latency and throughput of warm instances.
    Warm,
    /// Throughput with a fresh process per invocation.
    Fresh,
    /// A hundred, and a thousand, invocations at once of a cold function.
    Burst,
    /// Memory of zygotes, instances and supervisor.
    Memory,
    /// How fast answers in pieces pass through.
    Streams,
    /// Latency while 50,000 lines of logs are written each second.
    Logs,
    /// From a save to the new answer, with `zygo dev`.
    Reload,
    /// A million invocations and a kill: whether records, figures and costs agree.
    Bill,
    /// Forked starts with and without isolation.
    Isolation,
    /// What tracing costs.
    Traces,
    /// Memory of ten thousand silent WebSocket connections.
    Sockets,
    /// Loads of up to ten times what can be served, one function beside others, and bursts.
    Overload,
    /// Of that, ten times too much in turns with the peak.
    Goodput,
    /// Ten thousand cold functions, each called once; takes a quarter of an hour, so only when it is named.
    Many,
    /// Bursts that recur, and whether they are met; takes twelve minutes, so only when it is named.
    Bursts,
    /// What real functions do: pages, pictures, compression, graphs, JSON, hashes, uploads; beside peers that run the same
    /// handlers.
    Workloads,
    /// What growth costs: up to 1,000 functions, 64 callers, zygotes of 1 GB.
    Growth,
    /// The same figures of other servers.
    Peers,
}

/// How cores are shared out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Pin {
    /// The generator has the last core for itself, the server all others.
    Split,
    /// The kernel decides.
    None,
}

/// A language of functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    Javascript,
    Python,
    Ruby,
}

impl Language {
    /// All languages.
    pub(crate) const ALL: [Self; 3] = [Self::Javascript, Self::Python, Self::Ruby];

    /// The name that the API and the record use.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Javascript => "javascript",
            Self::Python => "python",
            Self::Ruby => "ruby",
        }
    }
}

impl Run {
    /// Whether this group of figures is wanted.
    pub(crate) fn wants(&self, part: Part) -> bool {
        let is_asked_for = self.only.contains(&part);
        let is_long_or_a_part = matches!(part, Part::Bursts | Part::Many | Part::Goodput);
        is_asked_for || (self.only.is_empty() && !is_long_or_a_part)
    }

    /// The languages to measure.
    pub(crate) fn languages(&self) -> Vec<Language> {
        if self.languages.is_empty() {
            Language::ALL.to_vec()
        } else {
            self.languages.clone()
        }
    }
}
