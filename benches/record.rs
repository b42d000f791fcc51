//! What a run leaves behind: one JSON file that holds everything the reports are made of. Knows nothing of how it was measured.

mod apart;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer, V2DeflateSerializer};
use serde::{Deserialize, Serialize};

use crate::host::machine::Machine;
use crate::load::{Outcome, Phases, Sample};
pub(crate) use apart::{Overload, Traced, Worked};

/// All figures of one run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Version of this format.
    pub(crate) schema: u32,
    /// The UTC day.
    pub(crate) date: String,
    /// Seconds since 1970 at the start.
    pub(crate) started: u64,
    pub(crate) commit: String,
    pub(crate) quick: bool,
    /// How cores were shared out while throughput was measured.
    pub(crate) cores: String,
    pub(crate) machine: Machine,
    /// What other processes took of all cores, looked at before each measurement.
    pub(crate) others: Others,
    pub(crate) series: Vec<Series>,
    pub(crate) memory: Vec<Memory>,
    /// Lines of logs by the language that wrote them.
    #[serde(default)]
    pub(crate) lines: Vec<Lines>,
    #[serde(default)]
    pub(crate) bill: Option<Bill>,
    /// What became of the spans, by how traces were chosen.
    #[serde(default)]
    pub(crate) traced: Vec<Traced>,
    /// More callers than can be served.
    #[serde(default)]
    pub(crate) overload: Vec<Overload>,
    /// What real functions do, by who did it.
    #[serde(default)]
    pub(crate) workloads: Vec<Worked>,
    /// Whatever a reader of the figures should know: missing peers, failed measurements.
    pub(crate) notes: Vec<String>,
}

/// Shares of all cores, from 0 to 1.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Others {
    pub(crate) mean: f64,
    pub(crate) max: f64,
}

/// One series of latencies.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Series {
    /// Such as `start/forked/python/heavy` or `peer/c32/bun`.
    pub(crate) id: String,
    /// How it was loaded, in words.
    pub(crate) load: String,
    pub(crate) n: u64,
    pub(crate) latency_ms: Latency,
    /// Replies per second, where that was the question.
    pub(crate) per_second: Option<f64>,
    /// How many replies of each start kind the same run had; this series holds one kind unless the load says otherwise.
    pub(crate) kinds: BTreeMap<String, u64>,
    pub(crate) errors: BTreeMap<String, u64>,
    /// Medians of the phases as the platform told them.
    pub(crate) phases_p50_ms: BTreeMap<String, f64>,
    /// The longest that the generator itself was late.
    pub(crate) generator_late_max_ms: f64,
    /// All latencies in nanoseconds: HdrHistogram V2, compressed, base64.
    pub(crate) histogram: String,
}

/// Percentiles in milliseconds.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Latency {
    pub(crate) min: f64,
    pub(crate) mean: f64,
    /// Absent from older records.
    #[serde(default)]
    pub(crate) p10: f64,
    pub(crate) p50: f64,
    pub(crate) p75: f64,
    pub(crate) p90: f64,
    pub(crate) p95: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
    pub(crate) max: f64,
}

/// Memory of one part of the platform, or of a peer, in MB.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Memory {
    /// Such as `idle instance/python` or `peer/bun`.
    pub(crate) id: String,
    /// How many processes were looked at; the figures are their mean (of a peer: the sum of its processes).
    pub(crate) processes: usize,
    pub(crate) pss: f64,
    pub(crate) rss: f64,
    pub(crate) private_dirty: f64,
    /// How much the PSS of the whole platform grew with one more of them: what it really costs.
    pub(crate) one_more: Option<f64>,
}

/// Lines of logs that one language's functions wrote, and what became of them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Lines {
    pub(crate) language: String,
    /// The pace that was asked for.
    pub(crate) asked_per_second: f64,
    /// The pace that was reached.
    pub(crate) per_second: f64,
    pub(crate) written: u64,
    /// Found again in the log.
    pub(crate) stored: u64,
    /// By the platform's own count.
    pub(crate) dropped: u64,
    /// By the markers in the log, which also tell of lines that could not be stored fast enough.
    pub(crate) dropped_told: u64,
    /// Processor time of one invocation that writes.
    pub(crate) writing_cpu_ms: f64,
    /// The same of one that only computes, in the control.
    pub(crate) computing_cpu_ms: f64,
}

