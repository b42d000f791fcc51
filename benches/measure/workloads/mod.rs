//! What real functions do, in each language: every kind of start, warm latency, memory and what is billed, beside peers
//! that run the same handlers. An answer is looked at before anything is timed.

mod peers;

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Bench, whole};
use crate::cli::Language;
use crate::host;
use crate::host::memory::{self, Role};
use crate::load::{self, Arrivals, Outcome, Plan, Reading};
use crate::record::{Series, Worked};
use crate::subject::client;
use crate::subject::platform::{Deployed, Platform};
use crate::subject::sink::Sink;
use crate::subject::workloads::{Catalog, Workload};

/// Answers that are looked at before the first is timed, and again afterwards.
const CHECKED: u32 = 5;
const PARKED: u32 = 4;
const CONNECTIONS: usize = 8;
/// Starts may keep the machine busy for this share of the time: one does not wait for what another leaves behind.
const BUSY: f64 = 0.4;
/// What a start costs beside the work, at most.
const START_S: f64 = 0.01;
const PAUSE: Duration = Duration::from_millis(30);

/// A function that stays for the booted starts.
struct Sleeper {
    workload: Workload,
    language: Language,
    deployed: Deployed,
    run: Outcome,
}

/// Of an invocation's answer, what is looked at.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    status_code: u16,
    body: Value,
    memory_used: u64,
    billed_duration: u64,
    timeline: Times,
}

#[derive(Debug, Deserialize)]
struct Times {
    handler: f64,
}

/// Every workload in every language, then the peers.
pub(super) fn all(bench: &mut Bench<'_>, executable: &Path) {
    let catalog =
        Sink::start().and_then(|sink| Catalog::read(&bench.options.workloads, sink.address));
    let catalog = match catalog {
        Ok(catalog) => catalog,
        Err(error) => return bench.note(format!("no workloads: {error:#}")),
    };
    bench.attempt("workloads", |bench| {
        let mut platform = Platform::start(executable, host::free_port()?)?;
        on_platform(bench, &mut platform, &catalog);
        platform.stop()
    });
    peers::all(bench, &catalog);
}

fn on_platform(bench: &mut Bench<'_>, platform: &mut Platform, catalog: &Catalog) {
    let mut sleepers = Vec::new();
    for workload in &catalog.workloads {
        for language in bench.options.languages() {
            let what = format!("workload {}, {}", workload.name, language.name());
            bench.attempt(&what, |bench| {
                warm(bench, platform, catalog, workload, language)?;
                started(bench, platform, catalog, workload, language, PARKED)?;
                let sleeper = started(bench, platform, catalog, workload, language, 0)?;
                sleepers.push(sleeper);
                Ok(())
            });
        }
    }
    bench.attempt("booted starts of workloads", |bench| {
        booted(bench, platform, &mut sleepers)
    });
}

/// Deploys a workload; `scaling` as the API has it.
fn deploy(
    platform: &mut Platform,
    catalog: &Catalog,
    (workload, language): (&Workload, Language),
    isolation: &str,
    scaling: &Value,
) -> Result<Deployed> {
    let mut body = catalog.deployment(workload, language)?;
    let label = format!("{}-{}", language.name(), workload.name);
    platform.deploy_as(&label, |name| {
        body["name"] = json!(name);
        body["isolation"] = json!(isolation);
        body["scaling"] = scaling.clone();
        body
    })
}

fn plan(platform: &Platform, workload: &Workload, deployed: &Deployed, arrivals: Arrivals) -> Plan {
    Plan {
        address: platform.address,
        request: platform.invocation_with(deployed, &workload.event()),
        connections: CONNECTIONS,
        arrivals,
        reading: Reading::Phases,
    }
}

/// Some invocations, each of which must be right.
fn checked(platform: &Platform, workload: &Workload, deployed: &Deployed) -> Result<Vec<Envelope>> {
    let path = format!("/functions/{}/invoke", deployed.id);
    let event = workload.event();
    let one = || {
        let (status, reply) = client::exchange("POST", &path, platform.address, Some(&event))?;
        ensure!(
            status == 200,
            "{status}: {}",
            String::from_utf8_lossy(&reply)
        );
        let envelope: Envelope = serde_json::from_slice(&reply)?;
        let body = envelope
            .body
            .as_str()
            .map_or_else(|| envelope.body.to_string(), str::to_owned);
        ensure!(
            envelope.status_code == 200,
            "the handler answered {}",
            envelope.status_code
        );
        workload.check(body.as_bytes())?;
        Ok(envelope)
    };
    (0..CHECKED).map(|_| one()).collect()
}

