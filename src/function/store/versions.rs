//! Versions in the database.

use std::collections::HashSet;

use sqlx::{Any, AnyConnection, AssertSqlSafe, Row};

use super::{FunctionStore, StoredVersion, VersionSummary, rows, sealed};
use crate::store::{StoreError, text};

const COLUMNS: &str = "number, digest, archive, archive_bytes, dependencies, manifest, build_log, created_unix_ms, created_by";

impl FunctionStore {
    /// One version; `None` when there is none of that number.
    pub(crate) async fn version(
        &self,
        id: &str,
        number: u32,
    ) -> Result<Option<StoredVersion>, StoreError> {
        let statement =
            format!("SELECT {COLUMNS} FROM versions WHERE function_id = $1 AND number = $2");
        let row = sqlx::query(AssertSqlSafe(statement))
            .bind(id)
            .bind(i64::from(number))
            .fetch_optional(self.database.pool())
            .await?;
        row.map(|row| self.read_version(id, &row)).transpose()
    }

    /// Versions from the newest down, those below `before`.
    pub(crate) async fn versions(
        &self,
        id: &str,
        before: Option<u32>,
        limit: u32,
    ) -> Result<Vec<StoredVersion>, StoreError> {
        let statement = format!(
            "SELECT {COLUMNS} FROM versions WHERE function_id = $1 AND number < $2 ORDER BY number DESC LIMIT $3"
        );
        let found = sqlx::query(AssertSqlSafe(statement))
            .bind(id)
            .bind(before.map_or(i64::MAX, i64::from))
            .bind(i64::from(limit))
            .fetch_all(self.database.pool())
            .await?;
        found.iter().map(|row| self.read_version(id, row)).collect()
    }

    /// The newest version with this digest.
    pub(crate) async fn version_with_digest(
        &self,
        id: &str,
        digest: &str,
    ) -> Result<Option<StoredVersion>, StoreError> {
        let statement = format!(
            "SELECT {COLUMNS} FROM versions WHERE function_id = $1 AND digest = $2 ORDER BY number DESC LIMIT 1"
        );
        let row = sqlx::query(AssertSqlSafe(statement))
            .bind(id)
            .bind(digest)
            .fetch_optional(self.database.pool())
            .await?;
        row.map(|row| self.read_version(id, &row)).transpose()
    }

    /// All versions of a function, in short, from the newest down.
    pub(crate) async fn summaries(&self, id: &str) -> Result<Vec<VersionSummary>, StoreError> {
        let statement = "SELECT number, digest, archive, dependencies FROM versions WHERE function_id = $1 \
                         ORDER BY number DESC";
        let found = sqlx::query(statement)
            .bind(id)
            .fetch_all(self.database.pool())
            .await?;
        let read = |row: &sqlx::any::AnyRow| {
            Ok(VersionSummary {
                number: rows::number(row.try_get(0)?)?,
                digest: row.try_get(1)?,
                archive: row.try_get(2)?,
                dependencies: row.try_get(3)?,
            })
        };
        found.iter().map(read).collect()
    }

    /// Forgets versions.
    pub(crate) async fn remove_versions(
        &self,
        id: &str,
        numbers: &[u32],
    ) -> Result<(), StoreError> {
        for number in numbers {
            sqlx::query("DELETE FROM versions WHERE function_id = $1 AND number = $2")
                .bind(id)
                .bind(i64::from(*number))
                .execute(self.database.pool())
                .await?;
        }
        Ok(())
    }

    /// Ids of functions, each with the number of a version that it has.
    pub(crate) async fn numbers(&self) -> Result<HashSet<(String, u32)>, StoreError> {
        let found = sqlx::query("SELECT function_id, number FROM versions")
            .fetch_all(self.database.pool())
            .await?;
        let read = |row: &sqlx::any::AnyRow| Ok((row.try_get(0)?, rows::number(row.try_get(1)?)?));
        found.iter().map(read).collect()
    }

    /// Digests of archives and of trees of packages that some version needs.
    pub(crate) async fn in_use(&self) -> Result<(Vec<String>, Vec<String>), StoreError> {
        let column = async |statement: &'static str| {
            let found = sqlx::query(statement)
                .fetch_all(self.database.pool())
                .await?;
            let values = found.iter().map(|row| row.try_get(0));
            values.collect::<Result<Vec<String>, sqlx::Error>>()
        };
        let archives = column("SELECT DISTINCT archive FROM versions").await?;
        let dependencies =
            column("SELECT DISTINCT dependencies FROM versions WHERE dependencies <> ''").await?;
        Ok((archives, dependencies))
    }

    /// Seals every value under the newest master key. How many versions were changed.
    pub(crate) async fn reseal(&self) -> Result<usize, StoreError> {
        let mut transaction = self.database.begin_write().await?;
        let found = sqlx::query("SELECT function_id, number, manifest FROM versions")
            .fetch_all(&mut *transaction)
            .await?;
        let mut count = 0;
        for row in &found {
            let (id, number): (String, i64) = (row.try_get(0)?, row.try_get(1)?);
            let manifest: String = row.try_get(2)?;
            let Some(manifest) = sealed::resealed(&self.sealer, &id, &manifest)? else {
                continue;
            };
            let statement =
                "UPDATE versions SET manifest = $1 WHERE function_id = $2 AND number = $3";
            sqlx::query(statement)
                .bind(manifest)
                .bind(id)
                .bind(number)
                .execute(&mut *transaction)
                .await?;
            count += 1;
        }
        fail::fail_point!("rotate::committing");
        transaction.commit().await?;
        Ok(count)
    }

    pub(super) async fn insert_version(
        &self,
        connection: &mut AnyConnection,
        id: &str,
        version: &StoredVersion,
    ) -> Result<(), StoreError> {
        let statement = format!(
            "INSERT INTO versions (function_id, {COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
        );
        sqlx::query::<Any>(AssertSqlSafe(statement))
            .bind(id)
            .bind(i64::from(version.number))
            .bind(&version.digest)
            .bind(&version.archive)
            .bind(version.archive_bytes)
            .bind(&version.dependencies)
            .bind(sealed::to_json(&self.sealer, id, &version.manifest)?)
            .bind(text(&version.build_log.join("\n")).into_owned())
            .bind(version.created_unix_ms)
            .bind(text(&version.created_by).into_owned())
            .execute(connection)
            .await?;
        Ok(())
    }

    fn read_version(&self, id: &str, row: &sqlx::any::AnyRow) -> Result<StoredVersion, StoreError> {
        let log: String = row.try_get(6)?;
        let manifest: String = row.try_get(5)?;
        Ok(StoredVersion {
            number: rows::number(row.try_get(0)?)?,
            digest: row.try_get(1)?,
            archive: row.try_get(2)?,
            archive_bytes: row.try_get(3)?,
            dependencies: row.try_get(4)?,
            manifest: sealed::from_json(&self.sealer, id, &manifest)?,
            build_log: log.lines().map(str::to_owned).collect(),
            created_unix_ms: row.try_get(7)?,
            created_by: row.try_get(8)?,
        })
    }
}
