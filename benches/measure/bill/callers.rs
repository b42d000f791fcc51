//! Callers of several functions at once, each on a thread of its own, that go on until all is answered or it is over.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use anyhow::{Result, anyhow, bail};

use crate::cli::Language;
use crate::load::{self, Arrivals, Outcome, Plan};
use crate::subject::platform::Deployed;

/// A function and what its callers saw.
pub(super) struct Called {
    pub(super) language: Language,
    pub(super) deployed: Deployed,
    pub(super) outcome: Outcome,
}

/// What all callers share.
pub(super) struct Shared {
    answered: AtomicU64,
    is_over: AtomicBool,
    /// How many invocations each function is to have in all.
    share: u64,
    /// How many come between two looks whether it is over.
    part: u64,
}

impl Called {
    pub(super) fn answered(&self) -> u64 {
        answered(&self.outcome)
    }

    /// Requests that were under way when it was over.
    pub(super) fn unanswered(&self) -> u64 {
        self.outcome.errors.values().sum()
    }
}

impl Shared {
    pub(super) fn new(share: u64, part: u64) -> Self {
        Self {
            answered: AtomicU64::new(0),
            is_over: AtomicBool::new(false),
            share,
            part,
        }
    }

    pub(super) fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// From now on a request that fails is no error.
    pub(super) fn set_over(&self, is_over: bool) {
        self.is_over.store(is_over, Ordering::Relaxed);
    }
}

/// Calls every function by its plan until its share is answered or it is over.
pub(super) fn call_all(
    plans: &[Plan],
    called: &mut [Called],
    shared: &Shared,
    meanwhile: impl FnOnce(),
) -> Result<()> {
    std::thread::scope(|scope| {
        let callers: Vec<_> = plans
            .iter()
            .zip(called)
            .map(|(plan, one)| scope.spawn(move || call(plan, &mut one.outcome, shared)))
            .collect();
        meanwhile();
        callers
            .into_iter()
            .try_for_each(|caller| caller.join().map_err(|_| anyhow!("a caller panicked"))?)
    })
}

fn call(plan: &Plan, outcome: &mut Outcome, shared: &Shared) -> Result<()> {
    while answered(outcome) < shared.share {
        let count = shared.part.min(shared.share - answered(outcome));
        let run = load::run(&Plan {
            arrivals: Arrivals::sequence(count),
            ..plan.clone()
        });
        // It is over before anything is done that makes requests fail.
        let is_over = shared.is_over();
        match run {
            Ok(run) => absorb(run, outcome, shared, is_over)?,
            Err(error) if !is_over => return Err(error),
            Err(_) => {}
        }
        if is_over {
            return Ok(());
        }
    }
    Ok(())
}

fn absorb(mut run: Outcome, outcome: &mut Outcome, shared: &Shared, is_over: bool) -> Result<()> {
    shared.answered.fetch_add(answered(&run), Ordering::Relaxed);
    if let Some(error) = run.errors.keys().next().filter(|_| !is_over) {
        shared.set_over(true);
        bail!("an invocation failed: {error}");
    }
    // A request that found nobody to ask was none.
    run.errors.retain(|what, _| !what.contains("refused"));
    outcome.absorb(run);
    Ok(())
}

fn answered(outcome: &Outcome) -> u64 {
    outcome.kinds().values().sum()
}
