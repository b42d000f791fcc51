//! What a transaction of the ledger does because others may write to the same queue.

use std::collections::HashMap;
use std::time::Duration;

use super::claims;
use super::lanes::Lanes;
use super::transaction::Transaction;
use crate::store::{Database, StoreError};

impl Transaction<'_> {
    /// Says that this supervisor is there, and takes over from those that are not.
    pub(super) async fn beat(
        &mut self,
        database: &Database,
        lease: Duration,
        lanes: &mut Lanes,
    ) -> Result<(), StoreError> {
        claims::beat(self.connection, database, self.runner, Some(lease)).await?;
        if !database.is_shared() {
            return Ok(());
        }
        self.flush().await?;
        // Others may have written to any lane.
        for (lane, due) in claims::lanes(self.connection).await? {
            lanes.add(&lane, due);
        }
        Ok(())
    }

    /// Gives back what is claimed in this supervisor's name and that it knows nothing of.
    pub(super) async fn give_back_all_but(
        &mut self,
        held: &HashMap<i64, u64>,
    ) -> Result<(), StoreError> {
        self.flush().await?;
        let owned = claims::owned(self.connection, self.runner).await?;
        let unknown: Vec<i64> = owned
            .into_iter()
            .filter(|id| !held.contains_key(id))
            .collect();
        claims::give_back(self.connection, self.runner, &unknown).await
    }

    /// How much is open, of all supervisors.
    pub(super) async fn open(&mut self) -> Result<(u64, u64), StoreError> {
        self.flush().await?;
        claims::open(self.connection, "").await
    }
}
