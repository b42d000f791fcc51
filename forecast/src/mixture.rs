//! Five ways to predict the next call, and one answer: each is a *hazard*, the chance per minute that a call comes now,
//! given that none came so far. They are mixed by how well each has predicted this function so far, and, within one
//! silence, by how well it explains that nothing has come yet.

use crate::gaps::View;
use crate::learner::{Learner, TREND_MINUTES};
use crate::number::float;
use crate::period::Tick;
use crate::time::{DAY, MINUTE, Moment};

pub(crate) const EXPERTS: usize = 5;
/// No expert is ever certain that nothing comes.
const LEAST: f32 = 1.0e-6;
/// Steps are no longer than this, because the profile has buckets of ten minutes.
const STEP_MAX: u64 = 20;
/// A silence that is longer is judged by its first part.
pub(crate) const JUDGED: u64 = 8 * DAY;

/// In the order of the scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expert {
    Gaps,
    RoughGaps,
    Profile,
    Trend,
    Period,
}

pub(crate) const ALL: [Expert; EXPERTS] = [
    Expert::Gaps,
    Expert::RoughGaps,
    Expert::Profile,
    Expert::Trend,
    Expert::Period,
];

/// A piece of the silence within which nothing changes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) from: Moment,
    pub(crate) to: Moment,
    /// Per minute, by expert.
    pub(crate) hazards: [f32; EXPERTS],
}

impl Step {
    pub(crate) fn minutes(&self) -> f32 {
        float(self.to.since(self.from)) / float(MINUTE)
    }
}

#[derive(Debug)]
pub(crate) struct Mixture<'a> {
    learner: &'a Learner,
    view: View<'a>,
}

impl<'a> Mixture<'a> {
    pub(crate) fn new(learner: &'a Learner) -> Self {
        Self {
            learner,
            view: learner.gaps.view(),
        }
    }

    /// The steps of the silence after the last call, from a moment within it on.
    pub(crate) fn steps(&self, from: Moment) -> impl Iterator<Item = Step> + '_ {
        std::iter::successors(Some(self.step(from)), |step| Some(self.step(step.to)))
    }

    fn step(&self, from: Moment) -> Step {
        let age = from.since(self.learner.last) / MINUTE;
        let (_, start, length) = crate::gaps::bin(age);
        let into = (age - start) % length.min(STEP_MAX);
        let minutes = length.min(STEP_MAX) - into;
        let edge = self.learner.last.after((age + minutes) * MINUTE);
        let tick = self.learner.period.next(from);
        let edges = tick.map_or([edge; 2], |tick| [tick.from, tick.to]);
        let is_ahead = |edge: &Moment| *edge > from;
        let to = edges
            .into_iter()
            .filter(is_ahead)
            .fold(edge.max(from.after(1)), Moment::min);
        Step {
            from,
            to,
            hazards: self.hazards(from, to, tick),
        }
    }

    fn hazards(&self, from: Moment, to: Moment, tick: Option<Tick>) -> [f32; EXPERTS] {
        let age = from.since(self.learner.last) / MINUTE;
        let middle = Moment(u64::midpoint(from.0, to.0));
        let rough = self.view.coarse(float(age));
        ALL.map(|expert| match expert {
            Expert::Gaps => self.view.fine(age.max(1)),
            Expert::RoughGaps => rough,
            Expert::Profile => self.learner.profile.hazard(middle),
            Expert::Trend => self.learner.trend * (-float(age) / TREND_MINUTES).exp(),
            Expert::Period => tick.map_or(rough, |tick| periodic(tick, from, rough)),
        })
        .map(|hazard| hazard.max(LEAST))
    }

    /// The logarithm of the likelihood that each expert gave to the next call at a moment.
    pub(crate) fn likelihoods(&self, at: Moment) -> [f32; EXPERTS] {
        let start = self.learner.last.after(MINUTE);
        let mut likelihoods = [0.0; EXPERTS];
        let end = at.min(start.after(JUDGED));
        for step in self.steps(start).take_while(|step| step.from <= end) {
            let is_last = end < step.to;
            let minutes = if is_last {
                float(end.since(step.from)) / 60.0
            } else {
                step.minutes()
            };
            for (likelihood, hazard) in likelihoods.iter_mut().zip(step.hazards) {
                *likelihood += if is_last { hazard.ln() } else { 0.0 } - hazard * minutes;
            }
        }
        likelihoods
    }
}

/// The chance of a tick, spread over the span in which it is due; between ticks what other calls there are.
fn periodic(tick: Tick, from: Moment, rough: f32) -> f32 {
    let others = rough * (1.0 - tick.chance);
    if from < tick.from {
        return others;
    }
    let minutes = float(tick.to.since(tick.from)) / float(MINUTE);
    others - (1.0 - tick.chance).ln() / minutes
}

/// What the experts are worth while a silence lasts.
#[derive(Debug)]
pub(crate) struct Weights([f32; EXPERTS]);

impl Weights {
    pub(crate) fn new(learner: &Learner) -> Self {
        Self(learner.scores.map(f32::exp))
    }

    /// Nothing came during a step: who had expected something loses.
    pub(crate) fn survive(&mut self, step: &Step) {
        let minutes = step.minutes();
        for (weight, hazard) in self.0.iter_mut().zip(step.hazards) {
            let expected = hazard * minutes;
            // Close to the exponential, and quicker.
            *weight =
                (*weight / (1.0 + expected + expected * expected / 2.0)).max(f32::MIN_POSITIVE);
        }
    }

    /// The hazard of the step by all experts, and who contributes most to it.
    pub(crate) fn mix(&self, step: &Step) -> (f32, Expert) {
        let sum: f32 = self.0.iter().sum();
        let (mut hazard, mut most, mut leader) = (0.0, 0.0, Expert::RoughGaps);
        for ((weight, part), expert) in self.0.into_iter().zip(step.hazards).zip(ALL) {
            let part = weight / sum * part;
            hazard += part;
            if part > most {
                (most, leader) = (part, expert);
            }
        }
        (hazard, leader)
    }
}
