//! What is asked of deliveries, and what is forgotten of them. Reads while the ledger writes.

use sqlx::{AssertSqlSafe, Row};

use super::delivery::{Delivery, State};
use super::rows::{self, COLUMNS};
use super::{Queue, QueueSettings};
use crate::store::StoreError;
use crate::time::now_unix_ms;

/// So many are forgotten at a time: whoever writes in between waits no longer than for these.
const FORGET_AT_ONCE: i64 = 1_000;
const HOUR_MS: i64 = 3_600_000;
/// How long a request that is done once is remembered.
const ONCE_KEPT_MS: i64 = 24 * HOUR_MS;

/// How many deliveries of a function stand where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) held: u64,
    pub(crate) pending: u64,
    pub(crate) running: u64,
    pub(crate) dead: u64,
    /// When the oldest that has not ended was accepted.
    pub(crate) oldest_unix_ms: Option<i64>,
}

impl Queue {
    /// What a request led to, the newest first: ids of callers need not be unique.
    pub(crate) async fn of_request(&self, request_id: &str) -> Result<Vec<Delivery>, StoreError> {
        let statement = format!(
            "SELECT {COLUMNS} FROM deliveries WHERE request_id = $1 AND kind <> 'webhook' ORDER BY id DESC LIMIT 100"
        );
        let found = sqlx::query(AssertSqlSafe(statement))
            .bind(crate::store::text(request_id).into_owned())
            .fetch_all(self.database.pool())
            .await?;
        found.iter().map(rows::read).collect()
    }

    /// Dead ones of a function, or of all when it is empty, from the newest down.
    pub(crate) async fn dead(
        &self,
        function_id: &str,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<Delivery>, StoreError> {
        let of_one = match function_id.is_empty() {
            true => "$1 = ''",
            false => "function_id = $1",
        };
        let statement = format!(
            "SELECT {COLUMNS} FROM deliveries WHERE state = 'dead' AND {of_one} AND id < $2 ORDER BY id DESC LIMIT $3"
        );
        let found = sqlx::query(AssertSqlSafe(statement))
            .bind(function_id)
            .bind(before.unwrap_or(i64::MAX))
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(self.database.pool())
            .await?;
        found.iter().map(rows::read).collect()
    }

    /// One dead delivery of a function.
    pub(crate) async fn letter(
        &self,
        function_id: &str,
        id: i64,
    ) -> Result<Option<Delivery>, StoreError> {
        let statement = format!(
            "SELECT {COLUMNS} FROM deliveries WHERE id = $1 AND function_id = $2 AND state = 'dead'"
        );
        let found = sqlx::query(AssertSqlSafe(statement))
            .bind(id)
            .bind(function_id)
            .fetch_optional(self.database.pool())
            .await?;
        found.as_ref().map(rows::read).transpose()
    }

    /// How many deliveries of a function stand where.
    pub(crate) async fn counts(&self, function_id: &str) -> Result<Counts, StoreError> {
        let mut counts = Counts::default();
        for statement in [
            "SELECT state, COUNT(*), MIN(created_unix_ms) FROM deliveries WHERE function_id = $1 \
             AND ended_unix_ms IS NULL GROUP BY state",
            "SELECT state, COUNT(*), MIN(created_unix_ms) FROM deliveries WHERE function_id = $1 \
             AND state = 'dead' GROUP BY state",
        ] {
            let found = sqlx::query(statement)
                .bind(function_id)
                .fetch_all(self.database.pool())
                .await?;
            for row in &found {
                let (state, count): (String, i64) = (row.try_get(0)?, row.try_get(1)?);
                counts.put(
                    &state,
                    u64::try_from(count).unwrap_or_default(),
                    row.try_get(2)?,
                );
            }
        }
        Ok(counts)
    }

    /// Forgets what ended long ago, and what belongs to functions that are gone.
    pub(crate) async fn forget(&self, settings: &QueueSettings) -> Result<(), StoreError> {
        let before = |hours: u64| {
            let hours = i64::try_from(hours).unwrap_or(i64::MAX);
            now_unix_ms().saturating_sub(hours.saturating_mul(HOUR_MS))
        };
        for (which, before) in [
            (
                "id IN (SELECT id FROM deliveries WHERE ended_unix_ms IS NOT NULL AND ended_unix_ms < $1 \
                 AND state = 'succeeded' LIMIT $2)",
                before(settings.retention_hours),
            ),
            (
                "id IN (SELECT id FROM deliveries WHERE ended_unix_ms IS NOT NULL AND ended_unix_ms < $1 LIMIT $2)",
                before(settings.dead_letter_retention_hours),
            ),
            (
                "id IN (SELECT id FROM deliveries WHERE ended_unix_ms IS NOT NULL AND created_unix_ms < $1 \
                 AND function_id NOT IN (SELECT id FROM functions) LIMIT $2)",
                i64::MAX,
            ),
        ] {
            self.forget_these(which, before).await?;
        }
        sqlx::query("DELETE FROM queue_once WHERE created_unix_ms < $1")
            .bind(now_unix_ms() - ONCE_KEPT_MS)
            .execute(self.database.pool())
            .await?;
        sqlx::query("DELETE FROM schedules WHERE function_id NOT IN (SELECT id FROM functions)")
            .execute(self.database.pool())
            .await?;
        Ok(())
    }

    async fn forget_these(&self, which: &str, before_unix_ms: i64) -> Result<(), StoreError> {
        loop {
            let forgotten = sqlx::query(AssertSqlSafe(format!(
                "DELETE FROM deliveries WHERE {which}"
            )))
            .bind(before_unix_ms)
            .bind(FORGET_AT_ONCE)
            .execute(self.database.pool())
            .await?;
            if forgotten.rows_affected() < FORGET_AT_ONCE.unsigned_abs() {
                return Ok(());
            }
        }
    }
}

impl Counts {
    fn put(&mut self, state: &str, count: u64, oldest_unix_ms: Option<i64>) {
        let of = match State::ALL.into_iter().find(|known| known.name() == state) {
            Some(State::Held) => &mut self.held,
            Some(State::Pending) => &mut self.pending,
            Some(State::Running) => &mut self.running,
            Some(State::Dead) => &mut self.dead,
            Some(State::Succeeded) | None => return,
        };
        *of = count;
        if state != State::Dead.name() {
            let oldest = self.oldest_unix_ms.into_iter().chain(oldest_unix_ms);
            self.oldest_unix_ms = oldest.min();
        }
    }
}
