//! The two databases: `state` for what must never be lost (functions, versions, keys), every commit of which reaches the
//! disk before it is acknowledged, and `telemetry` for logs and metrics, written in batches, of which a power failure may
//! take the last moments.
//!
//! SQLite files below the data folder by default, one PostgreSQL database when `database_url` says so. Statements are
//! written once for both: parameters are `$1`, `$2`; column types are `BIGINT`, `DOUBLE PRECISION` and `TEXT` alone;
//! truths are 0 and 1; ids are made here. Knows nothing of what is stored.

mod address;
mod lock;
mod migrations;
mod snapshot;

use std::borrow::Cow;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{AnyConnection, AnyPool, ConnectOptions, Connection, Executor, Row};

pub(crate) use lock::LockError;
pub(crate) use lock::{FolderLock, Holder, LOCK, RESTORING, holder};
pub(crate) use migrations::Schema;
pub(crate) use snapshot::{Named, check, named_in, snapshot};

use crate::seal::SealError;
use crate::secret::Secret;

/// The most connections to one database. SQLite has one writer at a time whatever the number.
const CONNECTIONS_MAX: u32 = 4;

/// How long a statement may wait for a connection, or for another one's lock.
const PATIENCE: Duration = Duration::from_secs(10);

/// A failure of the database.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The address of the database is none.
    #[error(
        "database_url cannot be used: {0}; it looks like postgres://user:password@host:5432/database"
    )]
    Address(String),
    /// Nobody answers there, or not us.
    #[error("PostgreSQL cannot be used, {place}: {reason}")]
    Unreachable {
        /// Which database.
        place: String,
        /// What it said, if anything.
        reason: String,
    },
    /// A statement failed.
    #[error("the database refused")]
    Database(#[from] sqlx::Error),
    /// The schema could not be brought up to date.
    #[error("the database's schema cannot be brought up to date")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// A value cannot be sealed.
    #[error("a value cannot be encrypted")]
    Seal(#[from] SealError),
    /// A newer program made it.
    #[error("{file} was made by a newer zygo (step {step} of its schema; this one knows {known})")]
    Newer {
        /// Which file.
        file: String,
        /// The last step that it has.
        step: i64,
        /// The last step that there is here.
        known: i64,
    },
    /// What was read makes no sense: another program wrote it, or the disk lost it.
    #[error("the database holds what cannot be read: {0}")]
    Corrupt(String),
}

/// Which dialect a database speaks; only what cannot be written for both needs to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Backend {
    Sqlite,
    Postgres,
}

/// How much a commit waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// Until the disk has it.
    Full,
    /// A crash of the platform loses nothing; a power failure may take the last commits.
    Batched,
}

/// An open database whose schema is up to date. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    pool: AnyPool,
    backend: Backend,
}

impl Database {
    /// Opens the state database.
    pub(crate) async fn state(data_dir: &Path, url: Option<&Secret>) -> Result<Self, StoreError> {
        Self::open(data_dir, url, Schema::State, Durability::Full).await
    }

    /// Opens the database of logs and metrics.
    pub(crate) async fn telemetry(
        data_dir: &Path,
        url: Option<&Secret>,
    ) -> Result<Self, StoreError> {
        Self::open(data_dir, url, Schema::Telemetry, Durability::Batched).await
    }

