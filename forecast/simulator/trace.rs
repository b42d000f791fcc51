//! What is replayed: functions and their calls.

use serde::Serialize;
use zygo_forecast::Moment;

/// Where a trace begins: the first Monday after the epoch. Zero is for "never".
pub(crate) const START: u64 = 4 * zygo_forecast::DAY;
/// Instances that one function may have at once.
pub(crate) const TOGETHER_MAX: u32 = 128;

/// The trigger groups of the published trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Trigger {
    Http,
    Queue,
    Event,
    Timer,
    Orchestration,
    Other,
}

/// Calls that come so close together that they need several instances at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Calls {
    pub(crate) at: Moment,
    pub(crate) count: u32,
    pub(crate) together: u32,
}

/// One function's calls, in order.
#[derive(Clone, Debug)]
pub(crate) struct Function {
    pub(crate) trigger: Trigger,
    pub(crate) megabytes: f64,
    /// How long one call takes.
    pub(crate) seconds: f64,
    pub(crate) calls: Vec<Calls>,
    /// When its schedule is due, if the trace knows.
    pub(crate) ticks: Vec<Moment>,
}

/// How the calls of one minute lie within it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spread {
    /// All at this second, as a timer's; otherwise anywhere.
    pub(crate) second: Option<u32>,
    /// Calls of a minute come within so many seconds.
    pub(crate) within: f64,
    pub(crate) seconds: f64,
}

/// Makes calls out of counts per minute. A minute's calls make at most three groups.
pub(crate) fn spread(
    minute: u64,
    count: u32,
    how: Spread,
    random: &mut fastrand::Rng,
) -> Vec<Calls> {
    let start = START + minute * 60;
    let groups = if how.second.is_some() || how.within < 60.0 {
        1
    } else {
        count.min(3)
    };
    let mut offsets: Vec<u32> = (0..groups).map(|_| offset(how, random)).collect();
    offsets.sort_unstable();
    let part = |number: u32| count / groups + u32::from(number < count % groups);
    let calls = (0..groups).zip(offsets).map(|(number, offset)| {
        let count = part(number);
        let together = together(count * groups, how, random).min(count);
        Calls {
            at: Moment(start + u64::from(offset)),
            count,
            together,
        }
    });
    calls.collect()
}

fn offset(how: Spread, random: &mut fastrand::Rng) -> u32 {
    match how.second {
        Some(second) => (second + random.u32(0..3)).min(59),
        None => random.u32(0..60),
    }
}

/// The peak of calls in progress at once: their mean and a little more, as of a Poisson process.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped"
)]
fn together(in_minute: u32, how: Spread, random: &mut fastrand::Rng) -> u32 {
    let mean = f64::from(in_minute) * (how.seconds / how.within).min(1.0);
    let peak = mean + mean.sqrt() * 2.0 * random.f64();
    (peak.round() as u32).clamp(1, TOGETHER_MAX)
}
