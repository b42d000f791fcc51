//! Notices on their way to webhooks, in the state database.
//!
//! ```text
//!            answered with a success
//!  Waiting ──────────────────────────► Delivered
//!   ▲  │
//!   └──┤ refused, and there is patience left
//!      └─────────────────────────────► Abandoned: no patience left, or too many wait
//! ```

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, Row};

use super::notice::Event;
use super::store::AlertStore;
use crate::store::StoreError;

/// So many notices may wait for one webhook; beyond, the oldest are abandoned.
const WAITING_MAX: i64 = 1_000;

const COLUMNS: &str = "id, webhook_id, event, alert_id, body, state, attempts, created_unix_ms, next_unix_ms, \
                       attempted_unix_ms, status, error";

/// A notice for whoever wants to know.
#[derive(Debug)]
pub(super) struct Letter {
    pub(super) event: Event,
    pub(super) alert_id: Option<i64>,
    pub(super) body: String,
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DeliveryState {
    /// It is to be tried, or tried again.
    Waiting,
    /// The receiver took it.
    Delivered,
    /// It is tried no more.
    Abandoned,
}

impl DeliveryState {
    const ALL: [Self; 3] = [Self::Waiting, Self::Delivered, Self::Abandoned];

    fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Abandoned => "abandoned",
        }
    }
}

/// A notice for one webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Delivery {
    pub(crate) id: i64,
    pub(crate) webhook_id: String,
    pub(crate) event: String,
    pub(crate) alert_id: Option<i64>,
    pub(super) body: String,
    pub(crate) state: DeliveryState,
    pub(crate) attempts: u32,
    pub(crate) created_unix_ms: i64,
    pub(crate) next_unix_ms: i64,
    /// The last attempt: when it was, and what came of it.
    pub(crate) attempted_unix_ms: Option<i64>,
    pub(crate) status: Option<u16>,
    pub(crate) error: Option<String>,
}

impl Delivery {
    /// Its id as receivers and callers see it.
    pub(crate) fn name(&self) -> String {
        format!("dl-{}", self.id)
    }
}

/// What waits for a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) webhook_id: String,
    pub(crate) count: i64,
    pub(crate) next_unix_ms: i64,
}

/// Puts a letter into every webhook's queue.
pub(super) async fn post_to_all(
    store: &AlertStore,
    connection: &mut AnyConnection,
    letter: &Letter,
    now_unix_ms: i64,
) -> Result<(), StoreError> {
    let rows = sqlx::query("SELECT id FROM alert_webhooks")
        .fetch_all(&mut *connection)
        .await?;
    for row in &rows {
        let webhook_id: String = row.try_get(0)?;
        post(store, connection, &webhook_id, letter, now_unix_ms).await?;
    }
    Ok(())
}

/// Puts a letter into one webhook's queue. Its id.
async fn post(
    store: &AlertStore,
    connection: &mut AnyConnection,
    webhook_id: &str,
    letter: &Letter,
    now_unix_ms: i64,
) -> Result<i64, StoreError> {
    let id = store.new_id();
    let statement = "INSERT INTO alert_deliveries (id, webhook_id, event, alert_id, body, state, attempts, \
                     created_unix_ms, next_unix_ms) VALUES ($1, $2, $3, $4, $5, 'waiting', 0, $6, $6)";
    sqlx::query(statement)
        .bind(id)
        .bind(webhook_id)
        .bind(letter.event.name())
        .bind(letter.alert_id)
        .bind(&letter.body)
        .bind(now_unix_ms)
        .execute(&mut *connection)
        .await?;
    let statement = "UPDATE alert_deliveries SET state = 'abandoned', error = 'too many wait for this webhook' \
                     WHERE webhook_id = $1 AND state = 'waiting' AND id <= (SELECT id FROM alert_deliveries \
                     WHERE webhook_id = $1 AND state = 'waiting' ORDER BY id DESC LIMIT 1 OFFSET $2)";
    sqlx::query(statement)
        .bind(webhook_id)
        .bind(WAITING_MAX)
        .execute(connection)
        .await?;
    Ok(id)
}

