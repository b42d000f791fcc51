//! Functions, versions, aliases and deployments in the state database. Each change is one transaction: after a crash at
//! any moment there is the old state or the new one.
//!
//! Values of variables are sealed on their way in and opened on their way out; see `sealed.rs`. Knows nothing of
//! processes or files.

mod aliases;
pub(crate) mod answers;
mod deployments;
pub(super) mod rollouts;
mod rows;
mod sealed;
mod versions;
mod writing;

use std::sync::Arc;

pub(crate) use aliases::Alias;
pub(crate) use deployments::{Action, Deployment};
pub(crate) use rows::{StoredFunction, StoredVersion, VersionSummary};
pub(crate) use writing::Writing;

use crate::cluster::Cluster;
use crate::seal::Sealer;
use crate::store::{Database, StoreError};

/// The functions of the platform.
#[derive(Debug, Clone)]
pub(crate) struct FunctionStore {
    database: Database,
    sealer: Arc<Sealer>,
    /// Who is told of what is changed.
    cluster: Cluster,
}

/// Who changes a function, and when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Change<'a> {
    /// The name of the credential.
    pub(crate) by: &'a str,
    /// Milliseconds since the Unix epoch.
    pub(crate) now_unix_ms: i64,
}

impl FunctionStore {
    /// Over an open state database.
    pub(crate) fn new(database: Database, sealer: Arc<Sealer>, cluster: Cluster) -> Self {
        Self {
            database,
            sealer,
            cluster,
        }
    }

    /// One function; `None` when it is gone.
    pub(crate) async fn function(&self, id: &str) -> Result<Option<StoredFunction>, StoreError> {
        let statement = "SELECT id, name, current_version, last_version, generation, created_unix_ms, updated_unix_ms \
                         FROM functions WHERE id = $1";
        let row = sqlx::query(statement)
            .bind(id)
            .fetch_optional(self.database.pool())
            .await?;
        row.as_ref().map(rows::function).transpose()
    }

    /// All functions.
    pub(crate) async fn functions(&self) -> Result<Vec<StoredFunction>, StoreError> {
        let statement = "SELECT id, name, current_version, last_version, generation, created_unix_ms, updated_unix_ms \
                         FROM functions ORDER BY name";
        let rows = sqlx::query(statement)
            .fetch_all(self.database.pool())
            .await?;
        rows.iter().map(rows::function).collect()
    }

    /// Stores a function with its first version.
    pub(crate) async fn create(
        &self,
        mut writing: Writing,
        function: &StoredFunction,
        version: &StoredVersion,
        change: Change<'_>,
    ) -> Result<(), StoreError> {
        let connection = writing.connection();
        let statement = "INSERT INTO functions (id, name, current_version, last_version, generation, created_unix_ms, \
                         updated_unix_ms) VALUES ($1, $2, $3, $4, $5, $6, $7)";
        sqlx::query(statement)
            .bind(&function.id)
            .bind(&function.name)
            .bind(i64::from(function.current_version))
            .bind(i64::from(function.last_version))
            .bind(function.generation)
            .bind(function.created_unix_ms)
            .bind(function.updated_unix_ms)
            .execute(&mut *connection)
            .await?;
        self.insert_version(connection, &function.id, version)
            .await?;
        let deployment = Deployment::first(version, change);
        let generation = function.generation;
        deployments::insert(connection, &function.id, generation, &deployment).await?;
        fail::fail_point!("deploy::committing");
        writing.commit(&self.cluster, &function.id).await
    }

    /// Stores a function's next version and makes it current. The function's new generation.
    pub(crate) async fn add_version(
        &self,
        mut writing: Writing,
        id: &str,
        from: u32,
        version: &StoredVersion,
        change: Change<'_>,
    ) -> Result<i64, StoreError> {
        fail::fail_point!("deploy::refused", |_| Err(StoreError::Database(
            sqlx::Error::PoolClosed
        )));
        let connection = writing.connection();
        self.insert_version(connection, id, version).await?;
        let deployment = Deployment {
            action: Action::Deploy,
            from_version: Some(from),
            ..Deployment::first(version, change)
        };
        let generation = deployments::apply(connection, id, &deployment).await?;
        fail::fail_point!("deploy::committing");
        writing.commit(&self.cluster, id).await?;
        Ok(generation)
    }

    /// Stores a function's next version, which does not serve yet.
    pub(crate) async fn add_staged(
        &self,
        mut writing: Writing,
        id: &str,
        version: &StoredVersion,
        change: Change<'_>,
    ) -> Result<(), StoreError> {
        let connection = writing.connection();
        self.insert_version(connection, id, version).await?;
        sqlx::query("UPDATE functions SET last_version = $1, updated_unix_ms = $2 WHERE id = $3")
            .bind(i64::from(version.number))
            .bind(change.now_unix_ms)
            .bind(id)
            .execute(&mut *connection)
            .await?;
        fail::fail_point!("stage::committing");
        writing.commit(&self.cluster, id).await
    }

    /// Makes another version current. The function's new generation.
    pub(crate) async fn move_to(
        &self,
        mut writing: Writing,
        id: &str,
        deployment: &Deployment,
    ) -> Result<i64, StoreError> {
        let generation = deployments::apply(writing.connection(), id, deployment).await?;
        fail::fail_point!("rollback::committing");
        writing.commit(&self.cluster, id).await?;
        Ok(generation)
    }

    /// Forgets a function with all that belongs to it.
    pub(crate) async fn delete(&self, mut writing: Writing, id: &str) -> Result<(), StoreError> {
        for statement in [
            "DELETE FROM aliases WHERE function_id = $1",
            "DELETE FROM rollouts WHERE function_id = $1",
            "DELETE FROM deployments WHERE function_id = $1",
            "DELETE FROM versions WHERE function_id = $1",
            "DELETE FROM functions WHERE id = $1",
        ] {
            sqlx::query(statement)
                .bind(id)
                .execute(writing.connection())
                .await?;
        }
        fail::fail_point!("delete::committing");
        writing.commit(&self.cluster, id).await
    }
}
