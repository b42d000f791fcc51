//! From one function to a thousand, of all languages in turn, each with its zygote: do starts slow down, what does the
//! supervisor hold, what a zygote?

use std::time::{Duration, Instant};

use anyhow::Result;

use super::super::{Bench, invoking};
use super::STARTS_PER_SECOND;
use crate::cli::Language;
use crate::host::memory::{self, Role};
use crate::load::{self, Arrivals, Outcome, Reading};
use crate::record::Memory;
use crate::subject::functions::{Function, Weight};
use crate::subject::platform::{Deployed, Platform, Settings};

/// Of the functions that are there, so many of each language are invoked, those that wait longest among them.
const INVOKED: usize = 20;
/// What deployments left to do is done by then.
const SETTLE: Duration = Duration::from_millis(500);
/// Deploying may take so long in all; what is there by then is measured.
const PATIENCE: Duration = Duration::from_secs(300);
const PATIENCE_QUICK: Duration = Duration::from_secs(30);

/// Zygotes are what this is about, so none is let go.
pub(super) fn settings() -> Settings {
    vec![("ZYGO_MAX_ZYGOTES", "1200".to_owned())]
}

pub(super) fn all(bench: &mut Bench<'_>, platform: &mut Platform) -> Result<()> {
    let languages = bench.options.languages();
    let counts = if bench.options.quick {
        &[1, 10, 40][..]
    } else {
        &[1, 10, 100, 1_000]
    };
    let until = Instant::now() + bench.pick(PATIENCE, PATIENCE_QUICK);
    let mut functions: Vec<(Language, Deployed)> = Vec::new();
    for count in counts {
        // Of one function there is one for each language, so that all have figures.
        let wanted = (*count).max(languages.len());
        while functions.len() < wanted {
            if Instant::now() > until {
                bench.note(format!(
                    "growth: only {} functions were deployed in the time",
                    functions.len()
                ));
                return Ok(());
            }
            let language = languages[functions.len() % languages.len()];
            let deployed = platform.deploy(&Function::fresh(language, Weight::Trivial, 0))?;
            functions.push((language, deployed));
        }
        std::thread::sleep(SETTLE);
        memory_of(bench, platform, *count);
        for language in &languages {
            starts(bench, platform, &functions, *language, *count)?;
        }
    }
    Ok(())
}

/// Starts of functions of one language, from the first to the last that was deployed.
fn starts(
    bench: &mut Bench<'_>,
    platform: &Platform,
    functions: &[(Language, Deployed)],
    language: Language,
    count: usize,
) -> Result<()> {
    let all: Vec<&Deployed> = functions
        .iter()
        .filter(|(its, _)| *its == language)
        .map(|(_, one)| one)
        .collect();
    let invoked = all.len().min(bench.pick(INVOKED, 4));
    let each = (bench.pick(200, 16) / invoked as u64).max(1);
    let mut run = Outcome::default();
    for index in 0..invoked {
        let deployed = all[index * all.len() / invoked];
        let arrivals = Arrivals::open(STARTS_PER_SECOND, each);
        run.absorb(load::run(&invoking(
            platform,
            deployed,
            8,
            arrivals,
            Reading::Phases,
        ))?);
        // The next function's first start does not meet the last one's end.
        std::thread::sleep(Duration::from_secs_f64(1.0 / STARTS_PER_SECOND));
    }
    let load = format!("open loop, {STARTS_PER_SECOND}/s, {invoked} functions one after the other");
    bench.add_kind(
        format!("growth/functions/{count}/{}", language.name()),
        "forked",
        &load,
        &run,
        false,
    )
}

fn memory_of(bench: &mut Bench<'_>, platform: &Platform, count: usize) {
    let roles = memory::by_role(platform.pid().as_raw_nonzero().get());
    for ((role, language), found) in roles {
        if ![Role::Supervisor, Role::FunctionZygote].contains(&role) {
            continue;
        }
        let mean =
            |of: fn(&memory::Memory) -> f64| found.iter().map(of).sum::<f64>() / found.len() as f64;
        let who = if language.is_empty() {
            "supervisor"
        } else {
            &language
        };
        bench.add_memory(Memory {
            id: format!("growth/functions/{count}/{who}"),
            processes: found.len(),
            pss: mean(|one| one.pss),
            rss: mean(|one| one.rss),
            private_dirty: mean(|one| one.private_dirty),
            one_more: None,
        });
    }
}
