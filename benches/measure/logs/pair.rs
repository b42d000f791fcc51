//! Two functions of one language: one that writes lines or computes, and one that only answers. Knows how much processor
//! time the first one takes, so that both of its ways can take the same.

use anyhow::{Context, Result};

use super::{CALLERS, INSTANCES, LINES_EACH, Way};
use crate::cli::Language;
use crate::load::{self, Arrivals, Outcome, Plan, Reading};
use crate::measure::whole;
use crate::subject::functions::{Function, Weight};
use crate::subject::platform::{Deployed, Platform};

/// Turns of the loop that tells how long one takes.
const TURNS: u64 = 20_000;
/// Invocations that tell it.
const TRIALS: u64 = 50;

/// One language's function that writes, and one that only answers.
pub(super) struct Pair {
    pub(super) language: Language,
    pub(super) writer: Deployed,
    pub(super) echo: Deployed,
    /// How many turns of its loop cost as much as writing; known once it has written.
    turns: u64,
    /// Processor time of one turn.
    turn_ms: f64,
    pub(super) written: Done,
    pub(super) computed: Done,
    /// The answers of the echo, by [`Way`].
    pub(super) echoes: [Outcome; 3],
}

/// What a writer did.
#[derive(Default)]
pub(super) struct Done {
    pub(super) outcome: Outcome,
    pub(super) cpu_ms: f64,
    pub(super) seconds: f64,
}

impl Pair {
    pub(super) fn new(platform: &mut Platform, language: Language) -> Result<Self> {
        let writer = platform.deploy(&Function::warm(language, Weight::Writing, INSTANCES))?;
        let echo = platform.deploy(&Function::warm(language, Weight::Trivial, 1))?;
        platform.rehearse(&echo, 50)?;
        let mut pair = Self {
            language,
            writer,
            echo,
            turns: TURNS,
            turn_ms: 0.0,
            written: Done::default(),
            computed: Done::default(),
            echoes: Default::default(),
        };
        // The first runs compile; what the second ones take is what it takes.
        for _ in 0..2 {
            let before = pair.cpu_ms(platform)?;
            let plan = Plan {
                connections: 1,
                arrivals: Arrivals::sequence(TRIALS),
                ..pair.plan(platform, Way::Computing, Arrivals::sequence(0))
            };
            load::run(&plan)?;
            let per_invocation = (pair.cpu_ms(platform)? - before) / TRIALS as f64;
            pair.turn_ms = per_invocation / TURNS as f64;
        }
        Ok(pair)
    }

    pub(super) fn plan(&self, platform: &Platform, way: Way, arrivals: Arrivals) -> Plan {
        let (lines, turns) = match way {
            Way::Writing => (LINES_EACH, 0),
            _ => (0, self.turns),
        };
        let event = serde_json::json!({ "lines": lines, "turns": turns }).to_string();
        Plan {
            address: platform.address,
            request: platform.invocation_with(&self.writer, event.as_bytes()),
            connections: CALLERS,
            arrivals,
            reading: Reading::Plain,
        }
    }

    /// Processor time that the writer's instances took so far.
    pub(super) fn cpu_ms(&self, platform: &Platform) -> Result<f64> {
        let figures = platform.get(&format!("/functions/{}/metrics", self.writer.id))?;
        let cpu = figures["metrics"]["cpuMs"].as_f64();
        cpu.with_context(|| format!("no cpuMs in {figures}"))
    }

    fn done(&mut self, way: Way) -> &mut Done {
        match way {
            Way::Writing => &mut self.written,
            _ => &mut self.computed,
        }
    }

    pub(super) fn absorb(&mut self, way: Way, run: Outcome, cpu_ms: f64) {
        let done = self.done(way);
        done.seconds += run.elapsed.as_secs_f64();
        done.cpu_ms += cpu_ms;
        done.outcome.absorb(run);
        if way == Way::Writing && self.turn_ms > 0.0 {
            self.turns = whole(self.written.cpu_each_ms() / self.turn_ms);
        }
    }
}

impl Done {
    pub(super) fn cpu_each_ms(&self) -> f64 {
        self.cpu_ms / self.count().max(1) as f64
    }

    pub(super) fn count(&self) -> u64 {
        self.outcome.kinds().values().sum()
    }
}
