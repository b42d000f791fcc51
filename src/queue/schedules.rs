//! The last tick of each schedule, in the database: what was claimed fires once, whatever a crash does.

use std::collections::HashMap;

use sqlx::Row;

use super::Queue;
use crate::store::StoreError;

/// A schedule: a function's id, and the place of the trigger among those of the function.
pub(crate) type ScheduleId = (String, i64);

/// What is known of a schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LastTick {
    /// What ticked it.
    pub(crate) definition: String,
    pub(crate) unix_ms: i64,
}

impl Queue {
    /// What is known of all schedules.
    pub(crate) async fn schedules(&self) -> Result<HashMap<ScheduleId, LastTick>, StoreError> {
        let statement =
            "SELECT function_id, trigger_number, definition, last_unix_ms FROM schedules";
        let found = sqlx::query(statement)
            .fetch_all(self.database.pool())
            .await?;
        let read = |row: &sqlx::any::AnyRow| {
            let id = (row.try_get(0)?, row.try_get(1)?);
            let last = LastTick {
                definition: row.try_get(2)?,
                unix_ms: row.try_get(3)?,
            };
            Ok((id, last))
        };
        found.iter().map(read).collect()
    }

    /// Begins a schedule, or begins it anew: it ticks from now on. One that another node has begun meanwhile goes on.
    pub(crate) async fn begin_schedule(
        &self,
        (function_id, trigger): &ScheduleId,
        last: &LastTick,
    ) -> Result<(), StoreError> {
        let statement = "INSERT INTO schedules (function_id, trigger_number, definition, last_unix_ms) \
                         VALUES ($1, $2, $3, $4) ON CONFLICT (function_id, trigger_number) DO UPDATE SET \
                         definition = excluded.definition, last_unix_ms = excluded.last_unix_ms \
                         WHERE schedules.definition <> excluded.definition";
        sqlx::query(statement)
            .bind(function_id)
            .bind(*trigger)
            .bind(&last.definition)
            .bind(last.unix_ms)
            .execute(self.database.pool())
            .await?;
        Ok(())
    }
}
