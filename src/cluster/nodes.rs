//! Which nodes live. Each says so every so often, on the database's clock: those of machines may differ.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use sqlx::Row;

use super::{Cluster, Member, lock};
use crate::store::{StoreError, server_unix_ms};

/// What one node does for all.
const LEAD: &str = "lead";
/// A node that has not been heard of for so long is forgotten.
const KEPT: Duration = Duration::from_secs(24 * 3_600);
/// A beat that takes longer has failed: the connection is dead.
const BEAT_TIMEOUT: Duration = Duration::from_secs(5);

/// A node as the database knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) id: String,
    pub(crate) host: String,
    pub(crate) version: String,
    pub(crate) started_unix_ms: i64,
    pub(crate) alive_unix_ms: i64,
    pub(crate) is_live: bool,
    /// Whether it does what one does for all.
    pub(crate) leads: bool,
}

impl Cluster {
    /// Says that this node lives, and takes or keeps what one node does for all.
    pub(crate) async fn beat(&self) -> Result<(), StoreError> {
        let Some(member) = &self.0 else {
            return Ok(());
        };
        let begun = Instant::now();
        let beaten = tokio::time::timeout(BEAT_TIMEOUT.min(member.lease), member.beat()).await;
        let (live, leads) = beaten.map_err(|_| sqlx::Error::PoolTimedOut)??;
        let until = begun + member.lease;
        *lock(&member.alive_until) = until;
        *lock(&member.leads_until) = leads.then_some(until);
        member.live.store(live.max(1), Ordering::Relaxed);
        Ok(())
    }

    /// All nodes, by id.
    pub(crate) async fn nodes(&self) -> Result<Vec<Node>, StoreError> {
        match &self.0 {
            Some(member) => member.nodes().await,
            None => Ok(Vec::new()),
        }
    }

    /// This node ends: nobody has to wait until it is not heard of.
    pub(crate) async fn leave(&self) -> Result<(), StoreError> {
        let Some(member) = &self.0 else {
            return Ok(());
        };
        for statement in [
            "DELETE FROM leases WHERE holder = $1",
            "DELETE FROM nodes WHERE id = $1",
        ] {
            sqlx::query(statement)
                .bind(&member.id)
                .execute(member.database.pool())
                .await?;
        }
        Ok(())
    }
}

impl Member {
    /// How many nodes live, and whether this one leads.
    async fn beat(&self) -> Result<(u32, bool), StoreError> {
        let lease = i64::try_from(self.lease.as_millis()).unwrap_or(i64::MAX);
        let kept = i64::try_from(KEPT.as_millis()).unwrap_or(i64::MAX);
        let mut transaction = self.database.begin_write().await?;
        let now = server_unix_ms(&mut transaction).await?;
        let statement = "INSERT INTO nodes (id, host, version, started_unix_ms, alive_unix_ms) VALUES ($1, $2, $3, $4, $4) \
                         ON CONFLICT (id) DO UPDATE SET host = excluded.host, version = excluded.version, \
                         alive_unix_ms = excluded.alive_unix_ms";
        sqlx::query(statement)
            .bind(&self.id)
            .bind(&self.host)
            .bind(env!("CARGO_PKG_VERSION"))
            .bind(now)
            .execute(&mut *transaction)
            .await?;
        sqlx::query("DELETE FROM nodes WHERE alive_unix_ms < $1")
            .bind(now.saturating_sub(kept))
            .execute(&mut *transaction)
            .await?;
        let statement = "INSERT INTO leases (name, holder, until_unix_ms) VALUES ($1, $2, $3) ON CONFLICT (name) \
                         DO UPDATE SET holder = excluded.holder, until_unix_ms = excluded.until_unix_ms \
                         WHERE leases.holder = excluded.holder OR leases.until_unix_ms < $4";
        let taken = sqlx::query(statement)
            .bind(LEAD)
            .bind(&self.id)
            .bind(now.saturating_add(lease))
            .bind(now)
            .execute(&mut *transaction)
            .await?;
        let row = sqlx::query("SELECT COUNT(*) FROM nodes WHERE alive_unix_ms >= $1")
            .bind(now.saturating_sub(lease))
            .fetch_one(&mut *transaction)
            .await?;
        let live: i64 = row.try_get(0)?;
        transaction.commit().await?;
        Ok((
            u32::try_from(live).unwrap_or(u32::MAX),
            taken.rows_affected() > 0,
        ))
    }

    async fn nodes(&self) -> Result<Vec<Node>, StoreError> {
        let lease = i64::try_from(self.lease.as_millis()).unwrap_or(i64::MAX);
        let mut connection = self.database.pool().acquire().await?;
        let now = server_unix_ms(&mut connection).await?;
        let statement = "SELECT nodes.id, host, version, started_unix_ms, alive_unix_ms, \
                         COALESCE(until_unix_ms, 0) FROM nodes LEFT JOIN leases ON holder = nodes.id AND name = $1 \
                         ORDER BY nodes.id";
        let rows = sqlx::query(statement)
            .bind(LEAD)
            .fetch_all(&mut *connection)
            .await?;
        let read = |row: &sqlx::any::AnyRow| {
            let (alive_unix_ms, until): (i64, i64) = (row.try_get(4)?, row.try_get(5)?);
            Ok(Node {
                id: row.try_get(0)?,
                host: row.try_get(1)?,
                version: row.try_get(2)?,
                started_unix_ms: row.try_get(3)?,
                alive_unix_ms,
                is_live: alive_unix_ms >= now.saturating_sub(lease),
                leads: until >= now,
            })
        };
        rows.iter().map(read).collect()
    }
}
