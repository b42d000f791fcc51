//! Functions that have no process: a thousand callers of one at once, and thousands of functions with a caller each.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;

use super::super::{Bench, invoking};
use super::{Told, on_platform};
use crate::cli::Language;
use crate::host::{self, memory, tree};
use crate::load::{self, Arrivals, Outcome, PLAIN, Reading, Sample};
use crate::subject::client;
use crate::subject::functions::{Function, Weight};
use crate::subject::platform::{Deployed, Platform, Settings};

const AT_ONCE: usize = 1_000;
/// What the platform may have when many functions are called.
const INSTANCES_MAX: u32 = 100;
const ZYGOTES_MAX: u32 = 200;
const CALLERS: usize = 128;

pub(super) fn burst(
    bench: &mut Bench<'_>,
    platform: &mut Platform,
    language: Language,
) -> Result<()> {
    let rounds = bench.pick(5, 1);
    let function = Function::cold(language, Weight::Trivial, 100);
    let deployed = platform.deploy(&function)?;
    let arrivals = Arrivals::at_once(AT_ONCE as u64);
    let (mut all, mut zygotes) = (Outcome::default(), 0);
    for _ in 0..rounds {
        platform.restart()?;
        let plan = invoking(platform, &deployed, AT_ONCE, arrivals, Reading::Refusals);
        all.absorb(load::run(&plan)?);
        zygotes = zygotes.max(named(platform, "zygote"));
    }
    let seconds = all.elapsed.as_secs_f64();
    let told = Told {
        what: &format!("trivial, 100 instances/{}", language.name()),
        load: format!("{AT_ONCE} at once of a function without a zygote, {rounds} rounds"),
        offered_per_second: all_of(&all) / seconds,
        peak_per_second: None,
        remark: format!("{zygotes} zygotes"),
    };
    bench.add_overload(told, &all, seconds);
    platform.delete(&deployed)
}

fn all_of(run: &Outcome) -> f64 {
    let errors: u64 = run.errors.values().sum();
    (run.merged().histogram.len() + run.refused.histogram.len() + errors) as f64
}

fn named(platform: &Platform, name: &str) -> usize {
    let all = tree::of(platform.pid().as_raw_nonzero().get());
    let of_name = all.iter().filter(|process| process.name.starts_with(name));
    of_name.count()
}

/// One caller for each of many functions, all within a minute.
pub(super) fn many(bench: &mut Bench<'_>, executable: &Path) -> Result<()> {
    let (count, seconds) = bench.pick((10_000, 60.0), (150, 3.0));
    let settings: Settings = vec![
        ("ZYGO_MAX_INSTANCES", INSTANCES_MAX.to_string()),
        ("ZYGO_MAX_ZYGOTES", ZYGOTES_MAX.to_string()),
    ];
    on_platform(executable, settings, |platform| {
        let languages = bench.options.languages();
        let begun = Instant::now();
        let functions = (0..count)
            .map(|index| {
                let language = languages[index % languages.len()];
                let function = Function::warm(language, Weight::Trivial, 1);
                platform.deploy(&Function {
                    min_instances: 0,
                    ..function
                })
            })
            .collect::<Result<Vec<_>>>()?;
        host::say(&format!(
            "  {count} functions deployed in {:.0} s",
            begun.elapsed().as_secs_f64()
        ));
        platform.restart()?;
        let (run, processes) = called(platform, &functions, seconds);
        let pss = memory::of_tree(platform.pid().as_raw_nonzero().get()).pss;
        let took = run.elapsed.as_secs_f64();
        let told = Told {
            what: "trivial, cold functions",
            load: format!(
                "{count} functions once each, {INSTANCES_MAX} instances and {ZYGOTES_MAX} zygotes at most"
            ),
            offered_per_second: count as f64 / seconds,
            peak_per_second: None,
            remark: format!("{processes} processes at most, PSS {pss:.0} MB at the end"),
        };
        bench.add_overload(told, &run, took);
        Ok(())
    })
}

/// Each function once, at its moment; and how many processes there were at most.
fn called(platform: &Platform, functions: &[Deployed], seconds: f64) -> (Outcome, usize) {
    let (next, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let outcome = Mutex::new(Outcome::default());
    let begun = Instant::now();
    let every = seconds / functions.len() as f64;
    std::thread::scope(|scope| {
        for _ in 0..CALLERS {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(function) = functions.get(index) else {
                        return;
                    };
                    let due = begun + Duration::from_secs_f64(every * index as f64);
                    std::thread::sleep(due.saturating_duration_since(Instant::now()));
                    let path = format!("/functions/{}/invoke", function.id);
                    let answer = client::exchange("POST", &path, platform.address, Some(b"{}"));
                    note(&outcome, due, answer);
                    if index.is_multiple_of(100) {
                        most.fetch_max(named(platform, ""), Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let mut outcome = outcome.into_inner().unwrap_or_default();
    outcome.elapsed = begun.elapsed();
    (outcome, most.into_inner())
}

fn note(outcome: &Mutex<Outcome>, due: Instant, answer: Result<(u16, Vec<u8>)>) {
    let (now, latency) = (Instant::now(), due.elapsed());
    let Ok(mut outcome) = outcome.lock() else {
        return;
    };
    match answer {
        Ok((200, _)) => {
            let sample: &mut Sample = outcome.samples.entry(PLAIN.to_owned()).or_default();
            sample.record(latency);
        }
        // The plain client does not look whether it was told when.
        Ok((429 | 503, _)) => outcome.refusal(true, latency, now),
        Ok((status, body)) => {
            let text = String::from_utf8_lossy(&body).into_owned();
            outcome.error(format!("{status}: {text}"));
        }
        Err(error) => outcome.error(format!("{error:#}")),
    }
}
