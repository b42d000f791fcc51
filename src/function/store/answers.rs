//! Answers to requests that may be repeated, by the hash of their `Idempotency-Key`. Which requests are under way is known
//! in memory alone: after a crash nobody works on them, and their keys are free again. Knows neither HTTP nor what an
//! answer holds.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::Row;

use crate::store::{Database, StoreError};
use crate::time::now_unix_ms;

/// All answers that are kept.
#[derive(Debug, Clone)]
pub(crate) struct Answers {
    database: Database,
    /// Digests of the requests that are being answered, by their keys.
    under_way: Arc<Mutex<HashMap<String, String>>>,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) status: u16,
    /// Sealed.
    pub(crate) answer: String,
}

/// What is known of a key.
#[derive(Debug)]
pub(crate) enum Known {
    /// Nothing; from now on it is under way, until the claim is dropped.
    New(Claim),
    /// Its request has been answered.
    Kept(Kept),
    /// Its request has not been answered yet.
    UnderWay,
    /// It came with another request.
    OtherRequest,
}

/// A key whose request is being answered.
#[derive(Debug)]
pub(crate) struct Claim {
    answers: Answers,
    key: String,
    digest: String,
}

impl Answers {
    /// Over an open state database.
    pub(crate) fn new(database: Database) -> Self {
        Self {
            database,
            under_way: Arc::default(),
        }
    }

    /// Looks a key up, and takes it when it is new.
    pub(crate) async fn begin(&self, key: &str, digest: &str) -> Result<Known, StoreError> {
        match self.under_way().entry(key.to_owned()) {
            Entry::Occupied(entry) if entry.get() == digest => return Ok(Known::UnderWay),
            Entry::Occupied(_) => return Ok(Known::OtherRequest),
            Entry::Vacant(entry) => entry.insert(digest.to_owned()),
        };
        let claim = Claim {
            answers: self.clone(),
            key: key.to_owned(),
            digest: digest.to_owned(),
        };
        let statement = "SELECT request_digest, status, response FROM idempotency WHERE key = $1";
        let row = sqlx::query(statement)
            .bind(key)
            .fetch_optional(self.database.pool())
            .await?;
        let Some(row) = row else {
            return Ok(Known::New(claim));
        };
        let known: String = row.try_get(0)?;
        let (status, answer): (Option<i64>, Option<String>) = (row.try_get(1)?, row.try_get(2)?);
        Ok(match (status, answer) {
            (Some(_), Some(_)) if known != digest => Known::OtherRequest,
            (Some(status), Some(answer)) => Known::Kept(Kept {
                status: u16::try_from(status).unwrap_or(500),
                answer,
            }),
            // Of a request that was never answered.
            _ => Known::New(claim),
        })
    }

    /// Forgets answers that are older.
    pub(crate) async fn expire(&self, age: Duration) -> Result<(), StoreError> {
        let age_ms = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
        sqlx::query("DELETE FROM idempotency WHERE created_unix_ms < $1")
            .bind(now_unix_ms().saturating_sub(age_ms))
            .execute(self.database.pool())
            .await?;
        Ok(())
    }

    fn under_way(&self) -> MutexGuard<'_, HashMap<String, String>> {
        self.under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Claim {
    /// The key.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// Keeps the answer to the key's request.
    pub(crate) async fn keep(self, kept: &Kept) -> Result<(), StoreError> {
        fail::fail_point!("replay::keeping");
        let statement = "INSERT INTO idempotency (key, request_digest, status, response, created_unix_ms) \
                         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (key) DO UPDATE SET request_digest = \
                         excluded.request_digest, status = excluded.status, response = excluded.response, \
                         created_unix_ms = excluded.created_unix_ms";
        sqlx::query(statement)
            .bind(&self.key)
            .bind(&self.digest)
            .bind(i64::from(kept.status))
            .bind(&kept.answer)
            .bind(now_unix_ms())
            .execute(self.answers.database.pool())
            .await?;
        Ok(())
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.answers.under_way().remove(&self.key);
    }
}
