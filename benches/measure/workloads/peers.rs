//! Peers that run the very same handlers, on the same machine in the same run.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::super::Bench;
use super::CHECKED;
use crate::cli::Language;
use crate::host::memory;
use crate::http;
use crate::load::{self, Arrivals, Outcome, Plan, Reading, Sample};
use crate::record::{Series, Worked};
use crate::subject::client;
use crate::subject::peers::{self, Peer, Running};
use crate::subject::workloads::{Catalog, Workload};

/// Every workload on every peer that can run it.
pub(super) fn all(bench: &mut Bench<'_>, catalog: &Catalog) {
    let servers = match peers::Catalog::read(&bench.options.peers) {
        Ok(servers) => servers,
        Err(error) => return bench.note(format!("no peers: {error:#}")),
    };
    for workload in &catalog.workloads {
        for language in bench.options.languages() {
            let handler = catalog.handler(workload, language);
            for peer in &servers.peers {
                let Some(peer) = peer.with_handler(language, &handler) else {
                    continue;
                };
                if servers.program(&peer).is_none() {
                    bench.note(format!(
                        "{} is not installed (benches/peers/install)",
                        peer.name
                    ));
                    continue;
                }
                let what = format!("workload {}, {}", workload.name, peer.name);
                bench.attempt(&what, |bench| {
                    one(bench, &servers, &peer, workload, language)
                });
            }
        }
    }
}

fn one(
    bench: &mut Bench<'_>,
    servers: &peers::Catalog,
    peer: &Peer,
    workload: &Workload,
    language: Language,
) -> Result<()> {
    let mut sample = Sample::default();
    let mut running = start(servers, peer, workload, &mut Sample::default())?;
    for _ in 0..bench.pick(5, 1) {
        drop(running);
        running = start(servers, peer, workload, &mut sample)?;
    }
    let load = "from spawn to the first right answer".to_owned();
    let id = format!("workload/{}/started/{}", workload.name, peer.name);
    bench.add(Series::new(id, load, &sample, &Outcome::default()));

    for _ in 0..CHECKED {
        answer(&running, workload)?;
    }
    let (warm_up, seconds) = bench.pick((0.3, 3.0), (0.05, 0.4));
    let run = load::run(&Plan {
        address: running.address,
        request: http::request("POST", "/", running.address, Some(&workload.event())),
        connections: 1,
        arrivals: Arrivals::closed(
            Duration::from_secs_f64(warm_up),
            Duration::from_secs_f64(seconds),
        ),
        reading: Reading::Plain,
    })?;
    let id = format!("workload/{}/warm/{}", workload.name, peer.name);
    bench.add_all(id, "closed loop, 1 caller", &run, false)?;
    bench.record.workloads.push(Worked {
        workload: workload.name.clone(),
        what: workload.what.clone(),
        language: language.name().to_owned(),
        peer: Some(peer.name.clone()),
        checked: u64::from(CHECKED) + 1,
        handler_ms: None,
        billed_ms: None,
        memory_mb: None,
        pss_mb: memory::of_tree(running.group.pid().as_raw_nonzero().get()).pss,
    });
    Ok(())
}

fn start(
    servers: &peers::Catalog,
    peer: &Peer,
    workload: &Workload,
    sample: &mut Sample,
) -> Result<Running> {
    let running = servers.start(peer)?;
    answer(&running, workload)?;
    sample.record(Instant::now() - running.begun);
    Ok(running)
}

fn answer(running: &Running, workload: &Workload) -> Result<()> {
    let (status, body) = client::exchange("POST", "/", running.address, Some(&workload.event()))?;
    ensure!(
        status == 200,
        "{status}: {}",
        String::from_utf8_lossy(&body)
    );
    workload.check(&body)
}
