//! Reading what was written: lines by many conditions, records, and figures over time.

use std::sync::Arc;

use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row};

use super::Telemetry;
use super::figures::Figures;
use super::line::{Line, level};
use super::writer::{BEGINNING, DAY, MINUTE, parse};
use crate::store::{Database, StoreError, text};

/// Which lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Lines {
    pub(crate) function_id: Option<String>,
    /// Ids from this one on.
    pub(crate) from: Option<i64>,
    /// Ids below this one.
    pub(crate) below: Option<i64>,
    /// This weight and more.
    pub(crate) weight_min: i64,
    pub(crate) text: Option<String>,
    pub(crate) request_id: Option<String>,
    pub(crate) version: Option<u32>,
}

/// A record as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StoredRecord {
    pub(crate) id: i64,
    pub(crate) request_id: String,
    pub(crate) unix_ms: i64,
    pub(crate) version: i64,
    pub(crate) trigger: String,
    pub(crate) outcome: String,
    pub(crate) start_kind: Option<String>,
    /// Queue, fork, load, handler, total.
    pub(crate) times_us: [i64; 5],
    pub(crate) billed_ms: i64,
    pub(crate) memory_limit_mb: i64,
    pub(crate) memory_used_kib: i64,
    pub(crate) count: i64,
}

/// Figures of a stretch of time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Point {
    pub(crate) start_unix_ms: i64,
    pub(crate) figures: Figures,
}

/// The sums since the beginning, of every function.
pub(super) async fn beginnings(
    database: &Database,
) -> Result<Vec<(Arc<str>, Figures)>, StoreError> {
    let rows = sqlx::query("SELECT function_id, figures FROM figures WHERE span = $1")
        .bind(BEGINNING)
        .fetch_all(database.pool())
        .await?;
    let read = |row: &AnyRow| {
        let id: String = row.try_get(0)?;
        Ok((Arc::from(id), parse(row.try_get(1)?)?))
    };
    rows.iter().map(read).collect()
}

impl Telemetry {
    /// The newest lines that fit, from the newest down; or the oldest, from the oldest up.
    pub(crate) async fn lines(
        &self,
        which: &Lines,
        newest_first: bool,
        limit: usize,
    ) -> Result<Vec<Line>, StoreError> {
        let order = if newest_first { "DESC" } else { "ASC" };
        let mut conditions = vec!["id >= $1", "id < $2", "level >= $3"];
        conditions.push("($4 = '' OR function_id = $4)");
        conditions.push("($5 = '' OR request_id = $5)");
        conditions.push("($6 = 0 OR version = $6)");
        conditions.push("($7 = '' OR LOWER(message) LIKE $7 ESCAPE '!')");
        if which.function_id.is_some() {
            // Without the alternative, so that the index by function is used.
            conditions[3] = "function_id = $4";
        }
        let statement = format!(
            "SELECT id, function_id, version, level, message, request_id, instance FROM logs WHERE {} \
             ORDER BY id {order} LIMIT $8",
            conditions.join(" AND ")
        );
        let rows = sqlx::query(AssertSqlSafe(statement))
            .bind(which.from.unwrap_or(0))
            .bind(which.below.unwrap_or(i64::MAX))
            .bind(which.weight_min)
            .bind(which.function_id.as_deref().unwrap_or_default())
            .bind(text(which.request_id.as_deref().unwrap_or_default()).into_owned())
            .bind(which.version.map_or(0, i64::from))
            .bind(
                which
                    .text
                    .as_deref()
                    .map(|searched| pattern(&text(searched)))
                    .unwrap_or_default(),
            )
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(self.database.pool())
            .await?;
        rows.iter().map(line).collect()
    }

