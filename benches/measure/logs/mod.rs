//! Whether lines of logs slow invocations down: the latency of an idle platform's warm invocations, the same while other
//! functions write lines at the promised pace, and the same while those compute as long as the writing took them. The third
//! tells what is owed to the lines from what is owed to the processors being busy. The three ways take turns.

mod pair;
mod stored;

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, anyhow};

use super::{Bench, invoking, whole};
use crate::host;
use crate::load::{self, Arrivals, Outcome, Plan, Reading};
use crate::record::{Lines, Series};
use crate::subject::platform::{Platform, Settings};
use pair::Pair;

/// Lines per second of all functions together: what is promised and a little more, so that it is reached for sure.
const PACE: f64 = 51_000.0;
const LINES_EACH: u64 = 250;
/// Instances of each function that writes, and its callers.
const INSTANCES: u32 = 2;
const CALLERS: usize = 4;
/// Invocations per second whose latency is measured: few, so that they do not wait for each other.
const ECHOES: f64 = 500.0;
const ROUNDS: usize = 2;
/// Between the start of the writers and the first echo.
const HEAD_START: Duration = Duration::from_millis(250);
/// What the writers do meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Idle,
    Writing,
    Computing,
}

const WAYS: [Way; 3] = [Way::Idle, Way::Writing, Way::Computing];

impl Way {
    fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Writing => "writing",
            Self::Computing => "computing",
        }
    }

    fn words(self) -> String {
        match self {
            Self::Idle => "nothing else".to_owned(),
            Self::Writing => format!("{PACE} lines/s of others"),
            Self::Computing => "others compute as long as the lines took them".to_owned(),
        }
    }
}

/// The one measurement.
pub(crate) fn all(bench: &mut Bench<'_>, executable: &Path) {
    bench.attempt("invocations while lines of logs are written", |bench| {
        let mut platform = Platform::start_with(executable, host::free_port()?, settings())?;
        bench.note(format!(
            "logs: {} functions write {PACE} lines/s of 64 to 66 bytes together, more than one function may; \
             so ZYGO_LOG_RATE_BYTES_PER_S and ZYGO_LOG_BURST_BYTES were raised from 1 and 4 MiB to 64 MiB",
            bench.options.languages().len()
        ));
        let measured = measure(bench, &mut platform);
        let stopped = platform.stop();
        measured.and(stopped)
    });
}

fn settings() -> Settings {
    let bytes = (64 << 20).to_string();
    vec![
        ("ZYGO_LOG_RATE_BYTES_PER_S", bytes.clone()),
        ("ZYGO_LOG_BURST_BYTES", bytes),
    ]
}

fn measure(bench: &mut Bench<'_>, platform: &mut Platform) -> Result<()> {
    let mut pairs = bench
        .options
        .languages()
        .into_iter()
        .map(|language| Pair::new(platform, language))
        .collect::<Result<Vec<_>>>()?;
    let seconds = bench.pick(20.0, 3.0);
    for _ in 0..ROUNDS {
        for way in WAYS {
            block(platform, &mut pairs, way, seconds)?;
            stored::settle(platform)?;
        }
    }
    tell_echoes(bench, &pairs)?;
    tell_lines(bench, platform, &pairs)
}

/// Measures every echo in turn while all writers do the same.
fn block(platform: &Platform, pairs: &mut [Pair], way: Way, seconds: f64) -> Result<()> {
    let before = all_cpu_ms(platform, pairs)?;
    let plans: Vec<Plan> = match way {
        Way::Idle => Vec::new(),
        _ => {
            let arrivals = writes(pairs.len(), seconds);
            let plan = |pair: &Pair| pair.plan(platform, way, arrivals);
            pairs.iter().map(plan).collect()
        }
    };
    let each = seconds / pairs.len() as f64;
    let (runs, echoes) = meanwhile(&plans, || {
        let echoes = pairs.iter().map(|pair| echo(platform, pair, each));
        echoes.collect::<Result<Vec<_>>>()
    })?;
    let after = all_cpu_ms(platform, pairs)?;
    for (pair, echoes) in pairs.iter_mut().zip(echoes) {
        pair.echoes[way as usize].absorb(echoes);
    }
    for (index, run) in runs.into_iter().enumerate() {
        pairs[index].absorb(way, run, after[index] - before[index]);
    }
    Ok(())
}

