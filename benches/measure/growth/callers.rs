//! From one caller of a function to 64: what gets through, and how long each waits.

use std::time::Duration;

use anyhow::Result;

use super::super::{Bench, invoking};
use crate::load::{Arrivals, Plan, Reading};
use crate::subject::functions::{Function, Weight};
use crate::subject::platform::Platform;

/// As in the measurement of warm instances.
const INSTANCES: u32 = 2;

pub(super) fn all(bench: &mut Bench<'_>, platform: &mut Platform) -> Result<()> {
    let counts = if bench.options.quick {
        &[1, 8, 64][..]
    } else {
        &[1, 2, 4, 8, 16, 32, 64]
    };
    let (warm_up, seconds) = bench.pick((0.3, 3.0), (0.1, 0.4));
    let arrivals = Arrivals::closed(
        Duration::from_secs_f64(warm_up),
        Duration::from_secs_f64(seconds),
    );
    for language in bench.options.languages() {
        let deployed = platform.deploy(&Function::warm(language, Weight::Trivial, INSTANCES))?;
        platform.rehearse(&deployed, 5)?;
        let plan = invoking(platform, &deployed, 1, arrivals, Reading::StartKind);
        for callers in counts {
            let run = bench.throughput(
                &Plan {
                    connections: *callers,
                    ..plan.clone()
                },
                platform.pid(),
            )?;
            let id = format!("growth/callers/{callers}/{}", language.name());
            let load = format!("closed loop, {callers} callers, {INSTANCES} instances");
            bench.add_kind(id, "warm", &load, &run, true)?;
        }
        platform.delete(&deployed)?;
    }
    Ok(())
}
