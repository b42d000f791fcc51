//! What invocations cost. Sums are kept as whole numbers (invocations, and megabytes times milliseconds), so that they
//! add up exactly; money is made of them at the very edge. Pure.
//!
//! The prices are AWS Lambda's for x86 (0.20 USD per million invocations, 0.0000166667 USD per GB-second, rounded by the
//! specification to 16.67 USD per million); initialisation is billed with the handler's time, as Lambda has done since
//! 2025-08-01.

use std::time::Duration;

use crate::invocation::Timeline;

/// USD for a million invocations.
const PER_MILLION_INVOCATIONS: f64 = 0.20;
/// USD for a million GB-seconds.
const PER_MILLION_GB_SECONDS: f64 = 16.67;
/// Megabytes times milliseconds in one GB-second.
const MB_MS_PER_GB_SECOND: f64 = 1_024.0 * 1_000.0;

/// What is billed, summed up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Billed {
    pub(crate) invocations: u64,
    /// Memory limit in MB times billed ms.
    pub(crate) mb_ms: u64,
}

/// Money, in USD.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Cost {
    pub(crate) requests: f64,
    pub(crate) compute: f64,
}

impl Cost {
    pub(crate) fn total(self) -> f64 {
        self.requests + self.compute
    }
}

impl Billed {
    pub(crate) fn gb_seconds(self) -> f64 {
        float(self.mb_ms) / MB_MS_PER_GB_SECOND
    }

    /// At our prices.
    pub(crate) fn cost(self) -> Cost {
        self.cost_at(PER_MILLION_INVOCATIONS, PER_MILLION_GB_SECONDS)
    }

    fn cost_at(self, per_million_invocations: f64, per_million_gb_seconds: f64) -> Cost {
        Cost {
            requests: float(self.invocations) / 1e6 * per_million_invocations,
            compute: self.gb_seconds() / 1e6 * per_million_gb_seconds,
        }
    }
}

/// The time of one invocation that is billed, in started milliseconds: making the process, loading the code, and the
/// handler. An invocation that gave no answer is billed for as long as it held its instance.
pub(crate) fn billed_ms(timeline: Timeline, answered: bool) -> u64 {
    let used = match answered {
        true => timeline.fork + timeline.load + timeline.handler,
        false => timeline.total.saturating_sub(timeline.queue),
    };
    ms_rounded_up(used).max(1)
}

fn ms_rounded_up(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros().div_ceil(1_000)).unwrap_or(u64::MAX)
}

/// A platform whose price is compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Provider {
    pub(crate) name: &'static str,
    per_million_invocations: f64,
    per_million_gb_seconds: f64,
}

/// Prices per million invocations and per million GB-seconds. Ours and Lambda's: above. Google Cloud Functions (first
/// generation, without its free tier, memory and processor of a 256 MB function together as the specification counts
/// them) and Azure Functions (consumption plan): their price pages, as the specification's table has them.
pub(crate) const PROVIDERS: [Provider; 4] = [
    provider("Zygo", PER_MILLION_INVOCATIONS, PER_MILLION_GB_SECONDS),
    provider("AWS Lambda", 0.20, 16.67),
    provider("Google Cloud Functions", 0.40, 16.00),
    provider("Azure Functions", 0.20, 16.00),
];

const fn provider(name: &'static str, invocations: f64, gb_seconds: f64) -> Provider {
    Provider {
        name,
        per_million_invocations: invocations,
        per_million_gb_seconds: gb_seconds,
    }
}

impl Provider {
    /// What the same would cost there, in USD, in whole cents.
    pub(crate) fn cents(&self, billed: Billed) -> f64 {
        let cost = billed.cost_at(self.per_million_invocations, self.per_million_gb_seconds);
        (cost.total() * 100.0).round() / 100.0
    }
}

/// Exact up to 2^53, which is three hundred years of one gigabyte.
#[expect(
    clippy::cast_precision_loss,
    reason = "money is shown with far fewer digits"
)]
pub(crate) fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_invocations_cost_what_the_specification_says() {
        let billed = Billed {
            invocations: 1_000_000,
            mb_ms: 1_000_000 * 256 * 100,
        };
        let costs = PROVIDERS.map(|provider| (provider.name, provider.cents(billed)));
        let expected = [
            ("Zygo", 0.62),
            ("AWS Lambda", 0.62),
            ("Google Cloud Functions", 0.80),
            ("Azure Functions", 0.60),
        ];
        assert_eq!(costs, expected);
        assert!((billed.cost().total() - 0.616_75).abs() < 1e-9);
    }

    #[test]
    fn started_milliseconds_are_billed_and_initialisation_with_them() {
        let timeline = Timeline {
            queue: Duration::from_millis(50),
            fork: Duration::from_micros(600),
            load: Duration::from_micros(500),
            boot: Duration::ZERO,
            handler: Duration::from_micros(901),
            total: Duration::from_millis(60),
        };
        assert_eq!(billed_ms(timeline, true), 3);
        assert_eq!(billed_ms(timeline, false), 10);
        assert_eq!(billed_ms(Timeline::default(), true), 1);
    }
}
