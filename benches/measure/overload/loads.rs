//! From half of what can be served to ten times that, for functions that wait and for functions that compute.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::super::{Bench, invoking, whole};
use super::{CONNECTIONS, Told};
use crate::cli::Language;
use crate::load::{self, Arrivals, Outcome, Plan, Reading};
use crate::subject::functions::{Function, WAITS_MS, Weight};
use crate::subject::platform::Platform;

const TIMES: [f64; 7] = [0.5, 0.8, 1.0, 1.5, 2.0, 5.0, 10.0];
const QUICK_TIMES: [f64; 3] = [0.8, 2.0, 10.0];
/// How long functions that compute are to take. Refusals take their time from the one core that both have: the shorter a
/// function, the more of them come with ten times what it can serve.
const COMPUTE_MS: [f64; 2] = [5.0, 20.0];
const TRIAL_TURNS: u64 = 20_000;
const TRIALS: u32 = 4;
/// Slices of what comes after a load, in which the platform may have recovered.
const SLICE: Duration = Duration::from_millis(250);
const SLICES_MAX: u32 = 40;

/// How often the peak and ten times too much are measured in turns.
const TURNS: usize = 8;
const QUICK_TURNS: usize = 2;

/// A function under load.
pub(super) struct Loaded {
    what: String,
    plan: Plan,
    /// As many callers as it serves, who come again as soon as they are served.
    closed: Plan,
    /// What it can serve in a second.
    peak: f64,
    server: rustix::process::Pid,
}

