//! One event on its way through the platform, and what came of it. Knows neither HTTP nor processes.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use zygo_wire::clock;
use zygo_wire::control::Level;
use zygo_wire::data::BodyKind;

use crate::admission::Remaining;
use crate::cost;
use crate::trace::Trace;

/// One event, to be handled once.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// The caller's or our own id, `req-…`.
    pub request_id: Arc<str>,
    /// The event without its body: one JSON object.
    pub event: Bytes,
    /// How the handler is to see the body.
    pub body_kind: BodyKind,
    /// The event's body.
    pub body: Bytes,
    /// When the platform had the whole event, on the shared monotonic clock.
    pub received_ns: u64,
    /// What invokes.
    pub trigger: Trigger,
    /// Its place in the trace that it is part of.
    pub(crate) trace: Trace,
}

/// What invokes a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// A request.
    Http,
    /// A request that nobody waits for.
    Async,
    /// An event that the function subscribes to.
    Event,
    /// A schedule.
    Cron,
    /// A connection.
    Websocket,
    /// A message of a queue elsewhere.
    Queue,
    /// Another invocation, repeated to compare versions.
    Shadow,
}

impl Trigger {
    /// Its name in records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Async => "async",
            Self::Event => "event",
            Self::Cron => "cron",
            Self::Websocket => "websocket",
            Self::Queue => "queue",
            Self::Shadow => "shadow",
        }
    }
}

/// A request id of our own: `req-` and 24 random digits.
pub(crate) fn new_request_id() -> String {
    format!("req-{:016x}{:08x}", fastrand::u64(..), fastrand::u32(..))
}

/// What a handler answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The handler's own status code.
    pub status_code: u16,
    /// The handler's headers as it wrote them.
    pub headers: Vec<(String, String)>,
    /// What the body is.
    pub body_kind: BodyKind,
    /// The body; JSON text when the kind says so.
    pub body: Bytes,
}

/// How the instance that served an invocation came to be. Never mixed in one figure.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum StartKind {
    /// It had served before.
    Warm,
    /// It was forked ahead of demand and never used.
    Parked,
    /// It was forked on demand.
    Forked,
    /// Its function zygote had to be made first.
    Booted,
}

impl StartKind {
    /// Its name in answers and records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Warm => "warm",
            Self::Parked => "parked",
            Self::Forked => "forked",
            Self::Booted => "booted",
        }
    }

    /// Whether the caller waited for a process to be made.
    #[must_use]
    pub fn is_cold(self) -> bool {
        matches!(self, Self::Forked | Self::Booted)
    }
}

/// How long each phase of an invocation took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timeline {
    /// Waiting for an instance, or for the permission to make one.
    pub queue: Duration,
    /// From the send to the instance having it in hand: the fork, or the wake-up of a waiting instance.
    pub fork: Duration,
    /// Making the function zygote, or loading the code in the instance.
    pub load: Duration,
    /// The part of `load` that came before the fork.
    pub boot: Duration,
    /// The handler itself.
    pub handler: Duration,
    /// All of it, as the platform saw it.
    pub total: Duration,
}

/// A line that user code wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Severity.
    pub level: Level,
    /// The line without its end.
    pub text: String,
}

/// Lines of one invocation, bounded.
#[derive(Debug, Default)]
pub struct LogLines {
    lines: Vec<LogLine>,
    bytes: usize,
    dropped: u64,
}

impl LogLines {
    /// More lines of one invocation are counted, not kept.
    const LINES_MAX: usize = 1_000;
    /// More text of one invocation is counted, not kept.
    const BYTES_MAX: usize = 256 * 1024;

    /// Keeps the line if there is room.
    pub fn push(&mut self, level: Level, text: String) {
        let fits = self.lines.len() < Self::LINES_MAX && self.bytes + text.len() <= Self::BYTES_MAX;
        if fits {
            self.bytes += text.len();
            self.lines.push(LogLine { level, text });
        } else {
            self.dropped += 1;
        }
    }

    /// All lines, with a last one that says how many there was no room for.
    #[must_use]
    pub fn into_lines(mut self) -> Vec<LogLine> {
        if self.dropped > 0 {
            let text = format!("… {} more lines were dropped", self.dropped);
            self.lines.push(LogLine {
                level: Level::Warn,
                text,
            });
        }
        self.lines
    }
}

/// Everything that is known once an invocation has ended, well or badly.
#[derive(Debug)]
pub struct Outcome {
    /// The answer, or why there is none.
    pub result: Result<Answer, crate::invoke::InvokeError>,
    /// Absent when no instance was ever found.
    pub start_kind: Option<StartKind>,
    /// The phases.
    pub timeline: Timeline,
    /// Processor time of the instance.
    pub cpu: Duration,
    /// Highest resident memory of the instance so far, in KiB; 0 when it could not say.
    pub memory_peak_kib: u64,
    /// The number of the instance that served it.
    pub(crate) instance: Option<i64>,
    /// What the handler wrote.
    pub logs: Vec<LogLine>,
    /// What is left of the function's rate limit, if it has one.
    pub(crate) rate: Option<Remaining>,
}

impl Outcome {
    /// The time that is billed, in started milliseconds; nothing when no instance was ever found.
    #[must_use]
    pub fn billed_ms(&self) -> u64 {
        match self.start_kind {
            Some(_) => cost::billed_ms(self.timeline, self.result.is_ok()),
            None => 0,
        }
    }
}

/// The time from one point to another on the shared clock; zero when they are the wrong way round.
pub(crate) fn between(start_ns: u64, end_ns: u64) -> Duration {
    Duration::from_nanos(end_ns.saturating_sub(start_ns))
}

/// The time since a point on the shared clock.
pub(crate) fn since(start_ns: u64) -> Duration {
    between(start_ns, clock::monotonic_ns())
}