/// When each of so many writers is invoked.
fn writes(writers: usize, seconds: f64) -> Arrivals {
    let rate = PACE / LINES_EACH as f64 / writers as f64;
    Arrivals::open(rate, whole((seconds + HEAD_START.as_secs_f64()) * rate))
}

/// Runs plans on threads of their own, and measures something else at the same time.
fn meanwhile<T>(plans: &[Plan], measure: impl FnOnce() -> Result<T>) -> Result<(Vec<Outcome>, T)> {
    std::thread::scope(|scope| {
        let start = |plan| scope.spawn(move || load::run(plan));
        let callers: Vec<_> = plans.iter().map(start).collect();
        std::thread::sleep(HEAD_START);
        let measured = measure();
        let runs = callers
            .into_iter()
            .map(|caller| caller.join().map_err(|_| anyhow!("a caller panicked"))?)
            .collect::<Result<Vec<_>>>()?;
        Ok((runs, measured?))
    })
}

fn all_cpu_ms(platform: &Platform, pairs: &[Pair]) -> Result<Vec<f64>> {
    pairs.iter().map(|pair| pair.cpu_ms(platform)).collect()
}

fn echo(platform: &Platform, pair: &Pair, seconds: f64) -> Result<Outcome> {
    let arrivals = Arrivals::open(ECHOES, whole(ECHOES * seconds));
    let plan = invoking(platform, &pair.echo, CALLERS, arrivals, Reading::StartKind);
    load::run(&plan)
}

fn tell_echoes(bench: &mut Bench<'_>, pairs: &[Pair]) -> Result<()> {
    for pair in pairs {
        for way in WAYS {
            let id = format!("logs/{}/{}", way.name(), pair.language.name());
            let load = format!("open loop, {ECHOES}/s, {ROUNDS} turns, {}", way.words());
            bench.add_kind(id, "warm", &load, &pair.echoes[way as usize], false)?;
        }
    }
    Ok(())
}

fn tell_lines(bench: &mut Bench<'_>, platform: &Platform, pairs: &[Pair]) -> Result<()> {
    let mut all = Outcome::default();
    let mut per_second = 0.0;
    for pair in pairs {
        let lines = lines_of(platform, pair, pairs.len())?;
        host::say(&format!(
            "  {}: {:.0} lines/s, {} written, {} stored, {} told of as dropped",
            lines.language, lines.per_second, lines.written, lines.stored, lines.dropped_told
        ));
        if lines.missing() > 0 {
            let what = "a line was neither stored nor told of as dropped".to_owned();
            *all.errors.entry(what).or_default() += lines.missing();
        }
        per_second += lines.stored as f64 / pair.written.seconds;
        all.absorb(pair.written.outcome.clone());
        bench.record.lines.push(lines);
    }
    let load = format!("open loop, {LINES_EACH} lines each; per second: lines that are stored");
    bench.tell_errors("logs/lines", &all);
    let mut series = Series::new("logs/lines".to_owned(), load, &all.merged(), &all);
    series.per_second = Some(per_second);
    bench.add(series);
    Ok(())
}

fn lines_of(platform: &Platform, pair: &Pair, writers: usize) -> Result<Lines> {
    let found = stored::count(platform, &pair.writer.id)?;
    let label = format!("function=\"{}\"", pair.writer.name);
    let written = pair.written.count() * LINES_EACH;
    Ok(Lines {
        language: pair.language.name().to_owned(),
        asked_per_second: PACE / writers as f64,
        per_second: written as f64 / pair.written.seconds,
        written,
        stored: found.stored,
        dropped: whole(platform.metric("zygo_log_lines_dropped_total", &label)?),
        dropped_told: found.dropped,
        writing_cpu_ms: pair.written.cpu_each_ms(),
        computing_cpu_ms: pair.computed.cpu_each_ms(),
    })
}
