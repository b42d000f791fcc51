//! Whether the bill is right: a million invocations of three functions at once, the platform killed in their middle, and then
//! records, figures and costs of each function compared. Any difference is an error of the run.

mod callers;
mod figures;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::{Bench, invoking};
use crate::host;
use crate::load::{Arrivals, Outcome, Plan, Reading};
use crate::record::{Account, Bill, Series};
use crate::subject::functions::{Function, Weight};
use crate::subject::platform::Platform;
use callers::{Called, Shared, call_all};

/// Callers of each function.
const CONNECTIONS: usize = 4;
const INSTANCES: u32 = 2;
/// Invocations come in so many parts: after each the callers look whether it is over.
const PARTS: u64 = 200;
/// From when half is answered until the kill, so that it meets invocations under way.
const INTO_A_PART: Duration = Duration::from_millis(5);

/// The one measurement.
pub(crate) fn all(bench: &mut Bench<'_>, executable: &Path) {
    let total = bench.pick(1_000_000, 100_000);
    bench.attempt(
        &format!("{total} invocations, a kill, and the bill"),
        |bench| {
            let mut platform = Platform::start(executable, host::free_port()?)?;
            let measured = measure(bench, &mut platform, total);
            let stopped = platform.stop();
            measured.and(stopped)
        },
    );
}

fn measure(bench: &mut Bench<'_>, platform: &mut Platform, total: u64) -> Result<()> {
    let languages = bench.options.languages();
    let mut called = Vec::new();
    for language in &languages {
        let function = Function::warm(*language, Weight::Trivial, INSTANCES);
        called.push(Called {
            language: *language,
            deployed: platform.deploy(&function)?,
            outcome: Outcome::default(),
        });
    }
    let share = total / languages.len() as u64;
    let shared = Shared::new(share, (share / PARTS).max(1));
    let mut bill = until_killed(platform, &mut called, &shared, total / 2)?;
    platform.launch_again()?;
    bill.restart_ms = platform.start_took.as_secs_f64() * 1e3;
    let seconds = bill.seconds_before_kill + rest(platform, &mut called, &shared)?.as_secs_f64();
    bill.answered = shared.answered();
    bill.per_second = bill.answered as f64 / seconds;
    tell(bench, &called, seconds);
    compare(platform, &called, &mut bill)?;
    tell_lost(bench, &mut bill);
    bench.record.bill = Some(bill);
    Ok(())
}

/// The first half, and then the kill in the middle of invocations.
fn until_killed(
    platform: &mut Platform,
    called: &mut [Called],
    shared: &Shared,
    half: u64,
) -> Result<Bill> {
    let begun = Instant::now();
    let (mut took, mut left_behind) = (Duration::ZERO, 0);
    let plans = plans(platform, called);
    call_all(&plans, called, shared, || {
        while shared.answered() < half && !shared.is_over() {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(INTO_A_PART);
        shared.set_over(true);
        took = begun.elapsed();
        left_behind = platform.kill();
    })?;
    let answered = shared.answered();
    ensure!(
        answered >= half,
        "only {answered} were answered before the kill"
    );
    Ok(Bill {
        answered,
        per_second: 0.0,
        answered_before_kill: answered,
        seconds_before_kill: took.as_secs_f64(),
        lost_s: 0.0,
        restart_ms: 0.0,
        left_behind,
        paging_s: 0.0,
        functions: Vec::new(),
        differences: Vec::new(),
    })
}

/// All the others. Returns how long they took.
fn rest(platform: &Platform, called: &mut [Called], shared: &Shared) -> Result<Duration> {
    let begun = Instant::now();
    shared.set_over(false);
    let plans = plans(platform, called);
    call_all(&plans, called, shared, || {})?;
    Ok(begun.elapsed())
}

fn plans(platform: &Platform, called: &[Called]) -> Vec<Plan> {
    let plan = |one: &Called| {
        let arrivals = Arrivals::sequence(0);
        invoking(
            platform,
            &one.deployed,
            CONNECTIONS,
            arrivals,
            Reading::Plain,
        )
    };
    called.iter().map(plan).collect()
}

fn tell(bench: &mut Bench<'_>, called: &[Called], seconds: f64) {
    for one in called {
        let load = format!(
            "closed loop, {CONNECTIONS} callers of each function, {INSTANCES} instances, killed in the middle"
        );
        let id = format!("bill/{}", one.language.name());
        let mut series = Series::new(id, load, &one.outcome.merged(), &one.outcome);
        series.per_second = Some(series.n as f64 / seconds);
        bench.add(series);
    }
}

fn compare(platform: &Platform, called: &[Called], bill: &mut Bill) -> Result<()> {
    for one in called {
        let id = &one.deployed.id;
        let (metrics, cost) = figures::settled(platform, id)?;
        let begun = Instant::now();
        let (rows, records) = figures::read_all(platform, id)?;
        bill.paging_s += begun.elapsed().as_secs_f64();
        let language = one.language.name();
        for (what, sums) in [("metrics", metrics), ("cost", cost)] {
            if sums != records {
                let difference = format!("{language}: records say {records:?}, {what} {sums:?}");
                bill.differences.push(difference);
            }
        }
        bill.functions.push(Account {
            language: language.to_owned(),
            answered: one.answered(),
            unanswered: one.unanswered(),
            rows,
            records,
            metrics,
            cost,
        });
    }
    Ok(())
}

/// What the kill took, as a time: that of so many invocations at the pace before it.
fn tell_lost(bench: &mut Bench<'_>, bill: &mut Bill) {
    let lost: u64 = bill.functions.iter().map(Account::lost).sum();
    bill.lost_s = bill.seconds_before_kill * lost as f64 / bill.answered_before_kill as f64;
    let (all, seconds) = (bill.answered_before_kill, bill.seconds_before_kill);
    let (paging_s, lost_s) = (bill.paging_s, bill.lost_s);
    host::say(&format!("  all records were read in {paging_s:.1} s"));
    bench.note(format!(
        "bill: the kill lost {lost} of {all} invocations that had been answered in {seconds:.1} s: the last {lost_s:.2} s"
    ));
}
