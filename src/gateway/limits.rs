//! What callers are told of limits: the fields `RateLimit` and `RateLimit-Policy` of draft-ietf-httpapi-ratelimit-headers
//! (times in seconds), and `Retry-After`.

use std::time::Duration;

use axum::response::Response;
use http::{HeaderName, HeaderValue, header};

use crate::admission::{Rate, Refusal, Remaining};
use crate::invocation::Outcome;
use crate::invoke::InvokeError;

const LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// What there is to be told of an invocation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told {
    rate: Option<Remaining>,
    refusal: Option<Refusal>,
}

impl Told {
    pub(super) fn of(outcome: &Outcome) -> Self {
        let refusal = match &outcome.result {
            Err(InvokeError::Refused(refusal)) => Some(*refusal),
            _ => None,
        };
        Self {
            rate: outcome.rate,
            refusal,
        }
    }

    /// Says it.
    pub(super) fn tell(self, response: &mut Response) {
        if let Some(rate) = self.rate {
            tell_remaining(response, rate);
        }
        if let Some(refusal) = self.refusal {
            tell_refusal(response, refusal);
        }
    }
}

/// Says what is left.
pub(super) fn tell_remaining(response: &mut Response, left: Remaining) {
    put(
        response,
        LIMIT,
        &format!("\"default\";r={};t={}", left.remaining, seconds(left.reset)),
    );
    put(response, POLICY, &policy(left.rate));
}

/// Says when to try again.
fn tell_refusal(response: &mut Response, refusal: Refusal) {
    let wait = seconds(refusal.retry_after()).max(1);
    put(response, header::RETRY_AFTER, &wait.to_string());
    if let Refusal::RateLimited { max, window_ms, .. } = refusal {
        let rate = Rate {
            max,
            window: Duration::from_millis(window_ms),
        };
        put(response, LIMIT, &format!("\"default\";r=0;t={wait}"));
        put(response, POLICY, &policy(rate));
    }
}

fn policy(rate: Rate) -> String {
    format!(
        "\"default\";q={};w={}",
        rate.max,
        seconds(rate.window).max(1)
    )
}

fn seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

fn put(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}
