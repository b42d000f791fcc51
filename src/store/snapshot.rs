//! Copies of an SQLite database as it is at one moment, also while a platform writes to it, and a look at such a copy.

use std::collections::BTreeSet;
use std::path::Path;
use std::str::FromStr;

use sqlx::any::AnyConnectOptions;
use sqlx::{AnyConnection, AssertSqlSafe, ConnectOptions, Connection, Executor, Row};

use super::{Schema, StoreError};
use crate::seal;

/// What lies in files besides, by what a state names.
#[derive(Debug)]
pub(crate) struct Named {
    /// Digests of archives.
    pub(crate) archives: Vec<String>,
    /// Keys of trees of packages.
    pub(crate) dependencies: Vec<String>,
    /// Master keys that values of versions are sealed with.
    pub(crate) key_ids: Vec<String>,
}

/// Reads what the versions in a state name.
pub(crate) async fn named_in(state: &Path) -> Result<Named, StoreError> {
    let mut connection = open(state).await?;
    let rows = connection
        .fetch_all("SELECT archive, dependencies, manifest FROM versions")
        .await?;
    let mut named = [(); 3].map(|()| BTreeSet::new());
    for row in &rows {
        let [archives, dependencies, key_ids] = &mut named;
        archives.insert(row.try_get::<String, _>(0)?);
        dependencies.insert(row.try_get::<String, _>(1)?);
        key_ids.extend(seal::ids_in(&row.try_get::<String, _>(2)?));
    }
    connection.close().await?;
    let [archives, mut dependencies, key_ids] = named;
    dependencies.remove("");
    Ok(Named {
        archives: archives.into_iter().collect(),
        dependencies: dependencies.into_iter().collect(),
        key_ids: key_ids.into_iter().collect(),
    })
}

/// Copies a database into a new file. What is committed meanwhile is not in it.
pub(crate) async fn snapshot(file: &Path, to: &Path) -> Result<(), StoreError> {
    let mut connection = open(file).await?;
    let copied = sqlx::query("VACUUM INTO $1")
        .bind(to.display().to_string())
        .execute(&mut connection)
        .await;
    connection.close().await?;
    copied?;
    let durable = std::fs::File::open(to).and_then(|file| file.sync_all());
    durable.map_err(|error| StoreError::Database(error.into()))
}

/// Whether this program can use a database: no newer one made it, and with `thoroughly`, nothing in it is damaged.
pub(crate) async fn check(file: &Path, schema: Schema, thoroughly: bool) -> Result<(), StoreError> {
    let mut connection = open(file).await?;
    let checked = look(&mut connection, file, schema, thoroughly).await;
    connection.close().await?;
    checked
}

async fn look(
    connection: &mut AnyConnection,
    file: &Path,
    schema: Schema,
    thoroughly: bool,
) -> Result<(), StoreError> {
    if thoroughly {
        let said = connection.fetch_one("PRAGMA integrity_check").await?;
        let said: String = said.try_get(0)?;
        if said != "ok" {
            return Err(StoreError::Corrupt(said));
        }
    }
    let (known, table) = schema.last_step();
    let last = format!("SELECT COALESCE(MAX(version), 0) FROM {table}");
    let row = sqlx::query(AssertSqlSafe(last))
        .fetch_one(connection)
        .await?;
    let step: i64 = row.try_get(0)?;
    match step > known {
        true => Err(StoreError::Newer {
            file: file.display().to_string(),
            step,
            known,
        }),
        false => Ok(()),
    }
}

/// Only one that is there.
async fn open(file: &Path) -> Result<AnyConnection, StoreError> {
    sqlx::any::install_default_drivers();
    let url = format!("sqlite://{}?mode=rw", file.display());
    let options = AnyConnectOptions::from_str(&url)?.disable_statement_logging();
    let mut connection = AnyConnection::connect_with(&options).await?;
    connection.execute("PRAGMA busy_timeout = 10000").await?;
    Ok(connection)
}
