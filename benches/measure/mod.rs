//! One file per kind of figure. Each deploys what it needs, loads it, and adds series to the record.

mod bill;
mod burst;
mod bursts;
mod fresh;
mod growth;
mod isolation;
mod logs;
mod memory;
mod overload;
pub(crate) mod peers;
mod reload;
mod sockets;
mod starts;
mod streams;
mod traces;
mod turns;
mod warm;
mod workloads;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::cli::{Part, Pin, Run};
use crate::host::{self, cores::Split, machine};
use crate::load::{self, Outcome, Plan, Reading, Sample};
use crate::record::{Memory, Others, Record, Series};
use crate::subject::functions::{Function, Weight};
use crate::subject::platform::{Deployed, Platform, Settings};

const QUICK_WITHIN: Duration = Duration::from_secs(295);
const FULL_WITHIN: Duration = Duration::from_secs(58 * 60);

/// A run in progress.
#[derive(Debug)]
pub(crate) struct Bench<'options> {
    pub(crate) options: &'options Run,
    pub(crate) record: Record,
    begun: Instant,
    deadline: Instant,
    /// What others took of all cores before each measurement so far.
    busy: Vec<f64>,
}

impl<'options> Bench<'options> {
    /// Begins now.
    pub(crate) fn new(options: &'options Run, record: Record) -> Self {
        let within = if options.quick {
            QUICK_WITHIN
        } else {
            FULL_WITHIN
        };
        let begun = Instant::now();
        Self {
            options,
            record,
            begun,
            deadline: begun + within,
            busy: Vec::new(),
        }
    }

    /// Of two amounts, the one for this run.
    fn pick<T>(&self, full: T, quick: T) -> T {
        if self.options.quick { quick } else { full }
    }

    /// Adds a remark for the reader.
    pub(crate) fn note(&mut self, text: String) {
        host::say(&format!("  note: {text}"));
        self.record.notes.push(text);
    }

    /// Measures something; a failure is noted and the run goes on.
    fn attempt(&mut self, what: &str, measure: impl FnOnce(&mut Self) -> Result<()>) {
        if Instant::now() > self.deadline {
            return self.note(format!("{what}: left out, the time was up"));
        }
        host::say(&format!("[{:>4} s] {what}", self.begun.elapsed().as_secs()));
        self.look_at_others();
        if let Err(error) = measure(self) {
            self.note(format!("{what}: {error:#}"));
        }
    }

    /// Nothing is loaded at this moment, so whatever keeps the cores busy is somebody else's.
    fn look_at_others(&mut self) {
        self.busy
            .push(machine::busy_for(Duration::from_millis(100)));
        let mean = self.busy.iter().sum::<f64>() / self.busy.len() as f64;
        let max = self.busy.iter().copied().fold(0.0, f64::max);
        self.record.others = Others { mean, max };
    }

    /// Adds the sample of one start kind; other kinds are counted and not mixed in.
    fn add_kind(
        &mut self,
        id: String,
        kind: &str,
        load: &str,
        run: &Outcome,
        rate: bool,
    ) -> Result<()> {
        self.tell_errors(&id, run);
        let Some(sample) = run.samples.get(kind) else {
            bail!("{id}: no reply was `{kind}`; there were {:?}", run.kinds());
        };
        self.add_sample(id, load, sample, run, rate);
        Ok(())
    }

    /// Adds all replies as one sample, with their rate when that was the question.
    fn add_all(&mut self, id: String, load: &str, run: &Outcome, rate: bool) -> Result<()> {
        self.tell_errors(&id, run);
        let sample = run.merged();
        if sample.histogram.is_empty() {
            bail!("{id}: no reply");
        }
        self.add_sample(id, load, &sample, run, rate);
        Ok(())
    }

    fn add_sample(&mut self, id: String, load: &str, sample: &Sample, run: &Outcome, rate: bool) {
        let mut series = Series::new(id, load.to_owned(), sample, run);
        series.per_second = rate.then(|| series.n as f64 / run.elapsed.as_secs_f64());
        self.add(series);
    }

    fn add(&mut self, series: Series) {
        let latency = series.latency_ms;
        let rate = series
            .per_second
            .map_or_else(String::new, |rate| format!("  {rate:.0}/s"));
        let Series { id, n, .. } = &series;
        host::say(&format!(
            "  {id}: n {n}  p50 {:.3}  p99 {:.3} ms{rate}",
            latency.p50, latency.p99
        ));
        self.record.series.push(series);
    }

