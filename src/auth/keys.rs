//! API keys: `zygo_<id>_<secret>`. Only a hash of the secret is kept. All of them are in memory, so that asking who has
//! one costs no query.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use sqlx::Row;
use sqlx::any::AnyRow;
use subtle::ConstantTimeEq;
use tokio::sync::Mutex;

use super::{Principal, Role, hash, secret};
use crate::cluster::{Change, Cluster};
use crate::secret::Secret;
use crate::store::{Database, StoreError, text};
use crate::telemetry::NS_PER_MS;
use crate::time::unix_ns;

/// What every key begins with, so that it is known for what it is wherever it is found.
pub(super) const PREFIX: &str = "zygo_";

/// What is known of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) functions: Option<Vec<String>>,
    pub(crate) created_unix_ms: i64,
    pub(crate) created_by: String,
    secret_hash: String,
}

/// A key to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewKey {
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) functions: Option<Vec<String>>,
}

/// All keys.
#[derive(Debug)]
pub(crate) struct Keys {
    database: Database,
    cluster: Cluster,
    by_id: RwLock<HashMap<String, Arc<Key>>>,
    /// Held while keys change, so that two changes do not lose each other.
    changing: Mutex<()>,
}

impl Keys {
    pub(super) async fn open(database: Database, cluster: Cluster) -> Result<Self, StoreError> {
        let by_id = all(&database).await?;
        Ok(Self {
            database,
            cluster,
            by_id: RwLock::new(by_id),
            changing: Mutex::default(),
        })
    }

    /// Takes over what another node has changed.
    pub(crate) async fn follow(&self) -> Result<(), StoreError> {
        let _one_at_a_time = self.changing.lock().await;
        let by_id = all(&self.database).await?;
        *self.by_id.write().unwrap_or_else(PoisonError::into_inner) = by_id;
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.read().is_empty()
    }

    /// All keys, the oldest first.
    pub(crate) fn list(&self) -> Vec<Arc<Key>> {
        let mut keys: Vec<Arc<Key>> = self.read().values().cloned().collect();
        keys.sort_by(|a, b| (a.created_unix_ms, &a.id).cmp(&(b.created_unix_ms, &b.id)));
        keys
    }

    /// Makes a key. The text is shown now and never again.
    pub(crate) async fn create(
        &self,
        new: NewKey,
        by: &str,
    ) -> Result<(Arc<Key>, Secret), StoreError> {
        let secret = secret()?;
        let id: String = (0..12)
            .map(|_| fastrand::alphanumeric().to_ascii_lowercase())
            .collect();
        let key = Arc::new(Key {
            secret_hash: hex::encode(hash(secret.expose())),
            name: new.name,
            role: new.role,
            functions: new.functions,
            created_unix_ms: unix_ns() / NS_PER_MS,
            created_by: by.to_owned(),
            id,
        });
        let _one_at_a_time = self.changing.lock().await;
        let mut transaction = self.database.begin_write().await?;
        let statement = "INSERT INTO api_keys (id, name, role, functions, secret_hash, created_unix_ms, created_by) \
                         VALUES ($1, $2, $3, $4, $5, $6, $7)";
        sqlx::query(statement)
            .bind(&key.id)
            .bind(&key.name)
            .bind(key.role.name())
            .bind(key.functions.as_ref().map(|names| names.join(",")))
            .bind(&key.secret_hash)
            .bind(key.created_unix_ms)
            .bind(text(&key.created_by).into_owned())
            .execute(&mut *transaction)
            .await?;
        self.cluster
            .announce(&mut transaction, &Change::Keys)
            .await?;
        transaction.commit().await?;
        fail::fail_point!("keys::created");
        let text = Secret::new(format!("{PREFIX}{}_{}", key.id, secret.expose()));
        let mut by_id = self.by_id.write().unwrap_or_else(PoisonError::into_inner);
        by_id.insert(key.id.clone(), Arc::clone(&key));
        Ok((key, text))
    }

    /// Revokes a key, at once. Whether it was there.
    pub(crate) async fn revoke(&self, id: &str) -> Result<bool, StoreError> {
        let _one_at_a_time = self.changing.lock().await;
        let mut transaction = self.database.begin_write().await?;
        let removed = sqlx::query("DELETE FROM api_keys WHERE id = $1")
            .bind(text(id).into_owned())
            .execute(&mut *transaction)
            .await?;
        self.cluster
            .announce(&mut transaction, &Change::Keys)
            .await?;
        transaction.commit().await?;
        fail::fail_point!("keys::revoked");
        let mut by_id = self.by_id.write().unwrap_or_else(PoisonError::into_inner);
        by_id.remove(id);
        Ok(removed.rows_affected() > 0)
    }

    pub(super) fn principal(&self, text: &str) -> Option<Principal> {
        let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
        let key = self.read().get(id).cloned()?;
        let hashed = hex::encode(hash(secret));
        let is_right = bool::from(key.secret_hash.as_bytes().ct_eq(hashed.as_bytes()));
        is_right.then(|| Principal {
            name: key.name.clone(),
            role: key.role,
            functions: key.functions.clone(),
        })
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, HashMap<String, Arc<Key>>> {
        self.by_id.read().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn all(database: &Database) -> Result<HashMap<String, Arc<Key>>, StoreError> {
    let statement =
        "SELECT id, name, role, functions, secret_hash, created_unix_ms, created_by FROM api_keys";
    let rows = sqlx::query(statement).fetch_all(database.pool()).await?;
    let keys = rows.iter().map(|row| {
        let key = read(row)?;
        Ok((key.id.clone(), Arc::new(key)))
    });
    keys.collect()
}

fn read(row: &AnyRow) -> Result<Key, StoreError> {
    let (role, functions): (String, Option<String>) = (row.try_get(2)?, row.try_get(3)?);
    let roles = [Role::Admin, Role::Deploy, Role::Invoke, Role::Read];
    let role = roles.into_iter().find(|known| known.name() == role);
    Ok(Key {
        id: row.try_get(0)?,
        name: row.try_get(1)?,
        role: role.ok_or_else(|| StoreError::Corrupt("a key has no known role".to_owned()))?,
        functions: functions.map(|names| names.split(',').map(str::to_owned).collect()),
        secret_hash: row.try_get(4)?,
        created_unix_ms: row.try_get(5)?,
        created_by: row.try_get(6)?,
    })
}
