//! What is done once: requests that come again, and ticks that were claimed.

use sqlx::Row;

use super::transaction::Transaction;
use super::work::{Accepted, Batch};
use crate::store::StoreError;

impl Transaction<'_> {
    /// What became of a batch that was stored before, or of a tick that does not fire.
    pub(super) async fn earlier(&mut self, batch: &Batch) -> Result<Option<Accepted>, StoreError> {
        if let Some(once) = &batch.once {
            let statement = "INSERT INTO queue_once (key, request_digest, answer, created_unix_ms) \
                             VALUES ($1, $2, $3, $4) ON CONFLICT (key) DO NOTHING";
            let inserted = sqlx::query(statement)
                .bind(&once.key)
                .bind(&once.digest)
                .bind(&once.answer)
                .bind(self.now_unix_ms())
                .execute(self.connection())
                .await?;
            if inserted.rows_affected() == 0 {
                let statement = "SELECT request_digest, answer FROM queue_once WHERE key = $1";
                let row = sqlx::query(statement)
                    .bind(&once.key)
                    .fetch_one(self.connection())
                    .await?;
                return Ok(Some(Accepted::Earlier {
                    is_same_request: row.try_get::<String, _>(0)? == once.digest,
                    answer: row.try_get(1)?,
                }));
            }
        }
        let Some(tick) = &batch.tick else {
            return Ok(None);
        };
        let statement = "INSERT INTO schedules (function_id, trigger_number, definition, last_unix_ms) \
                         VALUES ($1, $2, $3, $4) ON CONFLICT (function_id, trigger_number) DO UPDATE SET \
                         definition = excluded.definition, last_unix_ms = excluded.last_unix_ms \
                         WHERE schedules.last_unix_ms < excluded.last_unix_ms";
        let claimed = sqlx::query(statement)
            .bind(&tick.function_id)
            .bind(tick.trigger)
            .bind(&tick.definition)
            .bind(tick.unix_ms)
            .execute(self.connection())
            .await?;
        let passes = claimed.rows_affected() == 0
            || (tick.skips_overlap && self.is_open(&tick.function_id, &tick.origin()).await?);
        Ok(passes.then_some(Accepted::Passed))
    }

    /// Whether anything of an origin has not ended.
    async fn is_open(&mut self, function_id: &str, origin: &str) -> Result<bool, StoreError> {
        self.flush().await?;
        let statement = "SELECT id FROM deliveries WHERE function_id = $1 AND origin = $2 \
                         AND ended_unix_ms IS NULL LIMIT 1";
        let row = sqlx::query(statement)
            .bind(function_id)
            .bind(origin)
            .fetch_optional(self.connection())
            .await?;
        Ok(row.is_some())
    }
}
