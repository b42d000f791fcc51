//! The life of one invocation, on one page.
//!
//! ```text
//!  acquire ──► an instance waits ──────────────────────────────► send ─┐
//!     │                                                                ├─► read log lines and the answer ─► finish
//!     └──────► room for one ─► zygote (made if missing) ─► send ahead ─┘
//!                                                           └─► fork
//! ```
//! An answer that comes in pieces is given to a `Taker` as it comes; the instance is held until the last of them.
//! Everything that starts an invocation (HTTP, a schedule, a queue) ends up here. Knows no HTTP.

mod code;
mod progress;

use std::sync::Arc;
use std::time::Duration;

use zygo_wire::clock;
use zygo_wire::control::Purpose;

use crate::admission::Refusal;
use crate::error::Origin;
use crate::function::Version;
use crate::instance::{Instance, InstanceError, Limits, Served};
use crate::invocation::{Invocation, LogLines, Outcome, StartKind, Timeline, between, since};
use crate::packet_socket::PacketSocket;
use crate::pool::{Found, Grant, InUse, Lease, Permit, PoolError};
use crate::stream::Taker;
use crate::telemetry::Journal;
use crate::zygote::ZygoteError;
use progress::Begun;
pub(crate) use progress::Progress;

/// An invocation whose instance was gone before it began is tried once more.
const ATTEMPTS: u32 = 2;

