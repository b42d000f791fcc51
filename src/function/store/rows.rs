//! Rows as they lie in the tables.

use sqlx::Row;
use sqlx::any::AnyRow;

use crate::function::manifest::Manifest;
use crate::store::StoreError;

/// What is kept of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredFunction {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) current_version: u32,
    pub(crate) last_version: u32,
    pub(crate) generation: i64,
    pub(crate) created_unix_ms: i64,
    pub(crate) updated_unix_ms: i64,
}

/// What is kept of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredVersion {
    pub(crate) number: u32,
    /// Of settings and code.
    pub(crate) digest: String,
    /// Of the code alone; names its archive.
    pub(crate) archive: String,
    pub(crate) archive_bytes: i64,
    /// Names the tree of packages that the code needs; empty when it needs none.
    pub(crate) dependencies: String,
    pub(crate) manifest: Manifest,
    pub(crate) build_log: Vec<String>,
    pub(crate) created_unix_ms: i64,
    pub(crate) created_by: String,
}

/// What a list of versions shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VersionSummary {
    pub(crate) number: u32,
    pub(crate) digest: String,
    pub(crate) archive: String,
    pub(crate) dependencies: String,
}

pub(super) fn function(row: &AnyRow) -> Result<StoredFunction, StoreError> {
    Ok(StoredFunction {
        id: row.try_get(0)?,
        name: row.try_get(1)?,
        current_version: number(row.try_get(2)?)?,
        last_version: number(row.try_get(3)?)?,
        generation: row.try_get(4)?,
        created_unix_ms: row.try_get(5)?,
        updated_unix_ms: row.try_get(6)?,
    })
}

/// Versions are counted from 1 and stay far below the limit of the type.
pub(super) fn number(value: i64) -> Result<u32, StoreError> {
    u32::try_from(value)
        .map_err(|_| StoreError::Corrupt(format!("a version has the number {value}")))
}
