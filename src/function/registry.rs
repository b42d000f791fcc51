//! All functions by id and by name, and names whose first deployment is under way.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::watch;

use super::Function;

/// All functions. Names and ids lead to the same thing.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    by_key: RwLock<HashMap<String, Entry>>,
    /// Counts changes of what there is, and of which version serves.
    changes: watch::Sender<u64>,
}

#[derive(Debug, Clone)]
enum Entry {
    /// A function, under its id and under its name.
    Function(Arc<Function>),
    /// A name whose first deployment is under way.
    Reserved,
}

impl Registry {
    /// A function by its id or its name.
    pub(crate) fn get(&self, key: &str) -> Option<Arc<Function>> {
        match self.read().get(key) {
            Some(Entry::Function(function)) => Some(Arc::clone(function)),
            _ => None,
        }
    }

    /// All functions, by name.
    pub(crate) fn list(&self) -> Vec<Arc<Function>> {
        let mut functions: Vec<Arc<Function>> = self
            .read()
            .iter()
            .filter_map(|(key, entry)| match entry {
                Entry::Function(function) if *key == function.id => Some(Arc::clone(function)),
                _ => None,
            })
            .collect();
        functions.sort_by(|a, b| a.name.cmp(&b.name));
        functions
    }

    /// Keeps a name for a deployment; `None` when it is taken. Dropped, the name is free again.
    pub(crate) fn reserve(self: &Arc<Self>, name: &str) -> Option<Reservation> {
        let mut by_key = self.by_key.write().unwrap_or_else(PoisonError::into_inner);
        if by_key.contains_key(name) {
            return None;
        }
        by_key.insert(name.to_owned(), Entry::Reserved);
        Some(Reservation {
            registry: Arc::clone(self),
            name: Some(name.to_owned()),
        })
    }

    /// Whether the first deployment of a name is under way.
    pub(crate) fn is_reserved(&self, name: &str) -> bool {
        matches!(self.read().get(name), Some(Entry::Reserved))
    }

    /// Makes a function known.
    pub(crate) fn add(&self, function: &Arc<Function>) {
        let mut by_key = self.by_key.write().unwrap_or_else(PoisonError::into_inner);
        for key in [&function.id, &function.name] {
            by_key.insert(key.clone(), Entry::Function(Arc::clone(function)));
        }
        drop(by_key);
        self.changed();
    }

    /// Says that something has changed.
    pub(super) fn changed(&self) {
        self.changes.send_modify(|changes| *changes += 1);
    }

    /// How many changes there were, and a way to wait for the next.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Forgets a function. Whether it was there.
    pub(crate) fn remove(&self, function: &Function) -> bool {
        let mut by_key = self.by_key.write().unwrap_or_else(PoisonError::into_inner);
        // Another one may have got its name meanwhile.
        if let Some(Entry::Function(named)) = by_key.get(&function.name)
            && named.id == function.id
        {
            by_key.remove(&function.name);
        }
        let was_there = by_key.remove(&function.id).is_some();
        drop(by_key);
        self.changed();
        was_there
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, HashMap<String, Entry>> {
        self.by_key.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A name kept for a deployment.
#[derive(Debug)]
pub(crate) struct Reservation {
    registry: Arc<Registry>,
    name: Option<String>,
}

impl Reservation {
    /// The deployment succeeded: the name belongs to the function from now on.
    pub(crate) fn fulfil(mut self, function: &Arc<Function>) {
        self.registry.add(function);
        self.name = None;
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if let Some(name) = self.name.take() {
            let mut by_key = self
                .registry
                .by_key
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            // Another node may have made a function of that name.
            if matches!(by_key.get(&name), Some(Entry::Reserved)) {
                by_key.remove(&name);
            }
        }
    }
}
