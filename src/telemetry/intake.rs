//! Where lines and records arrive: short locks, no waiting, bounded memory. The writer takes them from here.
//!
//! A line that finds no room is counted, and a marker tells how many there were. A record always counts: one that finds
//! no room is folded into one of its kind.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Instant;

use tokio::sync::Notify;
use zygo_wire::control::Level;

use super::detail::Detail;
use super::figures::Figures;
use super::flood::{Allowance, Bucket, Verdict};
use super::line::{self, Line};
use super::pending::{Batch, Pending};
use super::pulse::Pulse;
use super::record::Record;

/// What waits for the writer, and the figures of now.
#[derive(Debug)]
pub(crate) struct Intake {
    pending: Mutex<Pending>,
    functions: RwLock<HashMap<Arc<str>, Arc<Live>>>,
    allowance: Allowance,
    pub(super) many: Notify,
}

/// One function as it is now.
#[derive(Debug)]
pub(crate) struct Live {
    id: Arc<str>,
    now: Mutex<Now>,
    bucket: Mutex<Bucket>,
    in_flight: AtomicU64,
    lines_dropped: AtomicU64,
    /// Lines for which there was no room, and that no marker tells of yet.
    lines_lost: AtomicU64,
}

/// What its invocations added up to.
#[derive(Debug, Default)]
struct Now {
    figures: Figures,
    detail: Detail,
    /// What came since it was last taken.
    pulse: Pulse,
}

impl Live {
    /// The sums since the beginning.
    pub(crate) fn figures(&self) -> Figures {
        lock(&self.now).figures.clone()
    }

    /// Counts and distributions since the platform's start.
    pub(crate) fn detail(&self) -> Detail {
        lock(&self.now).detail.clone()
    }

    /// What came since this was last asked.
    pub(super) fn take_pulse(&self) -> Pulse {
        std::mem::take(&mut lock(&self.now).pulse)
    }

    /// Invocations that are under way.
    pub(crate) fn in_flight(&self) -> u64 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Lines that were dropped because there were too many.
    pub(crate) fn lines_dropped(&self) -> u64 {
        self.lines_dropped.load(Ordering::Relaxed)
    }
}

