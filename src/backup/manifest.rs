//! What a backup says of itself: who made it and when, and every file in it by digest.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Grows when an older program could not read what a newer one wrote.
pub(super) const FORMAT: u32 = 1;

/// Its name in the file.
pub(super) const NAME: &str = "manifest.json";

/// Everything about a backup but what is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Manifest {
    pub(super) format: u32,
    /// The program that made it.
    pub(crate) version: String,
    pub(crate) created_at: String,
    /// Where the state was: `sqlite`, and so it is in here, or `postgresql`.
    pub(crate) database: String,
    /// The master keys that values are sealed with.
    pub(crate) key_ids: Vec<String>,
    /// All files and links, by their paths.
    pub(super) entries: BTreeMap<String, Entry>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Entry {
    File { bytes: u64, sha256: String },
    Link { to: String },
}

impl Manifest {
    pub(super) fn new(database: &str) -> Self {
        Self {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            created_at: crate::time::rfc3339(crate::time::now_unix_ms()),
            database: database.to_owned(),
            key_ids: Vec::new(),
            entries: BTreeMap::new(),
        }
    }

    /// How many files there are.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether something is in it, by its path or that of its folder.
    pub(crate) fn has(&self, path: &str) -> bool {
        let below = format!("{path}/");
        self.entries.contains_key(path) || self.entries.keys().any(|name| name.starts_with(&below))
    }
}
