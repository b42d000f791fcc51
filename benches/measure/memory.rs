//! What the platform's processes hold: the mean of a small population, and what one more of each really costs.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::{Bench, invoking};
use crate::cli::Language;
use crate::host::memory::{self, Role};
use crate::load::{self, Arrivals, Outcome, Reading};
use crate::record::Memory;
use crate::subject::functions::{Function, Weight};
use crate::subject::platform::{Deployed, Platform};

/// How many functions, and then how many instances of one function, there are.
const MANY: u32 = 8;
/// How often each instance serves before its memory is read.
const ROUNDS: u32 = 20;
const ROUNDS_QUICK: u32 = 4;
/// After this long nothing that a deploy or an invocation left to do is still being done.
const SETTLE: Duration = Duration::from_millis(500);

/// The supervisor alone, with something that it holds.
pub(super) fn supervisor(bench: &mut Bench<'_>, platform: &Platform, holding: &str) {
    std::thread::sleep(SETTLE);
    let supervisor = read(platform, Role::Supervisor, "");
    add(bench, Role::Supervisor, holding, &supervisor, None);
}

/// Every language, then the supervisor.
pub(crate) fn all(bench: &mut Bench<'_>, platform: &mut Platform) {
    for language in bench.options.languages() {
        bench.attempt(&format!("memory, {}", language.name()), |bench| {
            one(bench, platform, language)
        });
    }
    bench.attempt("memory, supervisor", |bench| {
        let supervisor = read(platform, Role::Supervisor, "");
        add(bench, Role::Supervisor, "", &supervisor, None);
        Ok(())
    });
}

fn one(bench: &mut Bench<'_>, platform: &mut Platform, language: Language) -> Result<()> {
    let mut deployed = vec![parked_zygote(platform, language)?];
    let few = total(platform);
    for _ in 1..MANY {
        deployed.push(parked_zygote(platform, language)?);
    }
    let many = total(platform);
    let zygotes = read(platform, Role::FunctionZygote, language.name());
    add(
        bench,
        Role::LanguageZygote,
        language.name(),
        &read(platform, Role::LanguageZygote, language.name()),
        None,
    );
    add(
        bench,
        Role::FunctionZygote,
        language.name(),
        &zygotes,
        Some((many - few) / f64::from(MANY - 1)),
    );
    let idle = instances(bench, platform, language);
    deployed
        .iter()
        .try_for_each(|one| platform.delete(one))
        .and(idle)
}

/// A function whose code is loaded and which has no instance.
fn parked_zygote(platform: &mut Platform, language: Language) -> Result<Deployed> {
    let deployed = platform.deploy(&Function::fresh(language, Weight::Trivial, 0))?;
    platform.rehearse(&deployed, 1)?;
    Ok(deployed)
}

fn instances(bench: &mut Bench<'_>, platform: &mut Platform, language: Language) -> Result<()> {
    let rounds = bench.pick(ROUNDS, ROUNDS_QUICK);
    let one = platform.deploy(&Function::warm(language, Weight::Waiting, 1))?;
    let few = serve(platform, &one, 1, rounds).map(|()| total(platform));
    platform.delete(&one)?;
    let few = few?;

    let many = platform.deploy(&Function::warm(language, Weight::Waiting, MANY))?;
    let served = serve(platform, &many, MANY, rounds);
    let one_more = (total(platform) - few) / f64::from(MANY - 1);
    let idle = read(platform, Role::Instance, language.name());
    platform.delete(&many)?;
    served?;
    ensure!(
        !idle.is_empty(),
        "no process was recognised as an idle instance"
    );
    add(
        bench,
        Role::Instance,
        language.name(),
        &idle,
        Some(one_more),
    );
    Ok(())
}

/// Has every instance serve several times: an instance that never served has not written what it will write. The answers
/// take so long that invocations made at once need an instance each.
fn serve(platform: &Platform, deployed: &Deployed, instances: u32, rounds: u32) -> Result<()> {
    let arrivals = Arrivals::at_once(u64::from(instances));
    let plan = invoking(
        platform,
        deployed,
        instances as usize,
        arrivals,
        Reading::StartKind,
    );
    let mut all = Outcome::default();
    for _ in 0..rounds {
        all.absorb(load::run(&plan)?);
    }
    let cold = all
        .kinds()
        .iter()
        .filter(|(kind, _)| *kind != "warm")
        .map(|(_, count)| count)
        .sum::<u64>();
    ensure!(all.errors.is_empty(), "serving failed: {:?}", all.errors);
    ensure!(
        cold >= u64::from(instances),
        "only {cold} of {instances} instances served"
    );
    Ok(())
}

fn total(platform: &Platform) -> f64 {
    std::thread::sleep(SETTLE);
    memory::of_tree(platform.pid().as_raw_nonzero().get()).pss
}

fn read(platform: &Platform, role: Role, language: &str) -> Vec<memory::Memory> {
    let mut roles = memory::by_role(platform.pid().as_raw_nonzero().get());
    roles
        .remove(&(role, language.to_owned()))
        .unwrap_or_default()
}

fn add(
    bench: &mut Bench<'_>,
    role: Role,
    language: &str,
    found: &[memory::Memory],
    one_more: Option<f64>,
) {
    if found.is_empty() {
        return bench.note(format!(
            "memory: no process was recognised as a {} of {language}",
            role.name()
        ));
    }
    let mean =
        |of: fn(&memory::Memory) -> f64| found.iter().map(of).sum::<f64>() / found.len() as f64;
    let id = if language.is_empty() {
        role.name().to_owned()
    } else {
        format!("{}/{language}", role.name())
    };
    let row = Memory {
        id,
        processes: found.len(),
        pss: mean(|one| one.pss),
        rss: mean(|one| one.rss),
        private_dirty: mean(|one| one.private_dirty),
        one_more,
    };
    bench.add_memory(row);
}
