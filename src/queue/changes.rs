//! Changes of what has ended, and of functions that are gone.

use sqlx::Row;

use super::transaction::Transaction;
use super::work::{Change, Dead};
use super::{claims, finishes};
use crate::store::{StoreError, text};

/// The most that one transaction changes; whoever asks, asks again until nothing is left.
pub(crate) const CHANGES_MAX: i64 = 500;

/// Makes a change. How many deliveries it was made to.
pub(super) async fn make(work: &mut Transaction<'_>, change: &Change) -> Result<u64, StoreError> {
    match change {
        Change::Redrive { function_id, id } => redrive(work, function_id, *id).await,
        Change::Remove { function_id, id } => remove(work, function_id, *id).await,
        Change::Forget { function_id } => forget(work, function_id).await,
        Change::Bury(dead) => bury(work, dead).await,
    }
}

/// It is stored as if it had been tried here, with whoever is told of it.
async fn bury(work: &mut Transaction<'_>, dead: &Dead) -> Result<u64, StoreError> {
    let id = work.add_dead(dead.new.clone()).await?;
    let error = text(&finishes::cut(&dead.error.message)).into_owned();
    let statement = "UPDATE deliveries SET attempts = $1, ended_unix_ms = $2, error_code = $3, error = $4 WHERE id = $5";
    sqlx::query(statement)
        .bind(i64::from(dead.attempts))
        .bind(work.now_unix_ms())
        .bind(&dead.error.code)
        .bind(error)
        .bind(id)
        .execute(work.connection())
        .await?;
    for follower in &dead.followers {
        work.follow(follower).await?;
    }
    Ok(1)
}

/// Dead ones go back to the beginning, with all their attempts before them.
async fn redrive(
    work: &mut Transaction<'_>,
    function_id: &str,
    id: Option<i64>,
) -> Result<u64, StoreError> {
    let statement = "SELECT id, lane, ordering_key, bytes FROM deliveries WHERE function_id = $1 \
                     AND state = 'dead' AND ($2 = 0 OR id = $2) ORDER BY id LIMIT $3";
    let found = sqlx::query(statement)
        .bind(function_id)
        .bind(id.unwrap_or_default())
        .bind(CHANGES_MAX)
        .fetch_all(work.connection())
        .await?;
    for row in &found {
        let (id, lane): (i64, String) = (row.try_get(0)?, row.try_get(1)?);
        let (key, bytes): (String, i64) = (row.try_get(2)?, row.try_get(3)?);
        let state = work.first_state(function_id, &key).await?;
        let now = work.now_unix_ms();
        let statement = "UPDATE deliveries SET state = $1, attempts = 0, created_unix_ms = $2, due_unix_ms = $2, \
                         ended_unix_ms = NULL WHERE id = $3";
        sqlx::query(statement)
            .bind(state.name())
            .bind(now)
            .bind(id)
            .execute(work.connection())
            .await?;
        work.redriven(lane, state, u64::try_from(bytes).unwrap_or_default());
    }
    Ok(found.len() as u64)
}

async fn remove(
    work: &mut Transaction<'_>,
    function_id: &str,
    id: Option<i64>,
) -> Result<u64, StoreError> {
    let statement = "DELETE FROM deliveries WHERE id IN (SELECT id FROM deliveries WHERE function_id = $1 \
                     AND state = 'dead' AND ($2 = 0 OR id = $2) LIMIT $3)";
    let removed = sqlx::query(statement)
        .bind(function_id)
        .bind(id.unwrap_or_default())
        .bind(CHANGES_MAX)
        .execute(work.connection())
        .await?;
    Ok(removed.rows_affected())
}

async fn forget(work: &mut Transaction<'_>, function_id: &str) -> Result<u64, StoreError> {
    let (rows, bytes) = claims::open(work.connection(), function_id).await?;
    work.left(rows, bytes);
    for statement in [
        "DELETE FROM schedules WHERE function_id = $1",
        "DELETE FROM deliveries WHERE function_id = $1",
    ] {
        sqlx::query(statement)
            .bind(function_id)
            .execute(work.connection())
            .await?;
    }
    Ok(rows)
}
