//! What isolation costs a forked start: one platform with every layer and one with none, alive at once and taking turns.
//! Each is there twice, because two platforms that do the same differ too.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use super::turns::in_turns;
use super::{Bench, invoking};
use crate::cli::Language;
use crate::host;
use crate::load::{self, Arrivals, Outcome, Plan, Reading};
use crate::subject::functions::{Function, Weight};
use crate::subject::platform::{Platform, Settings};

/// Names of the ways, and whether functions are held.
const CELLS: [(&str, bool); 4] = [
    ("free", false),
    ("held", true),
    ("free-again", false),
    ("held-again", true),
];
/// Every layer.
const ALL_LAYERS: &str =
    "cgroup,pid,root,network,limits,identity,user,capabilities,landlock,seccomp";
/// Starts that are not counted when a turn begins.
const WARM_UP: u64 = 5;
/// What the turn before left to be cleaned up is done by then.
const PAUSE: Duration = Duration::from_millis(50);
/// One start after another would wait for what the one before leaves behind.
const STARTS_PER_SECOND: f64 = 50.0;

/// Every language.
pub(crate) fn all(bench: &mut Bench<'_>, executable: &Path) {
    bench.attempt("platforms with and without isolation, in turns", |bench| {
        let mut cells = CELLS
            .into_iter()
            .map(|(name, is_held)| Ok((name, start(executable, is_held)?)))
            .collect::<Result<Vec<_>>>()?;
        for language in bench.options.languages() {
            one(bench, &mut cells, language)?;
        }
        cells
            .into_iter()
            .try_for_each(|(_, platform)| platform.stop())
    });
}

fn start(executable: &Path, is_held: bool) -> Result<Platform> {
    let mut settings = Settings::new();
    if !is_held {
        settings.push(("ZYGO_INSECURE_WITHOUT", ALL_LAYERS.to_owned()));
    }
    Platform::start_with(executable, host::free_port()?, settings)
}

fn one(
    bench: &mut Bench<'_>,
    cells: &mut [(&'static str, Platform)],
    language: Language,
) -> Result<()> {
    let (slices, count) = bench.pick((20, 50), (4, 10));
    let function = Function::fresh(language, Weight::Trivial, 0);
    let deployed = cells
        .iter_mut()
        .map(|(_, platform)| platform.deploy(&function))
        .collect::<Result<Vec<_>>>()?;
    let plans: Vec<Plan> = cells
        .iter()
        .zip(&deployed)
        .map(|((_, platform), deployed)| {
            let arrivals = Arrivals::sequence(0);
            invoking(platform, deployed, 4, arrivals, Reading::Phases)
        })
        .collect();
    let runs = in_turns(&plans, slices, |plan| slice(plan, count))?;
    for ((name, _), run) in cells.iter().zip(runs) {
        let id = format!("isolation/{name}/{}", language.name());
        let load = format!("open loop, {STARTS_PER_SECOND}/s, {slices} turns");
        bench.add_kind(id, "forked", &load, &run, false)?;
    }
    cells
        .iter()
        .zip(&deployed)
        .try_for_each(|((_, platform), deployed)| platform.delete(deployed))
}

fn slice(plan: &Plan, count: u64) -> Result<Outcome> {
    let of = |count| Plan {
        arrivals: Arrivals::open(STARTS_PER_SECOND, count),
        ..plan.clone()
    };
    std::thread::sleep(PAUSE);
    load::run(&of(WARM_UP))?;
    load::run(&of(count))
}
