//! Forgets what is too old or too much, in small steps, so that nobody waits long for the database.

use std::time::Duration;

use sqlx::Row;

use super::Telemetry;
use super::line::NS_PER_MS;
use super::record::DAY_MS;
use super::writer::MINUTE;
use crate::config::Config;
use crate::store::StoreError;
use crate::time::unix_ns;

/// Rows that one statement removes.
const STEP: i64 = 5_000;
/// Between two steps others have their turn.
const PAUSE: Duration = Duration::from_millis(20);

/// What is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Limits {
    logs_ms: i64,
    log_bytes: i64,
    invocations_ms: i64,
    minutes_ms: i64,
}

impl Telemetry {
    /// Removes what the configuration does not keep.
    pub(crate) async fn forget(&self, config: &Config) -> Result<(), StoreError> {
        let limits = limits(config);
        let now_ns = unix_ns();
        let now_ms = now_ns / NS_PER_MS;
        self.forget_lines(now_ns - limits.logs_ms.saturating_mul(NS_PER_MS))
            .await?;
        self.forget_lines_beyond(limits.log_bytes).await?;
        let statement = "DELETE FROM invocations WHERE id IN \
                         (SELECT id FROM invocations WHERE id < $1 ORDER BY id LIMIT $2)";
        let horizon = now_ns - limits.invocations_ms.saturating_mul(NS_PER_MS);
        self.in_steps(statement, horizon).await?;
        sqlx::query("DELETE FROM figures WHERE span = $1 AND start_unix_ms < $2")
            .bind(MINUTE)
            .bind(now_ms - limits.minutes_ms)
            .execute(self.database.pool())
            .await?;
        Ok(())
    }

    /// Removes lines before a moment.
    async fn forget_lines(&self, before_ns: i64) -> Result<(), StoreError> {
        let statement =
            "DELETE FROM logs WHERE id IN (SELECT id FROM logs WHERE id < $1 ORDER BY id LIMIT $2)";
        self.in_steps(statement, before_ns).await
    }

    /// Removes the oldest lines until the others have at most so many bytes.
    async fn forget_lines_beyond(&self, bytes_max: i64) -> Result<(), StoreError> {
        let bytes = "SELECT CAST(COALESCE(SUM(LENGTH(message) + 64), 0) AS BIGINT) FROM logs";
        let row = sqlx::query(bytes).fetch_one(self.database.pool()).await?;
        let excess = row.try_get::<i64, _>(0)? - bytes_max;
        if excess <= 0 {
            return Ok(());
        }
        let statement = "SELECT id FROM (SELECT id, SUM(LENGTH(message) + 64) OVER (ORDER BY id) AS so_far FROM logs) \
                         AS running WHERE so_far >= $1 ORDER BY id LIMIT 1";
        let row = sqlx::query(statement)
            .bind(excess)
            .fetch_optional(self.database.pool())
            .await?;
        match row {
            Some(row) => self.forget_lines(row.try_get::<i64, _>(0)? + 1).await,
            None => Ok(()),
        }
    }

    async fn in_steps(&self, statement: &'static str, before: i64) -> Result<(), StoreError> {
        loop {
            let removed = sqlx::query(statement)
                .bind(before)
                .bind(STEP)
                .execute(self.database.pool())
                .await?;
            if removed.rows_affected() == 0 {
                return Ok(());
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

fn limits(config: &Config) -> Limits {
    const HOUR_MS: i64 = 3_600_000;
    let signed = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    Limits {
        logs_ms: signed(config.log_retention_hours).saturating_mul(HOUR_MS),
        log_bytes: signed(config.log_retention_bytes),
        invocations_ms: signed(config.invocation_retention_hours).saturating_mul(HOUR_MS),
        minutes_ms: signed(config.metrics_retention_days).saturating_mul(DAY_MS),
    }
}
