//! The one task that writes to the telemetry database, in batches. Records and the sums over them are one transaction:
//! after a crash, sums and records still say the same.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use sqlx::{Any, AnyConnection, AssertSqlSafe, Row};
use tokio::sync::{broadcast, watch};

use super::figures::Figures;
use super::intake::Intake;
use super::line::{Line, weight};
use super::record::{DAY_MS, MINUTE_MS, Record};
use super::statements::{Statements, batches};
use crate::store::{Database, StoreError, text};
use crate::time::unix_ns;

/// How long lines and records wait for others, to be written with them.
const INTERVAL: Duration = Duration::from_millis(100);
/// How long to wait before a batch that was refused is tried again.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// Spans of the table of figures.
pub(super) const BEGINNING: i64 = 0;
pub(super) const MINUTE: i64 = 1;
pub(super) const DAY: i64 = 2;

/// The task's state.
pub(super) struct Writer {
    pub(super) database: Database,
    pub(super) intake: Arc<Intake>,
    /// Who follows the lines.
    pub(super) followers: broadcast::Sender<Arc<Vec<Line>>>,
    /// The sums as they are stored, of what was written last.
    pub(super) stored: HashMap<Key, Figures>,
    statements: Statements,
    last_record_id: i64,
}

/// Function, span, and the span's start.
type Key = (Arc<str>, i64, i64);

impl Writer {
    pub(super) fn new(
        database: Database,
        intake: Arc<Intake>,
        followers: broadcast::Sender<Arc<Vec<Line>>>,
    ) -> Self {
        Self {
            statements: Statements::new(database.backend()),
            database,
            intake,
            followers,
            stored: HashMap::new(),
            last_record_id: 0,
        }
    }

    /// Writes until it is told to stop, and then what is left.
    pub(super) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        loop {
            let many = Arc::clone(&self.intake);
            tokio::select! {
                () = tokio::time::sleep(INTERVAL) => {}
                () = many.many.notified() => {}
                _ = stop.changed() => {}
            }
            let is_last = *stop.borrow();
            while self.write_a_batch(is_last).await {}
            if is_last {
                return;
            }
        }
    }

    /// Says whether there is more.
    async fn write_a_batch(&mut self, is_last: bool) -> bool {
        let batch = self.intake.take();
        let (lines, records) = (Arc::new(batch.lines), batch.records);
        if lines.is_empty() && records.is_empty() {
            return false;
        }
        while let Err(error) = self.write(&lines, &records).await {
            tracing::warn!(%error, lines = lines.len(), records = records.len(), "telemetry cannot be written");
            self.stored.clear();
            if is_last {
                return false;
            }
            tokio::time::sleep(RETRY_PAUSE).await;
        }
        // Nobody follows, mostly.
        let _ = self.followers.send(lines);
        batch.is_more
    }

    async fn write(&mut self, lines: &[Line], records: &[Record]) -> Result<(), StoreError> {
        let mut transaction = self.database.begin_write().await?;
        for lines in batches(lines) {
            self.insert_lines(&mut transaction, lines).await?;
        }
        let invocations: Vec<&Record> = records
            .iter()
            .filter(|record| !record.is_throttle())
            .collect();
        for records in batches(&invocations) {
            self.insert_records(&mut transaction, records).await?;
        }
        self.add_up(&mut transaction, records).await?;
        Ok(transaction.commit().await?)
    }

    async fn insert_records(
        &mut self,
        connection: &mut AnyConnection,
        records: &[&Record],
    ) -> Result<(), StoreError> {
        const COLUMNS: usize = 18;
        let head = "INSERT INTO invocations (id, function_id, version, trigger_kind, outcome, request_id, unix_ms, \
                    start_kind, queue_us, fork_us, load_us, handler_us, total_us, billed_ms, memory_limit_mb, \
                    memory_used_kib, cpu_us, count) VALUES ";
        let statement = self.statements.of(head, records.len(), COLUMNS);
        let mut query = sqlx::query::<Any>(AssertSqlSafe(statement));
        for record in records {
            self.last_record_id = (self.last_record_id + 1).max(unix_ns());
            let timeline = record.timeline;
            query = query
                .bind(self.last_record_id)
                .bind(record.function_id.as_ref())
                .bind(i64::from(record.version))
                .bind(record.trigger)
                .bind(record.outcome)
                .bind(record.request_id.as_ref())
                .bind(record.unix_ms)
                .bind(record.start_kind.map(crate::invocation::StartKind::name));
            let times = [
                timeline.queue,
                timeline.fork,
                timeline.load,
                timeline.handler,
                timeline.total,
            ];
            for time in times {
                query = query.bind(signed(super::figures::micros(time)));
            }
            query = query
                .bind(signed(record.billed_ms))
                .bind(i64::from(record.memory_limit_mb))
                .bind(signed(record.memory_used_kib))
                .bind(signed(record.cpu_us))
                .bind(signed(record.count));
        }
        query.execute(connection).await?;
        Ok(())
    }

    async fn insert_lines(
        &mut self,
        connection: &mut AnyConnection,
        lines: &[Line],
    ) -> Result<(), StoreError> {
        const COLUMNS: usize = 7;
        let head = "INSERT INTO logs (function_id, id, version, level, request_id, instance, message) VALUES ";
        let statement = self.statements.of(head, lines.len(), COLUMNS);
        let mut query = sqlx::query::<Any>(AssertSqlSafe(statement));
        for line in lines {
            query = query
                .bind(line.function_id.as_ref())
                .bind(line.id)
                .bind(i64::from(line.version))
                .bind(weight(line.level))
                .bind(line.request_id.as_deref())
                .bind(line.instance)
                .bind(text(&line.text).into_owned());
        }
        query.execute(connection).await?;
        Ok(())
    }

    /// Adds the records to every sum that they belong to.
    async fn add_up(
        &mut self,
        connection: &mut AnyConnection,
        records: &[Record],
    ) -> Result<(), StoreError> {
        let mut changed: HashSet<Key> = HashSet::new();
        for alike in records.chunk_by(have_one_key) {
            for key in keys(&alike[0]) {
                if !self.stored.contains_key(&key) {
                    let figures = read(connection, &key).await?;
                    self.stored.insert(key.clone(), figures);
                }
                if let Some(figures) = self.stored.get_mut(&key) {
                    alike.iter().for_each(|record| figures.add(record));
                }
                changed.insert(key);
            }
        }
        for key in &changed {
            let live = self.intake.live(&key.0).figures().concurrency_max;
            if let Some(figures) = self.stored.get_mut(key) {
                figures.concurrency_max = figures.concurrency_max.max(live);
                upsert(connection, key, figures).await?;
            }
        }
        let now = unix_ns() / super::line::NS_PER_MS;
        self.stored.retain(|(_, span, start), _| match *span {
            MINUTE => now - start < 2 * MINUTE_MS,
            DAY => now - start < 2 * DAY_MS,
            _ => true,
        });
        Ok(())
    }
}