/// An invocation that is under way; counted until it is dropped.
#[derive(Debug)]
pub(crate) struct InFlight(Arc<Live>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Intake {
    pub(super) fn new(allowance: Allowance, known: Vec<(Arc<str>, Figures)>) -> Self {
        let intake = Self {
            pending: Mutex::default(),
            functions: RwLock::default(),
            allowance,
            many: Notify::new(),
        };
        for (id, figures) in known {
            lock(&intake.live(&id).now).figures = figures;
        }
        intake
    }

    /// One function as it is now; known from now on if it was not.
    pub(crate) fn live(&self, id: &str) -> Arc<Live> {
        let functions = self
            .functions
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(live) = functions.get(id) {
            return Arc::clone(live);
        }
        drop(functions);
        let id: Arc<str> = id.into();
        let fresh = || {
            Arc::new(Live {
                id: Arc::clone(&id),
                now: Mutex::default(),
                bucket: Mutex::new(Bucket::full(self.allowance, Instant::now())),
                in_flight: AtomicU64::new(0),
                lines_dropped: AtomicU64::new(0),
                lines_lost: AtomicU64::new(0),
            })
        };
        let mut functions = self
            .functions
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        Arc::clone(functions.entry(Arc::clone(&id)).or_insert_with(fresh))
    }

    /// Every function that was ever invoked.
    pub(crate) fn all(&self) -> Vec<(Arc<str>, Arc<Live>)> {
        let functions = self
            .functions
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let all = functions.iter();
        all.map(|(id, live)| (Arc::clone(id), Arc::clone(live)))
            .collect()
    }

    /// An invocation begins.
    pub(crate) fn begin(&self, live: &Arc<Live>) -> InFlight {
        let now = live.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
        if now > 1 {
            let figures = &mut lock(&live.now).figures;
            figures.concurrency_max = figures.concurrency_max.max(now);
        }
        InFlight(Arc::clone(live))
    }

    /// An invocation has ended.
    pub(crate) fn record(&self, live: &Live, record: Record) {
        let mut sums = lock(&live.now);
        sums.figures.add(&record);
        sums.detail.add(&record);
        sums.pulse.add(&record);
        drop(sums);
        let mut pending = lock(&self.pending);
        pending.add(record);
        if pending.has_become_much() {
            self.many.notify_one();
        }
    }

    /// User code wrote a line.
    pub(super) fn line(&self, live: &Live, mut line: Line) {
        line.text = line::cut(line.text);
        let verdict = lock(&live.bucket).take(line.text.len() + 1, self.allowance, Instant::now());
        match verdict {
            Verdict::Drop => {
                live.lines_dropped.fetch_add(1, Ordering::Relaxed);
            }
            Verdict::Keep { dropped_before } => {
                let mut pending = lock(&self.pending);
                if dropped_before > 0 {
                    pending.push_in_any_case(marker(&line, dropped_before, TOO_MUCH));
                }
                if !pending.push(line) {
                    live.lines_dropped.fetch_add(1, Ordering::Relaxed);
                    live.lines_lost.fetch_add(1, Ordering::Relaxed);
                } else if pending.has_become_much() {
                    self.many.notify_one();
                }
            }
        }
    }

    /// What has waited longest. Markers tell of lines that were dropped and that no later line tells of.
    pub(super) fn take(&self) -> Batch {
        let markers = self.markers();
        let mut pending = lock(&self.pending);
        for marker in markers {
            pending.push_in_any_case(marker);
        }
        pending.take_batch()
    }

    fn markers(&self) -> Vec<Line> {
        let of_function = |(_, live): (Arc<str>, Arc<Live>)| {
            let line = Line {
                id: 0,
                function_id: Arc::clone(&live.id),
                version: 0,
                level: Level::Warn,
                text: String::new(),
                request_id: None,
                instance: None,
            };
            let dropped = lock(&live.bucket).take_dropped();
            let lost = live.lines_lost.swap(0, Ordering::Relaxed);
            let told = [(dropped, TOO_MUCH), (lost, TOO_FAST)].into_iter();
            let told = told.filter(|(count, _)| *count > 0);
            told.map(move |(count, why)| marker(&line, count, why))
        };
        self.all().into_iter().flat_map(of_function).collect()
    }

    /// How many lines and records wait.
    pub(crate) fn waiting(&self) -> (usize, usize) {
        lock(&self.pending).len()
    }
}

/// Why lines are dropped.
const TOO_MUCH: &str = "the function writes too much";
const TOO_FAST: &str = "the platform cannot store them fast enough";

fn marker(like: &Line, count: u64, why: &str) -> Line {
    Line {
        level: Level::Warn,
        text: format!("… {count} lines were dropped: {why}"),
        ..like.clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Line {
        Line {
            id: 0,
            function_id: "fn-1".into(),
            version: 1,
            level: Level::Info,
            text: text.to_owned(),
            request_id: None,
            instance: None,
        }
    }

    #[test]
    fn lines_that_find_no_room_are_counted_and_told_of() {
        let allowance = Allowance {
            bytes_per_second: 1 << 40,
            burst_bytes: 1 << 40,
        };
        let intake = Intake::new(allowance, Vec::new());
        let live = intake.live("fn-1");
        let written = 130_000;
        for _ in 0..written {
            intake.line(&live, line("a line"));
        }
        let dropped = live.lines_dropped();
        let mut taken = Vec::new();
        loop {
            let batch = intake.take();
            taken.extend(batch.lines);
            if !batch.is_more {
                break;
            }
        }
        let markers: Vec<&Line> = taken
            .iter()
            .filter(|line| line.level == Level::Warn)
            .collect();
        assert_eq!(markers.len(), 1);
        let told = format!("{dropped} lines were dropped: {TOO_FAST}");
        assert!(markers[0].text.contains(&told), "{}", markers[0].text);
        assert_eq!(taken.len() as u64 - 1 + dropped, written);
        assert!(dropped > 0 && taken.is_sorted_by_key(|line| line.id));
        assert_eq!(intake.waiting(), (0, 0));
    }
}
