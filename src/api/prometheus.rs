//! The platform's figures as OpenMetrics text, which Prometheus reads. Labels are names of functions, up to a number of
//! them; never ids of requests, never paths.

use std::collections::HashMap;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::registry::{Registry, Unit};

use super::gauges::gauge;
use super::refreshes::{self, Refreshes};
use super::{connections, deliveries, distributions, sources};
use crate::alert::Kind;
use crate::cost::float;
use crate::platform::Platform;
use crate::queue::Totals;
use crate::telemetry::{Detail, Figures};
use crate::trace::Counts;

/// More functions are shown as one, `other`.
const FUNCTIONS_MAX: usize = 1_000;

/// The figures of one function at one moment.
#[derive(Debug, Default)]
pub(super) struct Sample {
    pub(super) name: String,
    pub(super) figures: Figures,
    pub(super) detail: Detail,
    pub(super) in_flight: u64,
    lines_dropped: u64,
    pub(super) idle: usize,
    pub(super) parked: usize,
    pub(super) live: usize,
    /// So many are kept ready.
    pub(super) ready: usize,
    pub(super) waiting: usize,
    pub(super) overloaded: bool,
}

/// This platform among those that share its database; one that shares nothing is the only one.
#[derive(Debug)]
pub(super) struct NodeSample {
    pub(super) live: u32,
    pub(super) is_connected: bool,
    pub(super) leads: bool,
}

/// Everything at one moment.
#[derive(Debug)]
pub(super) struct Samples {
    pub(super) functions: Vec<Sample>,
    pub(super) instances: usize,
    pub(super) waiting_for_room: usize,
    pub(super) uptime_s: f64,
    pub(super) node: NodeSample,
    pub(super) log_queue: usize,
    alerts: [(Kind, usize); Kind::ALL.len()],
    traced: Counts,
    refreshes: Refreshes,
    /// Deliveries that are open, their bytes, and what became of others.
    queue: (u64, u64),
    deliveries: Totals,
    connections: connections::Traffic,
    sources: Vec<sources::Sample>,
}

/// The whole text.
pub(super) fn text(platform: &Platform) -> String {
    let mut registry = Registry::with_prefix("zygo");
    registry.register_collector(Box::new(samples(platform)));
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = prometheus_client::encoding::text::encode(&mut text, &registry);
    text
}

fn samples(platform: &Platform) -> Samples {
    let intake = platform.telemetry().intake();
    let functions = platform.registry().list();
    let shown = functions.iter().take(FUNCTIONS_MAX).map(|function| {
        let live = intake.live(function.id());
        let census = function.current().pool().census();
        Sample {
            name: function.name().to_owned(),
            figures: live.figures(),
            detail: live.detail(),
            in_flight: live.in_flight(),
            lines_dropped: live.lines_dropped(),
            idle: census.idle.len(),
            parked: census.parked.len(),
            live: census.live,
            ready: platform.scaling().ready(function.id()),
            waiting: census.waiting,
            overloaded: census.overloaded,
        }
    });
    let mut shown: Vec<Sample> = shown.collect();
    let known: HashMap<String, String> = functions
        .iter()
        .take(FUNCTIONS_MAX)
        .map(|function| (function.id().to_owned(), function.name().to_owned()))
        .collect();
    let mut other = Sample {
        name: "other".to_owned(),
        ..Sample::default()
    };
    for (id, live) in intake.all() {
        if !known.contains_key(id.as_ref()) {
            other.figures.merge(&live.figures());
            other.detail.merge(&live.detail());
        }
    }
    shown.push(other);
    Samples {
        functions: shown,
        instances: platform.instances(),
        waiting_for_room: platform.functions_waiting(),
        uptime_s: platform.uptime().as_secs_f64(),
        node: NodeSample {
            live: platform.cluster().live(),
            is_connected: platform.cluster().is_connected(),
            leads: platform.cluster().leads(),
        },
        log_queue: intake.waiting().0,
        alerts: platform.alerts().firing(),
        traced: platform.tracer().counts(),
        refreshes: refreshes::of(platform),
        queue: platform.queue().open_now(),
        deliveries: platform.queue().totals(),
        connections: connections::traffic(platform, &known),
        sources: {
            let shown = functions.iter().take(FUNCTIONS_MAX);
            let shown = shown.map(|function| (function.id(), function.name()));
            sources::samples(platform, shown)
        },
    }
}

pub(super) type Written = Result<(), std::fmt::Error>;

impl Collector for Samples {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Written {
        self.counters(&mut encoder)?;
        distributions::write(&self.functions, &mut encoder)?;
        self.gauges(&mut encoder)?;
        connections::write(&self.connections, &mut encoder)?;
        self.alerts(&mut encoder)
    }
}

impl Samples {
    fn counters(&self, encoder: &mut DescriptorEncoder<'_>) -> Written {
        let help = "Invocations by the way their instance came to be";
        let mut family = encoder.encode_descriptor("starts", help, None, MetricType::Counter)?;
        for sample in &self.functions {
            let starts = sample.figures.starts;
            let kinds = [
                ("warm", starts.warm),
                ("parked", starts.parked),
                ("forked", starts.forked),
                ("booted", starts.booted),
            ];
            for (kind, count) in kinds {
                let labels = [("function", sample.name.as_str()), ("kind", kind)];
                ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
            }
        }
        self.counter(encoder, "billed_milliseconds", "Billed time", |sample| {
            sample.figures.billed_ms
        })?;
        self.counter(
            encoder,
            "log_lines_dropped",
            "Lines that were dropped because there were too many",
            |sample| sample.lines_dropped,
        )?;
        let cpu = |sample: &Sample| float(sample.figures.cpu_us) / 1e6;
        self.real_counter(
            encoder,
            "cpu",
            "Processor time of instances",
            Some(Unit::Seconds),
            cpu,
        )?;
        let cost = |sample: &Sample| sample.figures.billed().cost().total();
        self.real_counter(encoder, "cost", "Cost in USD", None, cost)?;
        refreshes::write(&self.refreshes, encoder)?;
        self.traced(encoder)?;
        deliveries::write(self.queue, self.deliveries, encoder)?;
        sources::write(&self.sources, encoder)
    }

    fn traced(&self, encoder: &mut DescriptorEncoder<'_>) -> Written {
        let help = "Recorded invocations by what became of their spans";
        let name = "traced_invocations";
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (outcome, count) in [
            ("exported", self.traced.exported),
            ("failed", self.traced.failed),
            ("dropped", self.traced.dropped),
        ] {
            let labels = [("outcome", outcome)];
            ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }

    fn counter(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        name: &str,
        help: &str,
        value: impl Fn(&Sample) -> u64,
    ) -> Written {
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for sample in &self.functions {
            let labels = [("function", sample.name.as_str())];
            ConstCounter::new(value(sample)).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }

    fn real_counter(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        name: &str,
        help: &str,
        unit: Option<Unit>,
        value: impl Fn(&Sample) -> f64,
    ) -> Written {
        let mut family =
            encoder.encode_descriptor(name, help, unit.as_ref(), MetricType::Counter)?;
        for sample in &self.functions {
            let labels = [("function", sample.name.as_str())];
            ConstCounter::new(value(sample)).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }

    fn alerts(&self, encoder: &mut DescriptorEncoder<'_>) -> Written {
        let help = "Alerts that fire";
        let mut family =
            encoder.encode_descriptor("alerts_firing", help, None, MetricType::Gauge)?;
        for (kind, count) in self.alerts {
            gauge(count).encode(family.encode_family(&[("rule", kind.name())])?)?;
        }
        Ok(())
    }
}
