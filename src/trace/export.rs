//! The way of ended invocations to the collector: a bounded queue, and one task that sends batches over OTLP.
//!
//! ```text
//!  invocation ends ─► queue (full: dropped, counted) ─► batch ─► POST, tried again by the library ─┬─► exported
//!                                                                                                  └─► failed
//! ```
//! An invocation puts itself into the queue and goes on; it wakes the task only when a batch is full.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use opentelemetry::InstrumentationScope;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::trace::SpanExporter as _;
use tokio::sync::{Mutex, Notify, mpsc};
use tokio::task::JoinHandle;

use super::span::{self, Ended};

/// More invocations than these wait for no collector.
const QUEUE_LEN_MAX: usize = 16_384;
/// Invocations whose spans travel together.
const BATCH_LEN_MAX: usize = 512;
/// How long an invocation waits for others.
const INTERVAL: Duration = Duration::from_secs(1);
/// How long the last batches may take.
const LAST_BATCH_TIMEOUT: Duration = Duration::from_secs(2);

/// How many recorded invocations met which end.
#[derive(Debug, Default)]
struct Counters {
    exported: AtomicU64,
    failed: AtomicU64,
    dropped: AtomicU64,
}

/// Those numbers at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// The collector took their spans.
    pub(crate) exported: u64,
    /// It did not.
    pub(crate) failed: u64,
    /// There was no room for them.
    pub(crate) dropped: u64,
}

/// Where ended invocations go.
#[derive(Debug)]
pub(super) struct Export {
    queue: mpsc::Sender<Ended>,
    shared: Arc<Shared>,
    task: Mutex<Option<JoinHandle<()>>>,
}

/// What the task and its callers share.
#[derive(Debug, Default)]
struct Shared {
    counters: Counters,
    /// A batch is full, or the end has come.
    wake: Notify,
    is_ending: AtomicBool,
}

impl Export {
    /// Starts the task.
    pub(super) fn start(exporter: SpanExporter) -> Self {
        Self::with_room(exporter, QUEUE_LEN_MAX)
    }

    fn with_room(exporter: SpanExporter, room: usize) -> Self {
        let (queue, ended) = mpsc::channel(room);
        let shared = Arc::new(Shared::default());
        let sender = Sender {
            exporter,
            ended,
            shared: Arc::clone(&shared),
            scope: InstrumentationScope::builder("zygo")
                .with_version(env!("CARGO_PKG_VERSION"))
                .build(),
            is_failing: false,
        };
        Self {
            queue,
            shared,
            task: Mutex::new(Some(tokio::spawn(sender.run()))),
        }
    }

    /// Waits for nothing.
    pub(super) fn push(&self, ended: Ended) {
        if self.queue.try_send(ended).is_err() {
            self.shared.counters.dropped.fetch_add(1, Ordering::Relaxed);
        }
        if self.queue.max_capacity() - self.queue.capacity() >= BATCH_LEN_MAX {
            self.shared.wake.notify_one();
        }
    }

    pub(super) fn counts(&self) -> Counts {
        let counters = &self.shared.counters;
        Counts {
            exported: counters.exported.load(Ordering::Relaxed),
            failed: counters.failed.load(Ordering::Relaxed),
            dropped: counters.dropped.load(Ordering::Relaxed),
        }
    }

    /// Sends what waits, as far as that is possible in a short time.
    pub(super) async fn stop(&self) {
        self.shared.is_ending.store(true, Ordering::Release);
        self.shared.wake.notify_one();
        let Some(mut task) = self.task.lock().await.take() else {
            return;
        };
        if tokio::time::timeout(LAST_BATCH_TIMEOUT, &mut task)
            .await
            .is_err()
        {
            task.abort();
            tracing::warn!("the last spans could not be sent in time");
        }
    }
}

/// The task's state.
struct Sender {
    exporter: SpanExporter,
    ended: mpsc::Receiver<Ended>,
    shared: Arc<Shared>,
    scope: InstrumentationScope,
    /// Whether the last batch did not arrive: each change of that is worth a line, each failure is not.
    is_failing: bool,
}

impl Sender {
    /// Sends until it is told to stop, and then what is left.
    async fn run(mut self) {
        loop {
            // Nobody waits in `recv`: an invocation would have to wake this task each time.
            let woken = self.shared.wake.notified();
            let _ = tokio::time::timeout(INTERVAL, woken).await;
            let is_last = self.shared.is_ending.load(Ordering::Acquire);
            self.send_what_waits().await;
            if is_last {
                return;
            }
        }
    }

    async fn send_what_waits(&mut self) {
        loop {
            let waiting = std::iter::from_fn(|| self.ended.try_recv().ok());
            let batch: Vec<Ended> = waiting.take(BATCH_LEN_MAX).collect();
            if batch.is_empty() {
                return;
            }
            self.send(&batch).await;
        }
    }

    async fn send(&mut self, batch: &[Ended]) {
        let spans = batch
            .iter()
            .flat_map(|ended| span::of(ended, &self.scope))
            .collect();
        let sent = self.exporter.export(spans).await;
        let counters = &self.shared.counters;
        let counter = match sent {
            Ok(()) => &counters.exported,
            Err(_) => &counters.failed,
        };
        counter.fetch_add(batch.len() as u64, Ordering::Relaxed);
        match &sent {
            Err(error) if !self.is_failing => {
                tracing::warn!(%error, "spans cannot be sent; those that fail from now on are counted");
            }
            Ok(()) if self.is_failing => tracing::info!("spans are sent again"),
            _ => {}
        }
        self.is_failing = sent.is_err();
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::invocation::Timeline;
    use crate::telemetry::{OK, Record};
    use crate::trace::{Tracer, exporter};

    fn ended() -> Ended {
        let tracer = Tracer {
            sampler: super::super::TraceSampler::AlwaysOn,
            ratio: 1.0,
            export: None,
        };
        Ended {
            trace: tracer.begin(None),
            started: SystemTime::now(),
            record: Record {
                function_id: "fn-1".into(),
                version: 1,
                trigger: "http",
                outcome: OK,
                request_id: "req-1".into(),
                unix_ms: 0,
                start_kind: None,
                timeline: Timeline::default(),
                billed_ms: 0,
                memory_limit_mb: 128,
                memory_used_kib: 0,
                cpu_us: 0,
                count: 1,
            },
            function: "f".to_owned(),
            instance: None,
            http_status: 200,
        }
    }

    #[tokio::test(flavor = "current_thread")]
    async fn what_finds_no_room_is_dropped_and_what_nobody_takes_has_failed() {
        let nobody = exporter("http://127.0.0.1:9/v1/traces".to_owned()).expect("an exporter");
        let export = Export::with_room(nobody, 3);
        (0..8).for_each(|_| export.push(ended()));
        assert_eq!(export.counts().dropped, 5);
        export.stop().await;
        let expected = Counts {
            exported: 0,
            failed: 3,
            dropped: 5,
        };
        assert_eq!(export.counts(), expected);
    }
}
