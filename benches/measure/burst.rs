//! A hundred invocations at the same moment of a function that has no process.

use std::time::Duration;

use super::{Bench, invoking, with_function};
use crate::load::{self, Arrivals, Outcome, Reading};
use crate::subject::functions::{Function, Weight};
use crate::subject::platform::Platform;

const AT_ONCE: usize = 100;

/// Every language, some rounds each.
pub(crate) fn all(bench: &mut Bench<'_>, platform: &mut Platform) {
    let rounds = bench.pick(10, 2);
    for language in bench.options.languages() {
        let name = language.name();
        bench.attempt(&format!("a burst of {AT_ONCE}, {name}"), |bench| {
            with_function(
                platform,
                &Function::fresh(language, Weight::Trivial, 0),
                |platform, deployed| {
                    let arrivals = Arrivals::Open {
                        every: Duration::ZERO,
                        count: AT_ONCE as u64,
                    };
                    let plan = invoking(platform, deployed, AT_ONCE, arrivals, Reading::Phases);
                    let mut all = Outcome::default();
                    for _ in 0..rounds {
                        // The processes of the round before are ended meanwhile.
                        std::thread::sleep(Duration::from_millis(300));
                        all.absorb(load::run(&plan)?);
                    }
                    bench.add_all(
                        format!("burst/{name}"),
                        &format!("{AT_ONCE} at once, {rounds} rounds"),
                        &all,
                        false,
                    )
                },
            )
        });
    }
}
