//! What callers and webhooks are shown of an alert. Pure.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::board::Alert;
use super::lifecycle::Reason;
use super::rules::Kind;
use crate::time::rfc3339;

/// What the id of an alert begins with.
pub(super) const ALERT_PREFIX: &str = "al-";

/// An alert's id as receivers and callers see it.
pub(crate) fn alert_name(id: i64) -> String {
    format!("{ALERT_PREFIX}{id}")
}

/// Whether an alert is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum AlertState {
    /// It is not.
    Firing,
    /// It is.
    Resolved,
}

/// An alert as it is shown.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Alert)]
pub(crate) struct AlertView {
    /// `al-…`.
    id: String,
    /// The function's id.
    function_id: String,
    /// The function's name when it began.
    function: String,
    /// Which rule.
    rule: Kind,
    /// Whether it is over.
    state: AlertState,
    /// What was measured when it began.
    value: f64,
    /// What it exceeded.
    threshold: f64,
    /// What both are counted in: `percent`, `ms` or `usd`.
    unit: &'static str,
    /// When it began.
    #[schema(format = DateTime)]
    since: String,
    /// When it was resolved.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    until: Option<String>,
    /// Why it was resolved.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Reason>,
}

impl From<&Alert> for AlertView {
    fn from(alert: &Alert) -> Self {
        Self {
            id: alert_name(alert.id),
            function_id: alert.function_id.to_string(),
            function: alert.function.clone(),
            rule: alert.kind,
            state: match alert.end {
                None => AlertState::Firing,
                Some(_) => AlertState::Resolved,
            },
            value: alert.value,
            threshold: alert.threshold,
            unit: alert.kind.unit(),
            since: rfc3339(alert.since_unix_ms),
            until: alert.end.map(|(unix_ms, _)| rfc3339(unix_ms)),
            reason: alert.end.map(|(_, reason)| reason),
        }
    }
}

/// What a webhook is told, and in `X-Zygo-Event` at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    Firing,
    Resolved,
    Test,
}

impl Event {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Firing => "alert.firing",
            Self::Resolved => "alert.resolved",
            Self::Test => "test",
        }
    }
}

/// The body that a webhook is sent.
#[derive(Debug, Serialize)]
pub(super) struct Notice {
    event: &'static str,
    /// When it happened.
    time: String,
    /// Absent in a test.
    #[serde(skip_serializing_if = "Option::is_none")]
    alert: Option<AlertView>,
}

impl Notice {
    /// Of an alert that begins or ends.
    pub(super) fn of(alert: &Alert) -> (Event, Self) {
        let (event, unix_ms) = match alert.end {
            None => (Event::Firing, alert.since_unix_ms),
            Some((unix_ms, _)) => (Event::Resolved, unix_ms),
        };
        let notice = Self {
            event: event.name(),
            time: rfc3339(unix_ms),
            alert: Some(alert.into()),
        };
        (event, notice)
    }

    /// Of nothing, to see whether it arrives.
    pub(super) fn test(now_unix_ms: i64) -> Self {
        Self {
            event: Event::Test.name(),
            time: rfc3339(now_unix_ms),
            alert: None,
        }
    }

    pub(super) fn body(&self) -> String {
        // Structs with plain fields can always be written.
        serde_json::to_string(self).unwrap_or_default()
    }
}
