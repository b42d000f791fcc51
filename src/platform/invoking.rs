//! One invocation of one function, from its gate to what is kept of it.

use std::sync::Arc;

use zygo_wire::control::Level;
use zygo_wire::data::BodyKind;

use super::{Platform, spans};
use crate::config::Networks;
use crate::error::Origin;
use crate::function::{Function, Routes, Version};
use crate::instance::InstanceError;
use crate::invocation::{Answer, Invocation, Outcome, Trigger};
use crate::invoke::{self, InvokeError, Progress};
use crate::stream::Taker;
use crate::telemetry::{NS_PER_MS, OK, Record};
use crate::time::unix_ns;
use crate::websocket::{self, Message, Said};

impl Platform {
    /// Which requests lead to which function.
    pub(crate) fn routes(&self) -> &Routes {
        &self.deployer.routes
    }

    /// Proxies that are believed.
    pub(crate) fn trusted_proxies(&self) -> &Networks {
        &self.trusted_proxies
    }

    /// Runs one invocation on a version of its own, or on the function's current one.
    pub(crate) async fn invoke(
        &self,
        function: &Function,
        version: Option<Arc<Version>>,
        invocation: &Invocation,
    ) -> (Arc<Version>, Outcome) {
        let mut whole = Taker::gathering();
        self.invoke_into(function, version, invocation, &mut whole)
            .await
    }

    /// The same for an answer that may be taken in pieces; it ends with the last of them.
    pub(crate) async fn invoke_into(
        &self,
        function: &Function,
        version: Option<Arc<Version>>,
        invocation: &Invocation,
        taker: &mut Taker,
    ) -> (Arc<Version>, Outcome) {
        // While a rollout runs, some calls that name no version get the candidate.
        let version = version.or_else(|| function.choose(&|_| None));
        let current = || version.clone().unwrap_or_else(|| function.current());
        let (gate, trip) = (function.gate(), self.config.breaker());
        let (version, outcome) = match gate.enter(trip) {
            Ok(rate) => {
                taker.admitted(rate);
                let mut watch = Watch::new(self, current(), invocation);
                let _in_flight = watch.version.journal().begin();
                let progress = &watch.progress;
                let (version, outcome) = invoke::invoke(current, invocation, taker, progress).await;
                let outcome = checked(&version, invocation, outcome, taker);
                watch.is_over = true;
                gate.leave(trip, outcome.result.as_ref().map(drop).map_err(blamed));
                (version, Outcome { rate, ..outcome })
            }
            Err(refusal) => (current(), invoke::failed(refusal.into(), invocation)),
        };
        if let Ok(answer) = &outcome.result
            && invocation.trigger != Trigger::Websocket
            && version.manifest().sockets().is_some()
        {
            self.say(&version, invocation, answer);
        }
        let is_whole = !taker.gives_on() || !is_in_pieces(&outcome);
        Self::heed_rollout(function, &version, invocation, &outcome, is_whole);
        self.ended(&version, invocation, &outcome);
        (version, outcome)
    }

    /// Refuses an invocation before anything of it is read, if it would be refused for want of an instance: more callers
    /// than can be served must cost next to nothing.
    pub(crate) fn turn_away(
        &self,
        function: &Function,
        version: Option<Arc<Version>>,
        invocation: impl FnOnce() -> Invocation,
    ) -> Option<(Arc<Version>, Outcome)> {
        let version = version.unwrap_or_else(|| function.current());
        let error = version.pool().turn_away()?;
        let invocation = invocation();
        let outcome = invoke::failed(error.into(), &invocation);
        Self::heed_rollout(function, &version, &invocation, &outcome, true);
        self.ended(&version, &invocation, &outcome);
        Some((version, outcome))
    }

    /// Keeps what is kept of an invocation.
    fn ended(&self, version: &Version, invocation: &Invocation, outcome: &Outcome) {
        let record = record(version, invocation, outcome);
        self.tracer.end(&invocation.trace, || {
            spans::ended(version, invocation, outcome, &record)
        });
        version.journal().record(record);
    }

    /// Sends what an answer says to connections of its function. Returns what it says to the one that asked.
    pub(crate) fn say(
        &self,
        version: &Version,
        invocation: &Invocation,
        answer: &Answer,
    ) -> Option<Message> {
        let journal = || version.journal().of(&invocation.request_id);
        let said = websocket::said(answer).unwrap_or_else(|wrong| {
            let line = format!("the answer's `pushes` cannot be used: {wrong}");
            journal().line(Level::Error, &line, None);
            Said::default()
        });
        let lost = match said.pushes.is_empty() {
            true => 0,
            false => {
                let function_id = version.journal().function_id();
                self.connections.push(function_id, said.pushes)
            }
        };
        if lost > 0 {
            let line = format!(
                "{lost} of the answer's `pushes` found a connection that is closed, full, or another's"
            );
            journal().line(Level::Warn, &line, None);
        }
        said.reply
    }
}

/// An answer that its caller cannot be given is none, and its owner reads in the log why.
fn checked(version: &Version, invocation: &Invocation, outcome: Outcome, taker: &Taker) -> Outcome {
    let Some(Err(refused)) = outcome.result.as_ref().ok().map(|its| taker.check(its)) else {
        return outcome;
    };
    let journal = version.journal().of(&invocation.request_id);
    journal.line(Level::Error, &refused.to_string(), None);
    Outcome {
        result: Err(InstanceError::from(refused).into()),
        ..outcome
    }
}

/// Whose fault a breaker takes it for. That there was no instance to be had says nothing of the function.
fn blamed(error: &InvokeError) -> Origin {
    match error {
        InvokeError::Pool(_) => Origin::Caller,
        other => other.origin(),
    }
}

/// An invocation under way. Its future is dropped when its caller goes away, wherever it is: then this is what tells of it.
struct Watch<'a> {
    platform: &'a Platform,
    version: Arc<Version>,
    invocation: &'a Invocation,
    progress: Progress,
    is_over: bool,
}

impl<'a> Watch<'a> {
    fn new(platform: &'a Platform, version: Arc<Version>, invocation: &'a Invocation) -> Self {
        Self {
            platform,
            version,
            invocation,
            progress: Progress::default(),
            is_over: false,
        }
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            let outcome = self.progress.cancelled(self.invocation);
            self.platform
                .ended(&self.version, self.invocation, &outcome);
        }
    }
}

/// Whether an answer's body has gone out piece by piece.
fn is_in_pieces(outcome: &Outcome) -> bool {
    let is_empty = |answer: &Answer| answer.body.is_empty() && answer.body_kind != BodyKind::None;
    outcome.result.as_ref().is_ok_and(is_empty)
}

/// What is kept of an invocation.
pub(super) fn record(version: &Version, invocation: &Invocation, outcome: &Outcome) -> Record {
    Record {
        function_id: Arc::clone(version.journal().function_id()),
        version: version.number(),
        trigger: invocation.trigger.name(),
        outcome: outcome
            .result
            .as_ref()
            .map_or_else(InvokeError::code, |_| OK),
        request_id: Arc::clone(&invocation.request_id),
        unix_ms: unix_ns() / NS_PER_MS,
        start_kind: outcome.start_kind,
        timeline: outcome.timeline,
        billed_ms: outcome.billed_ms(),
        memory_limit_mb: version.manifest().memory,
        memory_used_kib: outcome.memory_peak_kib,
        cpu_us: u64::try_from(outcome.cpu.as_micros()).unwrap_or(u64::MAX),
        count: 1,
    }
}
