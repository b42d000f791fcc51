//! Aliases in the state database.

use sqlx::Row;
use sqlx::any::AnyRow;

use super::{FunctionStore, rows};
use crate::rollout::Portion;
use crate::store::{StoreError, text};

/// A movable name for one version.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Alias {
    pub(crate) name: String,
    pub(crate) version: u32,
    /// The part of its calls that goes to another one.
    pub(crate) split: Option<Portion>,
    pub(crate) updated_unix_ms: i64,
}

impl Alias {
    /// The numbers of all versions that it leads to.
    pub(crate) fn versions(&self) -> impl Iterator<Item = u32> {
        let other = self.split.as_ref().map(|split| split.version);
        std::iter::once(self.version).chain(other)
    }
}

impl FunctionStore {
    /// Which version each alias of a function means.
    pub(crate) async fn aliases(&self, id: &str) -> Result<Vec<Alias>, StoreError> {
        let statement = "SELECT name, version, updated_unix_ms, split FROM aliases WHERE function_id = $1 ORDER BY name";
        let rows = sqlx::query(statement)
            .bind(id)
            .fetch_all(self.database.pool())
            .await?;
        rows.iter().map(read).collect()
    }

    /// Points an alias to a version.
    pub(crate) async fn set_alias(&self, id: &str, alias: &Alias) -> Result<(), StoreError> {
        let mut writing = self.begin_alone().await?;
        let statement = "INSERT INTO aliases (function_id, name, version, updated_unix_ms, split) VALUES ($1, $2, $3, $4, $5) \
                         ON CONFLICT (function_id, name) DO UPDATE SET version = excluded.version, \
                         updated_unix_ms = excluded.updated_unix_ms, split = excluded.split";
        let split = alias.split.as_ref().map(serde_json::to_string).transpose();
        let split = split.map_err(|error| broken(&error))?;
        sqlx::query(statement)
            .bind(id)
            .bind(&alias.name)
            .bind(i64::from(alias.version))
            .bind(alias.updated_unix_ms)
            .bind(split)
            .execute(writing.connection())
            .await?;
        writing.commit(&self.cluster, id).await
    }

    /// Removes an alias. Whether it was there.
    pub(crate) async fn remove_alias(&self, id: &str, name: &str) -> Result<bool, StoreError> {
        let mut writing = self.begin_alone().await?;
        let removed = sqlx::query("DELETE FROM aliases WHERE function_id = $1 AND name = $2")
            .bind(id)
            .bind(text(name).into_owned())
            .execute(writing.connection())
            .await?;
        writing.commit(&self.cluster, id).await?;
        Ok(removed.rows_affected() > 0)
    }
}

fn read(row: &AnyRow) -> Result<Alias, StoreError> {
    let split: Option<String> = row.try_get(3)?;
    let split = split.map(|split| serde_json::from_str(&split)).transpose();
    Ok(Alias {
        name: row.try_get(0)?,
        version: rows::number(row.try_get(1)?)?,
        split: split.map_err(|error| broken(&error))?,
        updated_unix_ms: row.try_get(2)?,
    })
}

fn broken(error: &serde_json::Error) -> StoreError {
    StoreError::Corrupt(format!("an alias: {error}"))
}
