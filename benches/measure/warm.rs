//! Warm instances: latency with one caller, latency at a steady rate, throughput with 32 callers; beside each, the same
//! server answering `/healthz` without any function. Throughput again with a process that serves all 32 at once
//! (`concurrency`), and with a process for each. Servers and languages take turns.

use std::time::Duration;

use anyhow::Result;

use super::turns::in_turns;
use super::{Bench, invoking};
use crate::cli::Language;
use crate::http;
use crate::load::{self, Arrivals, Outcome, Plan, Reading};
use crate::subject::functions::{Function, Weight};
use crate::subject::platform::{Deployed, Platform};

const CALLERS: u32 = 32;
/// Enough to keep one core busy while another invocation is being read or written.
const INSTANCES: u32 = 2;
const STEADY_RATE: f64 = 1_000.0;

/// Whom the turns are taken by.
struct Turn {
    name: &'static str,
    plan: Plan,
    /// The only start kind that counts.
    kind: &'static str,
    note: String,
}

/// The server alone and every language, in turns.
pub(crate) fn all(bench: &mut Bench<'_>, platform: &mut Platform) {
    bench.attempt("warm instances and the server alone, in turns", |bench| {
        let few = |language| Function::warm(language, Weight::Trivial, INSTANCES);
        with_every_language(bench, platform, few, |bench, platform, mut turns| {
            turns
                .iter_mut()
                .for_each(|turn| turn.note = format!(", {INSTANCES} instances"));
            turns.insert(0, alone(platform));
            three_ways(bench, platform, &turns)
        })
    });
    bench.attempt("one process for all callers, in turns", |bench| {
        let shared = |language| Function {
            concurrency: CALLERS,
            ..Function::warm(language, Weight::Trivial, 1)
        };
        throughput(bench, platform, shared, "c32-one-process")
    });
    bench.attempt("a process for each caller, in turns", |bench| {
        let each = |language| Function::warm(language, Weight::Trivial, CALLERS);
        throughput(bench, platform, each, "c32-processes")
    });
}

fn throughput(
    bench: &mut Bench<'_>,
    platform: &mut Platform,
    function: impl Fn(Language) -> Function,
    id: &'static str,
) -> Result<()> {
    with_every_language(bench, platform, function, |bench, platform, turns| {
        let slices = bench.pick((10, 500), (2, 250));
        measure(bench, platform, &turns, &crowd(id, slices.1), slices.0)
    })
}

fn with_every_language(
    bench: &mut Bench<'_>,
    platform: &mut Platform,
    function: impl Fn(Language) -> Function,
    measure: impl FnOnce(&mut Bench<'_>, &Platform, Vec<Turn>) -> Result<()>,
) -> Result<()> {
    let (mut deployed, mut turns) = (Vec::new(), Vec::new());
    for language in bench.options.languages() {
        let one = platform.deploy(&function(language))?;
        platform.rehearse(&one, 5)?;
        turns.push(invoked(platform, &one, language.name()));
        deployed.push(one);
    }
    let measured = measure(bench, platform, turns);
    deployed.iter().try_for_each(|one| platform.delete(one))?;
    measured
}

/// Each way replaces the arrivals.
const NEVER: Arrivals = Arrivals::at_once(0);

fn alone(platform: &Platform) -> Turn {
    let request = http::request("GET", "/healthz", platform.address, None);
    let plan = Plan {
        address: platform.address,
        request,
        connections: 1,
        arrivals: NEVER,
        reading: Reading::Plain,
    };
    Turn {
        name: "healthz",
        plan,
        kind: load::PLAIN,
        note: String::new(),
    }
}

fn invoked(platform: &Platform, deployed: &Deployed, name: &'static str) -> Turn {
    let plan = invoking(platform, deployed, 1, NEVER, Reading::StartKind);
    Turn {
        name,
        plan,
        kind: "warm",
        note: String::new(),
    }
}

/// How the turns are loaded.
struct Way {
    id: &'static str,
    load: String,
    connections: usize,
    arrivals: Arrivals,
    /// Whether the question is how many per second: then the generator has a core of its own.
    throughput: bool,
}

fn three_ways(bench: &mut Bench<'_>, platform: &Platform, turns: &[Turn]) -> Result<()> {
    let (slices, milliseconds) = bench.pick((10, 500), (2, 250));
    let steady = Arrivals::open(STEADY_RATE, milliseconds);
    let way = |id, load: String, connections, arrivals, throughput| Way {
        id,
        load,
        connections,
        arrivals,
        throughput,
    };
    let ways = [
        way(
            "c1",
            "closed loop, 1 caller".to_owned(),
            1,
            closed(milliseconds),
            false,
        ),
        way(
            "steady",
            format!("open loop, {STEADY_RATE}/s"),
            CALLERS as usize,
            steady,
            false,
        ),
        crowd("c32", milliseconds),
    ];
    ways.iter()
        .try_for_each(|way| measure(bench, platform, turns, way, slices))
}

/// As many callers as are promised for, who come again as soon as they are served.
fn crowd(id: &'static str, milliseconds: u64) -> Way {
    Way {
        id,
        load: format!("closed loop, {CALLERS} callers"),
        connections: CALLERS as usize,
        arrivals: closed(milliseconds),
        throughput: true,
    }
}

fn closed(milliseconds: u64) -> Arrivals {
    Arrivals::closed(
        Duration::from_millis(100),
        Duration::from_millis(milliseconds),
    )
}

fn measure(
    bench: &mut Bench<'_>,
    platform: &Platform,
    turns: &[Turn],
    way: &Way,
    slices: u32,
) -> Result<()> {
    let runs = in_turns(turns, slices, |turn| loaded(bench, platform, turn, way))?;
    for (turn, run) in turns.iter().zip(runs) {
        let load = format!("{}{}, {slices} turns", way.load, turn.note);
        let series = format!("warm/{}/{}", way.id, turn.name);
        let is_rate = !matches!(way.arrivals, Arrivals::Open { .. });
        bench.add_kind(series, turn.kind, &load, &run, is_rate)?;
    }
    Ok(())
}

fn loaded(bench: &Bench<'_>, platform: &Platform, turn: &Turn, way: &Way) -> Result<Outcome> {
    let plan = Plan {
        connections: way.connections,
        arrivals: way.arrivals,
        ..turn.plan.clone()
    };
    if way.throughput {
        bench.throughput(&plan, platform.pid())
    } else {
        load::run(&plan)
    }
}
