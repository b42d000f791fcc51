//! Queues elsewhere that a function is invoked from, as they stand.

use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use serde::Serialize;
use utoipa::ToSchema;

use super::prometheus::Written;
use crate::platform::Platform;
use crate::platform::sources::SourceState;
use crate::source::{State, Totals};

/// A queue elsewhere, as this platform sees it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Source)]
pub(super) struct SourceView {
    /// The place of its trigger among those of the function, from 0.
    pub(super) trigger: usize,
    /// `redis`, `nats` or `rabbitmq`.
    source: &'static str,
    /// `connecting`, `consuming`, `backing-off`, `draining` or `ended`.
    state: &'static str,
    /// Why it is not consumed.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Messages that are in hand now.
    in_hand: u64,
    /// Messages that were handled, since the source was started.
    delivered: u64,
    /// Attempts that failed.
    failed: u64,
    /// Messages that failed too often, and are dead letters now.
    dead: u64,
    /// Messages that were given back to their server.
    returned: u64,
}

impl From<SourceState> for SourceView {
    fn from(source: SourceState) -> Self {
        let (state, totals) = (source.board.state(), source.board.totals());
        let name = state.name();
        Self {
            trigger: source.trigger,
            source: source.broker.name(),
            state: name,
            reason: match state {
                State::BackingOff(reason) => Some(reason),
                _ => None,
            },
            in_hand: totals.in_hand,
            delivered: totals.delivered,
            failed: totals.failed,
            dead: totals.dead,
            returned: totals.returned,
        }
    }
}

/// Sources of a function.
pub(super) fn of(platform: &Platform, function_id: &str) -> Vec<SourceView> {
    let sources = platform.sources().of(function_id).into_iter();
    sources.map(SourceView::from).collect()
}

/// The figures of a source.
#[derive(Debug)]
pub(super) struct Sample {
    function: String,
    trigger: String,
    source: &'static str,
    state: &'static str,
    totals: Totals,
}

/// Sources of functions that are shown by their names.
pub(super) fn samples<'a>(
    platform: &Platform,
    functions: impl Iterator<Item = (&'a str, &'a str)>,
) -> Vec<Sample> {
    let of = |(id, name): (&str, &str)| {
        let sources = platform.sources().of(id).into_iter();
        let sample = |source: SourceState| Sample {
            function: name.to_owned(),
            trigger: source.trigger.to_string(),
            source: source.broker.name(),
            state: source.board.state().name(),
            totals: source.board.totals(),
        };
        sources.map(sample).collect::<Vec<_>>()
    };
    functions.flat_map(of).collect()
}

/// Writes what became of messages, how many are in hand, and where sources stand.
pub(super) fn write(samples: &[Sample], encoder: &mut DescriptorEncoder<'_>) -> Written {
    if samples.is_empty() {
        return Ok(());
    }
    let help = "Messages of queues elsewhere, and failed attempts, by what became of them";
    let mut family =
        encoder.encode_descriptor("source_messages", help, None, MetricType::Counter)?;
    for sample in samples {
        let totals = sample.totals;
        for (outcome, count) in [
            ("delivered", totals.delivered),
            ("failed", totals.failed),
            ("dead", totals.dead),
            ("returned", totals.returned),
        ] {
            let labels = sample.labels("outcome", outcome);
            ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
        }
    }
    let help = "Messages of queues elsewhere that are in hand";
    let mut family = encoder.encode_descriptor("source_in_hand", help, None, MetricType::Gauge)?;
    for sample in samples {
        let count = i64::try_from(sample.totals.in_hand).unwrap_or(i64::MAX);
        let [function, trigger, source, _] = sample.labels("", "");
        let labels = [function, trigger, source];
        ConstGauge::new(count).encode(family.encode_family(&labels)?)?;
    }
    let help = "Where queues elsewhere stand: 1 for the state that each is in";
    let mut family = encoder.encode_descriptor("source_state", help, None, MetricType::Gauge)?;
    for sample in samples {
        for state in State::NAMES {
            let labels = sample.labels("state", state);
            let is_it = i64::from(state == sample.state);
            ConstGauge::new(is_it).encode(family.encode_family(&labels)?)?;
        }
    }
    Ok(())
}

impl Sample {
    fn labels<'a>(&'a self, name: &'a str, value: &'a str) -> [(&'a str, &'a str); 4] {
        [
            ("function", self.function.as_str()),
            ("trigger", self.trigger.as_str()),
            ("source", self.source),
            (name, value),
        ]
    }
}
