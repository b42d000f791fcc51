//! Bursts that recur: the first ones cause forks, later ones are to meet instances that were parked for them.

use std::path::Path;
use std::time::{Duration, Instant};

use super::{Bench, invoking, on_platform, with_function};
use crate::load::{self, Arrivals, Reading};
use crate::subject::functions::{Function, Weight};
use crate::subject::platform::Settings;

/// Longer than the minute below which calls count as one.
const PERIOD: Duration = Duration::from_secs(100);
const BURSTS: u32 = 8;
const AT_ONCE: usize = 8;

/// In the first of the languages that are asked for. Every call gets a fresh process, so nothing is met but what was
/// parked.
pub(crate) fn all(bench: &mut Bench<'_>, executable: &Path) {
    bench.attempt("bursts that recur", |bench| {
        let settings = Settings::from([("ZYGO_SCALING_AUTOMATIC", "true".to_owned())]);
        let language = bench.options.languages().into_iter().next();
        let Some(language) = language else {
            return Ok(());
        };
        let function = Function::fresh(language, Weight::Trivial, 0);
        on_platform(executable, settings, |platform| {
            with_function(platform, &function, |platform, deployed| {
                let begun = Instant::now();
                for burst in 0..BURSTS {
                    let due = begun + PERIOD * burst;
                    std::thread::sleep(due.saturating_duration_since(Instant::now()));
                    let arrivals = Arrivals::at_once(AT_ONCE as u64);
                    let run = load::run(&invoking(
                        platform,
                        deployed,
                        AT_ONCE,
                        arrivals,
                        Reading::Phases,
                    ))?;
                    let kinds = run.kinds();
                    bench.note(format!("burst {}: {kinds:?}", burst + 1));
                    bench.add_all(
                        format!("bursts/{}/{}", language.name(), burst + 1),
                        &format!("{AT_ONCE} at once, every {} s", PERIOD.as_secs()),
                        &run,
                        false,
                    )?;
                }
                let state = platform.get(&format!("/functions/{}/scaling", deployed.id))?;
                bench.note(format!("decisions: {}", state["decisions"]));
                Ok(())
            })
        })
    });
}
