//! How many invocations per second get a process of their own each.

use std::time::Duration;

use super::{Bench, invoking, with_function};
use crate::load::{Arrivals, Reading};
use crate::subject::functions::{Function, Weight};
use crate::subject::platform::Platform;

const CALLERS: usize = 4;

/// Every language.
pub(crate) fn all(bench: &mut Bench<'_>, platform: &mut Platform) {
    let (warmup, seconds) = bench.pick((1.0, 5.0), (0.3, 1.0));
    let arrivals = Arrivals::closed(
        Duration::from_secs_f64(warmup),
        Duration::from_secs_f64(seconds),
    );
    for language in bench.options.languages() {
        let name = language.name();
        bench.attempt(
            &format!("a fresh process per invocation, {name}"),
            |bench| {
                with_function(
                    platform,
                    &Function::fresh(language, Weight::Trivial, 0),
                    |platform, deployed| {
                        let plan =
                            invoking(platform, deployed, CALLERS, arrivals, Reading::StartKind);
                        let run = bench.throughput(&plan, platform.pid())?;
                        bench.add_all(
                            format!("fresh/{name}"),
                            "closed loop, 4 callers",
                            &run,
                            true,
                        )
                    },
                )
            },
        );
    }
}
