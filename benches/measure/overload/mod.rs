//! More callers than can be served, on a platform of its own.

mod cold;
mod loads;
mod tenants;

use std::path::Path;

use anyhow::Result;

use self::loads::Loaded;
use super::{Bench, on_platform};
use crate::cli::Language;
use crate::host;
use crate::load::Outcome;
use crate::record::{Latency, Overload};
use crate::subject::platform::Settings;

/// Enough for whoever may wait, and those who are refused beside them.
const CONNECTIONS: usize = 1_200;

/// Ten times too much in turns with the peak.
pub(crate) fn goodput(bench: &mut Bench<'_>, executable: &Path) {
    for language in bench.options.languages() {
        let what = format!("ten times too much and the peak, {}", language.name());
        loaded(bench, executable, &what, language, Loaded::in_turns);
    }
}

/// Thousands of functions with a caller each.
pub(crate) fn many(bench: &mut Bench<'_>, executable: &Path) {
    bench.attempt("many cold functions", |bench| cold::many(bench, executable));
}

fn loaded(
    bench: &mut Bench<'_>,
    executable: &Path,
    what: &str,
    language: Language,
    measure: impl Fn(&Loaded, &mut Bench<'_>) -> Result<()>,
) {
    bench.attempt(what, |bench| {
        on_platform(executable, Settings::new(), |platform| {
            loads::all(bench, platform, language, &measure)
        })
    });
}

/// Every kind of it.
pub(crate) fn all(bench: &mut Bench<'_>, executable: &Path) {
    for language in bench.options.languages() {
        let name = language.name();
        let what = format!("up to ten times too much, {name}");
        loaded(bench, executable, &what, language, Loaded::measure);
        bench.attempt(&format!("one function beside others, {name}"), |bench| {
            tenants::all(bench, executable, language)
        });
        bench.attempt(&format!("a burst on a cold function, {name}"), |bench| {
            on_platform(executable, Settings::new(), |platform| {
                cold::burst(bench, platform, language)
            })
        });
    }
}

/// What was loaded, and how.
struct Told<'a> {
    what: &'a str,
    load: String,
    offered_per_second: f64,
    peak_per_second: Option<f64>,
    remark: String,
}

impl Bench<'_> {
    fn add_overload(&mut self, told: Told<'_>, run: &Outcome, seconds: f64) -> Latency {
        let served = run.merged().histogram;
        let row = Overload {
            what: told.what.to_owned(),
            load: told.load,
            offered_per_second: told.offered_per_second,
            goodput_per_second: served.len() as f64 / seconds,
            peak_per_second: told.peak_per_second,
            served: served.len(),
            served_ms: Latency::of(&served),
            refused: run.refused.histogram.len(),
            refused_ms: Latency::of(&run.refused.histogram),
            not_told_when: run.not_told_when,
            failed: run.errors.clone(),
            generator_late_max_ms: run.lag_max.as_secs_f64() * 1e3,
            remark: told.remark,
        };
        tell(&row);
        let latency = row.served_ms;
        self.record.overload.push(row);
        latency
    }
}

fn tell(row: &Overload) {
    let failed: u64 = row.failed.values().sum();
    let of_peak = row.peak_per_second.map_or_else(String::new, |peak| {
        format!(" ({:.0} % of peak)", row.goodput_per_second / peak * 100.0)
    });
    host::say(&format!(
        "  {}, {}: {:.0}/s, served {:.0}/s{of_peak} p99 {:.1} ms, refused {} p99 {:.1} ms, failed {failed}  {}",
        row.what,
        row.load,
        row.offered_per_second,
        row.goodput_per_second,
        row.served_ms.p99,
        row.refused,
        row.refused_ms.p99,
        row.remark,
    ));
}
