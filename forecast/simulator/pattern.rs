//! Shapes of traffic: counts per minute.

use fastrand::Rng;

use crate::draw::{exponential, normal, poisson};

const DAY: f64 = 1440.0;

/// How the rate changes over the day and the week.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rhythm {
    /// None at 0, all within half a day at 1.
    pub(crate) swing: f64,
    /// The hour of most calls.
    pub(crate) peak: f64,
    /// Traffic of a weekend's day, by that of a working day.
    pub(crate) weekend: f64,
}

impl Rhythm {
    /// The rate at a minute, by its mean.
    fn factor(&self, minute: f64) -> f64 {
        let hour = minute.rem_euclid(DAY) / 60.0;
        let wave = 1.0 + self.swing * (std::f64::consts::TAU * (hour - self.peak) / 24.0).cos();
        let day = if (minute / DAY).floor().rem_euclid(7.0) >= 5.0 {
            self.weekend
        } else {
            1.0
        };
        // A strong swing is squared, so that nights are silent.
        wave.powf(1.0 + self.swing) * day
    }
}

/// What a function's traffic is like.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pattern {
    /// Independent calls.
    Independent,
    /// A visitor calls several times, some minutes apart, and goes.
    Sessions { calls: f64, gap: f64 },
    /// Silence, then many calls for some minutes.
    Bursts { minutes: f64, calls: f64 },
    /// A machine that calls again some time after its last call.
    Polling { jitter: f64 },
    /// A schedule.
    Timer { period: u64, phase: u64 },
    /// Some calls at about the same time of each working day.
    Daily { hour: f64, jitter: f64, calls: f64 },
}

/// Counts for each minute.
pub(crate) fn counts(
    pattern: Pattern,
    daily: f64,
    rhythm: Rhythm,
    minutes: u64,
    random: &mut Rng,
) -> Vec<u32> {
    let mut maker = Maker {
        counts: vec![0; usize::try_from(minutes).unwrap_or(0)],
        rhythm,
        random,
    };
    match pattern {
        Pattern::Independent => maker.independent(daily / DAY),
        Pattern::Sessions { calls, gap } => maker.sessions(daily / calls, calls, gap),
        Pattern::Bursts { minutes, calls } => maker.bursts(daily / calls, minutes, calls),
        Pattern::Polling { jitter } => maker.polling(DAY / daily, jitter),
        Pattern::Timer { period, phase } => maker.timer(period, phase),
        Pattern::Daily {
            hour,
            jitter,
            calls,
        } => maker.daily(hour, jitter, calls),
    }
    maker.counts
}

struct Maker<'a> {
    counts: Vec<u32>,
    rhythm: Rhythm,
    random: &'a mut Rng,
}

impl Maker<'_> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "negative is before the trace"
    )]
    fn add(&mut self, minute: f64, count: u32) {
        if minute >= 0.0
            && let Some(of) = self.counts.get_mut(minute as usize)
        {
            *of += count;
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "minutes of some weeks")]
    fn minutes(&self) -> f64 {
        self.counts.len() as f64
    }

    fn independent(&mut self, per_minute: f64) {
        let mut minute = 0.0;
        while minute < self.minutes() {
            let count = poisson(self.random, per_minute * self.rhythm.factor(minute));
            self.add(minute, count);
            minute += 1.0;
        }
    }

    /// Starts of a process with a daily rate: by thinning, so that rare ones are quick to make.
    fn starts(&mut self, daily: f64) -> Vec<f64> {
        let most = (1.0 + self.rhythm.swing).powf(1.0 + self.rhythm.swing);
        let (mut starts, mut minute) = (Vec::new(), 0.0);
        loop {
            minute += exponential(self.random, DAY / (daily * most));
            if minute >= self.minutes() {
                return starts;
            }
            if self.random.f64() * most < self.rhythm.factor(minute) {
                starts.push(minute);
            }
        }
    }

    fn sessions(&mut self, daily: f64, calls: f64, gap: f64) {
        for start in self.starts(daily) {
            let mut minute = start;
            loop {
                self.add(minute, 1);
                if self.random.f64() < 1.0 / calls {
                    break;
                }
                minute += exponential(self.random, gap);
            }
        }
    }

    fn bursts(&mut self, daily: f64, minutes: f64, calls: f64) {
        for start in self.starts(daily) {
            let length = exponential(self.random, minutes).max(1.0);
            let mut minute = 0.0;
            while minute < length {
                let count = poisson(self.random, calls / minutes);
                self.add(start + minute, count.max(u32::from(minute < 1.0)));
                minute += 1.0;
            }
        }
    }

    fn polling(&mut self, gap: f64, jitter: f64) {
        let mut minute = self.random.f64() * gap;
        while minute < self.minutes() {
            self.add(minute, 1);
            minute += (gap * (1.0 + jitter * normal(self.random))).max(gap * 0.2);
        }
    }

    fn timer(&mut self, period: u64, phase: u64) {
        let period = usize::try_from(period).unwrap_or(1);
        let phase = usize::try_from(phase).unwrap_or(0) % period;
        self.counts
            .iter_mut()
            .skip(phase)
            .step_by(period)
            .for_each(|count| *count = 1);
    }

    fn daily(&mut self, hour: f64, jitter: f64, calls: f64) {
        let mut day = 0.0;
        while day * DAY < self.minutes() {
            let at = day * DAY + hour * 60.0 + jitter * normal(self.random);
            let is_working = day.rem_euclid(7.0) < 5.0 || self.rhythm.weekend > 0.5;
            if is_working {
                let count = poisson(self.random, calls).max(1);
                self.add(at, count);
            }
            day += 1.0;
        }
    }
}
