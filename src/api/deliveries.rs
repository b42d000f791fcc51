//! Figures of the queue as OpenMetrics text.

use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use super::prometheus::Written;
use crate::cost::float;
use crate::queue::Totals;

/// Writes how many deliveries are open with how many bytes, and what became of others since the start.
pub(super) fn write(
    (rows, bytes): (u64, u64),
    totals: Totals,
    encoder: &mut DescriptorEncoder<'_>,
) -> Written {
    for (name, help, count) in [
        (
            "async_accepted",
            "Deliveries that were queued",
            totals.accepted,
        ),
        (
            "async_succeeded",
            "Deliveries that were handled",
            totals.succeeded,
        ),
        (
            "async_retries",
            "Attempts that were followed by another",
            totals.retried,
        ),
        (
            "async_dead_letter",
            "Deliveries that are tried no more",
            totals.dead,
        ),
    ] {
        let metric = ConstCounter::new(count);
        metric.encode(encoder.encode_descriptor(name, help, None, MetricType::Counter)?)?;
    }
    for (name, help, value) in [
        ("async_queue_depth", "Deliveries that wait or run", rows),
        (
            "async_queue_bytes",
            "Bytes of deliveries that wait or run",
            bytes,
        ),
    ] {
        let metric = ConstGauge::new(float(value));
        metric.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)?;
    }
    Ok(())
}