/// One instance and one caller.
fn warm(
    bench: &mut Bench<'_>,
    platform: &mut Platform,
    catalog: &Catalog,
    workload: &Workload,
    language: Language,
) -> Result<()> {
    let scaling = json!({ "minInstances": 1, "maxInstances": 1, "parked": 0 });
    let deployed = deploy(
        platform,
        catalog,
        (workload, language),
        "instance",
        &scaling,
    )?;
    let (warm_up, seconds) = bench.pick((0.3, 3.0), (0.05, 0.4));
    let arrivals = Arrivals::closed(
        Duration::from_secs_f64(warm_up),
        Duration::from_secs_f64(seconds),
    );
    let measured = || -> Result<_> {
        checked(platform, workload, &deployed)?;
        let run = load::run(&Plan {
            connections: 1,
            ..plan(platform, workload, &deployed, arrivals)
        })?;
        let after = checked(platform, workload, &deployed)?;
        Ok((run, after, pss(platform, language)))
    };
    let measured = measured();
    platform.delete(&deployed)?;
    let (run, after, pss_mb) = measured?;
    let id = format!("workload/{}/warm/{}", workload.name, language.name());
    bench.add_kind(id, "warm", "closed loop, 1 caller", &run, false)?;
    bench.record.workloads.push(Worked {
        workload: workload.name.clone(),
        what: workload.what.clone(),
        language: language.name().to_owned(),
        peer: None,
        checked: u64::from(2 * CHECKED),
        handler_ms: median(after.iter().map(|one| one.timeline.handler).collect()),
        billed_ms: median(after.iter().map(|one| one.billed_duration as f64).collect()).map(whole),
        memory_mb: after
            .iter()
            .map(|one| one.memory_used as f64)
            .reduce(f64::max),
        pss_mb,
    });
    Ok(())
}

/// Of the one instance that there is.
fn pss(platform: &Platform, language: Language) -> f64 {
    let roles = memory::by_role(platform.pid().as_raw_nonzero().get());
    let instances = roles.get(&(Role::Instance, language.name().to_owned()));
    instances
        .and_then(|found| found.first())
        .map_or(0.0, |one| one.pss)
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// Fresh processes: forked on demand, or ahead; as many as the time allows. Those that are forked on demand stay deployed.
fn started(
    bench: &mut Bench<'_>,
    platform: &mut Platform,
    catalog: &Catalog,
    workload: &Workload,
    language: Language,
    parked: u32,
) -> Result<Sleeper> {
    let scaling = json!({ "minInstances": 0, "maxInstances": 16, "parked": parked });
    let deployed = deploy(platform, catalog, (workload, language), "request", &scaling)?;
    let measured = checked(platform, workload, &deployed).and_then(|told| {
        // A fresh process may take many times as long as a warm one: nothing is compiled yet.
        let seconds = median(told.iter().map(|one| one.timeline.handler / 1e3).collect());
        let rate = (BUSY / (seconds.unwrap_or_default() + START_S)).min(25.0);
        let (most, time) = bench.pick((100.0, 10.0), (10.0, 0.6));
        let count = whole((rate * time).clamp(3.0, most));
        // The checks took from what was forked ahead.
        std::thread::sleep(Duration::from_millis(bench.pick(300, 100)));
        let arrivals = Arrivals::open(rate, count);
        Ok((
            rate,
            load::run(&plan(platform, workload, &deployed, arrivals))?,
        ))
    });
    if parked > 0 || measured.is_err() {
        platform.delete(&deployed)?;
    }
    let kind = if parked > 0 { "parked" } else { "forked" };
    let id = format!("workload/{}/{kind}/{}", workload.name, language.name());
    let (rate, run) = measured?;
    let load = format!("open loop, {rate:.1}/s");
    bench.add_kind(id, kind, &load, &run, false)?;
    Ok(Sleeper {
        workload: workload.clone(),
        language,
        deployed,
        run: Outcome::default(),
    })
}

/// After a restart no function has a process, so each has to be booted for its first invocation; and again.
fn booted(bench: &mut Bench<'_>, platform: &mut Platform, sleepers: &mut [Sleeper]) -> Result<()> {
    let rounds = bench.pick(8, 1);
    for _ in 0..rounds {
        platform.restart()?;
        for sleeper in sleepers.iter_mut() {
            std::thread::sleep(PAUSE);
            let once = plan(
                platform,
                &sleeper.workload,
                &sleeper.deployed,
                Arrivals::sequence(1),
            );
            sleeper.run.absorb(load::run(&Plan {
                connections: 1,
                ..once
            })?);
        }
    }
    for sleeper in sleepers {
        let Sleeper {
            workload,
            language,
            deployed,
            run,
        } = sleeper;
        let id = format!("workload/{}/booted/{}", workload.name, language.name());
        let load = "each function's first invocation after a restart";
        match run.samples.get("booted") {
            Some(sample) => bench.add(Series::new(id, load.to_owned(), sample, run)),
            None => bench.note(format!("{id}: no start was booted; {:?}", run.errors)),
        }
        platform.delete(deployed)?;
    }
    Ok(())
}
