//! What a rollout makes of invocations: how both versions do, answers that are compared, and a candidate that is taken back.

use std::sync::Arc;

use zygo_wire::control::Level;

use super::Platform;
use super::invoking::record;
use crate::error::Origin;
use crate::function::{Function, Rollout, Shadow, Version};
use crate::invocation::{Answer, Invocation, Outcome, Trigger};
use crate::invoke::{self, InvokeError, Progress};
use crate::rollout::{Comparison, Ended};
use crate::stream::Taker;

/// A status from here on is a failure of the handler's own making.
const ERROR_STATUS_MIN: u16 = 500;

impl Platform {
    /// Heeds what came of an invocation. `is_whole` says that all of the answer is there.
    pub(super) fn heed_rollout(
        function: &Function,
        version: &Arc<Version>,
        invocation: &Invocation,
        outcome: &Outcome,
        is_whole: bool,
    ) {
        let Some(rollout) = function.rollout() else {
            return;
        };
        let number = version.number();
        if let Some(ended) = ended(outcome) {
            rollout.note(number, ended);
        }
        let is_current = number == function.current().number();
        let is_repeatable = is_current && is_whole && invocation.trigger != Trigger::Websocket;
        if let Some(shadow) = is_repeatable.then(|| rollout.shadow()).flatten() {
            let invocation = Invocation {
                trigger: Trigger::Shadow,
                received_ns: zygo_wire::clock::monotonic_ns(),
                ..invocation.clone()
            };
            let answered = said(outcome).cloned();
            tokio::spawn(repeat(rollout, shadow, invocation, answered));
        }
    }

    /// Takes a candidate back that does worse than is allowed. Called once a second.
    pub(super) fn watch_rollout(self: &Arc<Self>, function: &Arc<Function>) {
        let Some(rollout) = function.rollout() else {
            return;
        };
        let Some(why) = rollout.take_back_if_worse() else {
            return;
        };
        let number = rollout.candidate().number();
        let line = format!("rollout: version {number} gets no more calls: {why}");
        rollout.candidate().journal().line(Level::Warn, &line, None);
        tracing::warn!(function = function.name(), version = number, %why, "a candidate was taken back");
        let (platform, function) = (Arc::clone(self), Arc::clone(function));
        tokio::spawn(async move {
            let kept = platform.deployer.keep_taken_back(&function, &rollout).await;
            if let Err(error) = kept {
                tracing::error!(function = function.name(), %error, "it is not stored that a candidate was taken back");
            }
        });
    }
}

/// What an invocation says of its version; nothing where the caller was at fault, or there was no instance to be had.
fn ended(outcome: &Outcome) -> Option<Ended> {
    let is_error = match &outcome.result {
        Ok(answer) => answer.status_code >= ERROR_STATUS_MIN,
        Err(InvokeError::Pool(_)) => return None,
        Err(error) if error.origin() == Origin::Caller => return None,
        Err(_) => true,
    };
    Some(Ended {
        is_error,
        took: outcome.timeline.total,
    })
}

fn said(outcome: &Outcome) -> Result<&Answer, String> {
    outcome.result.as_ref().map_err(InvokeError::to_string)
}

/// Runs an event again on the candidate, and compares the answers. Nobody waits for it, and no limit of the function counts
/// it.
async fn repeat(
    rollout: Arc<Rollout>,
    shadow: Shadow,
    invocation: Invocation,
    answered: Result<Answer, String>,
) {
    let candidate = Arc::clone(rollout.candidate());
    let current = || Arc::clone(&candidate);
    let (mut taker, progress) = (Taker::gathering(), Progress::default());
    let (version, outcome) = invoke::invoke(current, &invocation, &mut taker, &progress).await;
    if let Some(ended) = ended(&outcome) {
        rollout.note(version.number(), ended);
    }
    let answered = answered.as_ref().map_err(String::clone);
    rollout.note_compared(Comparison::of(
        &invocation.request_id,
        answered,
        said(&outcome),
    ));
    version
        .journal()
        .record(record(&version, &invocation, &outcome));
    drop(shadow);
}
