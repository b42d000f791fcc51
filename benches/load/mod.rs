//! The load generator: one thread, one epoll, requests made once, every latency counted from the moment at which the
//! request was meant to start. Knows HTTP and nothing of what it loads.

mod arrivals;
mod connection;
mod engine;
mod sample;

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;

pub(crate) use arrivals::Arrivals;
pub(crate) use sample::{Outcome, PLAIN, Phases, Sample};

/// One run of the generator.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// Who is asked.
    pub(crate) address: SocketAddr,
    /// The bytes of each request.
    pub(crate) request: Vec<u8>,
    /// How many connections there are at most.
    pub(crate) connections: usize,
    /// When requests start.
    pub(crate) arrivals: Arrivals,
    /// What is read from each reply.
    pub(crate) reading: Reading,
}

/// What is read from a reply's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Nothing: all replies are one series.
    Plain,
    /// The start kind: one series for each.
    StartKind,
    /// The start kind and the times of the phases.
    Phases,
    /// Nothing, and whoever is refused with 429 or 503 has not failed.
    Refusals,
}

/// How long after the last start replies are waited for.
const PATIENCE: Duration = Duration::from_secs(15);

/// Runs a plan to its end.
pub(crate) fn run(plan: &Plan) -> Result<Outcome> {
    engine::Engine::new(plan)?.run()
}