/// Whether two records belong to the same sums; the minute says the day too.
fn have_one_key(one: &Record, other: &Record) -> bool {
    let minute = |record: &Record| record.unix_ms.div_euclid(MINUTE_MS);
    one.function_id == other.function_id && minute(one) == minute(other)
}

fn keys(record: &Record) -> [Key; 3] {
    let start = |length: i64| record.unix_ms - record.unix_ms.rem_euclid(length);
    [
        (Arc::clone(&record.function_id), BEGINNING, 0),
        (Arc::clone(&record.function_id), MINUTE, start(MINUTE_MS)),
        (Arc::clone(&record.function_id), DAY, start(DAY_MS)),
    ]
}

async fn read(connection: &mut AnyConnection, key: &Key) -> Result<Figures, StoreError> {
    let statement =
        "SELECT figures FROM figures WHERE function_id = $1 AND span = $2 AND start_unix_ms = $3";
    let row = sqlx::query::<Any>(statement)
        .bind(key.0.as_ref())
        .bind(key.1)
        .bind(key.2)
        .fetch_optional(connection)
        .await?;
    row.map_or_else(|| Ok(Figures::default()), |row| parse(row.try_get(0)?))
}

/// Figures as they lie in the table.
pub(super) fn parse(text: String) -> Result<Figures, StoreError> {
    let broken = |error: serde_json::Error| StoreError::Corrupt(format!("figures: {error}"));
    serde_json::from_str(&text).map_err(broken)
}

async fn upsert(
    connection: &mut AnyConnection,
    key: &Key,
    figures: &Figures,
) -> Result<(), StoreError> {
    let statement = "INSERT INTO figures (function_id, span, start_unix_ms, figures) VALUES ($1, $2, $3, $4) \
                     ON CONFLICT (function_id, span, start_unix_ms) DO UPDATE SET figures = excluded.figures";
    let broken = |error: serde_json::Error| StoreError::Corrupt(format!("figures: {error}"));
    sqlx::query::<Any>(statement)
        .bind(key.0.as_ref())
        .bind(key.1)
        .bind(key.2)
        .bind(serde_json::to_string(figures).map_err(broken)?)
        .execute(connection)
        .await?;
    Ok(())
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
