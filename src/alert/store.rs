//! Rules and alerts in the state database. An alert and the notices of it are written in one transaction: after a crash at
//! any moment, what fires is announced, and announced once.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::{Map, Value};
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row};

use super::board::Alert;
use super::lifecycle::Reason;
use super::notice::Notice;
use super::rules::Kind;
use super::{AlertState, outbox};
use crate::cluster::{Change, Cluster};
use crate::seal::Sealer;
use crate::store::{Database, StoreError};
use crate::time::unix_ns;

/// The function id under which the platform's rules lie.
const PLATFORM: &str = "";

const COLUMNS: &str =
    "id, function_id, function_name, rule, value, threshold, since_unix_ms, until_unix_ms, reason";

/// Everything about alerts that is stored.
#[derive(Debug, Clone)]
pub(super) struct AlertStore {
    pub(super) database: Database,
    pub(super) sealer: Arc<Sealer>,
    pub(super) cluster: Cluster,
    last_id: Arc<AtomicI64>,
}

/// Which alerts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    pub(crate) state: Option<AlertState>,
    pub(crate) function_id: Option<String>,
    /// Ids below this one.
    pub(crate) before: Option<i64>,
}

impl AlertStore {
    pub(super) fn new(database: Database, sealer: Arc<Sealer>, cluster: Cluster) -> Self {
        Self {
            database,
            sealer,
            cluster,
            last_id: Arc::default(),
        }
    }

