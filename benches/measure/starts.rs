//! Starts over HTTP, one series per start kind: `forked`, `parked`, `booted`; and how long a deploy takes.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::{Bench, invoking, with_function};
use crate::cli::Language;
use crate::load::{self, Arrivals, Outcome, Reading, Sample};
use crate::subject::functions::{Function, Weight};
use crate::subject::platform::{Deployed, Platform};

const CONNECTIONS: usize = 16;
/// How many processes are forked ahead; at the rates below a pool of this size is always full again in time.
const PARKED: u32 = 8;
/// Between two starts, so that what one leaves to be cleaned up does not slow the next.
const PAUSE: Duration = Duration::from_millis(30);

/// All start kinds of a language.
pub(crate) fn all(
    bench: &mut Bench<'_>,
    platform: &mut Platform,
    language: Language,
    weight: Weight,
) {
    let what = format!("{} ({})", language.name(), weight.name());
    bench.attempt(&format!("forked starts, {what}"), |bench| {
        ahead(bench, platform, language, weight, 0)
    });
    if weight == Weight::Trivial || !bench.options.quick {
        bench.attempt(&format!("parked starts, {what}"), |bench| {
            ahead(bench, platform, language, weight, PARKED)
        });
    }
    bench.attempt(&format!("deploys and booted starts, {what}"), |bench| {
        booted(bench, platform, language, weight)
    });
}

/// An open loop on a function whose invocations get a fresh process each: with none parked ahead each is forked on demand.
fn ahead(
    bench: &mut Bench<'_>,
    platform: &mut Platform,
    language: Language,
    weight: Weight,
    parked: u32,
) -> Result<()> {
    let (rate, count) = match weight {
        Weight::Heavy => (25.0, bench.pick(500, 25)),
        _ => (50.0, bench.pick(1_000, 40)),
    };
    let kind = if parked == 0 { "forked" } else { "parked" };
    with_function(
        platform,
        &Function::fresh(language, weight, parked),
        |platform, deployed| {
            // The rehearsal took from the pool.
            std::thread::sleep(Duration::from_millis(bench.pick(500, 200)));
            let plan = invoking(
                platform,
                deployed,
                CONNECTIONS,
                Arrivals::open(rate, count),
                Reading::Phases,
            );
            let run = load::run(&plan)?;
            let id = format!("start/{kind}/{}/{}", language.name(), weight.name());
            bench.add_kind(id, kind, &format!("open loop, {rate}/s"), &run, false)
        },
    )
}

/// Deploys functions and invokes each; then, after a restart of the platform, each has to be booted for its invocation.
/// `deploy/…` is the deploy alone, `first/…` deploy and first answer together.
fn booted(
    bench: &mut Bench<'_>,
    platform: &mut Platform,
    language: Language,
    weight: Weight,
) -> Result<()> {
    let tail = format!("{}/{}", language.name(), weight.name());
    let functions = deploys(bench, platform, language, weight, &tail)?;
    platform.restart()?;
    let mut run = Outcome::default();
    for function in &functions {
        std::thread::sleep(PAUSE);
        let plan = invoking(
            platform,
            function,
            1,
            Arrivals::sequence(1),
            Reading::Phases,
        );
        run.absorb(load::run(&plan)?);
    }
    functions
        .iter()
        .try_for_each(|function| platform.delete(function))?;
    let load = "one after the other, after a restart, each function's first invocation";
    bench.add_kind(format!("start/booted/{tail}"), "booted", load, &run, false)
}

fn deploys(
    bench: &mut Bench<'_>,
    platform: &mut Platform,
    language: Language,
    weight: Weight,
    tail: &str,
) -> Result<Vec<Deployed>> {
    let (mut run, mut deploy, mut first) =
        (Outcome::default(), Sample::default(), Sample::default());
    let mut functions = Vec::new();
    for _ in 0..rounds(bench, weight) {
        let begun = Instant::now();
        let deployed = platform.deploy(&Function::fresh(language, weight, 0))?;
        let plan = invoking(
            platform,
            &deployed,
            1,
            Arrivals::sequence(1),
            Reading::Phases,
        );
        run.absorb(load::run(&plan)?);
        first.record(begun.elapsed());
        deploy.record(deployed.took);
        functions.push(deployed);
        std::thread::sleep(PAUSE);
    }
    let load = "one after the other, a new function each";
    bench.add_sample(format!("deploy/{tail}"), load, &deploy, &run, false);
    bench.add_sample(format!("first/{tail}"), load, &first, &run, false);
    Ok(functions)
}

fn rounds(bench: &Bench<'_>, weight: Weight) -> u32 {
    match weight {
        Weight::Heavy => bench.pick(5, 1),
        _ => bench.pick(40, 4),
    }
}
