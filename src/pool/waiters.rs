//! Callers who wait for an instance of one version: who is served next, and who need not wait at all.

use std::collections::VecDeque;
use std::time::Instant;

use tokio::sync::oneshot::{self, Receiver, Sender};

use super::{Grant, PoolError};
use crate::admission::{Line, Order, Pressure, Tolerance, Verdict};

/// What a caller who waits gets.
pub(super) type Granted = Result<Grant, PoolError>;

/// The queue.
#[derive(Debug)]
pub(super) struct Waiters {
    line: VecDeque<Sender<Granted>>,
    pressure: Pressure,
    tolerance: Tolerance,
}

/// The queue that a caller would join.
#[derive(Debug, Clone, Copy)]
pub(super) struct Queue {
    /// At most so many may wait.
    pub(super) waiting_max: usize,
    /// Instances that work.
    pub(super) working: usize,
    /// What those are told who waited and need not any longer.
    pub(super) over: PoolError,
}

/// Why a caller need not wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turned {
    /// The queue is full.
    Full,
    /// More come than can be served.
    Overloaded,
}

impl Waiters {
    pub(super) fn new(tolerance: Tolerance) -> Self {
        Self {
            line: VecDeque::new(),
            pressure: Pressure::default(),
            tolerance,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.line.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.line.is_empty()
    }

    /// Whether callers are refused now who could wait otherwise.
    pub(super) fn is_overloaded(&self) -> bool {
        self.pressure.was_overloaded(self.tolerance, Instant::now())
    }

    /// Callers who wait and are still there.
    pub(super) fn count(&self) -> usize {
        self.line
            .iter()
            .filter(|waiter| !waiter.is_closed())
            .count()
    }

    /// Queues a caller, or says why not.
    pub(super) fn arrive(&mut self, queue: Queue) -> Result<Receiver<Granted>, Turned> {
        self.judge(queue)?;
        let (grant, granted) = oneshot::channel();
        self.line.push_back(grant);
        Ok(granted)
    }

    /// Why a caller need not even ask; whoever may ask is not counted yet.
    pub(super) fn turn_away(&mut self, queue: Queue) -> Option<Turned> {
        if !self.pressure.is_overloaded() && self.line.len() < queue.waiting_max {
            return None;
        }
        let judged = self.judge(queue);
        if judged.is_ok() {
            self.pressure.forget();
        }
        judged.err()
    }

    fn judge(&mut self, queue: Queue) -> Result<(), Turned> {
        let Queue {
            waiting_max,
            working,
            over,
        } = queue;
        if self.pressure.is_overloaded() || self.line.len() >= waiting_max {
            self.forget_gone();
        }
        let line = Line {
            waiting: self.line.len(),
            waiting_max,
            working,
        };
        match self.pressure.arrive(self.tolerance, Instant::now(), line) {
            Verdict::Wait => Ok(()),
            Verdict::Full => Err(Turned::Full),
            Verdict::Refuse { keep } => {
                let late = self.line.len().saturating_sub(keep);
                for waiter in self.line.drain(..late) {
                    // Who is gone does not hear it.
                    let _ = waiter.send(Err(over));
                }
                Err(Turned::Overloaded)
            }
        }
    }

    /// Gives something to the next who is still there, or back.
    #[expect(
        clippy::result_large_err,
        reason = "it comes back where nobody waits, and is used at once"
    )]
    pub(super) fn hand(&mut self, mut grant: Grant) -> Result<(), Grant> {
        if self.line.is_empty() {
            return Err(grant);
        }
        let order = self.pressure.order(self.tolerance, Instant::now());
        let next: fn(&mut VecDeque<Sender<Granted>>) -> Option<Sender<Granted>> = match order {
            Order::Oldest => VecDeque::pop_front,
            Order::Newest => VecDeque::pop_back,
        };
        while let Some(waiter) = next(&mut self.line) {
            match waiter.send(Ok(grant)) {
                Err(Ok(returned)) => grant = returned,
                // A waiter is only ever offered what this function sent.
                Ok(()) | Err(Err(_)) => {
                    self.pressure.served();
                    self.note_end();
                    return Ok(());
                }
            }
        }
        self.note_end();
        Err(grant)
    }

    /// Takes everybody out; who is dropped hears it.
    pub(super) fn take_all(&mut self) -> VecDeque<Sender<Granted>> {
        let line = std::mem::take(&mut self.line);
        self.note_end();
        line
    }

    fn note_end(&mut self) {
        if self.line.is_empty() {
            self.pressure.empty();
        }
    }

    /// Those whose callers went away take up no room.
    fn forget_gone(&mut self) {
        self.line.retain(|waiter| !waiter.is_closed());
    }
}
