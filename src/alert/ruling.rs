//! Rules of alerts: asked for, set, and taken over from other nodes.

use std::sync::PoisonError;

use serde_json::{Map, Value};

use super::book::{Chapter, RuleBook};
use super::store::AlertStore;
use super::{AlertError, Alerts};
use crate::time::now_unix_ms;

impl Alerts {
    /// The rules of a function, or of the platform.
    pub(crate) fn rules(&self, function_id: Option<&str>) -> Chapter {
        self.book().chapter(function_id)
    }

    /// Sets the fields that are given; `null` unsets one.
    pub(crate) async fn set_rules(
        &self,
        function_id: Option<&str>,
        change: &Map<String, Value>,
    ) -> Result<Chapter, AlertError> {
        let _one_at_a_time = self.changing.lock().await;
        let set = self.book().draft(function_id, change)?;
        self.replace_rules(function_id, set).await
    }

    /// Takes over what another node has set.
    pub(crate) async fn follow(&self) -> Result<(), AlertError> {
        let _one_at_a_time = self.changing.lock().await;
        let book = read(&self.store, self.interval_ms).await?;
        *self.book.write().unwrap_or_else(PoisonError::into_inner) = book;
        Ok(())
    }

    /// Unsets every field.
    pub(crate) async fn reset_rules(
        &self,
        function_id: Option<&str>,
    ) -> Result<Chapter, AlertError> {
        let _one_at_a_time = self.changing.lock().await;
        self.replace_rules(function_id, Map::new()).await
    }

    async fn replace_rules(
        &self,
        function_id: Option<&str>,
        set: Map<String, Value>,
    ) -> Result<Chapter, AlertError> {
        self.store
            .set_rules(function_id, &set, now_unix_ms())
            .await?;
        let mut book = self.book.write().unwrap_or_else(PoisonError::into_inner);
        book.set(function_id, set)?;
        Ok(book.chapter(function_id))
    }
}

/// The rules as they are stored.
pub(super) async fn read(store: &AlertStore, interval_ms: u64) -> Result<RuleBook, AlertError> {
    let mut book = RuleBook::new(interval_ms);
    for (function, set) in store.rules().await? {
        book.set(function.as_deref(), set)?;
    }
    Ok(book)
}
