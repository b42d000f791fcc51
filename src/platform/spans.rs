//! What the spans of an ended invocation say. Pure.

use std::time::SystemTime;

use crate::function::Version;
use crate::invocation::{Invocation, Outcome, since};
use crate::telemetry::Record;
use crate::trace::Ended;

/// Its times on the clock of the day: traces are put together from many machines.
pub(super) fn ended(
    version: &Version,
    invocation: &Invocation,
    outcome: &Outcome,
    record: &Record,
) -> Ended {
    Ended {
        trace: invocation.trace.clone(),
        started: SystemTime::now() - since(invocation.received_ns),
        record: record.clone(),
        function: version.manifest().name.clone(),
        instance: outcome.instance,
        http_status: outcome.http_status(),
    }
}
