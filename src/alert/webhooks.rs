//! Webhooks: added, removed, tested and shown. A secret lies in the state database sealed, bound to its webhook, and is shown to nobody.

use sqlx::Row;
use sqlx::any::AnyRow;

use super::notice::{Event, Notice};
use super::outbox::{Delivery, Letter, Waiting};
use super::rules::RuleError;
use super::store::AlertStore;
use super::{AlertError, Alerts};
use crate::secret::Secret;
use crate::store::StoreError;
use crate::time::now_unix_ms;

/// So many webhooks there may be: each event is stored once for each of them.
pub(super) const WEBHOOKS_MAX: usize = 20;
/// The longest address.
const URL_LEN_MAX: usize = 2_048;
/// A secret that can be guessed signs nothing.
const SECRET_LEN_MIN: usize = 16;
const SECRET_LEN_MAX: usize = 256;

/// Somewhere that alerts are sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Webhook {
    pub(crate) id: String,
    pub(crate) url: String,
    /// Sealed.
    secret: Option<String>,
    pub(crate) created_unix_ms: i64,
    pub(crate) created_by: String,
}

/// A webhook to be.
#[derive(Debug)]
pub(crate) struct NewWebhook {
    pub(crate) url: String,
    pub(crate) secret: Option<Secret>,
}

impl Webhook {
    /// Whether what it is sent is signed.
    pub(crate) fn is_signed(&self) -> bool {
        self.secret.is_some()
    }
}

impl NewWebhook {
    fn check(&self) -> Result<(), RuleError> {
        let url = reqwest::Url::parse(&self.url).ok();
        let is_good = |url: &reqwest::Url| {
            let is_http = ["http", "https"].contains(&url.scheme());
            is_http && url.has_host() && url.username().is_empty() && url.password().is_none()
        };
        if self.url.len() > URL_LEN_MAX || !url.as_ref().is_some_and(is_good) {
            let rule = format!(
                "url must be an http or https address of at most {URL_LEN_MAX} characters without a user name"
            );
            return Err(RuleError::new("/url", rule));
        }
        let lengths = SECRET_LEN_MIN..=SECRET_LEN_MAX;
        let length = self.secret.as_ref().map(|secret| secret.expose().len());
        if length.is_some_and(|length| !lengths.contains(&length)) {
            let rule = format!("secret must have {SECRET_LEN_MIN} to {SECRET_LEN_MAX} characters");
            return Err(RuleError::new("/secret", rule));
        }
        Ok(())
    }
}

impl AlertStore {
    /// All webhooks, the oldest first.
    pub(super) async fn webhooks(&self) -> Result<Vec<Webhook>, StoreError> {
        let statement = "SELECT id, url, secret, created_unix_ms, created_by FROM alert_webhooks \
                         ORDER BY created_unix_ms, id";
        let rows = sqlx::query(statement)
            .fetch_all(self.database.pool())
            .await?;
        rows.iter().map(read).collect()
    }

    /// One webhook.
    pub(super) async fn webhook(&self, id: &str) -> Result<Webhook, AlertError> {
        let statement =
            "SELECT id, url, secret, created_unix_ms, created_by FROM alert_webhooks WHERE id = $1";
        let row = sqlx::query(statement)
            .bind(id)
            .fetch_optional(self.database.pool())
            .await
            .map_err(StoreError::from)?;
        let row = row.ok_or_else(|| AlertError::NoWebhook(id.to_owned()))?;
        Ok(read(&row)?)
    }

    /// Adds a webhook.
    pub(super) async fn add_webhook(
        &self,
        new: &NewWebhook,
        by: &str,
        now_unix_ms: i64,
    ) -> Result<Webhook, AlertError> {
        new.check()?;
        let id = format!("wh-{}", random_id());
        let seal = |secret: &Secret| self.sealer.seal(&context(&id), secret.expose().as_bytes());
        let secret = new.secret.as_ref().map(seal).transpose();
        let secret = secret.map_err(StoreError::from)?;
        let mut transaction = self.database.begin_write().await?;
        let statement = "INSERT INTO alert_webhooks (id, url, secret, created_unix_ms, created_by) \
                         SELECT $1, $2, $3, $4, $5 WHERE (SELECT COUNT(*) FROM alert_webhooks) < $6";
        let inserted = sqlx::query(statement)
            .bind(&id)
            .bind(&new.url)
            .bind(&secret)
            .bind(now_unix_ms)
            .bind(by)
            .bind(i64::try_from(WEBHOOKS_MAX).unwrap_or(i64::MAX))
            .execute(&mut *transaction)
            .await
            .map_err(StoreError::from)?;
        if inserted.rows_affected() == 0 {
            return Err(AlertError::TooManyWebhooks);
        }
        transaction.commit().await.map_err(StoreError::from)?;
        Ok(Webhook {
            id,
            url: new.url.clone(),
            secret,
            created_unix_ms: now_unix_ms,
            created_by: by.to_owned(),
        })
    }

