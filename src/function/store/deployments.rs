//! The history of a function: who moved it from which version to which, and when.

use sqlx::{Any, AnyConnection, Row};

use super::{Change, FunctionStore, StoredVersion, rows};
use crate::store::{StoreError, text};

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Action {
    /// A new version.
    Deploy,
    /// An older version again.
    Rollback,
}

/// One move of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Deployment {
    pub(crate) action: Action,
    pub(crate) from_version: Option<u32>,
    pub(crate) to_version: u32,
    pub(crate) digest: String,
    pub(crate) created_unix_ms: i64,
    pub(crate) created_by: String,
}

impl Deployment {
    /// The move from nothing to a version.
    pub(super) fn first(version: &StoredVersion, change: Change<'_>) -> Self {
        Self {
            action: Action::Deploy,
            from_version: None,
            to_version: version.number,
            digest: version.digest.clone(),
            created_unix_ms: change.now_unix_ms,
            created_by: change.by.to_owned(),
        }
    }
}

impl FunctionStore {
    /// Moves of a function from the newest down, those below generation `before`, each with its generation.
    pub(crate) async fn deployments(
        &self,
        id: &str,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<(i64, Deployment)>, StoreError> {
        let statement = "SELECT generation, action, from_version, to_version, digest, created_unix_ms, created_by \
                         FROM deployments WHERE function_id = $1 AND generation < $2 ORDER BY generation DESC LIMIT $3";
        let found = sqlx::query(statement)
            .bind(id)
            .bind(before.unwrap_or(i64::MAX))
            .bind(i64::from(limit))
            .fetch_all(self.database.pool())
            .await?;
        found.iter().map(read).collect()
    }
}

/// Moves the function and notes it. The new generation.
pub(super) async fn apply(
    connection: &mut AnyConnection,
    id: &str,
    deployment: &Deployment,
) -> Result<i64, StoreError> {
    let number = i64::from(deployment.to_version);
    let statement = "UPDATE functions SET current_version = $1, generation = generation + 1, updated_unix_ms = $2, \
                     last_version = CASE WHEN last_version < $1 THEN $1 ELSE last_version END \
                     WHERE id = $3 RETURNING generation";
    let row = sqlx::query::<Any>(statement)
        .bind(number)
        .bind(deployment.created_unix_ms)
        .bind(id)
        .fetch_one(&mut *connection)
        .await?;
    let generation = row.try_get(0)?;
    // It was about the two versions of before.
    sqlx::query::<Any>("DELETE FROM rollouts WHERE function_id = $1")
        .bind(id)
        .execute(&mut *connection)
        .await?;
    insert(connection, id, generation, deployment).await?;
    Ok(generation)
}

pub(super) async fn insert(
    connection: &mut AnyConnection,
    id: &str,
    generation: i64,
    deployment: &Deployment,
) -> Result<(), StoreError> {
    let statement = "INSERT INTO deployments (function_id, generation, action, from_version, to_version, digest, \
                     created_unix_ms, created_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let action = match deployment.action {
        Action::Deploy => "deploy",
        Action::Rollback => "rollback",
    };
    sqlx::query::<Any>(statement)
        .bind(id)
        .bind(generation)
        .bind(action)
        .bind(deployment.from_version.map(i64::from))
        .bind(i64::from(deployment.to_version))
        .bind(&deployment.digest)
        .bind(deployment.created_unix_ms)
        .bind(text(&deployment.created_by).into_owned())
        .execute(connection)
        .await?;
    Ok(())
}

fn read(row: &sqlx::any::AnyRow) -> Result<(i64, Deployment), StoreError> {
    let action: String = row.try_get(1)?;
    let from: Option<i64> = row.try_get(2)?;
    let deployment = Deployment {
        action: match action.as_str() {
            "rollback" => Action::Rollback,
            _ => Action::Deploy,
        },
        from_version: from.map(rows::number).transpose()?,
        to_version: rows::number(row.try_get(3)?)?,
        digest: row.try_get(4)?,
        created_unix_ms: row.try_get(5)?,
        created_by: row.try_get(6)?,
    };
    Ok((row.try_get(0)?, deployment))
}