    /// Records of a function from the newest down, those before `before`.
    pub(crate) async fn records(
        &self,
        function_id: &str,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<StoredRecord>, StoreError> {
        let statement = "SELECT id, request_id, unix_ms, version, trigger_kind, outcome, start_kind, queue_us, fork_us, \
                         load_us, handler_us, total_us, billed_ms, memory_limit_mb, memory_used_kib, count \
                         FROM invocations WHERE function_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3";
        let rows = sqlx::query(statement)
            .bind(function_id)
            .bind(before.unwrap_or(i64::MAX))
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(self.database.pool())
            .await?;
        rows.iter().map(record).collect()
    }

    /// Figures by minute, of one function or of all together.
    pub(crate) async fn minutes(
        &self,
        function_id: Option<&str>,
        from_unix_ms: i64,
    ) -> Result<Vec<Point>, StoreError> {
        self.points(function_id, MINUTE, from_unix_ms).await
    }

    /// Figures by day (UTC).
    pub(crate) async fn days(
        &self,
        function_id: Option<&str>,
        from_unix_ms: i64,
    ) -> Result<Vec<Point>, StoreError> {
        self.points(function_id, DAY, from_unix_ms).await
    }

    /// Figures by minute, of each function by itself, in the order of time.
    pub(crate) async fn minutes_of_each(
        &self,
        from_unix_ms: i64,
    ) -> Result<Vec<(String, Point)>, StoreError> {
        self.points_of_each(MINUTE, from_unix_ms).await
    }

    /// Figures by day (UTC), of each function by itself, in the order of time.
    pub(crate) async fn days_of_each(
        &self,
        from_unix_ms: i64,
    ) -> Result<Vec<(String, Point)>, StoreError> {
        self.points_of_each(DAY, from_unix_ms).await
    }

    async fn points_of_each(
        &self,
        span: i64,
        from_unix_ms: i64,
    ) -> Result<Vec<(String, Point)>, StoreError> {
        let statement = "SELECT function_id, start_unix_ms, figures FROM figures WHERE span = $1 \
                         AND start_unix_ms >= $2 ORDER BY start_unix_ms";
        let rows = sqlx::query(statement)
            .bind(span)
            .bind(from_unix_ms)
            .fetch_all(self.database.pool())
            .await?;
        let read = |row: &AnyRow| {
            let point = Point {
                start_unix_ms: row.try_get(1)?,
                figures: parse(row.try_get(2)?)?,
            };
            Ok((row.try_get(0)?, point))
        };
        rows.iter().map(read).collect()
    }

    async fn points(
        &self,
        function_id: Option<&str>,
        span: i64,
        from_unix_ms: i64,
    ) -> Result<Vec<Point>, StoreError> {
        let statement = match function_id {
            Some(_) => {
                "SELECT start_unix_ms, figures FROM figures WHERE span = $1 AND start_unix_ms >= $2 \
                 AND function_id = $3 ORDER BY start_unix_ms"
            }
            None => {
                "SELECT start_unix_ms, figures FROM figures WHERE span = $1 AND start_unix_ms >= $2 \
                 AND function_id <> $3 ORDER BY start_unix_ms"
            }
        };
        let rows = sqlx::query(statement)
            .bind(span)
            .bind(from_unix_ms)
            .bind(function_id.unwrap_or_default())
            .fetch_all(self.database.pool())
            .await?;
        let mut points: Vec<Point> = Vec::new();
        for row in &rows {
            let (start_unix_ms, figures) = (row.try_get(0)?, parse(row.try_get(1)?)?);
            match points.last_mut() {
                Some(last) if last.start_unix_ms == start_unix_ms => last.figures.merge(&figures),
                _ => points.push(Point {
                    start_unix_ms,
                    figures,
                }),
            }
        }
        Ok(points)
    }
}

/// The text anywhere in a line, in any case; its own wildcards mean themselves.
fn pattern(text: &str) -> String {
    let mut escaped = String::from("%");
    for character in text.to_lowercase().chars() {
        if matches!(character, '%' | '_' | '!') {
            escaped.push('!');
        }
        escaped.push(character);
    }
    escaped.push('%');
    escaped
}

fn line(row: &AnyRow) -> Result<Line, StoreError> {
    let (function_id, version): (String, i64) = (row.try_get(1)?, row.try_get(2)?);
    let (request_id, instance): (Option<String>, Option<i64>) = (row.try_get(5)?, row.try_get(6)?);
    Ok(Line {
        id: row.try_get(0)?,
        function_id: function_id.into(),
        version: u32::try_from(version).unwrap_or_default(),
        level: level(row.try_get(3)?),
        text: row.try_get(4)?,
        request_id: request_id.map(Arc::from),
        instance,
    })
}

fn record(row: &AnyRow) -> Result<StoredRecord, StoreError> {
    let mut times_us = [0; 5];
    for (index, time) in times_us.iter_mut().enumerate() {
        *time = row.try_get(7 + index)?;
    }
    Ok(StoredRecord {
        id: row.try_get(0)?,
        request_id: row.try_get(1)?,
        unix_ms: row.try_get(2)?,
        version: row.try_get(3)?,
        trigger: row.try_get(4)?,
        outcome: row.try_get(5)?,
        start_kind: row.try_get(6)?,
        times_us,
        billed_ms: row.try_get(12)?,
        memory_limit_mb: row.try_get(13)?,
        memory_used_kib: row.try_get(14)?,
        count: row.try_get(15)?,
    })
}