pub(super) fn all(
    bench: &mut Bench<'_>,
    platform: &mut Platform,
    language: Language,
    measure: &dyn Fn(&Loaded, &mut Bench<'_>) -> Result<()>,
) -> Result<()> {
    let waits = Function::cold(language, Weight::Waiting, 32);
    let deployed = platform.deploy(&waits)?;
    let what = format!("waits {WAITS_MS} ms, 32 instances/{}", language.name());
    let plan = invoking(
        platform,
        &deployed,
        32,
        Arrivals::sequence(0),
        Reading::Refusals,
    );
    measure(&Loaded::new(bench, platform, what, plan)?, bench)?;
    platform.delete(&deployed)?;
    COMPUTE_MS
        .into_iter()
        .try_for_each(|compute_ms| computing(bench, platform, language, compute_ms, measure))
}

fn computing(
    bench: &mut Bench<'_>,
    platform: &mut Platform,
    language: Language,
    compute_ms: f64,
    measure: &dyn Fn(&Loaded, &mut Bench<'_>) -> Result<()>,
) -> Result<()> {
    // As many as the server has cores while loads are measured: two on one core would only make each other late.
    let computes = Function::warm(language, Weight::Writing, 1);
    let deployed = platform.deploy(&computes)?;
    let event = |turns: u64| format!("{{\"lines\":0,\"turns\":{turns}}}").into_bytes();
    let plan = |turns| Plan {
        request: platform.invocation_with(&deployed, &event(turns)),
        ..invoking(
            platform,
            &deployed,
            2,
            Arrivals::sequence(20),
            Reading::Refusals,
        )
    };
    // An engine gets faster with what it runs again and again, so the first trials are far from it.
    let mut turns = TRIAL_TURNS;
    for _ in 0..TRIALS {
        // Alone: who waits for the other's turn sees two of them.
        let alone = Plan {
            connections: 1,
            ..plan(turns)
        };
        let trial = load::run(&alone)?.merged().histogram;
        let trial_ms = trial.value_at_quantile(0.5) as f64 / 1e6;
        turns = whole(turns as f64 * compute_ms / trial_ms.max(0.05));
    }
    let what = format!("computes {compute_ms} ms, 1 instance/{}", language.name());
    measure(&Loaded::new(bench, platform, what, plan(turns))?, bench)?;
    platform.delete(&deployed)
}

fn served_per_second(run: &Outcome) -> f64 {
    run.merged().histogram.len() as f64 / run.elapsed.as_secs_f64()
}

impl Loaded {
    /// The peak is what as many callers reach who come again as soon as they are served.
    fn new(bench: &Bench<'_>, platform: &Platform, what: String, plan: Plan) -> Result<Self> {
        let server = platform.pid();
        let arrivals = Arrivals::closed(
            Duration::from_secs(1),
            bench.pick(Duration::from_secs(5), Duration::from_secs(1)),
        );
        let closed = Plan {
            arrivals,
            ..plan.clone()
        };
        let run = bench.throughput(&closed, server)?;
        let peak = served_per_second(&run);
        ensure!(
            peak > 1.0,
            "{what}: hardly anything was served: {:?}",
            run.errors
        );
        let plan = Plan {
            connections: CONNECTIONS,
            ..plan
        };
        Ok(Self {
            what,
            plan,
            closed,
            peak,
            server,
        })
    }

    /// From half of the peak to ten times that, and what comes after.
    pub(super) fn measure(&self, bench: &mut Bench<'_>) -> Result<()> {
        let (onset, seconds) = bench.pick((2.0, 8.0), (1.5, 1.5));
        let times = bench.pick(&TIMES[..], &QUICK_TIMES[..]);
        let mut calm_p99 = f64::INFINITY;
        for &times in times {
            let run = self.open(bench, times, onset)?;
            self.add(bench, times, ", first seconds", &run, onset);
            let run = self.open(bench, times, seconds)?;
            let p99 = self.add(bench, times, "", &run, seconds);
            if times <= 0.8 {
                calm_p99 = p99;
            }
        }
        self.in_turns(bench)?;
        self.recover(bench, calm_p99)
    }

    /// Ten times too much in turns with the peak. Machines get faster and slower within minutes, so the share of the peak
    /// is that of a peak measured at the same time: the median of the turns.
    pub(super) fn in_turns(&self, bench: &mut Bench<'_>) -> Result<()> {
        let (seconds, turns) = bench.pick((3.0, TURNS), (1.0, QUICK_TURNS));
        let arrivals =
            Arrivals::closed(Duration::from_millis(500), Duration::from_secs_f64(seconds));
        let closed = Plan {
            arrivals,
            ..self.closed.clone()
        };
        let (mut all, mut peaks, mut shares) = (Outcome::default(), Vec::new(), Vec::new());
        for _ in 0..turns {
            let peak = served_per_second(&bench.throughput(&closed, self.server)?);
            let run = self.open(bench, 10.0, seconds)?;
            shares.push(run.merged().histogram.len() as f64 / seconds / peak);
            peaks.push(peak);
            all.absorb(run);
        }
        shares.sort_by(f64::total_cmp);
        peaks.sort_by(f64::total_cmp);
        let percent = |index: usize| shares[index] * 100.0;
        let told = Told {
            what: &self.what,
            load: format!("10 x and the peak in {turns} turns"),
            offered_per_second: self.peak * 10.0,
            peak_per_second: Some(peaks[turns / 2]),
            remark: format!(
                "of the peak beside it: median {:.0} %, {:.0} to {:.0} %",
                percent(turns / 2),
                percent(0),
                percent(turns - 1)
            ),
        };
        bench.add_overload(told, &all, seconds * turns as f64);
        Ok(())
    }

    fn open(&self, bench: &Bench<'_>, times: f64, seconds: f64) -> Result<Outcome> {
        let rate = self.peak * times;
        let arrivals = Arrivals::open(rate, whole(rate * seconds).max(1));
        let plan = Plan {
            arrivals,
            ..self.plan.clone()
        };
        bench.throughput(&plan, self.server)
    }

    fn add(
        &self,
        bench: &mut Bench<'_>,
        times: f64,
        part: &str,
        run: &Outcome,
        seconds: f64,
    ) -> f64 {
        let told = Told {
            what: &self.what,
            load: format!("{times} x{part}"),
            offered_per_second: self.peak * times,
            peak_per_second: Some(self.peak),
            remark: String::new(),
        };
        bench.add_overload(told, run, seconds).p99
    }

    /// How long after ten times too much half of what can be served is served as ever.
    fn recover(&self, bench: &mut Bench<'_>, calm_p99: f64) -> Result<()> {
        self.open(bench, 10.0, 2.0)?;
        let begun = Instant::now();
        for _ in 0..SLICES_MAX {
            let seconds = SLICE.as_secs_f64();
            let run = self.open(bench, 0.5, seconds)?;
            let p99 = run.merged().histogram.value_at_quantile(0.99) as f64 / 1e6;
            if run.refused.histogram.is_empty() && run.errors.is_empty() && p99 <= 2.0 * calm_p99 {
                let told = Told {
                    what: &self.what,
                    load: "0.5 x after 10 x".to_owned(),
                    offered_per_second: self.peak * 0.5,
                    peak_per_second: Some(self.peak),
                    remark: format!("as ever after {:.2} s", begun.elapsed().as_secs_f64()),
                };
                bench.add_overload(told, &run, seconds);
                return Ok(());
            }
        }
        bench.note(format!(
            "{}: not as ever {} slices after the load",
            self.what, SLICES_MAX
        ));
        Ok(())
    }
}
