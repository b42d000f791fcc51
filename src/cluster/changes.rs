//! What nodes have changed, in the database: announced in the transaction that makes the change, read by all others.

use sqlx::{AnyConnection, Row};

use super::Cluster;
use crate::store::{Database, StoreError};

/// What is told when something has changed; what it was is in the table.
pub(super) const CHANNEL: &str = "zygo_changes";
/// How many are read at a time.
const ROWS_MAX: i64 = 1_000;
/// How many are kept: whoever missed more reads everything anew.
const KEPT: i64 = 100_000;

/// What has changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Change {
    /// A function with all that belongs to it, by its id.
    Function(String),
    /// API keys.
    Keys,
    /// Rules of alerts.
    AlertRules,
}

impl Change {
    fn columns(&self) -> (&'static str, &str) {
        match self {
            Self::Function(id) => ("function", id),
            Self::Keys => ("keys", ""),
            Self::AlertRules => ("alert-rules", ""),
        }
    }

    /// `None` for what a newer program announces.
    fn of(kind: &str, key: String) -> Option<Self> {
        match kind {
            "function" => Some(Self::Function(key)),
            "keys" => Some(Self::Keys),
            "alert-rules" => Some(Self::AlertRules),
            _ => None,
        }
    }
}

/// A change as it was read.
#[derive(Debug)]
pub(super) struct Announced {
    pub(super) number: i64,
    pub(super) change: Change,
    pub(super) node: String,
}

/// What came after a number.
#[derive(Debug)]
pub(super) enum News {
    Some(Vec<Announced>),
    /// Some of it is not kept any more, or the database was put back: this is all there is.
    Everything {
        last: i64,
        all: Vec<Change>,
    },
}

/// No change is committed by another node before this transaction is.
pub(super) async fn lock(connection: &mut AnyConnection) -> Result<(), StoreError> {
    sqlx::query("LOCK TABLE changes IN SHARE ROW EXCLUSIVE MODE")
        .execute(connection)
        .await?;
    Ok(())
}

impl Cluster {
    /// Says in the transaction of a change what it has changed. To be called last: from then on others wait for its commit.
    pub(crate) async fn announce(
        &self,
        connection: &mut AnyConnection,
        change: &Change,
    ) -> Result<(), StoreError> {
        let Some(member) = &self.0 else {
            return Ok(());
        };
        lock(connection).await?;
        let (kind, key) = change.columns();
        let statement = "INSERT INTO changes (id, kind, key, node, created_unix_ms) \
                         SELECT COALESCE(MAX(id), 0) + 1, $1, $2, $3, $4 FROM changes";
        sqlx::query(statement)
            .bind(kind)
            .bind(key)
            .bind(&member.id)
            .bind(crate::time::now_unix_ms())
            .execute(&mut *connection)
            .await?;
        sqlx::query("NOTIFY zygo_changes")
            .execute(connection)
            .await?;
        Ok(())
    }

    /// Ids of functions that others have changed since a number. From then on nobody else changes any until the transaction
    /// ends.
    pub(crate) async fn changed_elsewhere(
        &self,
        connection: &mut AnyConnection,
        since: i64,
    ) -> Result<Vec<String>, StoreError> {
        let Some(member) = &self.0 else {
            return Ok(Vec::new());
        };
        lock(connection).await?;
        let statement =
            "SELECT DISTINCT key FROM changes WHERE id > $1 AND kind = 'function' AND node <> $2";
        let rows = sqlx::query(statement)
            .bind(since)
            .bind(&member.id)
            .fetch_all(connection)
            .await?;
        Ok(rows
            .iter()
            .map(|row| row.try_get(0))
            .collect::<Result<_, _>>()?)
    }

    /// Forgets changes that all nodes have long since read.
    pub(crate) async fn forget(&self) -> Result<(), StoreError> {
        let Some(member) = &self.0 else {
            return Ok(());
        };
        let pool = member.database.pool();
        sqlx::query("DELETE FROM changes WHERE id <= (SELECT MAX(id) FROM changes) - $1")
            .bind(KEPT)
            .execute(pool)
            .await?;
        Ok(())
    }
}

/// The number of the last change.
pub(super) async fn last(database: &Database) -> Result<i64, StoreError> {
    let row = sqlx::query("SELECT COALESCE(MAX(id), 0) FROM changes")
        .fetch_one(database.pool())
        .await?;
    Ok(row.try_get(0)?)
}

/// What came after a number.
pub(super) async fn after(database: &Database, read: i64) -> Result<News, StoreError> {
    // The one that was read last tells that nothing after it is missing.
    let statement = "SELECT id, kind, key, node FROM changes WHERE id >= $1 ORDER BY id LIMIT $2";
    let rows = sqlx::query(statement)
        .bind(read)
        .bind(ROWS_MAX)
        .fetch_all(database.pool())
        .await?;
    let numbers = rows.iter().map(|row| row.try_get(0));
    let numbers: Vec<i64> = numbers.collect::<Result<_, _>>()?;
    let is_whole = match numbers.first() {
        None => read == 0,
        Some(first) => *first == read || (read == 0 && *first == 1),
    };
    if !is_whole {
        return everything(database).await;
    }
    let mut news = Vec::new();
    for (row, number) in rows
        .iter()
        .zip(numbers)
        .filter(|(_, number)| *number > read)
    {
        let kind: String = row.try_get(1)?;
        if let Some(change) = Change::of(&kind, row.try_get(2)?) {
            let node = row.try_get(3)?;
            news.push(Announced {
                number,
                change,
                node,
            });
        }
    }
    Ok(News::Some(news))
}

async fn everything(database: &Database) -> Result<News, StoreError> {
    let last = last(database).await?;
    let rows = sqlx::query("SELECT id FROM functions")
        .fetch_all(database.pool())
        .await?;
    let mut all = vec![Change::Keys, Change::AlertRules];
    for row in &rows {
        all.push(Change::Function(row.try_get(0)?));
    }
    Ok(News::Everything { last, all })
}
