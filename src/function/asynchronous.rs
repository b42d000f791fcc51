//! How a function is invoked when nobody waits for the answer: how often it is tried, how many at a time, and who is told
//! what came of it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::manifest::{Manifest, ManifestError};
use super::rules::{check_name, in_range};
use crate::queue::{QueueSettings, Retry};

/// The most attempts that a function may ask for.
const ATTEMPTS_MAX: u64 = 100;
/// The longest age: 14 days, in ms.
const AGE_MAX_MS: u64 = 14 * 86_400_000;
/// The longest address of a webhook.
const URL_LEN_MAX: usize = 2_048;
/// The longest type of an event.
const EVENT_LEN_MAX: usize = 256;

/// Invocations that nobody waits for: asynchronous ones, events and schedules.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Asynchronous {
    /// How often one is tried at most, the first time included.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 100)]
    pub max_attempts: Option<u32>,
    /// How long one is tried, in ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1_209_600_000)]
    pub max_age_ms: Option<u64>,
    /// How many run at a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub concurrency: Option<u32>,
    /// Who is told when one has succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_success: Option<Destination>,
    /// Who is told when one is tried no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_failure: Option<Destination>,
}

/// Who is told: one of a function, a webhook, and whoever subscribes to an event.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Destination {
    /// The id or name of a function.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// An http or https address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook: Option<String>,
    /// The name of the secret of this function that the webhook's notices are signed with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// The type of an event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
}

impl Manifest {
    /// How long an invocation that nobody waits for is tried.
    pub(crate) fn retry(&self, settings: &QueueSettings) -> Retry {
        let own = self.asynchronous.as_ref();
        settings.retry(
            own.and_then(|own| own.max_attempts),
            own.and_then(|own| own.max_age_ms),
        )
    }

    pub(super) fn check_asynchronous(&self) -> Result<(), ManifestError> {
        let Some(own) = &self.asynchronous else {
            return Ok(());
        };
        let ranges = [
            (
                "/async/maxAttempts",
                own.max_attempts.map(u64::from),
                ATTEMPTS_MAX,
                "attempts",
            ),
            ("/async/maxAgeMs", own.max_age_ms, AGE_MAX_MS, "ms"),
            (
                "/async/concurrency",
                own.concurrency.map(u64::from),
                1_000_000,
                "at a time",
            ),
        ];
        for (pointer, value, max, unit) in ranges {
            in_range(pointer, value.unwrap_or(1), 1, max, unit)?;
        }
        let destinations = [
            ("/async/onSuccess", &own.on_success),
            ("/async/onFailure", &own.on_failure),
        ];
        for (pointer, destination) in destinations {
            let checked = destination
                .as_ref()
                .map(|destination| self.check_destination(destination));
            if let Some(Err((field, rule))) = checked {
                return Err(ManifestError::new(format!("{pointer}{field}"), rule));
            }
        }
        Ok(())
    }

    fn check_destination(
        &self,
        destination: &Destination,
    ) -> Result<(), (&'static str, &'static str)> {
        let named = [
            &destination.function,
            &destination.webhook,
            &destination.event,
        ];
        if named.into_iter().flatten().count() != 1 {
            return Err(("", "give one of function, webhook and event"));
        }
        let is_function = |key: &String| key.starts_with("fn-") || check_name(key).is_ok();
        if !destination.function.as_ref().is_none_or(is_function) {
            return Err(("/function", "function is the id or name of one"));
        }
        let url = destination
            .webhook
            .as_ref()
            .map(|url| (reqwest::Url::parse(url), url.len()));
        let is_good = |url: &(Result<reqwest::Url, _>, usize)| {
            let parsed = url.0.as_ref().ok();
            url.1 <= URL_LEN_MAX
                && parsed.is_some_and(|url| {
                    let is_http = ["http", "https"].contains(&url.scheme());
                    is_http
                        && url.has_host()
                        && url.username().is_empty()
                        && url.password().is_none()
                })
        };
        if !url.as_ref().is_none_or(is_good) {
            let rule = "webhook must be an http or https address of at most 2048 characters without a user name";
            return Err(("/webhook", rule));
        }
        let is_type = |kind: &String| {
            let parts = kind
                .split('.')
                .all(|part| !part.is_empty() && !part.contains(['*', '>']));
            parts && kind.len() <= EVENT_LEN_MAX
        };
        if !destination.event.as_ref().is_none_or(is_type) {
            return Err(("/event", "event is a type such as order.handled"));
        }
        match &destination.secret {
            Some(_) if destination.webhook.is_none() => {
                Err(("/secret", "secret signs what a webhook is told"))
            }
            Some(name) if !self.secrets.contains_key(name) => Err((
                "/secret",
                "secret is the name of one of this function's secrets",
            )),
            _ => Ok(()),
        }
    }
}
