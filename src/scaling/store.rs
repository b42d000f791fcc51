//! Learned patterns in the state database: a row a function, which goes with it.

use std::collections::HashMap;

use sqlx::Row;
use sqlx::any::AnyRow;
use zygo_forecast::Learner;

use crate::store::{Database, StoreError};

/// A function's id, and what was learned of it.
pub(super) type Learned = (String, Learner);

/// Where patterns are kept.
#[derive(Debug)]
pub(super) struct PatternStore {
    database: Database,
}

impl PatternStore {
    pub(super) fn new(database: Database) -> Self {
        Self { database }
    }

    /// All of them. One that another release wrote in another form is learned anew.
    pub(super) async fn all(&self) -> Result<HashMap<String, Learner>, StoreError> {
        let rows = sqlx::query("SELECT function_id, pattern FROM arrival_patterns")
            .fetch_all(self.database.pool())
            .await?;
        let mut all = HashMap::new();
        for row in &rows {
            let (id, pattern) = read(row)?;
            match serde_json::from_str(&pattern) {
                Ok(learner) => drop(all.insert(id, learner)),
                Err(error) => {
                    tracing::warn!(function = id, %error, "a learned pattern cannot be read")
                }
            }
        }
        Ok(all)
    }

    /// Writes some, in one transaction. Functions that are gone meanwhile are passed over.
    pub(super) async fn save(
        &self,
        learned: &[Learned],
        now_unix_ms: i64,
    ) -> Result<(), StoreError> {
        let statement = "INSERT INTO arrival_patterns (function_id, pattern, saved_unix_ms) \
                         SELECT id, $2, $3 FROM functions WHERE id = $1 \
                         ON CONFLICT (function_id) DO UPDATE SET pattern = excluded.pattern, \
                         saved_unix_ms = excluded.saved_unix_ms";
        let mut transaction = self.database.begin_write().await?;
        for (id, learner) in learned {
            let broken = |error| StoreError::Corrupt(format!("a learned pattern: {error}"));
            let pattern = serde_json::to_string(learner).map_err(broken)?;
            sqlx::query(statement)
                .bind(id)
                .bind(pattern)
                .bind(now_unix_ms)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}

fn read(row: &AnyRow) -> Result<(String, String), sqlx::Error> {
    Ok((row.try_get(0)?, row.try_get(1)?))
}
