//! Claims in the database, and what becomes of those of supervisors that are gone.

use std::time::Duration;

use sqlx::{AnyConnection, AssertSqlSafe, Row};

use super::rows::{self, COLUMNS};
use super::transaction::Claimed;
use crate::store::{Database, StoreError, server_unix_ms};
use crate::time::now_unix_ms;

/// One statement moves so many: each number is a statement that the database prepares once.
const CHUNKS: [usize; 3] = [64, 8, 1];

/// Runs `step` on chunks of ids, each with the parameters that stand for them.
pub(super) fn chunks(mut ids: &[i64], first: usize) -> Vec<(&[i64], String)> {
    let mut chunks = Vec::new();
    while let Some(size) = CHUNKS.into_iter().find(|size| *size <= ids.len()) {
        let (chunk, rest) = ids.split_at(size);
        let parameters = (first..first + size).map(|at| format!("${at}"));
        let parameters: Vec<String> = parameters.collect();
        chunks.push((chunk, parameters.join(", ")));
        ids = rest;
    }
    chunks
}

/// Claims what is due in a lane.
pub(super) async fn claim(
    connection: &mut AnyConnection,
    runner: &str,
    lane: &str,
    most: usize,
    now_unix_ms: i64,
) -> Result<Claimed, StoreError> {
    let statement = format!(
        "SELECT {COLUMNS} FROM deliveries WHERE lane = $1 AND state = 'pending' AND due_unix_ms <= $2 \
         ORDER BY due_unix_ms, id LIMIT $3"
    );
    let found = sqlx::query(AssertSqlSafe(statement))
        .bind(lane)
        .bind(now_unix_ms)
        .bind(i64::try_from(most).unwrap_or(i64::MAX))
        .fetch_all(&mut *connection)
        .await?;
    let deliveries: Vec<_> = found.iter().map(rows::read).collect::<Result<_, _>>()?;
    let ids: Vec<i64> = deliveries.iter().map(|delivery| delivery.id).collect();
    for (chunk, parameters) in chunks(&ids, 2) {
        let statement = format!(
            "UPDATE deliveries SET state = 'running', owner = $1 WHERE id IN ({parameters})"
        );
        let mut query = sqlx::query(AssertSqlSafe(statement)).bind(runner);
        for id in chunk {
            query = query.bind(*id);
        }
        query.execute(&mut *connection).await?;
    }
    let statement = "SELECT MIN(due_unix_ms) FROM deliveries WHERE lane = $1 AND state = 'pending'";
    let next = sqlx::query(statement)
        .bind(lane)
        .fetch_one(&mut *connection)
        .await?;
    Ok(Claimed {
        lane: lane.to_owned(),
        deliveries,
        next_due_unix_ms: next.try_get(0)?,
    })
}

/// Says that a supervisor is there, and gives back what those hold that have not been heard of for a lease, or all others
/// without one. How many deliveries.
pub(super) async fn beat(
    connection: &mut AnyConnection,
    database: &Database,
    runner: &str,
    lease: Option<Duration>,
) -> Result<u64, StoreError> {
    // Clocks of machines differ; that of the server they share is one.
    let now = match database.is_shared() {
        true => server_unix_ms(connection).await?,
        false => now_unix_ms(),
    };
    let statement = "INSERT INTO queue_runners (id, alive_unix_ms) VALUES ($1, $2) \
                     ON CONFLICT (id) DO UPDATE SET alive_unix_ms = excluded.alive_unix_ms";
    sqlx::query(statement)
        .bind(runner)
        .bind(now)
        .execute(&mut *connection)
        .await?;
    let alive_since = lease.map_or(i64::MAX, |lease| now.saturating_sub(rows::ms(lease)));
    sqlx::query("DELETE FROM queue_runners WHERE alive_unix_ms < $1 AND id <> $2")
        .bind(alive_since)
        .bind(runner)
        .execute(&mut *connection)
        .await?;
    let statement = "UPDATE deliveries SET state = 'pending', owner = '' WHERE owner <> '' \
                     AND owner NOT IN (SELECT id FROM queue_runners)";
    let given_back = sqlx::query(statement).execute(connection).await?;
    Ok(given_back.rows_affected())
}

/// Ids of what is claimed in a supervisor's name.
pub(super) async fn owned(
    connection: &mut AnyConnection,
    runner: &str,
) -> Result<Vec<i64>, StoreError> {
    let statement = "SELECT id FROM deliveries WHERE owner = $1 AND owner <> ''";
    let found = sqlx::query(statement)
        .bind(runner)
        .fetch_all(connection)
        .await?;
    let ids = found.iter().map(|row| row.try_get(0));
    Ok(ids.collect::<Result<_, _>>()?)
}

/// Gives back some of what a supervisor has claimed.
pub(super) async fn give_back(
    connection: &mut AnyConnection,
    runner: &str,
    ids: &[i64],
) -> Result<(), StoreError> {
    for (chunk, parameters) in chunks(ids, 2) {
        let statement = format!(
            "UPDATE deliveries SET state = 'pending', owner = '' WHERE owner = $1 AND id IN ({parameters})"
        );
        let mut query = sqlx::query(AssertSqlSafe(statement)).bind(runner);
        for id in chunk {
            query = query.bind(*id);
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

/// Gives back what one supervisor holds, and forgets it.
pub(super) async fn release(
    connection: &mut AnyConnection,
    runner: &str,
) -> Result<(), StoreError> {
    for statement in [
        "UPDATE deliveries SET state = 'pending', owner = '' WHERE owner = $1 AND owner <> ''",
        "DELETE FROM queue_runners WHERE id = $1",
    ] {
        sqlx::query(statement)
            .bind(runner)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// Lanes in which something waits, each with when the first is due.
pub(super) async fn lanes(
    connection: &mut AnyConnection,
) -> Result<Vec<(String, i64)>, StoreError> {
    let statement =
        "SELECT lane, MIN(due_unix_ms) FROM deliveries WHERE state = 'pending' GROUP BY lane";
    let found = sqlx::query(statement).fetch_all(connection).await?;
    let lane = |row: &sqlx::any::AnyRow| Ok((row.try_get(0)?, row.try_get(1)?));
    found.iter().map(lane).collect()
}

/// How many deliveries are open, and their bytes; of one function, or of all when it is empty.
pub(super) async fn open(
    connection: &mut AnyConnection,
    function_id: &str,
) -> Result<(u64, u64), StoreError> {
    let statement = "SELECT COUNT(*), CAST(COALESCE(SUM(bytes), 0) AS BIGINT) FROM deliveries \
                     WHERE ended_unix_ms IS NULL AND ($1 = '' OR function_id = $1)";
    let row = sqlx::query(statement)
        .bind(function_id)
        .fetch_one(connection)
        .await?;
    let number = |at: usize| -> Result<u64, StoreError> {
        Ok(u64::try_from(row.try_get::<i64, _>(at)?).unwrap_or_default())
    };
    Ok((number(0)?, number(1)?))
}
