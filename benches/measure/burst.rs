//! Invocations at the same moment of a function that has no process: a hundred that need a process each, and a thousand
//! that may share them.

use std::time::Duration;

use anyhow::Result;

use super::{Bench, invoking, with_function};
use crate::cli::Language;
use crate::load::{self, Arrivals, Outcome, Plan, Reading};
use crate::subject::functions::{Function, Weight};
use crate::subject::platform::{Deployed, Platform};

/// Each gets a process of its own.
const FRESH: usize = 100;
/// They may use each other's.
const SHARED: usize = 1_000;
/// Of the function that serves those.
const INSTANCES: u32 = 100;

/// Every language, some rounds each.
pub(crate) fn all(bench: &mut Bench<'_>, platform: &mut Platform) {
    for language in bench.options.languages() {
        let name = language.name();
        bench.attempt(&format!("a burst of {FRESH}, {name}"), |bench| {
            fresh(bench, platform, language)
        });
        bench.attempt(&format!("a burst of {SHARED}, {name}"), |bench| {
            shared(bench, platform, language)
        });
    }
}

fn fresh(bench: &mut Bench<'_>, platform: &mut Platform, language: Language) -> Result<()> {
    let rounds = bench.pick(10, 2);
    let function = Function::fresh(language, Weight::Trivial, 0);
    with_function(platform, &function, |platform, deployed| {
        let plan = at_once(platform, deployed, FRESH);
        let mut all = Outcome::default();
        for _ in 0..rounds {
            // The processes of the round before are ended meanwhile.
            std::thread::sleep(Duration::from_millis(300));
            all.absorb(load::run(&plan)?);
        }
        let what = format!("{FRESH} at once, a process for each, {rounds} rounds");
        bench.add_all(format!("burst/{}", language.name()), &what, &all, false)
    })
}

/// A function of its own for each round: the second time, it is not cold any more.
fn shared(bench: &mut Bench<'_>, platform: &mut Platform, language: Language) -> Result<()> {
    let rounds = bench.pick(10, 1);
    let function = Function::cold(language, Weight::Trivial, INSTANCES);
    let mut all = Outcome::default();
    for _ in 0..rounds {
        let deployed = platform.deploy(&function)?;
        let run = load::run(&at_once(platform, &deployed, SHARED));
        platform.delete(&deployed)?;
        all.absorb(run?);
    }
    let what = format!("{SHARED} at once, at most {INSTANCES} processes, {rounds} rounds");
    let series = format!("burst-1000/{}", language.name());
    bench.add_all(series, &what, &all, false)
}

fn at_once(platform: &Platform, deployed: &Deployed, count: usize) -> Plan {
    let arrivals = Arrivals::at_once(count as u64);
    invoking(platform, deployed, count, arrivals, Reading::Phases)
}
