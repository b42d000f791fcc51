//! Children that were forked a moment ago, and of which nobody was told yet.
//!
//! A child begins with an invocation at once, and its caller waits for it. A report at that moment would wake the
//! supervisor on a processor that the child needs. So it is told a little later: it needs a child's descriptor only to
//! kill it. A child that dies before that stays a zombie, and its process id with it; of one that serves a single invocation
//! its end is mostly all that is ever reported.

use std::time::{Duration, Instant};

/// How long a report may wait.
const DELAY: Duration = Duration::from_millis(3);

/// The same of children that end after one invocation, which most of them have done by then.
const DELAY_ONCE: Duration = Duration::from_millis(10);

/// More children are reported at once.
const COUNT_MAX: usize = 32;

/// Numbers and process ids, oldest first.
#[derive(Debug)]
pub(crate) struct Newborn {
    waiting: Vec<(u64, i32)>,
    oldest: Option<Instant>,
    delay: Duration,
}

impl Default for Newborn {
    fn default() -> Self {
        Self {
            waiting: Vec::new(),
            oldest: None,
            delay: DELAY,
        }
    }
}

impl Newborn {
    /// Children that end after one invocation.
    pub(crate) fn serving_once() -> Self {
        Self {
            delay: DELAY_ONCE,
            ..Self::default()
        }
    }

    /// Adds a child.
    pub(crate) fn push(&mut self, number: u64, pid: i32) {
        self.waiting.push((number, pid));
        self.oldest.get_or_insert_with(Instant::now);
    }

    /// Whether this process id is among them.
    pub(crate) fn contains(&self, pid: i32) -> bool {
        self.waiting.iter().any(|&(_, waiting)| waiting == pid)
    }

    /// How long the report may still wait; `None` when there is nothing to report.
    pub(crate) fn patience(&self) -> Option<Duration> {
        let oldest = self.oldest?;
        let full = self.waiting.len() >= COUNT_MAX;
        Some(if full {
            Duration::ZERO
        } else {
            self.delay.saturating_sub(oldest.elapsed())
        })
    }

    /// Takes all.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = (u64, i32)> {
        self.oldest = None;
        std::mem::take(&mut self.waiting).into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_longer_for_those_that_end_by_themselves() {
        let mut newborn = Newborn::serving_once();
        newborn.push(1, 100);
        let patience = newborn.patience().expect("something to report");
        assert!(patience > DELAY && patience <= DELAY_ONCE, "{patience:?}");
    }

    #[test]
    fn waits_a_little_but_not_with_many() {
        let mut newborn = Newborn::default();
        assert_eq!(newborn.patience(), None);
        newborn.push(1, 100);
        assert!(newborn.patience().is_some_and(|patience| patience <= DELAY));
        for number in 2..=32 {
            newborn.push(number, 100);
        }
        assert_eq!(newborn.patience(), Some(Duration::ZERO));
        assert_eq!(newborn.drain().count(), 32);
        assert_eq!(newborn.patience(), None);
    }
}
