//! What waits for the writer, in bounds: lines in the order of their time, and records. Knows nothing of databases.

use super::line::Line;
use super::record::Record;
use crate::time::unix_ns;

/// More lines than these wait for no writer.
const LINES_MAX: usize = 100_000;
/// Nor more text.
const LINE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// More records than these are folded.
const RECORDS_MAX: usize = 100_000;
/// With so many lines the writer is woken before its time.
const LINES_MANY: usize = 5_000;
/// And with so many records.
const RECORDS_MANY: usize = 1_000;
/// No more lines are written at once: what waits behind them would be lost with them.
const LINES_BATCH: usize = 10_000;
/// Nor more records.
const RECORDS_BATCH: usize = 4_000;

/// What waits.
#[derive(Debug, Default)]
pub(super) struct Pending {
    lines: Vec<Line>,
    records: Vec<Record>,
    line_bytes: usize,
    last_id: i64,
}

/// What is written at once.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) lines: Vec<Line>,
    pub(super) records: Vec<Record>,
    /// Whether there is more.
    pub(super) is_more: bool,
}

impl Pending {
    /// Gives the line its place in time; says whether there was room for it.
    pub(super) fn push(&mut self, line: Line) -> bool {
        let has_room = self.lines.len() < LINES_MAX && self.line_bytes < LINE_BYTES_MAX;
        if has_room {
            self.push_in_any_case(line);
        }
        has_room
    }

    /// The same, for the few lines that must not be lost.
    pub(super) fn push_in_any_case(&mut self, mut line: Line) {
        self.last_id = (self.last_id + 1).max(unix_ns());
        line.id = self.last_id;
        self.line_bytes += line.text.len();
        self.lines.push(line);
    }

    /// Keeps the record, or folds it into one of its kind.
    pub(super) fn add(&mut self, record: Record) {
        if self.records.len() < RECORDS_MAX {
            self.records.push(record);
            return;
        }
        // Kinds are few, so one of them is near the end; without any, this one more does no harm.
        let newest_first = self.records.iter_mut().rev();
        match newest_first
            .into_iter()
            .find(|other| other.is_like(&record))
        {
            Some(other) => other.fold(&record),
            None => self.records.push(record),
        }
    }

    /// Whether so much waits, as of the last addition, that the writer ought to come now.
    pub(super) fn has_become_much(&self) -> bool {
        self.lines.len() == LINES_MANY || self.records.len() == RECORDS_MANY
    }

    /// The oldest of both, as many as are written at once.
    pub(super) fn take_batch(&mut self) -> Batch {
        let lines = take_first(&mut self.lines, LINES_BATCH);
        let records = take_first(&mut self.records, RECORDS_BATCH);
        self.line_bytes -= lines.iter().map(|line| line.text.len()).sum::<usize>();
        Batch {
            lines,
            records,
            is_more: !self.lines.is_empty() || !self.records.is_empty(),
        }
    }

    /// How many lines and records wait.
    pub(super) fn len(&self) -> (usize, usize) {
        (self.lines.len(), self.records.len())
    }
}

fn take_first<T>(all: &mut Vec<T>, count: usize) -> Vec<T> {
    let rest = all.split_off(count.min(all.len()));
    std::mem::replace(all, rest)
}
