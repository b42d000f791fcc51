//! Ids of deliveries, in the order in which they are given out.

/// Supervisors that share a database give out ids that differ in so many of the last nanoseconds.
const STEP: i64 = 1_024;

/// Gives out ids: the time in nanoseconds, or a little later when that is taken.
#[derive(Debug)]
pub(super) struct Ids {
    last: i64,
    step: i64,
    /// What the ids of this supervisor leave when they are divided by the step.
    place: i64,
}

impl Ids {
    pub(super) fn new(is_shared: bool) -> Self {
        let step = if is_shared { STEP } else { 1 };
        Self::at(fastrand::i64(0..step), step)
    }

    fn at(place: i64, step: i64) -> Self {
        let last = place - step;
        Self { last, step, place }
    }

    pub(super) fn next(&mut self) -> i64 {
        self.after(crate::time::unix_ns())
    }

    fn after(&mut self, now: i64) -> i64 {
        let id = now - now.rem_euclid(self.step) + self.place;
        self.last = id.max(self.last + self.step);
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_rise_and_those_of_two_supervisors_never_meet() {
        let mut alone = Ids::new(false);
        let given = [5, 5, 9, 7].map(|now| alone.after(now));
        assert_eq!(given, [5, 6, 9, 10]);
        let [mut one, mut other] = [3, 4].map(|place| Ids::at(place, STEP));
        for now in [0, 1, 1_500, 1_400, 999_999] {
            let (first, second) = (one.after(now), one.after(now));
            assert!(first < second && second % STEP == 3, "{first} {second}");
            assert_eq!(other.after(now) % STEP, 4);
        }
    }
}
