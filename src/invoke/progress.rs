//! How far an invocation has come, for whoever has to say how it ended when its caller is gone and nothing of it is left.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::{InvokeError, failed};
use crate::instance::InstanceError;
use crate::invocation::{Invocation, Outcome, StartKind, Timeline, between, since};

/// Nothing until an instance serves it.
#[derive(Debug, Default)]
pub(crate) struct Progress(Mutex<Option<Begun>>);

/// What is known once an instance serves.
#[derive(Debug, Clone, Copy)]
pub(super) struct Begun {
    pub(super) kind: StartKind,
    pub(super) instance: i64,
    pub(super) sent_ns: u64,
    pub(super) boot: Duration,
}

impl Progress {
    /// An instance serves, in this attempt.
    pub(super) fn begin(&self, begun: Begun) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(begun);
    }

    /// What became of it when nobody waits any more.
    pub(crate) fn cancelled(&self, invocation: &Invocation) -> Outcome {
        let error = InvokeError::from(InstanceError::Cancelled);
        let outcome = failed(error, invocation);
        let begun = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(begun) = begun else {
            return outcome;
        };
        Outcome {
            start_kind: Some(begun.kind),
            instance: Some(begun.instance),
            timeline: Timeline {
                queue: between(invocation.received_ns, begun.sent_ns).saturating_sub(begun.boot),
                boot: begun.boot,
                load: begun.boot,
                total: since(invocation.received_ns),
                ..Timeline::default()
            },
            ..outcome
        }
    }
}
