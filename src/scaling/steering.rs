//! What a pool is told to have and to keep. Pure.

use std::time::Duration;

/// Ranks of instances in groups that double: the first, the second, 3rd and 4th, 5th to 8th, …; the last has all others.
pub(crate) const RANK_GROUPS: usize = 8;

/// How long an idle instance stays that is the one too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Keep([Duration; RANK_GROUPS]);

impl Keep {
    /// The same for all.
    pub(crate) const fn fixed(time: Duration) -> Self {
        Self([time; RANK_GROUPS])
    }

    /// What each group of ranks keeps, asked for its lowest rank.
    pub(crate) fn by_rank(time: impl Fn(usize) -> Duration) -> Self {
        Self(std::array::from_fn(|group| time(lowest(group))))
    }

    /// For the instance of that rank, from 1: of five that live, the fifth is the first to go.
    pub(crate) fn of(&self, rank: usize) -> Duration {
        self.0[group(rank)]
    }
}

fn group(rank: usize) -> usize {
    let below = rank.max(1).saturating_sub(1);
    let bits = below.checked_ilog2().map_or(0, |bits| bits as usize + 1);
    bits.min(RANK_GROUPS - 1)
}

fn lowest(group: usize) -> usize {
    match group {
        0 => 1,
        _ => (1 << (group - 1)) + 1,
    }
}

/// What a pool is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Steering {
    /// So many instances are to live; what is missing is forked ahead of demand. Others' need comes first.
    pub(crate) floor: usize,
    /// So many stay if they live.
    pub(crate) hold: usize,
    /// How long the others stay that have served.
    pub(crate) keep: Keep,
    /// How long those stay, from when they were forked, that nobody has needed.
    pub(crate) spare: Duration,
}

impl Steering {
    /// Nothing but a time.
    pub(crate) const fn fixed(time: Duration) -> Self {
        Self {
            floor: 0,
            hold: 0,
            keep: Keep::fixed(time),
            spare: time,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_fall_into_groups_that_double() {
        assert_eq!(
            [0, 1, 2, 3, 4, 5, 8, 9, 64, 65, 9_999].map(group),
            [0, 0, 1, 2, 2, 3, 3, 4, 6, 7, 7]
        );
        for group_number in 0..RANK_GROUPS {
            assert_eq!(group(lowest(group_number)), group_number);
        }
    }
}
