//! What is remembered of one function, in a fixed two kibibytes at most.

use serde::{Deserialize, Serialize};

use crate::crowd::Crowd;
use crate::gaps::Gaps;
use crate::mixture::{EXPERTS, Mixture};
use crate::number::float;
use crate::period::Period;
use crate::profile::Profile;
use crate::time::{DAY, MINUTE, Moment};

/// Calls that came at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// When.
    pub at: Moment,
    /// How many instances were busy with them at once, at least one.
    pub together: usize,
}

/// The arrival pattern of one function, learned call by call. Never looks ahead; never grows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Learner {
    pub(crate) gaps: Gaps,
    pub(crate) profile: Profile,
    pub(crate) period: Period,
    pub(crate) crowd: Crowd,
    pub(crate) last: Moment,
    /// Minutes with a call per minute, of late.
    pub(crate) trend: f32,
    first: Moment,
    /// Minutes with a call, since the first.
    minutes: u32,
    /// How well each way to predict has done so far.
    pub(crate) scores: [f32; EXPERTS],
}

/// The trend forgets this fast.
pub(crate) const TREND_MINUTES: f32 = 90.0;
/// What each way to predict said long ago fades, so that another may win when the traffic changes.
const SCORES_FADE: f32 = 0.97;
/// No score falls further behind the best, so that each can come back.
const SCORES_BEHIND: f32 = 12.0;

impl Learner {
    /// Notes calls. Times must not go back; one that does counts as now.
    pub fn arrived(&mut self, arrival: Arrival) {
        let at = arrival.at.max(self.last);
        let gap = at.since(self.last);
        let is_first = self.last.0 == 0;
        let awoke = is_first || gap >= MINUTE;
        if is_first {
            self.first = at;
        }
        if awoke && !is_first {
            self.score(at);
            self.gaps.add(gap / MINUTE);
        }
        if awoke || at.0 / MINUTE != self.last.0 / MINUTE {
            let faded = (-float(gap) / 60.0 / TREND_MINUTES).exp();
            self.trend = self.trend * faded + 1.0 / TREND_MINUTES;
            self.minutes = self.minutes.saturating_add(1);
        }
        if awoke {
            self.period.arrived(at);
        }
        self.profile.arrived(at);
        self.crowd.arrived(at, arrival.together, awoke);
        self.last = at;
    }

    /// The last call, if there was any.
    #[must_use]
    pub fn last(&self) -> Option<Moment> {
        (self.last.0 > 0).then_some(self.last)
    }

    /// Minutes with a call, per day.
    pub(crate) fn daily(&self) -> f32 {
        let days = float(self.last.since(self.first)) / float(DAY);
        float(u64::from(self.minutes)) / days.max(1.0)
    }

    /// Each way to predict is judged by how likely it held what then came.
    fn score(&mut self, at: Moment) {
        let likelihoods = Mixture::new(self).likelihoods(at);
        for (score, likelihood) in self.scores.iter_mut().zip(likelihoods) {
            *score = *score * SCORES_FADE + likelihood;
        }
        let best = self.scores.into_iter().fold(f32::MIN, f32::max);
        for score in &mut self.scores {
            *score = (*score - best).max(-SCORES_BEHIND);
        }
    }
}
