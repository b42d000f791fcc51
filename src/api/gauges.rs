//! Figures of the OpenMetrics text that go up and down.

use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;

use super::prometheus::{Sample, Samples, Written};
use crate::cost::float;

impl Samples {
    pub(super) fn gauges(&self, encoder: &mut DescriptorEncoder<'_>) -> Written {
        let help = "Instances by state";
        let mut family = encoder.encode_descriptor("instances", help, None, MetricType::Gauge)?;
        for sample in &self.functions {
            let busy = sample.live.saturating_sub(sample.idle + sample.parked);
            for (state, count) in [
                ("idle", sample.idle),
                ("parked", sample.parked),
                ("busy", busy),
            ] {
                let labels = [("function", sample.name.as_str()), ("state", state)];
                gauge(count).encode(family.encode_family(&labels)?)?;
            }
        }
        let ready = |sample: &Sample| sample.ready;
        let help = "Instances that are kept ready, whether called for or not";
        of_functions(&self.functions, encoder, "instances_ready", help, ready)?;
        let in_flight = |sample: &Sample| usize::try_from(sample.in_flight).unwrap_or(usize::MAX);
        let help = "Invocations under way";
        of_functions(&self.functions, encoder, "inflight", help, in_flight)?;
        self.platform_gauges(encoder)
    }

    fn platform_gauges(&self, encoder: &mut DescriptorEncoder<'_>) -> Written {
        let platform = [
            (
                "functions",
                "Functions that are deployed",
                float((self.functions.len() - 1) as u64),
            ),
            (
                "instances_live",
                "Instances of all functions",
                float(self.instances as u64),
            ),
            (
                "functions_waiting_for_room",
                "Functions whose callers wait because the platform has all the instances that it may have",
                float(self.waiting_for_room as u64),
            ),
            (
                "uptime_seconds",
                "How long the platform has been up",
                self.uptime_s,
            ),
            (
                "log_queue_lines",
                "Lines that wait to be stored",
                float(self.log_queue as u64),
            ),
            (
                "nodes_live",
                "Nodes that share the database and live, as this one sees it",
                f64::from(self.node.live),
            ),
            (
                "node_connected",
                "1 while this node has reached the database within its lease",
                f64::from(u8::from(self.node.is_connected)),
            ),
            (
                "node_leads",
                "1 on the node that does what one does for all",
                f64::from(u8::from(self.node.leads)),
            ),
        ];
        for (name, help, value) in platform {
            let metric = ConstGauge::new(value);
            metric.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)?;
        }
        let help = "Which build this is";
        let mut family = encoder.encode_descriptor("build_info", help, None, MetricType::Gauge)?;
        let labels = [("version", env!("CARGO_PKG_VERSION"))];
        gauge(1).encode(family.encode_family(&labels)?)
    }
}

pub(super) fn gauge(value: usize) -> ConstGauge<i64> {
    ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX))
}

/// A figure of each function.
pub(super) fn of_functions(
    samples: &[Sample],
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    value: impl Fn(&Sample) -> usize,
) -> Written {
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for sample in samples {
        let labels = [("function", sample.name.as_str())];
        gauge(value(sample)).encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}
