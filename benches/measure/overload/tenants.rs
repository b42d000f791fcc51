//! One function at a hundred times the load of another, on a platform that has not room for both.

use std::path::Path;

use anyhow::{Context, Result};

use super::super::{Bench, invoking, whole};
use super::{CONNECTIONS, Told, on_platform};
use crate::cli::Language;
use crate::load::{self, Arrivals, Outcome, Plan, Reading};
use crate::subject::functions::{Function, WAITS_MS, Weight};
use crate::subject::platform::{Deployed, Settings};

/// Room of the whole platform: what 640 callers in a second need.
const INSTANCES: u32 = 64;
/// Of the modest function: a sixth of the room would do.
const RATE: f64 = 50.0;
const TIMES: f64 = 100.0;

pub(super) fn all(bench: &mut Bench<'_>, executable: &Path, language: Language) -> Result<()> {
    let settings: Settings = vec![("ZYGO_MAX_INSTANCES", INSTANCES.to_string())];
    on_platform(executable, settings, |platform| {
        let function = Function::cold(language, Weight::Waiting, INSTANCES);
        let (modest, greedy) = (platform.deploy(&function)?, platform.deploy(&function)?);
        let seconds = bench.pick(10.0, 3.0);
        let open = |deployed: &Deployed, connections, rate: f64| {
            let arrivals = Arrivals::open(rate, whole(rate * seconds));
            invoking(platform, deployed, connections, arrivals, Reading::Refusals)
        };
        let (own, theirs) = (
            open(&modest, 200, RATE),
            open(&greedy, CONNECTIONS, RATE * TIMES),
        );
        let what = format!(
            "waits {WAITS_MS} ms, {INSTANCES} instances in all/{}",
            language.name()
        );
        let add = |bench: &mut Bench<'_>, load: &str, rate, run: &Outcome| {
            let told = Told {
                what: &what,
                load: load.to_owned(),
                offered_per_second: rate,
                peak_per_second: None,
                remark: String::new(),
            };
            bench.add_overload(told, run, seconds);
        };
        load::run(&own)?;
        add(bench, "modest alone", RATE, &load::run(&own)?);
        let (beside, greedy) = beside(&own, &theirs)?;
        add(bench, "modest beside greedy", RATE, &beside);
        add(bench, "greedy", RATE * TIMES, &greedy);
        Ok(())
    })
}

fn beside(own: &Plan, theirs: &Plan) -> Result<(Outcome, Outcome)> {
    std::thread::scope(|scope| {
        let greedy = scope.spawn(|| load::run(theirs));
        let own = load::run(own)?;
        let greedy = greedy.join().ok().context("a generator panicked")??;
        Ok((own, greedy))
    })
}
