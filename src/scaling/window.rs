//! What came of a function in the last minute, second by second. Pure; a function that rests takes no memory here.

use std::collections::VecDeque;
use std::time::Duration;

use crate::cost::float;
use crate::telemetry::Pulse;

/// What most figures are taken over.
const SHORT: Duration = Duration::from_secs(10);
/// What is remembered, and what cold starts are counted over.
const LONG: Duration = Duration::from_secs(60);

/// One look at a function, and what came since the one before.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Sample {
    /// The time since then.
    pub(crate) span: Duration,
    /// Instances that live.
    pub(crate) live: usize,
    /// Those that serve.
    pub(crate) busy: usize,
    /// The most that served, or were waited for, at once since then.
    pub(crate) busy_peak: usize,
    /// Callers in the queue.
    pub(crate) waiting: usize,
    /// Calls that came.
    pub(crate) arrivals: u64,
    /// Invocations that ended.
    pub(crate) pulse: Pulse,
}

impl Sample {
    fn is_quiet(&self) -> bool {
        self.arrivals == 0 && self.pulse.ended == 0 && self.busy == 0 && self.waiting == 0
    }
}

/// What decisions are made from.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Figures {
    /// Instances that live now.
    pub(crate) live: usize,
    /// Callers in the queue now.
    pub(crate) waiting: usize,
    /// Instances that were busy on average, over ten seconds.
    pub(crate) load: f64,
    /// Processors that they kept busy on average.
    pub(crate) processors: f64,
    /// The most that were busy at once, over a minute.
    pub(crate) busy_peak: usize,
    /// Calls in a second, over ten.
    pub(crate) calls_per_second: f64,
    /// Invocations that ended within a minute, and how many of them had a cold start.
    pub(crate) ended: u64,
    pub(crate) cold: u64,
    /// Invocations that ended within ten seconds, how many of them took more than a second, and the part of that time for
    /// which those waited.
    pub(crate) ended_lately: u64,
    pub(crate) slow: u64,
    pub(crate) slow_waited: f64,
}

impl Figures {
    /// Load over what lives; whichever is more of instances and processors.
    pub(crate) fn utilization(&self) -> f64 {
        self.needed() / float(self.live.max(1) as u64)
    }

    /// So many instances would be busy all the time.
    pub(crate) fn needed(&self) -> f64 {
        self.load.max(self.processors)
    }

    /// The part of the invocations that took more than a second.
    pub(crate) fn slow_rate(&self) -> f64 {
        float(self.slow) / float(self.ended_lately.max(1))
    }

    /// The part of the invocations that had a cold start.
    pub(crate) fn cold_rate(&self) -> f64 {
        float(self.cold) / float(self.ended.max(1))
    }
}

/// The last minute of one function.
#[derive(Debug, Clone, Default)]
pub(crate) struct Window {
    samples: VecDeque<Sample>,
    /// How many of the last samples were quiet.
    quiet: usize,
}

impl Window {
    /// Adds a look.
    pub(crate) fn add(&mut self, sample: Sample, concurrency: usize) -> Figures {
        if sample.is_quiet() && self.samples.is_empty() {
            return Figures {
                live: sample.live,
                ..Figures::default()
            };
        }
        self.quiet = if sample.is_quiet() { self.quiet + 1 } else { 0 };
        self.samples.push_back(sample);
        let mut kept = Duration::ZERO;
        let fits = |sample: &&Sample| {
            kept += sample.span;
            kept <= LONG
        };
        let count = self.samples.iter().rev().take_while(fits).count().max(1);
        self.samples.drain(..self.samples.len() - count);
        if self.quiet >= self.samples.len() {
            (self.samples, self.quiet) = (VecDeque::new(), 0);
        }
        Figures {
            live: sample.live,
            waiting: sample.waiting,
            ..self.figures(concurrency)
        }
    }

    fn figures(&self, concurrency: usize) -> Figures {
        let mut figures = Figures::default();
        let (mut used_us, mut cpu_us, mut busy_us, mut arrivals) = (0, 0, 0.0, 0);
        let (mut slow_us, mut slow_waited_us) = (0, 0);
        let mut span = Duration::ZERO;
        for sample in self.samples.iter().rev() {
            let pulse = sample.pulse;
            figures.busy_peak = figures.busy_peak.max(sample.busy_peak);
            figures.ended += pulse.ended;
            figures.cold += pulse.cold;
            if span < SHORT {
                figures.ended_lately += pulse.ended;
                figures.slow += pulse.slow;
                used_us += pulse.used_us;
                cpu_us += pulse.cpu_us;
                slow_us += pulse.slow_us;
                slow_waited_us += pulse.slow_waited_us;
                arrivals += sample.arrivals;
                busy_us += float(sample.busy as u64) * sample.span.as_secs_f64() * 1e6;
            }
            span += sample.span;
        }
        // What has only begun is not used up yet: a second of load is a tenth of ten seconds'.
        let span_us = SHORT.as_secs_f64() * 1e6;
        let seats = float(concurrency.max(1) as u64);
        figures.load = (float(used_us) / seats).max(busy_us) / span_us;
        figures.processors = float(cpu_us) / span_us;
        figures.calls_per_second = float(arrivals) / SHORT.as_secs_f64();
        figures.slow_waited = float(slow_waited_us) / float(slow_us.max(1));
        figures
    }

    /// How much memory it holds on to.
    #[cfg(test)]
    fn capacity(&self) -> usize {
        self.samples.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn busy(count: usize) -> Sample {
        let pulse = Pulse {
            ended: 10,
            cold: 1,
            used_us: count as u64 * 1_000_000,
            cpu_us: 500_000,
            ..Pulse::default()
        };
        Sample {
            span: SECOND,
            live: 4,
            busy_peak: count + 1,
            arrivals: 10,
            pulse,
            ..Sample::default()
        }
    }

    #[test]
    fn a_steady_load_is_seen_as_what_it_is() {
        let mut window = Window::default();
        let figures = (0..30)
            .map(|_| window.add(busy(2), 1))
            .last()
            .expect("some");
        assert!((figures.load - 2.0).abs() < 0.01, "{figures:?}");
        assert!((figures.processors - 0.5).abs() < 0.01);
        assert!((figures.utilization() - 0.5).abs() < 0.01);
        assert!((figures.calls_per_second - 10.0).abs() < 0.01);
        assert_eq!(
            (figures.ended, figures.cold, figures.busy_peak),
            (300, 30, 3)
        );
    }

    #[test]
    fn a_moment_of_load_is_a_part_of_the_window() {
        let figures = Window::default().add(busy(2), 1);
        assert!((figures.load - 0.2).abs() < 0.01, "{figures:?}");
        let shared = Window::default().add(busy(2), 4);
        assert!((shared.load - 0.05).abs() < 0.01, "{shared:?}");
    }

    #[test]
    fn what_is_older_than_a_minute_is_forgotten_and_rest_takes_no_memory() {
        let mut window = Window::default();
        for _ in 0..200 {
            window.add(busy(2), 1);
        }
        assert!(window.samples.len() <= 60);
        let quiet = Sample {
            span: SECOND,
            live: 1,
            ..Sample::default()
        };
        let figures = (0..60).map(|_| window.add(quiet, 1)).last().expect("some");
        assert_eq!(
            figures,
            Figures {
                live: 1,
                ..Figures::default()
            }
        );
        assert_eq!(window.capacity(), 0);
    }
}
