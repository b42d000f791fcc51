//! What tracing costs a warm invocation: one platform for each way of tracing, all alive at once and taking turns. One way
//! is there twice, because two platforms that do the same differ too.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::turns::in_turns;
use super::{Bench, invoking, whole};
use crate::cli::Language;
use crate::host;
use crate::load::{self, Arrivals, Outcome, Plan, Reading};
use crate::record::Traced;
use crate::subject::collector::Collector;
use crate::subject::functions::{Function, Weight};
use crate::subject::platform::{Deployed, Platform, Settings};

/// Names of the ways, and which part of all traces is recorded, if any.
const CELLS: [(&str, Option<f64>); 4] = [
    ("off", None),
    ("off-again", None),
    ("all", Some(1.0)),
    ("hundredth", Some(0.01)),
];
const WARM_UP: u64 = 100;
/// After this long the last spans are on their way.
const SENT_AFTER: Duration = Duration::from_millis(1_500);

/// One way of tracing.
struct Cell {
    name: &'static str,
    platform: Platform,
    collector: Option<Collector>,
}

/// A function of one cell.
struct Turn<'cell> {
    cell: &'cell str,
    plan: Plan,
}

/// Every language.
pub(crate) fn all(bench: &mut Bench<'_>, executable: &Path) {
    bench.attempt("platforms with and without traces, in turns", |bench| {
        let mut cells = CELLS
            .into_iter()
            .map(|(name, ratio)| Cell::start(executable, name, ratio))
            .collect::<Result<Vec<_>>>()?;
        for language in bench.options.languages() {
            one(bench, &mut cells, language)?;
        }
        std::thread::sleep(SENT_AFTER);
        cells.iter().try_for_each(|cell| cell.tell(bench))?;
        cells.into_iter().try_for_each(|cell| cell.platform.stop())
    });
}

fn one(bench: &mut Bench<'_>, cells: &mut [Cell], language: Language) -> Result<()> {
    let (slices, count) = bench.pick((20, 1_000), (5, 400));
    let function = Function::warm(language, Weight::Trivial, 1);
    let deployed = cells
        .iter_mut()
        .map(|cell| cell.platform.deploy(&function))
        .collect::<Result<Vec<_>>>()?;
    let turns: Vec<Turn<'_>> = cells
        .iter()
        .zip(&deployed)
        .map(|(cell, deployed)| cell.turn(deployed))
        .collect();
    let runs = in_turns(&turns, slices, |turn| slice(turn, count))?;
    for (turn, run) in turns.iter().zip(runs) {
        let id = format!("traces/{}/{}", turn.cell, language.name());
        let load = format!("one after the other, 1 caller, {slices} turns");
        bench.add_kind(id, "warm", &load, &run, false)?;
    }
    cells
        .iter()
        .zip(&deployed)
        .try_for_each(|(cell, deployed)| cell.platform.delete(deployed))
}

/// The first invocations after others had their turn are not counted.
fn slice(turn: &Turn<'_>, count: u64) -> Result<Outcome> {
    let of = |count| Plan {
        arrivals: Arrivals::sequence(count),
        ..turn.plan.clone()
    };
    load::run(&of(WARM_UP))?;
    load::run(&of(count))
}

impl Cell {
    fn start(executable: &Path, name: &'static str, ratio: Option<f64>) -> Result<Self> {
        let collector = ratio.map(|_| Collector::start()).transpose()?;
        let mut settings = Settings::new();
        if let (Some(ratio), Some(collector)) = (ratio, &collector) {
            let endpoint = format!("http://{}", collector.address);
            settings.push(("ZYGO_OTLP_ENDPOINT", endpoint));
            settings.push(("ZYGO_TRACE_SAMPLE_RATIO", ratio.to_string()));
        }
        let platform = Platform::start_with(executable, host::free_port()?, settings)?;
        Ok(Self {
            name,
            platform,
            collector,
        })
    }

    fn turn(&self, deployed: &Deployed) -> Turn<'_> {
        let arrivals = Arrivals::sequence(0);
        Turn {
            cell: self.name,
            plan: invoking(&self.platform, deployed, 1, arrivals, Reading::StartKind),
        }
    }

    /// What became of the spans. Without any, what was measured is not what it says.
    fn tell(&self, bench: &mut Bench<'_>) -> Result<()> {
        let Some(collector) = &self.collector else {
            return Ok(());
        };
        let count = |outcome: &str| -> Result<u64> {
            let label = format!("outcome=\"{outcome}\"");
            let metric = "zygo_traced_invocations_total";
            Ok(whole(self.platform.metric(metric, &label)?))
        };
        let invoked = self.platform.get("/metrics")?;
        let (batches, bytes) = collector.counts();
        let traced = Traced {
            cell: self.name.to_owned(),
            invocations: invoked["platform"]["invocations"].as_u64().unwrap_or(0),
            exported: count("exported")?,
            failed: count("failed")?,
            dropped: count("dropped")?,
            batches,
            bytes,
        };
        host::say(&format!(
            "  {}: {} of {} invocations exported, {} failed, {} dropped",
            traced.cell, traced.exported, traced.invocations, traced.failed, traced.dropped
        ));
        ensure!(
            traced.exported > 0 && batches > 0,
            "no span of `{}` arrived: {traced:?}",
            self.name
        );
        bench.record.traced.push(traced);
        Ok(())
    }
}
