//! The same figures of other servers, on the same machine in the same run.

use std::time::Duration;

use anyhow::Result;

use super::Bench;
use crate::host::memory;
use crate::http;
use crate::load::{self, Arrivals, Outcome, Plan, Reading, Sample};
use crate::record::{Memory, Series};
use crate::subject::peers::{Catalog, Peer, Running};

const CALLERS: usize = 32;
const SERVED: u64 = 20;

/// Every peer that is installed.
pub(crate) fn all(bench: &mut Bench<'_>) {
    let catalog = match Catalog::read(&bench.options.peers) {
        Ok(catalog) => catalog,
        Err(error) => return bench.note(format!("no peers: {error:#}")),
    };
    for peer in &catalog.peers {
        if catalog.program(peer).is_none() {
            bench.note(format!(
                "{} is not installed (benches/peers/install)",
                peer.name
            ));
            continue;
        }
        bench.attempt(&format!("{} ({})", peer.name, peer.kind), |bench| {
            one(bench, &catalog, peer)
        });
        if let Some(heavy) = peer.with_heavy_imports() {
            let what = format!("{} with heavy imports", peer.name);
            bench.attempt(&what, |bench| heavy_starts(bench, &catalog, &heavy));
        }
    }
}

fn one(bench: &mut Bench<'_>, catalog: &Catalog, peer: &Peer) -> Result<()> {
    let rounds = bench.pick(20, 2);
    let running = starts(bench, catalog, peer, rounds, "start")?;
    let request = http::request("GET", "/", running.address, None);
    let (warmup, seconds) = bench.pick((1.0, 4.0), (0.1, 0.4));
    let arrivals = Arrivals::closed(
        Duration::from_secs_f64(warmup),
        Duration::from_secs_f64(seconds),
    );
    let plan = Plan {
        address: running.address,
        request,
        connections: 1,
        arrivals,
        reading: Reading::Plain,
    };

    // As many requests as each idle instance of Zygo has served when its memory is read.
    load::run(&Plan {
        arrivals: Arrivals::sequence(SERVED),
        ..plan.clone()
    })?;
    memory_of(bench, peer, &running);
    let run = load::run(&plan)?;
    bench.add_all(
        format!("peer/c1/{}", peer.name),
        "closed loop, 1 caller",
        &run,
        true,
    )?;
    let run = bench.throughput(
        &Plan {
            connections: CALLERS,
            ..plan
        },
        running.group.pid(),
    )?;
    bench.add_all(
        format!("peer/c32/{}", peer.name),
        "closed loop, 32 callers",
        &run,
        true,
    )
}

fn heavy_starts(bench: &mut Bench<'_>, catalog: &Catalog, peer: &Peer) -> Result<()> {
    let rounds = bench.pick(10, 0);
    starts(bench, catalog, peer, rounds, "start-heavy").map(drop)
}

/// From the start of the process to the first answer, some times; the last one goes on running.
fn starts(
    bench: &mut Bench<'_>,
    catalog: &Catalog,
    peer: &Peer,
    rounds: u32,
    group: &str,
) -> Result<Running> {
    let mut sample = Sample::default();
    let mut running = catalog.start(peer)?;
    // The first start of all brings the files into memory; it is counted only where there is time for no other.
    if rounds == 0 {
        sample.record(running.start_took);
    }
    for _ in 0..rounds {
        drop(running);
        running = catalog.start(peer)?;
        sample.record(running.start_took);
    }
    let id = format!("peer/{group}/{}", peer.name);
    bench.add(Series::new(
        id,
        "from spawn to the first 200".to_owned(),
        &sample,
        &Outcome::default(),
    ));
    Ok(running)
}

fn memory_of(bench: &mut Bench<'_>, peer: &Peer, running: &Running) {
    let root = running.group.pid().as_raw_nonzero().get();
    let sum = memory::of_tree(root);
    bench.add_memory(Memory {
        id: format!("peer/{}", peer.name),
        processes: crate::host::tree::of(root).len(),
        pss: sum.pss,
        rss: sum.rss,
        private_dirty: sum.private_dirty,
        one_more: None,
    });
}
