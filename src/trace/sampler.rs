//! Which traces are recorded. Pure.

use opentelemetry::TraceId;
use opentelemetry::trace::SpanKind;
use opentelemetry_sdk::trace::{Sampler, SamplingDecision, ShouldSample};
use serde::{Deserialize, Serialize};

use super::context::Caller;

/// The ways to choose, with the names that OpenTelemetry's `OTEL_TRACES_SAMPLER` gives them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TraceSampler {
    /// Every trace.
    #[serde(rename = "always_on")]
    AlwaysOn,
    /// None.
    #[serde(rename = "always_off")]
    AlwaysOff,
    /// A part of all traces.
    #[serde(rename = "traceidratio")]
    Ratio,
    /// What the caller chose; every trace that begins here.
    #[serde(rename = "parentbased_always_on")]
    ParentOrAlwaysOn,
    /// What the caller chose; no trace that begins here.
    #[serde(rename = "parentbased_always_off")]
    ParentOrAlwaysOff,
    /// What the caller chose; a part of the traces that begin here.
    #[default]
    #[serde(rename = "parentbased_traceidratio")]
    ParentOrRatio,
}

impl TraceSampler {
    /// Whether the caller's choice counts.
    fn follows_caller(self) -> bool {
        matches!(
            self,
            Self::ParentOrAlwaysOn | Self::ParentOrAlwaysOff | Self::ParentOrRatio
        )
    }

    /// Whether a trace is recorded. `ratio` is the part of them that is, from 0 to 1.
    pub(super) fn chooses(self, ratio: f64, caller: Option<&Caller>, trace_id: TraceId) -> bool {
        if let Some(caller) = caller.filter(|_| self.follows_caller()) {
            return caller.flags.is_sampled();
        }
        let root = match self {
            Self::AlwaysOn | Self::ParentOrAlwaysOn => Sampler::AlwaysOn,
            Self::AlwaysOff | Self::ParentOrAlwaysOff => Sampler::AlwaysOff,
            // By the trace's id, so that all services with one ratio record the same traces.
            Self::Ratio | Self::ParentOrRatio => Sampler::TraceIdRatioBased(ratio),
        };
        let chosen = root.should_sample(None, trace_id, "", &SpanKind::Server, &[], &[]);
        chosen.decision == SamplingDecision::RecordAndSample
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caller_chooses_where_it_may_and_the_ratio_elsewhere() {
        let caller = |flags: &str| {
            let parent = format!("00-{}-b7ad6b7169203331-{flags}", "0".repeat(31) + "1");
            Caller::parse(parent.as_bytes(), std::iter::empty())
        };
        let (sampled, unsampled) = (caller("01"), caller("00"));
        use TraceSampler as S;
        let table = [
            (S::AlwaysOn, 0.0, [true, true, true]),
            (S::AlwaysOff, 1.0, [false, false, false]),
            (S::Ratio, 0.0, [false, false, false]),
            (S::Ratio, 1.0, [true, true, true]),
            (S::ParentOrAlwaysOn, 0.0, [true, true, false]),
            (S::ParentOrAlwaysOff, 1.0, [false, true, false]),
            (S::ParentOrRatio, 0.0, [false, true, false]),
            (S::ParentOrRatio, 1.0, [true, true, false]),
        ];
        for (sampler, ratio, expected) in table {
            let callers = [None, sampled.as_ref(), unsampled.as_ref()];
            let chosen = callers.map(|caller| sampler.chooses(ratio, caller, TraceId::from(7)));
            assert_eq!(chosen, expected, "{sampler:?} at {ratio}");
        }
    }

    #[test]
    fn a_ratio_chooses_that_part() {
        let chosen = (0..10_000_u128)
            .map(|number| {
                TraceId::from(number.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835))
            })
            .filter(|id| TraceSampler::Ratio.chooses(0.25, None, *id));
        assert!((2_300..2_700).contains(&chosen.count()));
    }
}
