//! Rollouts in the state database.

use sqlx::Row;

use super::FunctionStore;
use crate::rollout::Settings;
use crate::store::{StoreError, text};

/// A rollout as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StoredRollout {
    pub(crate) settings: Settings,
    /// Why the candidate was taken back.
    pub(crate) rolled_back: Option<String>,
    pub(crate) started_unix_ms: i64,
    /// The name of the credential.
    pub(crate) started_by: String,
}

impl FunctionStore {
    /// The rollout of a function.
    pub(crate) async fn rollout(&self, id: &str) -> Result<Option<StoredRollout>, StoreError> {
        let statement = "SELECT settings, rolled_back, started_unix_ms, started_by FROM rollouts WHERE function_id = $1";
        let found = sqlx::query(statement)
            .bind(id)
            .fetch_optional(self.database.pool())
            .await?;
        let Some(row) = found else {
            return Ok(None);
        };
        let settings: String = row.try_get(0)?;
        let settings = serde_json::from_str(&settings)
            .map_err(|error| StoreError::Corrupt(format!("a rollout: {error}")))?;
        Ok(Some(StoredRollout {
            settings,
            rolled_back: row.try_get(1)?,
            started_unix_ms: row.try_get(2)?,
            started_by: row.try_get(3)?,
        }))
    }

    /// Stores a function's rollout in the place of the one before.
    pub(crate) async fn set_rollout(
        &self,
        id: &str,
        rollout: &StoredRollout,
    ) -> Result<(), StoreError> {
        let statement = "INSERT INTO rollouts (function_id, settings, rolled_back, started_unix_ms, started_by) \
                         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (function_id) DO UPDATE SET \
                         settings = excluded.settings, rolled_back = excluded.rolled_back, \
                         started_unix_ms = excluded.started_unix_ms, started_by = excluded.started_by";
        let settings = serde_json::to_string(&rollout.settings)
            .map_err(|error| StoreError::Corrupt(format!("a rollout: {error}")))?;
        let mut writing = self.begin_alone().await?;
        sqlx::query(statement)
            .bind(id)
            .bind(settings)
            .bind(
                rollout
                    .rolled_back
                    .as_deref()
                    .map(|why| text(why).into_owned()),
            )
            .bind(rollout.started_unix_ms)
            .bind(text(&rollout.started_by).into_owned())
            .execute(writing.connection())
            .await?;
        writing.commit(&self.cluster, id).await
    }

    /// Forgets a function's rollout. Whether there was one.
    pub(crate) async fn remove_rollout(&self, id: &str) -> Result<bool, StoreError> {
        let mut writing = self.begin_alone().await?;
        let removed = sqlx::query("DELETE FROM rollouts WHERE function_id = $1")
            .bind(id)
            .execute(writing.connection())
            .await?;
        writing.commit(&self.cluster, id).await?;
        Ok(removed.rows_affected() > 0)
    }
}