    /// The time in nanoseconds, or a little later when that is taken.
    pub(super) fn new_id(&self) -> i64 {
        let now = unix_ns();
        let later = |last: i64| Some((last + 1).max(now));
        let last = self
            .last_id
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, later);
        last.map_or(now, |last| (last + 1).max(now))
    }

    /// What is set for functions, and for the platform (`None`).
    pub(super) async fn rules(
        &self,
    ) -> Result<Vec<(Option<String>, Map<String, Value>)>, StoreError> {
        // The platform's first: functions' build on them.
        let statement = "SELECT function_id, rules FROM alert_rules ORDER BY function_id";
        let rows = sqlx::query(statement)
            .fetch_all(self.database.pool())
            .await?;
        let read = |row: &AnyRow| {
            let (id, rules): (String, String) = (row.try_get(0)?, row.try_get(1)?);
            let broken = |error| StoreError::Corrupt(format!("rules of alerts: {error}"));
            let rules = serde_json::from_str(&rules).map_err(broken)?;
            Ok((Some(id).filter(|id| id != PLATFORM), rules))
        };
        rows.iter().map(read).collect()
    }

    /// Sets rules; none at all is the same as never set.
    pub(super) async fn set_rules(
        &self,
        function_id: Option<&str>,
        set: &Map<String, Value>,
        now_unix_ms: i64,
    ) -> Result<(), StoreError> {
        let id = function_id.unwrap_or(PLATFORM);
        let query = match set.is_empty() {
            true => sqlx::query("DELETE FROM alert_rules WHERE function_id = $1").bind(id),
            false => {
                let statement = "INSERT INTO alert_rules (function_id, rules, updated_unix_ms) VALUES ($1, $2, $3) \
                                 ON CONFLICT (function_id) DO UPDATE SET rules = excluded.rules, \
                                 updated_unix_ms = excluded.updated_unix_ms";
                let set = Value::Object(set.clone()).to_string();
                sqlx::query(statement).bind(id).bind(set).bind(now_unix_ms)
            }
        };
        let mut transaction = self.database.begin_write().await?;
        query.execute(&mut *transaction).await?;
        self.cluster
            .announce(&mut transaction, &Change::AlertRules)
            .await?;
        Ok(transaction.commit().await?)
    }

    /// Stores the beginning or the end of an alert, with a notice for every webhook. A new alert gets its id.
    pub(super) async fn announce(
        &self,
        alert: &mut Alert,
        now_unix_ms: i64,
    ) -> Result<(), StoreError> {
        let mut transaction = self.database.begin_write().await?;
        let id = if alert.id == 0 {
            self.new_id()
        } else {
            alert.id
        };
        let query = match alert.end {
            None => {
                let statement = "INSERT INTO alerts (id, function_id, function_name, rule, value, threshold, \
                                 since_unix_ms) VALUES ($1, $2, $3, $4, $5, $6, $7)";
                sqlx::query(statement)
                    .bind(id)
                    .bind(alert.function_id.to_string())
                    .bind(alert.function.clone())
                    .bind(alert.kind.name())
                    .bind(alert.value)
                    .bind(alert.threshold)
                    .bind(alert.since_unix_ms)
            }
            Some((until_unix_ms, reason)) => {
                sqlx::query("UPDATE alerts SET until_unix_ms = $1, reason = $2 WHERE id = $3")
                    .bind(until_unix_ms)
                    .bind(reason.name())
                    .bind(id)
            }
        };
        query.execute(&mut *transaction).await?;
        let stored = Alert {
            id,
            ..alert.clone()
        };
        let (event, notice) = Notice::of(&stored);
        let letter = outbox::Letter {
            event,
            alert_id: Some(id),
            body: notice.body(),
        };
        outbox::post_to_all(self, &mut transaction, &letter, now_unix_ms).await?;
        fail::fail_point!("alert::committing");
        transaction.commit().await?;
        fail::fail_point!("alert::committed");
        alert.id = id;
        Ok(())
    }

    /// Alerts from the newest down.
    pub(super) async fn alerts(
        &self,
        filter: &Filter,
        limit: usize,
    ) -> Result<Vec<Alert>, StoreError> {
        let state = match filter.state {
            None => "",
            Some(AlertState::Firing) => "AND until_unix_ms IS NULL",
            Some(AlertState::Resolved) => "AND until_unix_ms IS NOT NULL",
        };
        let statement = format!(
            "SELECT {COLUMNS} FROM alerts WHERE id < $1 AND ($2 = '' OR function_id = $2) {state} \
             ORDER BY id DESC LIMIT $3"
        );
        let rows = sqlx::query(AssertSqlSafe(statement))
            .bind(filter.before.unwrap_or(i64::MAX))
            .bind(filter.function_id.as_deref().unwrap_or_default())
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(self.database.pool())
            .await?;
        rows.iter().map(read).collect()
    }

    /// One alert.
    pub(super) async fn alert(&self, id: i64) -> Result<Option<Alert>, StoreError> {
        let statement = format!("SELECT {COLUMNS} FROM alerts WHERE id = $1");
        let row = sqlx::query(AssertSqlSafe(statement))
            .bind(id)
            .fetch_optional(self.database.pool())
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// Removes what was over before a moment, and what belongs to functions that are gone.
    pub(super) async fn forget(&self, before_unix_ms: i64) -> Result<(), StoreError> {
        for statement in [
            "DELETE FROM alerts WHERE until_unix_ms < $1",
            "DELETE FROM alert_deliveries WHERE state <> 'waiting' AND created_unix_ms < $1",
            "DELETE FROM alert_rules WHERE function_id <> '' AND updated_unix_ms < $1 \
             AND function_id NOT IN (SELECT id FROM functions)",
        ] {
            sqlx::query(statement)
                .bind(before_unix_ms)
                .execute(self.database.pool())
                .await?;
        }
        Ok(())
    }
}

fn read(row: &AnyRow) -> Result<Alert, StoreError> {
    let (function_id, rule): (String, String) = (row.try_get(1)?, row.try_get(3)?);
    let (until, reason): (Option<i64>, Option<String>) = (row.try_get(7)?, row.try_get(8)?);
    let corrupt = |what: &str| StoreError::Corrupt(format!("an alert has no known {what}"));
    let kind = Kind::ALL.into_iter().find(|kind| kind.name() == rule);
    let reasons = Reason::ALL.into_iter();
    let known = |name: &String| reasons.clone().find(|reason| reason.name() == name);
    let end = match (until, reason) {
        (Some(until), reason) => {
            let reason = reason.as_ref().and_then(known);
            Some((until, reason.ok_or_else(|| corrupt("reason"))?))
        }
        (None, _) => None,
    };
    Ok(Alert {
        id: row.try_get(0)?,
        function_id: function_id.into(),
        function: row.try_get(2)?,
        kind: kind.ok_or_else(|| corrupt("rule"))?,
        value: row.try_get(4)?,
        threshold: row.try_get(5)?,
        since_unix_ms: row.try_get(6)?,
        end,
    })
}
