//! The figures of functions that have more labels than the function, or that are distributions, as OpenMetrics text.

use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

use super::gauges::of_functions;
use super::prometheus::{Sample, Written};
use crate::cost::float;
use crate::telemetry::{BOUNDS_US, Buckets, Figures};

/// All of them.
pub(super) fn write(samples: &[Sample], encoder: &mut DescriptorEncoder<'_>) -> Written {
    invocations(samples, encoder)?;
    throttles(samples, encoder)?;
    waiting(samples, encoder)?;
    durations(samples, encoder)?;
    starts(samples, encoder)?;
    queue(samples, encoder)?;
    memory(samples, encoder)
}

fn invocations(samples: &[Sample], encoder: &mut DescriptorEncoder<'_>) -> Written {
    let help = "Invocations since the platform's start; the outcome is ok, or the stable code of the error";
    let mut family = encoder.encode_descriptor("invocations", help, None, MetricType::Counter)?;
    for sample in samples {
        for (series, count) in &sample.detail.invocations {
            let version = match series.version {
                0 => "older".to_owned(),
                number => number.to_string(),
            };
            let labels = [
                ("function", sample.name.as_str()),
                ("version", &version),
                ("trigger", series.trigger),
                ("outcome", series.outcome),
            ];
            ConstCounter::new(*count).encode(family.encode_family(&labels)?)?;
        }
    }
    Ok(())
}

fn throttles(samples: &[Sample], encoder: &mut DescriptorEncoder<'_>) -> Written {
    let help =
        "Callers that were sent away, or went, before anything ran, since the platform's start";
    let mut family = encoder.encode_descriptor("throttles", help, None, MetricType::Counter)?;
    for sample in samples {
        for (reason, count) in &sample.detail.throttles {
            let labels = [("function", sample.name.as_str()), ("reason", reason)];
            ConstCounter::new(*count).encode(family.encode_family(&labels)?)?;
        }
    }
    Ok(())
}

fn waiting(samples: &[Sample], encoder: &mut DescriptorEncoder<'_>) -> Written {
    let help = "Callers who wait for an instance";
    of_functions(samples, encoder, "waiting", help, |sample| sample.waiting)?;
    let help = "Whether callers are refused because more come than can be served";
    let overloaded = |sample: &Sample| usize::from(sample.overloaded);
    of_functions(samples, encoder, "overloaded", help, overloaded)
}

fn durations(samples: &[Sample], encoder: &mut DescriptorEncoder<'_>) -> Written {
    let help = "Time of invocations, as the platform saw it";
    let (name, kind) = ("invocation_duration", MetricType::Histogram);
    let mut family = encoder.encode_descriptor(name, help, Some(&Unit::Seconds), kind)?;
    for sample in samples {
        let labels = [("function", sample.name.as_str())];
        let counted = counted(&sample.figures);
        histogram(&counted, family.encode_family(&labels)?)?;
    }
    Ok(())
}

fn starts(samples: &[Sample], encoder: &mut DescriptorEncoder<'_>) -> Written {
    let help = "Time from the choice of an instance to its handler, by the way it came to be";
    let (name, kind) = ("start_duration", MetricType::Histogram);
    let mut family = encoder.encode_descriptor(name, help, Some(&Unit::Seconds), kind)?;
    for sample in samples {
        for (kind, buckets) in &sample.detail.starts {
            let labels = [("function", sample.name.as_str()), ("kind", kind.name())];
            histogram(buckets, family.encode_family(&labels)?)?;
        }
    }
    Ok(())
}

fn queue(samples: &[Sample], encoder: &mut DescriptorEncoder<'_>) -> Written {
    let help = "Time that invocations waited for an instance, or for room to make one";
    let (name, kind) = ("queue_wait", MetricType::Histogram);
    let mut family = encoder.encode_descriptor(name, help, Some(&Unit::Seconds), kind)?;
    for sample in samples {
        let labels = [("function", sample.name.as_str())];
        histogram(&sample.detail.queue, family.encode_family(&labels)?)?;
    }
    Ok(())
}

fn memory(samples: &[Sample], encoder: &mut DescriptorEncoder<'_>) -> Written {
    let help = "Most resident memory that an instance was seen with, pages of its zygote included";
    let (name, kind) = ("instance_memory", MetricType::Gauge);
    let mut family = encoder.encode_descriptor(name, help, Some(&Unit::Bytes), kind)?;
    for sample in samples {
        let labels = [("function", sample.name.as_str())];
        let bytes = float(sample.figures.memory_kib_max * 1_024);
        ConstGauge::new(bytes).encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}

fn histogram(buckets: &Buckets, mut metric: MetricEncoder<'_>) -> Written {
    let bounds = BOUNDS_US.map(|bound| f64::from(bound) / 1e6);
    let bounds = bounds.into_iter().chain([f64::INFINITY]);
    let counts: Vec<(f64, u64)> = bounds.zip(buckets.counts).collect();
    let sum = float(buckets.sum_us) / 1e6;
    let count = buckets.counts.iter().sum();
    metric.encode_histogram::<[(&str, &str); 0]>(sum, count, &counts, None)
}

/// The stored histogram has finer buckets than those that are shown.
fn counted(figures: &Figures) -> Buckets {
    let below = |bound: u32| {
        let durations = figures.durations.as_ref();
        durations.map_or(0, |durations| durations.count_between(0, u64::from(bound)))
    };
    let mut buckets = Buckets {
        sum_us: figures.duration_us,
        ..Buckets::default()
    };
    let mut counted = 0;
    for (place, bound) in BOUNDS_US.into_iter().enumerate() {
        let upto = below(bound).max(counted);
        buckets.counts[place] = upto - counted;
        counted = upto;
    }
    buckets.counts[BOUNDS_US.len()] = figures.invocations.saturating_sub(counted);
    buckets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_duration_is_in_its_bucket() {
        let mut durations = hdrhistogram::Histogram::new(2).expect("two digits");
        for us in [90, 946, 30_000, 70_000_000] {
            durations.record(us).expect("recorded");
        }
        let figures = Figures {
            invocations: 4,
            durations: Some(durations),
            ..Figures::default()
        };
        let counts = counted(&figures).counts.into_iter().enumerate();
        let filled: Vec<usize> = counts
            .filter_map(|(place, count)| (count > 0).then_some(place))
            .collect();
        let bounds: Vec<Option<&u32>> = filled.iter().map(|place| BOUNDS_US.get(*place)).collect();
        assert_eq!(bounds, [Some(&100), Some(&1_000), Some(&50_000), None]);
    }
}