    async fn open(
        data_dir: &Path,
        url: Option<&Secret>,
        schema: Schema,
        durability: Durability,
    ) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        let (backend, options) = match url {
            Some(url) => (Backend::Postgres, reach_server(url.expose()).await?),
            None => {
                let file = data_dir.join(format!("{}.db", schema.name()));
                (Backend::Sqlite, prepare_file(&file).await?)
            }
        };
        let pool = AnyPoolOptions::new()
            .max_connections(CONNECTIONS_MAX)
            .acquire_timeout(PATIENCE)
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    connection
                        .execute(session_settings(backend, durability))
                        .await
                        .map(drop)
                })
            })
            .connect_with(options)
            .await?;
        schema.migrator().run(&pool).await?;
        Ok(Self { pool, backend })
    }

    /// Which dialect it speaks.
    pub(crate) fn backend(&self) -> Backend {
        self.backend
    }

    /// Whether other supervisors may write to it too.
    pub(crate) fn is_shared(&self) -> bool {
        self.backend == Backend::Postgres
    }

    /// Where statements run.
    pub(crate) fn pool(&self) -> &AnyPool {
        &self.pool
    }

    /// Begins a transaction that will write: SQLite is told so at once, because a transaction that turns from reading
    /// to writing fails when another has written meanwhile.
    pub(crate) async fn begin_write(
        &self,
    ) -> Result<sqlx::Transaction<'static, sqlx::Any>, StoreError> {
        Ok(match self.backend {
            Backend::Sqlite => self.pool.begin_with("BEGIN IMMEDIATE").await?,
            Backend::Postgres => self.pool.begin().await?,
        })
    }

    /// Whether it can be read.
    pub(crate) async fn answers(&self) -> bool {
        let one = sqlx::query("SELECT version FROM state_migrations LIMIT 1");
        one.fetch_one(&self.pool).await.is_ok()
    }

    /// Waits for what runs and closes every connection.
    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}

/// The journal's mode is a property of the file, and setting it takes a lock that nobody waits for: once, before all else.
async fn prepare_file(file: &Path) -> Result<AnyConnectOptions, StoreError> {
    let url = format!("sqlite://{}?mode=rwc", file.display());
    let options = AnyConnectOptions::from_str(&url)?.disable_statement_logging();
    let mut connection = AnyConnection::connect_with(&options).await?;
    connection
        .execute("PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL;")
        .await?;
    connection.close().await?;
    Ok(options)
}

/// Connects once: a pool waits for a server that may be starting, and then says only that it has waited.
async fn reach_server(url: &str) -> Result<AnyConnectOptions, StoreError> {
    let place = address::place(url)?;
    let options = AnyConnectOptions::from_str(url)?.disable_statement_logging();
    let reached = tokio::time::timeout(PATIENCE, AnyConnection::connect_with(&options)).await;
    let reason = match reached {
        Ok(Ok(connection)) => {
            connection.close().await?;
            return Ok(options);
        }
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("no answer within {} s", PATIENCE.as_secs()),
    };
    Err(StoreError::Unreachable { place, reason })
}

/// The time by a PostgreSQL server's clock, which is one for all who use it.
pub(crate) async fn server_unix_ms(connection: &mut AnyConnection) -> Result<i64, StoreError> {
    let statement = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)";
    let row = sqlx::query(statement).fetch_one(connection).await?;
    Ok(row.try_get(0)?)
}

/// A text as both databases take it: PostgreSQL has no NUL in one.
pub(crate) fn text(text: &str) -> Cow<'_, str> {
    match text.contains('\0') {
        true => text.replace('\0', "\u{fffd}").into(),
        false => text.into(),
    }
}

/// A server lets go of what a transaction has locked whose client is cut off, before others give up waiting for it.
fn session_settings(backend: Backend, durability: Durability) -> &'static str {
    match (backend, durability) {
        (Backend::Sqlite, Durability::Full) => {
            "PRAGMA busy_timeout = 10000; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
        }
        (Backend::Sqlite, Durability::Batched) => {
            "PRAGMA busy_timeout = 10000; PRAGMA synchronous = NORMAL;"
        }
        (Backend::Postgres, Durability::Full) => {
            "SET synchronous_commit = on; SET lock_timeout = '10s'; SET statement_timeout = '60s'; \
             SET idle_in_transaction_session_timeout = '5s'"
        }
        (Backend::Postgres, Durability::Batched) => {
            "SET synchronous_commit = off; SET lock_timeout = '10s'; SET statement_timeout = '60s'; \
             SET idle_in_transaction_session_timeout = '5s'"
        }
    }
}
