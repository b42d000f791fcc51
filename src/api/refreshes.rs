//! How often zygotes were made anew, as OpenMetrics text.

use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;

use super::prometheus::Written;
use crate::platform::Platform;
use crate::zygote::Reason;

/// For each runtime: what was made anew, why, and how often.
pub(super) type Refreshes = Vec<(&'static str, Vec<(&'static str, Reason, u64)>)>;

/// What is counted now.
pub(super) fn of(platform: &Platform) -> Refreshes {
    let zygotes = platform.zygotes().iter();
    zygotes
        .map(|zygote| (zygote.runtime(), zygote.refreshes().counts().collect()))
        .collect()
}

/// Writes it.
pub(super) fn write(refreshes: &Refreshes, encoder: &mut DescriptorEncoder<'_>) -> Written {
    let help = "Zygotes that were made anew while they served";
    let name = "zygote_refreshes";
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    for (runtime, counts) in refreshes {
        for (zygote, reason, count) in counts {
            let labels = [
                ("runtime", *runtime),
                ("zygote", *zygote),
                ("reason", reason.name()),
            ];
            ConstCounter::new(*count).encode(family.encode_family(&labels)?)?;
        }
    }
    Ok(())
}
