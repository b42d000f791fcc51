//! A hundred and a thousand invocations at the same moment of a function that has no process.

use std::time::Duration;

use super::{Bench, invoking, with_function};
use crate::cli::Language;
use crate::load::{self, Arrivals, Outcome, Reading};
use crate::subject::functions::{Function, Weight};
use crate::subject::platform::Platform;

/// A burst, and how often it comes.
struct Burst {
    at_once: usize,
    rounds: usize,
    series: &'static str,
}

/// Every language, some rounds each.
pub(crate) fn all(bench: &mut Bench<'_>, platform: &mut Platform) {
    let bursts = [
        Burst {
            at_once: 100,
            rounds: bench.pick(10, 2),
            series: "burst",
        },
        Burst {
            at_once: 1_000,
            rounds: bench.pick(5, 1),
            series: "burst-1000",
        },
    ];
    for burst in &bursts {
        for language in bench.options.languages() {
            one(bench, platform, burst, language);
        }
    }
}

fn one(bench: &mut Bench<'_>, platform: &mut Platform, burst: &Burst, language: Language) {
    let (name, at_once) = (language.name(), burst.at_once);
    bench.attempt(&format!("a burst of {at_once}, {name}"), |bench| {
        let function = Function::fresh(language, Weight::Trivial, 0);
        with_function(platform, &function, |platform, deployed| {
            let arrivals = Arrivals::Open {
                every: Duration::ZERO,
                count: at_once as u64,
            };
            let plan = invoking(platform, deployed, at_once, arrivals, Reading::Phases);
            let mut all = Outcome::default();
            for _ in 0..burst.rounds {
                // The processes of the round before are ended meanwhile.
                std::thread::sleep(Duration::from_millis(300));
                all.absorb(load::run(&plan)?);
            }
            bench.add_all(
                format!("{}/{name}", burst.series),
                &format!("{at_once} at once, {} rounds", burst.rounds),
                &all,
                false,
            )
        })
    });
}
