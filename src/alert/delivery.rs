//! One attempt to deliver a notice, its signature, and when the next attempt is. Knows no database.

use std::error::Error;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, StatusCode, header};
use sha2::Sha256;

use super::outbox::{Delivery, DeliveryState};
use crate::config::Config;
use crate::secret::Secret;

/// A receiver that has not answered by then has not taken the notice.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest pause between two attempts.
const PAUSE_MAX: Duration = Duration::from_secs(15 * 60);
/// A notice that is older is news to nobody.
const AGE_MAX: Duration = Duration::from_secs(24 * 3_600);

/// How long a delivery is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Patience {
    first_pause: Duration,
    attempts_max: u32,
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attempt {
    status: Option<u16>,
    /// Why it failed, if it did.
    error: Option<String>,
}

impl Attempt {
    /// One that never left the house.
    pub(super) fn failed(error: impl Into<String>) -> Self {
        Self {
            status: None,
            error: Some(error.into()),
        }
    }
}

impl Patience {
    pub(super) fn of(config: &Config) -> Self {
        Self {
            first_pause: Duration::from_millis(config.webhook_retry_ms),
            attempts_max: config.webhook_attempts_max,
        }
    }

    /// How long to wait after so many failures; `None` when that is enough. `jitter` is between 0 and 1, and keeps
    /// receivers that come back from being overrun.
    fn pause(self, failures: u32, age: Duration, jitter: f64) -> Option<Duration> {
        if failures >= self.attempts_max || age >= AGE_MAX {
            return None;
        }
        let doubled = 2_u32.saturating_pow(failures.saturating_sub(1));
        let pause = self.first_pause.saturating_mul(doubled).min(PAUSE_MAX);
        Some(pause.mul_f64((1.0 + jitter) / 2.0))
    }

    /// The delivery after an attempt.
    pub(super) fn after(self, delivery: Delivery, attempt: Attempt, now_unix_ms: i64) -> Delivery {
        let ms = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        let age_ms = now_unix_ms.saturating_sub(delivery.created_unix_ms);
        let age = Duration::from_millis(u64::try_from(age_ms).unwrap_or_default());
        let attempts = delivery.attempts.saturating_add(1);
        let pause = self.pause(attempts, age, fastrand::f64());
        let state = match (&attempt.error, pause) {
            (None, _) => DeliveryState::Delivered,
            (Some(_), Some(_)) => DeliveryState::Waiting,
            (Some(_), None) => DeliveryState::Abandoned,
        };
        Delivery {
            state,
            attempts,
            next_unix_ms: now_unix_ms.saturating_add(ms(pause.unwrap_or_default())),
            attempted_unix_ms: Some(now_unix_ms),
            status: attempt.status,
            error: attempt.error,
            ..delivery
        }
    }
}

/// One call of a webhook.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) url: &'a str,
    pub(crate) secret: Option<&'a Secret>,
    /// What it tells of.
    pub(crate) event: &'a str,
    /// The id of the delivery.
    pub(crate) delivery: &'a str,
    pub(crate) body: &'a str,
}

/// A client that follows no redirect: a notice is for the address that was given.
pub(crate) fn client() -> ClientBuilder {
    Client::builder()
        .redirect(Policy::none())
        .user_agent(concat!("zygo/", env!("CARGO_PKG_VERSION")))
}

/// Calls a webhook. What it answered in time, or why it did not.
pub(crate) async fn call(
    client: &Client,
    call: &Call<'_>,
    limit: Duration,
    now_unix_s: i64,
) -> Result<StatusCode, String> {
    let mut request = client
        .post(call.url)
        .timeout(limit)
        .header(header::CONTENT_TYPE, "application/json")
        .header("x-zygo-event", call.event)
        .header("x-zygo-delivery", call.delivery)
        .body(call.body.to_owned());
    if let Some(secret) = call.secret {
        request = request.header("x-zygo-signature", signature(secret, now_unix_s, call.body));
    }
    let answer = request.send().await;
    answer
        .map(|answer| answer.status())
        .map_err(|error| reason(&error, limit))
}

/// Sends a notice.
pub(super) async fn attempt(
    client: &Client,
    url: &str,
    secret: Option<&Secret>,
    delivery: &Delivery,
    now_unix_s: i64,
) -> Attempt {
    let notice = Call {
        url,
        secret,
        event: &delivery.event,
        delivery: &delivery.name(),
        body: &delivery.body,
    };
    match call(client, &notice, ATTEMPT_TIMEOUT, now_unix_s).await {
        Ok(status) => Attempt {
            status: Some(status.as_u16()),
            error: (!status.is_success()).then(|| format!("answered {status}")),
        },
        Err(reason) => Attempt::failed(reason),
    }
}

/// `t=<unix s>,v1=<hex HMAC-SHA256 of "t.body">`: the time is signed too, so that a receiver can refuse what is old.
fn signature(secret: &Secret, unix_s: i64, body: &str) -> String {
    // A key of any length is possible.
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes())
        .unwrap_or_else(|_| unreachable!("a key of any length is possible"));
    mac.update(format!("{unix_s}.{body}").as_bytes());
    let code = hex::encode(mac.finalize().into_bytes());
    format!("t={unix_s},v1={code}")
}

/// The innermost cause, which names what went wrong; the address is known.
fn reason(error: &reqwest::Error, limit: Duration) -> String {
    if error.is_timeout() {
        return format!("no answer within {} s", limit.as_secs());
    }
    let mut cause: &dyn Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PATIENCE: Patience = Patience {
        first_pause: Duration::from_secs(1),
        attempts_max: 30,
    };

    #[test]
    fn a_signature_is_the_one_that_others_compute() {
        // printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac 0123456789abcdef
        let secret = Secret::new("0123456789abcdef".to_owned());
        assert_eq!(
            signature(&secret, 1_700_000_000, "{\"a\":1}"),
            "t=1700000000,v1=9eb18f493f8ec135d9eb2dad817c369bb4e9cbfa818657897a7437c1cd8c3a23"
        );
    }

    #[test]
    fn pauses_double_and_patience_ends() {
        let pause =
            |failures, age_s, jitter| PATIENCE.pause(failures, Duration::from_secs(age_s), jitter);
        assert_eq!(pause(1, 0, 1.0), Some(Duration::from_secs(1)));
        assert_eq!(pause(4, 0, 1.0), Some(Duration::from_secs(8)));
        assert_eq!(pause(4, 0, 0.0), Some(Duration::from_secs(4)));
        assert_eq!(pause(29, 0, 1.0), Some(PAUSE_MAX));
        assert_eq!(pause(30, 0, 1.0), None);
        assert_eq!(pause(1, 24 * 3_600, 1.0), None);
    }

    proptest! {
        #[test]
        fn every_delivery_ends(jitter in 0.0_f64..1.0) {
            let (mut age, mut failures) = (Duration::ZERO, 1);
            while let Some(pause) = PATIENCE.pause(failures, age, jitter) {
                prop_assert!(pause <= PAUSE_MAX && pause >= PATIENCE.first_pause / 2);
                age += pause;
                failures += 1;
            }
            prop_assert!(failures <= PATIENCE.attempts_max && age <= AGE_MAX + PAUSE_MAX);
        }
    }
}