/// Why an invocation has no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum InvokeError {
    /// It was refused before it began.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// There was no instance to be had.
    #[error(transparent)]
    Pool(#[from] PoolError),
    /// There was no zygote to fork an instance from.
    #[error(transparent)]
    Zygote(#[from] ZygoteError),
    /// The instance gave none.
    #[error(transparent)]
    Instance(#[from] InstanceError),
}

impl InvokeError {
    /// Whose fault it is.
    #[must_use]
    pub fn origin(&self) -> Origin {
        match self {
            Self::Refused(refusal) => refusal.origin(),
            Self::Pool(error) => error.origin(),
            Self::Zygote(error) => error.origin(),
            Self::Instance(error) => error.origin(),
        }
    }

    /// Whether another instance may be tried, because the handler cannot have seen the event.
    fn is_before_start(&self) -> bool {
        matches!(
            self,
            Self::Instance(InstanceError::NotStarted)
                | Self::Zygote(ZygoteError::Gone)
                | Self::Pool(PoolError::Retired)
        )
    }
}

/// Runs one invocation, to the end of its answer, on the version that `current` names at each attempt: a version that was replaced meanwhile is
/// not a reason to fail.
pub(crate) async fn invoke(
    current: impl Fn() -> Arc<Version>,
    invocation: &Invocation,
    taker: &mut Taker,
    progress: &Progress,
) -> (Arc<Version>, Outcome) {
    let mut attempt = 1;
    loop {
        let version = current();
        let outcome = attempt_once(&version, invocation, taker, progress).await;
        let retry = attempt < ATTEMPTS
            && outcome
                .result
                .as_ref()
                .is_err_and(InvokeError::is_before_start);
        if !retry {
            return (version, outcome);
        }
        attempt += 1;
    }
}

async fn attempt_once(
    version: &Version,
    invocation: &Invocation,
    taker: &mut Taker,
    progress: &Progress,
) -> Outcome {
    let started = match version.pool().acquire().await {
        Ok(Grant::Ready(lease)) => Ok(Started::found(lease)),
        Ok(Grant::Permit(permit)) => {
            let journal = version.journal().of(&invocation.request_id);
            fork(version, permit, invocation, &journal).await
        }
        Err(error) => Err(error.into()),
    };
    match started {
        Ok(started) => serve(version, started, invocation, taker, progress).await,
        Err(error) => failed(error, invocation),
    }
}

/// An instance that was found or is being forked.
struct Started {
    lease: Lease,
    /// Set when the invocation is in its socket already.
    sent_ns: Option<u64>,
    /// How long its zygote took to make, when it had to be made.
    boot: Duration,
}

impl Started {
    fn found(lease: Lease) -> Self {
        Self {
            lease,
            sent_ns: None,
            boot: Duration::ZERO,
        }
    }
}

/// The invocation is in the socket before the zygote is told to fork: a cold start has no extra round trip.
async fn fork(
    version: &Version,
    mut permit: Permit,
    invocation: &Invocation,
    journal: &Journal,
) -> Result<Started, InvokeError> {
    let pool = version.pool();
    pool.zygote().admit().await?;
    let Found { zygote, booted } = pool.zygote_to_fork().await?;
    let (socket, theirs) = PacketSocket::pair().map_err(ZygoteError::from)?;
    let sent_ns = clock::monotonic_ns();
    Instance::send_ahead(&socket, invocation, version.limits().timeout)
        .await
        .map_err(|error| InstanceError::before_start(&error))?;
    let process = zygote.fork(Purpose::Serve, theirs).await?;
    permit.told(&process);
    let kind = if booted.is_some() {
        StartKind::Booted
    } else {
        StartKind::Forked
    };
    let lease = Lease::new(Instance::new(socket, process, zygote), permit, kind);
    let lease = version.pool().seat(lease, journal);
    Ok(Started {
        lease,
        sent_ns: Some(sent_ns),
        boot: booted.unwrap_or_default(),
    })
}

async fn serve(
    version: &Version,
    started: Started,
    invocation: &Invocation,
    taker: &mut Taker,
    progress: &Progress,
) -> Outcome {
    let Started {
        mut lease,
        sent_ns,
        boot,
    } = started;
    let (kind, instance) = (lease.kind(), lease.instance().id());
    let limits: Limits = version.limits();
    let journal = &version.journal().of(&invocation.request_id);
    taker.served_by(kind);
    progress.begin(Begun {
        kind,
        instance,
        sent_ns: sent_ns.unwrap_or_else(clock::monotonic_ns),
        boot,
    });
    let mut in_use = InUse::new(lease, limits.timeout);
    let Some(leased) = in_use.instance() else {
        return failed(InstanceError::NotStarted.into(), invocation);
    };
    let served = match sent_ns {
        Some(sent_ns) => leased.serve_sent(limits, sent_ns, journal, taker).await,
        None => leased.serve(invocation, limits, journal, taker).await,
    };
    in_use.end(&served.result);
    Outcome {
        instance: Some(instance),
        ..outcome(served, kind, boot, invocation)
    }
}

fn outcome(served: Served, kind: StartKind, boot: Duration, invocation: &Invocation) -> Outcome {
    let Served {
        result,
        sent_ns,
        usage,
        logs,
    } = served;
    let timeline = Timeline {
        queue: between(invocation.received_ns, sent_ns).saturating_sub(boot),
        fork: between(sent_ns, usage.received_ns),
        boot,
        load: boot + between(usage.received_ns, usage.handler_started_ns),
        handler: between(usage.handler_started_ns, usage.handler_ended_ns),
        total: since(invocation.received_ns),
    };
    Outcome {
        result: result.map_err(InvokeError::from),
        start_kind: Some(kind),
        timeline,
        cpu: Duration::from_micros(usage.cpu_us),
        memory_peak_kib: usage.memory_peak_kib,
        instance: None,
        logs: logs.into_lines(),
        rate: None,
    }
}

/// What becomes of an invocation that does not begin.
pub(crate) fn failed(error: InvokeError, invocation: &Invocation) -> Outcome {
    let total = since(invocation.received_ns);
    Outcome {
        result: Err(error),
        start_kind: None,
        timeline: Timeline {
            queue: total,
            total,
            ..Timeline::default()
        },
        cpu: Duration::ZERO,
        memory_peak_kib: 0,
        instance: None,
        logs: LogLines::default().into_lines(),
        rate: None,
    }
}