impl AlertStore {
    /// Puts a letter into one webhook's queue.
    pub(super) async fn post(
        &self,
        webhook_id: &str,
        letter: &Letter,
        now_unix_ms: i64,
    ) -> Result<Option<Delivery>, StoreError> {
        let mut transaction = self.database.begin_write().await?;
        let id = post(self, &mut transaction, webhook_id, letter, now_unix_ms).await?;
        transaction.commit().await?;
        let statement = format!("SELECT {COLUMNS} FROM alert_deliveries WHERE id = $1");
        let row = sqlx::query(AssertSqlSafe(statement))
            .bind(id)
            .fetch_optional(self.database.pool())
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// What waits, by webhook.
    pub(super) async fn waiting(&self) -> Result<Vec<Waiting>, StoreError> {
        let statement = "SELECT webhook_id, COUNT(*), MIN(next_unix_ms) FROM alert_deliveries \
                         WHERE state = 'waiting' GROUP BY webhook_id";
        let rows = sqlx::query(statement)
            .fetch_all(self.database.pool())
            .await?;
        let read = |row: &AnyRow| {
            Ok(Waiting {
                webhook_id: row.try_get(0)?,
                count: row.try_get(1)?,
                next_unix_ms: row.try_get(2)?,
            })
        };
        rows.iter().map(read).collect()
    }

    /// What a webhook is to be sent next.
    pub(super) async fn next_delivery(
        &self,
        webhook_id: &str,
    ) -> Result<Option<Delivery>, StoreError> {
        let statement = format!(
            "SELECT {COLUMNS} FROM alert_deliveries WHERE state = 'waiting' AND webhook_id = $1 \
             ORDER BY next_unix_ms, id LIMIT 1"
        );
        let row = sqlx::query(AssertSqlSafe(statement))
            .bind(webhook_id)
            .fetch_optional(self.database.pool())
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// Keeps what came of an attempt; of one that is gone meanwhile, nothing.
    pub(super) async fn keep_attempt(&self, delivery: &Delivery) -> Result<(), StoreError> {
        let statement = "UPDATE alert_deliveries SET state = $1, attempts = $2, next_unix_ms = $3, \
                         attempted_unix_ms = $4, status = $5, error = $6 WHERE id = $7";
        sqlx::query(statement)
            .bind(delivery.state.name())
            .bind(i64::from(delivery.attempts))
            .bind(delivery.next_unix_ms)
            .bind(delivery.attempted_unix_ms)
            .bind(delivery.status.map(i64::from))
            .bind(&delivery.error)
            .bind(delivery.id)
            .execute(self.database.pool())
            .await?;
        Ok(())
    }

    /// A webhook's deliveries from the newest down.
    pub(super) async fn deliveries(
        &self,
        webhook_id: &str,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<Delivery>, StoreError> {
        let statement = format!(
            "SELECT {COLUMNS} FROM alert_deliveries WHERE webhook_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3"
        );
        let rows = sqlx::query(AssertSqlSafe(statement))
            .bind(webhook_id)
            .bind(before.unwrap_or(i64::MAX))
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(self.database.pool())
            .await?;
        rows.iter().map(read).collect()
    }

    /// The delivery of a webhook that was attempted last.
    pub(super) async fn last_attempted(
        &self,
        webhook_id: &str,
    ) -> Result<Option<Delivery>, StoreError> {
        let statement = format!(
            "SELECT {COLUMNS} FROM alert_deliveries WHERE webhook_id = $1 AND attempted_unix_ms IS NOT NULL \
             ORDER BY attempted_unix_ms DESC, id DESC LIMIT 1"
        );
        let row = sqlx::query(AssertSqlSafe(statement))
            .bind(webhook_id)
            .fetch_optional(self.database.pool())
            .await?;
        row.as_ref().map(read).transpose()
    }
}

fn read(row: &AnyRow) -> Result<Delivery, StoreError> {
    let (state, status): (String, Option<i64>) = (row.try_get(5)?, row.try_get(10)?);
    let known = DeliveryState::ALL.into_iter();
    let state = known.into_iter().find(|known| known.name() == state);
    let corrupt = || StoreError::Corrupt("a delivery has no known state".to_owned());
    Ok(Delivery {
        id: row.try_get(0)?,
        webhook_id: row.try_get(1)?,
        event: row.try_get(2)?,
        alert_id: row.try_get(3)?,
        body: row.try_get(4)?,
        state: state.ok_or_else(corrupt)?,
        attempts: u32::try_from(row.try_get::<i64, _>(6)?).unwrap_or(u32::MAX),
        created_unix_ms: row.try_get(7)?,
        next_unix_ms: row.try_get(8)?,
        attempted_unix_ms: row.try_get(9)?,
        status: status.and_then(|status| u16::try_from(status).ok()),
        error: row.try_get(11)?,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::alert::webhooks::NewWebhook;
    use crate::cluster::Cluster;
    use crate::config::Config;
    use crate::seal::Sealer;
    use crate::store::Database;

    #[tokio::test]
    async fn the_oldest_are_abandoned_when_too_many_wait() {
        let folder = tempfile::tempdir().expect("a folder");
        let config = Config {
            data_dir: folder.path().to_owned(),
            ..Config::default()
        };
        let sealer = Arc::new(Sealer::open(&config).expect("keys"));
        let database = Database::state(folder.path(), None).await.expect("open");
        let store = AlertStore::new(database, sealer, Cluster::default());
        let new = NewWebhook {
            url: "http://127.0.0.1:1/".to_owned(),
            secret: None,
        };
        let webhook = store.add_webhook(&new, "", 0).await.expect("added");
        let letter = Letter {
            event: Event::Test,
            alert_id: None,
            body: "{}".to_owned(),
        };
        let mut transaction = store.database.begin_write().await.expect("begun");
        for _ in 0..WAITING_MAX + 2 {
            let posted = post_to_all(&store, &mut transaction, &letter, 0).await;
            posted.expect("posted");
        }
        transaction.commit().await.expect("stored");
        let waiting = store.waiting().await.expect("read");
        assert_eq!((waiting.len(), waiting[0].count), (1, WAITING_MAX));
        let all = store.deliveries(&webhook.id, None, 2_000).await;
        let all = all.expect("read");
        let abandoned = |delivery: &Delivery| delivery.state == DeliveryState::Abandoned;
        assert_eq!(
            all.iter().position(abandoned),
            usize::try_from(WAITING_MAX).ok()
        );
        assert_eq!(
            all.len() - all.iter().filter(|one| !abandoned(one)).count(),
            2
        );
    }
}
