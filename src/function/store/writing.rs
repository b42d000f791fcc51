//! One change of a function on its way into the database, where others may be changing functions, too. What they have done
//! that is not known here is told before anything is written; whoever writes then is the only one until the commit.

use sqlx::{Any, AnyConnection, Row};

use super::{FunctionStore, rows, sealed};
use crate::cluster::{Change, Cluster};
use crate::function::manifest::Manifest;
use crate::store::StoreError;

/// A function that another node has changed: its id, and its name and settings unless it is gone.
pub(crate) type Current = (String, Option<(String, Manifest)>);

/// A transaction that changes one function.
#[derive(Debug)]
#[must_use]
pub(crate) struct Writing {
    transaction: sqlx::Transaction<'static, Any>,
    /// What others have changed that is not known here.
    pub(crate) elsewhere: Vec<Current>,
}

impl Writing {
    pub(super) fn connection(&mut self) -> &mut AnyConnection {
        &mut self.transaction
    }

    /// Tells the others, and commits.
    pub(super) async fn commit(mut self, cluster: &Cluster, id: &str) -> Result<(), StoreError> {
        let change = Change::Function(id.to_owned());
        cluster.announce(&mut self.transaction, &change).await?;
        Ok(self.transaction.commit().await?)
    }
}

impl FunctionStore {
    /// Begins a change by who knows all changes up to this one.
    pub(crate) async fn begin(&self, known: i64) -> Result<Writing, StoreError> {
        let mut transaction = self.database.begin_write().await?;
        let changed = self.cluster.changed_elsewhere(&mut transaction, known);
        let mut elsewhere = Vec::new();
        for id in changed.await? {
            let current = self.current(&mut transaction, &id).await?;
            elsewhere.push((id, current));
        }
        Ok(Writing {
            transaction,
            elsewhere,
        })
    }

    /// Begins a change that takes nothing from other functions, and that the last one wins.
    pub(crate) async fn begin_alone(&self) -> Result<Writing, StoreError> {
        // The lock comes first here, too: two that take it before and after a row would wait for each other.
        self.begin(i64::MAX).await
    }

    /// Name and settings of the version that serves.
    async fn current(
        &self,
        connection: &mut AnyConnection,
        id: &str,
    ) -> Result<Option<(String, Manifest)>, StoreError> {
        let statement = "SELECT name, manifest FROM functions JOIN versions ON function_id = id \
                         AND number = current_version WHERE id = $1";
        let row = sqlx::query(statement)
            .bind(id)
            .fetch_optional(connection)
            .await?;
        let Some(row) = row else {
            return Ok(None);
        };
        let manifest: String = row.try_get(1)?;
        let manifest = sealed::from_json(&self.sealer, id, &manifest)?;
        Ok(Some((row.try_get(0)?, manifest)))
    }

    /// The number that the next version gets. Numbers are never used twice.
    pub(crate) async fn next_number(&self, id: &str) -> Result<u32, StoreError> {
        let row = sqlx::query("SELECT last_version + 1 FROM functions WHERE id = $1")
            .bind(id)
            .fetch_one(self.database.pool())
            .await?;
        rows::number(row.try_get(0)?)
    }
}
