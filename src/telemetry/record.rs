//! What is kept of one invocation, and how many become one when there is no room for each.

use std::sync::Arc;

use crate::invocation::{StartKind, Timeline};

/// One invocation, or several of one kind that were folded into one record: then every figure is a sum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) function_id: Arc<str>,
    pub(crate) version: u32,
    /// What invoked it: `http`, `async`, `event` or `cron`.
    pub(crate) trigger: &'static str,
    /// `ok`, or the stable code of the error.
    pub(crate) outcome: &'static str,
    pub(crate) request_id: Arc<str>,
    pub(crate) unix_ms: i64,
    pub(crate) start_kind: Option<StartKind>,
    pub(crate) timeline: Timeline,
    pub(crate) billed_ms: u64,
    /// The memory limit, in MB.
    pub(crate) memory_limit_mb: u32,
    pub(crate) memory_used_kib: u64,
    pub(crate) cpu_us: u64,
    /// How many invocations it stands for.
    pub(crate) count: u64,
}

impl Record {
    /// Whether the caller was sent away, or went, before anything ran: no invocation, and nothing to pay.
    pub(crate) fn is_throttle(&self) -> bool {
        let has_gone = self.outcome == CANCELLED && self.start_kind.is_none();
        has_gone
            || matches!(
                self.outcome,
                "rate_limited"
                    | "concurrency_limit"
                    | "overloaded"
                    | "platform_full"
                    | "circuit_open"
                    | "crash_back_off"
            )
    }

    /// Whether it failed. That a caller went away is no failure of the function's.
    pub(crate) fn is_error(&self) -> bool {
        ![OK, CANCELLED].contains(&self.outcome) && !self.is_throttle()
    }

    pub(crate) fn is_cold(&self) -> bool {
        self.start_kind.is_some_and(StartKind::is_cold)
    }

    /// Memory limit times billed time.
    pub(crate) fn mb_ms(&self) -> u64 {
        self.billed_ms * u64::from(self.memory_limit_mb)
    }

    /// Whether the two may become one.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        self.function_id == other.function_id
            && (self.version, self.outcome, self.start_kind)
                == (other.version, other.outcome, other.start_kind)
            && (self.memory_limit_mb, self.trigger, self.unix_ms / MINUTE_MS)
                == (
                    other.memory_limit_mb,
                    other.trigger,
                    other.unix_ms / MINUTE_MS,
                )
    }

    /// Makes the two one.
    pub(crate) fn fold(&mut self, other: &Self) {
        let (mine, its) = (&mut self.timeline, other.timeline);
        mine.queue += its.queue;
        mine.fork += its.fork;
        mine.load += its.load;
        mine.boot += its.boot;
        mine.handler += its.handler;
        mine.total += its.total;
        self.billed_ms += other.billed_ms;
        self.memory_used_kib += other.memory_used_kib;
        self.cpu_us += other.cpu_us;
        self.count += other.count;
    }
}

/// The outcome of an invocation that was answered.
pub(crate) const OK: &str = "ok";
/// The outcome of one whose caller went away before the end of the answer.
pub(crate) const CANCELLED: &str = "cancelled";

/// Milliseconds of a minute.
pub(crate) const MINUTE_MS: i64 = 60_000;
/// Milliseconds of a day.
pub(crate) const DAY_MS: i64 = 86_400_000;