    fn add_memory(&mut self, row: Memory) {
        host::say(&format!(
            "  {}: PSS {:.1} MB of {} processes",
            row.id, row.pss, row.processes
        ));
        self.record.memory.push(row);
    }

    fn tell_errors(&mut self, id: &str, run: &Outcome) {
        if let Some((example, _)) = run.errors.iter().next() {
            let count: u64 = run.errors.values().sum();
            self.note(format!("{id}: {count} failed, such as: {example}"));
        }
    }

    /// Runs a plan with the cores shared out as the user wants.
    fn throughput(&self, plan: &Plan, server: rustix::process::Pid) -> Result<Outcome> {
        let split = (self.options.pin == Pin::Split).then(|| Split::new(server));
        let outcome = load::run(plan);
        drop(split);
        outcome
    }
}

/// A count that comes as a real number.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast of a real number saturates"
)]
fn whole(count: f64) -> u64 {
    count as u64
}

/// A plan that invokes a function.
fn invoking(
    platform: &Platform,
    deployed: &Deployed,
    connections: usize,
    arrivals: load::Arrivals,
    reading: Reading,
) -> Plan {
    Plan {
        address: platform.address,
        request: platform.invocation(deployed),
        connections,
        arrivals,
        reading,
    }
}

/// Deploys a function, hands it to a measurement, and deletes it.
fn with_function(
    platform: &mut Platform,
    function: &Function,
    measure: impl FnOnce(&Platform, &Deployed) -> Result<()>,
) -> Result<()> {
    let deployed = platform.deploy(function)?;
    let measured = platform
        .rehearse(&deployed, 5)
        .and_then(|()| measure(platform, &deployed));
    let deleted = platform.delete(&deployed);
    measured.and(deleted)
}

/// Measures something on a platform of its own.
fn on_platform(
    executable: &Path,
    settings: Settings,
    measure: impl FnOnce(&mut Platform) -> Result<()>,
) -> Result<()> {
    let mut platform = Platform::start_with(executable, host::free_port()?, settings)?;
    let measured = measure(&mut platform);
    let stopped = platform.stop();
    measured.and(stopped)
}

/// Everything that is measured of the platform.
pub(crate) fn platform(bench: &mut Bench<'_>, platform: &mut Platform) {
    for language in bench.options.languages() {
        if bench.options.wants(Part::Cold) {
            starts::all(bench, platform, language, Weight::Trivial);
        }
        if bench.options.wants(Part::Heavy) {
            starts::all(bench, platform, language, Weight::Heavy);
        }
    }
    if bench.options.wants(Part::Warm) {
        warm::all(bench, platform);
    }
    if bench.options.wants(Part::Fresh) {
        fresh::all(bench, platform);
    }
    if bench.options.wants(Part::Burst) {
        burst::all(bench, platform);
    }
    if bench.options.wants(Part::Memory) {
        memory::all(bench, platform);
    }
    if bench.options.wants(Part::Streams) {
        streams::all(bench, platform);
    }
}

/// What is measured on platforms of their own: with settings of their own, or to be killed.
pub(crate) fn apart(bench: &mut Bench<'_>, executable: &Path) {
    if bench.options.wants(Part::Logs) {
        logs::all(bench, executable);
    }
    if bench.options.wants(Part::Reload) {
        reload::all(bench, executable);
    }
    if bench.options.wants(Part::Bill) {
        bill::all(bench, executable);
    }
    if bench.options.wants(Part::Isolation) {
        isolation::all(bench, executable);
    }
    if bench.options.wants(Part::Traces) {
        traces::all(bench, executable);
    }
    if bench.options.wants(Part::Sockets) {
        sockets::all(bench, executable);
    }
    if bench.options.wants(Part::Overload) {
        overload::all(bench, executable);
    }
    if bench.options.wants(Part::Goodput) {
        overload::goodput(bench, executable);
    }
    if bench.options.wants(Part::Many) {
        overload::many(bench, executable);
    }
    if bench.options.wants(Part::Bursts) {
        bursts::all(bench, executable);
    }
    if bench.options.wants(Part::Workloads) {
        workloads::all(bench, executable);
    }
    if bench.options.wants(Part::Growth) {
        growth::all(bench, executable);
    }
}
