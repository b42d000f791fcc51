//! From a zygote of 10 MB to one of 1 GB: memory that a module has written when it is loaded, and that every fork shares.

use std::time::Duration;

use anyhow::Result;

use super::super::{Bench, invoking};
use super::STARTS_PER_SECOND;
use crate::cli::Language;
use crate::host::memory::{self, Role};
use crate::load::{self, Arrivals, Plan, Reading};
use crate::record::Memory;
use crate::subject::functions::{Function, Weight};
use crate::subject::platform::{Platform, Settings};

/// What joining small pages into large ones takes, at the most.
const SETTLE: Duration = Duration::from_millis(500);

/// Functions may have so much.
pub(super) fn settings() -> Settings {
    vec![("MAX_MEMORY", "2048".to_owned())]
}

pub(super) fn all(bench: &mut Bench<'_>, platform: &mut Platform) {
    let sizes = if bench.options.quick {
        &[10, 100][..]
    } else {
        &[10, 30, 100, 300, 1_000]
    };
    for language in bench.options.languages() {
        for megabytes in sizes {
            let what = format!("a zygote of {megabytes} MB, {}", language.name());
            bench.attempt(&what, |bench| one(bench, platform, language, *megabytes));
        }
    }
}

fn one(
    bench: &mut Bench<'_>,
    platform: &mut Platform,
    language: Language,
    megabytes: u32,
) -> Result<()> {
    let weight = Weight::Ballast(megabytes);
    let fresh = platform.deploy(&Function::fresh(language, weight, 0))?;
    let measured = platform.rehearse(&fresh, 5).and_then(|()| {
        std::thread::sleep(SETTLE);
        memory_of(bench, platform, language, megabytes);
        let arrivals = Arrivals::open(STARTS_PER_SECOND, bench.pick(200, 15));
        load::run(&invoking(platform, &fresh, 8, arrivals, Reading::Phases))
    });
    platform.delete(&fresh)?;
    let id = format!("growth/size/{megabytes}/{}", language.name());
    bench.add_kind(
        id,
        "forked",
        &format!("open loop, {STARTS_PER_SECOND}/s"),
        &measured?,
        false,
    )?;

    let warm = platform.deploy(&Function::warm(language, weight, 1))?;
    let (warm_up, seconds) = bench.pick((0.2, 1.0), (0.05, 0.2));
    let arrivals = Arrivals::closed(
        Duration::from_secs_f64(warm_up),
        Duration::from_secs_f64(seconds),
    );
    let measured = platform.rehearse(&warm, 5).and_then(|()| {
        let plan = invoking(platform, &warm, 1, arrivals, Reading::StartKind);
        load::run(&Plan {
            connections: 1,
            ..plan
        })
    });
    platform.delete(&warm)?;
    let id = format!("growth/size-warm/{megabytes}/{}", language.name());
    bench.add_kind(id, "warm", "closed loop, 1 caller", &measured?, false)
}

fn memory_of(bench: &mut Bench<'_>, platform: &Platform, language: Language, megabytes: u32) {
    let mut roles = memory::by_role(platform.pid().as_raw_nonzero().get());
    let zygotes = roles.remove(&(Role::FunctionZygote, language.name().to_owned()));
    if let Some(zygote) = zygotes.unwrap_or_default().first() {
        bench.add_memory(Memory {
            id: format!("growth/size/{megabytes}/{}", language.name()),
            processes: 1,
            pss: zygote.pss,
            rss: zygote.rss,
            private_dirty: zygote.private_dirty,
            one_more: None,
        });
    }
}