/// Many invocations with a kill in their middle, and what the platform says of them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Bill {
    pub(crate) answered: u64,
    pub(crate) per_second: f64,
    /// How many had been answered when the platform was killed.
    pub(crate) answered_before_kill: u64,
    pub(crate) seconds_before_kill: f64,
    /// How much of that time the kill took away: its invocations were answered and nobody knows of them any more.
    pub(crate) lost_s: f64,
    /// From the start after the kill until it was ready.
    pub(crate) restart_ms: f64,
    /// Processes that outlived the killed supervisor.
    pub(crate) left_behind: usize,
    /// How long it took to read all records.
    pub(crate) paging_s: f64,
    pub(crate) functions: Vec<Account>,
    /// What does not agree; nothing when all is well.
    pub(crate) differences: Vec<String>,
}

/// One function of a bill.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) language: String,
    pub(crate) answered: u64,
    /// Requests that failed, those in flight at the kill among them.
    pub(crate) unanswered: u64,
    /// Rows of the list of records; one may stand for several invocations.
    pub(crate) rows: u64,
    pub(crate) records: Sums,
    pub(crate) metrics: Sums,
    pub(crate) cost: Sums,
}

/// Invocations and what is billed for them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sums {
    pub(crate) invocations: u64,
    pub(crate) billed_ms: u64,
}

impl Lines {
    /// Lines that are not in the log and of which no marker tells.
    pub(crate) fn missing(&self) -> u64 {
        self.written.saturating_sub(self.stored + self.dropped_told)
    }
}

impl Account {
    /// Invocations that were answered and of which nobody knows any more; some in flight may make up for others.
    pub(crate) fn lost(&self) -> u64 {
        self.answered.saturating_sub(self.records.invocations)
    }
}

impl Record {
    /// Reads a record from its file.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("reading {}", path.display()))
    }

    /// Writes the file.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        std::fs::write(path, serde_json::to_vec_pretty(self)?)
            .with_context(|| format!("writing {}", path.display()))
    }

    /// Whether other processes took so much that every figure suffers.
    pub(crate) fn was_busy(&self) -> bool {
        self.others.mean > 0.05
    }

    /// The series of an id.
    pub(crate) fn find(&self, id: &str) -> Option<&Series> {
        self.series.iter().find(|series| series.id == id)
    }
}

impl Series {
    /// A series of one sample out of a run.
    pub(crate) fn new(id: String, load: String, sample: &Sample, run: &Outcome) -> Self {
        Self {
            id,
            load,
            n: sample.histogram.len(),
            latency_ms: Latency::of(&sample.histogram),
            per_second: None,
            kinds: run.kinds(),
            errors: run.errors.clone(),
            phases_p50_ms: medians(&sample.phases),
            generator_late_max_ms: run.lag_max.as_secs_f64() * 1e3,
            histogram: encode(&sample.histogram),
        }
    }

    /// The latencies, read back.
    pub(crate) fn histogram(&self) -> Option<Histogram<u64>> {
        let bytes = STANDARD.decode(&self.histogram).ok()?;
        Deserializer::new().deserialize(&mut bytes.as_slice()).ok()
    }
}

impl Latency {
    pub(crate) fn of(nanoseconds: &Histogram<u64>) -> Self {
        let at = |quantile: f64| nanoseconds.value_at_quantile(quantile) as f64 / 1e6;
        Self {
            min: nanoseconds.min() as f64 / 1e6,
            mean: nanoseconds.mean() / 1e6,
            p10: at(0.1),
            p50: at(0.5),
            p75: at(0.75),
            p90: at(0.9),
            p95: at(0.95),
            p99: at(0.99),
            p999: at(0.999),
            max: nanoseconds.max() as f64 / 1e6,
        }
    }
}

fn encode(histogram: &Histogram<u64>) -> String {
    let mut bytes = Vec::new();
    match V2DeflateSerializer::new().serialize(histogram, &mut bytes) {
        Ok(_) => STANDARD.encode(bytes),
        Err(_) => String::new(),
    }
}

fn medians(phases: &Phases) -> BTreeMap<String, f64> {
    let median = |times: &Vec<f64>| {
        let mut times = times.clone();
        times.sort_by(f64::total_cmp);
        times.get(times.len() / 2).copied().unwrap_or_default()
    };
    phases
        .0
        .iter()
        .map(|(phase, times)| (phase.clone(), median(times)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_histogram_survives_the_file() {
        let mut sample = Sample::default();
        (1..=1000).for_each(|micros| sample.record(Duration::from_micros(micros)));
        let series = Series::new("a".to_owned(), String::new(), &sample, &Outcome::default());
        assert_eq!(series.histogram().expect("readable"), sample.histogram);
        assert!((series.latency_ms.p50 - 0.5).abs() < 0.001);
    }
}