    /// Removes a webhook with everything that it was to be sent. Whether it was there.
    pub(super) async fn remove_webhook(&self, id: &str) -> Result<bool, StoreError> {
        let mut transaction = self.database.begin_write().await?;
        sqlx::query("DELETE FROM alert_deliveries WHERE webhook_id = $1")
            .bind(id)
            .execute(&mut *transaction)
            .await?;
        let removed = sqlx::query("DELETE FROM alert_webhooks WHERE id = $1")
            .bind(id)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(removed.rows_affected() > 0)
    }

    /// The secret that a webhook's notices are signed with.
    pub(super) fn secret(&self, webhook: &Webhook) -> Result<Option<Secret>, StoreError> {
        let open = |sealed: &String| {
            let plain = self.sealer.unseal(&context(&webhook.id), sealed)?;
            Ok(Secret::new(String::from_utf8_lossy(&plain).into_owned()))
        };
        webhook.secret.as_ref().map(open).transpose()
    }

    /// Seals every secret under the newest key. How many were under an older one.
    pub(super) async fn reseal(&self) -> Result<usize, StoreError> {
        let mut count = 0;
        for webhook in self.webhooks().await? {
            let is_current = |sealed: &String| self.sealer.is_current(sealed);
            if webhook.secret.as_ref().is_none_or(is_current) {
                continue;
            }
            if let Some(secret) = self.secret(&webhook)? {
                let context = context(&webhook.id);
                let sealed = self.sealer.seal(&context, secret.expose().as_bytes())?;
                sqlx::query("UPDATE alert_webhooks SET secret = $1 WHERE id = $2")
                    .bind(sealed)
                    .bind(&webhook.id)
                    .execute(self.database.pool())
                    .await?;
                count += 1;
            }
        }
        Ok(count)
    }
}

impl Alerts {
    /// All webhooks, each with what waits for it and what was attempted last.
    pub(crate) async fn webhooks(
        &self,
    ) -> Result<Vec<(Webhook, Option<Waiting>, Option<Delivery>)>, AlertError> {
        let mut waiting = self.store.waiting().await?;
        let mut found = Vec::new();
        for webhook in self.store.webhooks().await? {
            let last = self.store.last_attempted(&webhook.id).await?;
            let its = |waiting: &Waiting| waiting.webhook_id == webhook.id;
            let waits = waiting
                .iter()
                .position(its)
                .map(|at| waiting.swap_remove(at));
            found.push((webhook, waits, last));
        }
        Ok(found)
    }

    /// Adds a webhook.
    pub(crate) async fn add_webhook(
        &self,
        new: &NewWebhook,
        by: &str,
    ) -> Result<Webhook, AlertError> {
        self.store.add_webhook(new, by, now_unix_ms()).await
    }

    /// Removes a webhook with all that it was to be sent.
    pub(crate) async fn remove_webhook(&self, id: &str) -> Result<(), AlertError> {
        match self.store.remove_webhook(id).await? {
            true => Ok(()),
            false => Err(AlertError::NoWebhook(id.to_owned())),
        }
    }

    /// Sends a webhook a notice of nothing.
    pub(crate) async fn test_webhook(&self, id: &str) -> Result<Delivery, AlertError> {
        let webhook = self.store.webhook(id).await?;
        let now = now_unix_ms();
        let letter = Letter {
            event: Event::Test,
            alert_id: None,
            body: Notice::test(now).body(),
        };
        let posted = self.store.post(&webhook.id, &letter, now).await?;
        self.wake.notify_one();
        posted.ok_or_else(|| AlertError::NoWebhook(id.to_owned()))
    }

    /// A webhook's deliveries from the newest down.
    pub(crate) async fn deliveries(
        &self,
        id: &str,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<Delivery>, AlertError> {
        let webhook = self.store.webhook(id).await?;
        Ok(self.store.deliveries(&webhook.id, before, limit).await?)
    }
}

fn context(id: &str) -> String {
    format!("alert_webhook/{id}/secret")
}

fn random_id() -> String {
    (0..12)
        .map(|_| fastrand::alphanumeric().to_ascii_lowercase())
        .collect()
}

fn read(row: &AnyRow) -> Result<Webhook, StoreError> {
    Ok(Webhook {
        id: row.try_get(0)?,
        url: row.try_get(1)?,
        secret: row.try_get(2)?,
        created_unix_ms: row.try_get(3)?,
        created_by: row.try_get(4)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_secrets_that_are_none_are_refused() {
        let check = |url: &str, secret: Option<&str>| {
            let secret = secret.map(|text| Secret::new(text.to_owned()));
            let url = url.to_owned();
            NewWebhook { url, secret }
                .check()
                .map_err(|error| error.pointer)
        };
        assert_eq!(check("https://example.org/hook?x=1", None), Ok(()));
        assert_eq!(
            check("http://127.0.0.1:1/", Some("0123456789abcdef")),
            Ok(())
        );
        for wrong in [
            "",
            "example.org",
            "ftp://example.org",
            "file:///etc/passwd",
            "http://",
            "https://user:password@example.org",
        ] {
            assert_eq!(check(wrong, None), Err("/url".to_owned()), "{wrong}");
        }
        let short = check("http://example.org", Some("short"));
        assert_eq!(short, Err("/secret".to_owned()));
    }
}
