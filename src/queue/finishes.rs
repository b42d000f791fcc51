//! What came of attempts, in the database. Nothing is written for who no longer holds a delivery.

use std::collections::BTreeMap;

use sqlx::{AnyConnection, AssertSqlSafe};

use super::claims::chunks;
use super::delivery::State;
use super::retry::Next;
use super::rows::ms;
use super::work::Finish;
use crate::store::{StoreError, text};

/// A longer message of an error is cut.
const ERROR_LEN_MAX: usize = 2_000;

impl Finish {
    /// Whether nothing follows from it.
    pub(super) fn is_plain(&self) -> bool {
        self.next == Next::Succeeded
            && self.followers.is_empty()
            && self.delivery.new.ordering_key.is_empty()
    }
}

/// Stores successes from which nothing follows, many at once. Those that were stored.
pub(super) async fn succeeded<'f>(
    connection: &mut AnyConnection,
    runner: &str,
    now_unix_ms: i64,
    finishes: &[&'f Finish],
) -> Result<Vec<&'f Finish>, StoreError> {
    let mut by_status: BTreeMap<Option<u16>, Vec<&'f Finish>> = BTreeMap::new();
    for finish in finishes {
        by_status.entry(finish.status).or_default().push(finish);
    }
    let mut stored = Vec::new();
    for (status, finishes) in by_status {
        let ids: Vec<i64> = finishes.iter().map(|finish| finish.delivery.id).collect();
        let mut count = 0;
        for (chunk, parameters) in chunks(&ids, 4) {
            let statement = format!(
                "UPDATE deliveries SET state = 'succeeded', owner = '', attempts = attempts + 1, event = '', \
                 body_kind = 'none', body = '', error_code = NULL, error = NULL, status = $1, ended_unix_ms = $2 \
                 WHERE owner = $3 AND state = 'running' AND id IN ({parameters})"
            );
            let mut query = sqlx::query(AssertSqlSafe(statement))
                .bind(status.map(i64::from))
                .bind(now_unix_ms)
                .bind(runner);
            for id in chunk {
                query = query.bind(*id);
            }
            count += query.execute(&mut *connection).await?.rows_affected();
        }
        // Which of them, is only of interest where some were not: a function that is gone has given its room back.
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        stored.extend(finishes.into_iter().take(count));
    }
    Ok(stored)
}

/// Stores what came of one attempt. Whether it was still ours.
pub(super) async fn store(
    connection: &mut AnyConnection,
    runner: &str,
    now_unix_ms: i64,
    finish: &Finish,
) -> Result<bool, StoreError> {
    let (state, due, ended) = match finish.next {
        Next::Succeeded => (State::Succeeded, now_unix_ms, Some(now_unix_ms)),
        Next::Dead(_) => (State::Dead, now_unix_ms, Some(now_unix_ms)),
        Next::Again(pause) => (State::Pending, now_unix_ms.saturating_add(ms(pause)), None),
    };
    let keeps = match finish.next {
        // What was handled is looked at by nobody.
        Next::Succeeded => "event = '', body_kind = 'none', body = '', ",
        Next::Dead(_) | Next::Again(_) => "",
    };
    let statement = format!(
        "UPDATE deliveries SET {keeps}state = $1, owner = '', attempts = $2, due_unix_ms = $3, ended_unix_ms = $4, \
         status = $5, error_code = $6, error = $7 WHERE id = $8 AND owner = $9 AND state = 'running'"
    );
    let error = finish.error.as_ref();
    let message = error.map(|error| text(&cut(&error.message)).into_owned());
    let stored = sqlx::query(AssertSqlSafe(statement))
        .bind(state.name())
        .bind(i64::from(finish.attempts))
        .bind(due)
        .bind(ended)
        .bind(finish.status.map(i64::from))
        .bind(error.map(|error| error.code.clone()))
        .bind(message)
        .bind(finish.delivery.id)
        .bind(runner)
        .execute(connection)
        .await?;
    Ok(stored.rows_affected() > 0)
}

pub(super) fn cut(text: &str) -> String {
    match text.char_indices().nth(ERROR_LEN_MAX) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}…", &text[..at]),
    }
}
