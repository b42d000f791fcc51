//! What a pool does next, as pure functions of figures. Knows no clock, no lock and no process.

/// The figures of one pool at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Snapshot {
    /// Instances that have served and wait.
    pub(crate) idle: usize,
    /// Instances that were forked ahead of demand and wait.
    pub(crate) parked: usize,
    /// Instances that are being forked ahead of demand.
    pub(crate) filling: usize,
    /// All instances there are or will be: idle, parked, filling, busy and starting.
    pub(crate) live: usize,
    /// Callers in the queue.
    pub(crate) waiting: usize,
    /// Seats that processes which are being forked will have beside their first one; none where each has one only.
    pub(crate) coming: usize,
    /// Forks for callers that are under way.
    pub(crate) starting: usize,
}

/// What bounds a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// At least so many instances are kept.
    pub(crate) instances_min: usize,
    /// At most so many instances may live.
    pub(crate) instances_max: usize,
    /// So many are kept parked, room permitting.
    pub(crate) parked: usize,
    /// At most so many callers may wait.
    pub(crate) waiters_max: usize,
    /// At most so many forks for callers are under way.
    pub(crate) starts_max: usize,
}

impl Bounds {
    /// Whether a caller has a turn to fork, whatever room there is.
    pub(crate) fn may_start(self, now: Snapshot) -> bool {
        now.starting < self.starts_max
    }
}

/// What to do with a caller who needs an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Give the idle instance that served last: its caches are warmest.
    Reuse,
    /// Give a parked instance.
    TakeParked,
    /// Fork one.
    Fork,
    /// Let the caller wait, unless too many do.
    Wait,
}

/// Decides for one caller.
pub(crate) fn decide(now: Snapshot, bounds: Bounds) -> Decision {
    if now.idle > 0 {
        Decision::Reuse
    } else if now.parked > 0 {
        Decision::TakeParked
    } else if now.waiting < now.coming.min(bounds.waiters_max) {
        Decision::Wait
    } else if now.live < bounds.instances_max && bounds.may_start(now) {
        Decision::Fork
    } else {
        Decision::Wait
    }
}

/// Whether a pool gives the room of one of its instances away, to callers of the hungriest other: where that has fewer, for
/// an instance that nobody waits for here, or so few that it has no more afterwards. So room that a pool has come by fairly
/// stays warm between its callers, and none moves to and fro.
pub(crate) fn yields(now: Snapshot, bounds: Bounds, hungriest: Option<usize>) -> bool {
    let needed = usize::from(now.waiting > 0);
    hungriest.is_some_and(|theirs| now.live > bounds.instances_min && theirs + needed < now.live)
}

/// How many instances to fork ahead of demand now. `floor` are to live, whatever the function itself asks for.
pub(crate) fn to_park(now: Snapshot, bounds: Bounds, floor: usize) -> usize {
    let for_parking = bounds.parked.saturating_sub(now.parked + now.filling);
    let for_minimum = bounds.instances_min.max(floor).saturating_sub(now.live);
    for_parking
        .max(for_minimum)
        .min(bounds.instances_max.saturating_sub(now.live))
}

/// How many processes may be let go, if `stay` are to live besides the function's own minimum: idle ones, and parked ones
/// beyond those that it asks for.
pub(crate) fn may_expire(now: Snapshot, bounds: Bounds, stay: usize) -> (usize, usize) {
    let all = now.live.saturating_sub(bounds.instances_min.max(stay));
    let idle = now.idle.min(all);
    let parked = now.parked.saturating_sub(bounds.parked);
    (idle, parked.min(all - idle))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn snapshots() -> impl Strategy<Value = Snapshot> {
        (
            0..20_usize,
            0..20_usize,
            0..20_usize,
            0..20_usize,
            0..20_usize,
            (0..20_usize, 0..20_usize),
        )
            .prop_map(
                |(idle, parked, filling, busy, waiting, (coming, starting))| Snapshot {
                    idle,
                    parked,
                    filling,
                    live: idle + parked + filling + busy,
                    waiting,
                    coming,
                    starting: starting.min(busy),
                },
            )
    }

    fn bounds() -> impl Strategy<Value = Bounds> {
        (
            0..5_usize,
            1..40_usize,
            0..8_usize,
            0..20_usize,
            1..20_usize,
        )
            .prop_map(
                |(instances_min, instances_max, parked, waiters_max, starts_max)| Bounds {
                    instances_min: instances_min.min(instances_max),
                    instances_max,
                    parked,
                    waiters_max,
                    starts_max,
                },
            )
    }

    proptest! {
        #[test]
        fn never_exceeds_a_bound_and_never_refuses_what_is_there(now in snapshots(), bounds in bounds()) {
            match decide(now, bounds) {
                Decision::Reuse => prop_assert!(now.idle > 0),
                Decision::TakeParked => prop_assert!(now.idle == 0 && now.parked > 0),
                Decision::Fork => prop_assert!(now.live < bounds.instances_max && now.starting < bounds.starts_max),
                Decision::Wait => {
                    prop_assert!(now.idle == 0 && now.parked == 0);
                    let is_full = now.live >= bounds.instances_max || now.starting >= bounds.starts_max;
                    prop_assert!(is_full || now.waiting < now.coming);
                }
            }
        }

        /// Pools that are always hungry, and of which one after the other has an instance that is free.
        #[test]
        fn room_is_shared_evenly_and_then_stays(
            mut live in prop::collection::vec(0..60_usize, 2..8), turns in prop::collection::vec(0..8_usize, 0..100),
        ) {
            let bounds = Bounds { instances_min: 0, instances_max: 100, parked: 0, waiters_max: 10, starts_max: 8 };
            let all: usize = live.iter().sum();
            let turn = |live: &mut Vec<usize>, pool: usize| {
                let pool = pool % live.len();
                let now = Snapshot { idle: 0, parked: 0, filling: 0, live: live[pool], waiting: 1, coming: 0, starting: 0 };
                let (poorest, least) = live.iter().copied().enumerate().min_by_key(|(_, live)| *live).expect("some");
                let moves = live[pool] > 0 && yields(now, bounds, Some(least));
                if moves {
                    live[pool] -= 1;
                    live[poorest] += 1;
                }
                moves
            };
            for pool in turns.into_iter().chain((0..500).flat_map(|_| 0..8)) {
                turn(&mut live, pool);
            }
            prop_assert_eq!(live.iter().sum::<usize>(), all);
            let (least, most) = (live.iter().min(), live.iter().max());
            prop_assert!(most.zip(least).is_some_and(|(most, least)| most - least <= 1), "{:?}", live);
            // Nothing moves to and fro.
            for pool in 0..live.len() {
                prop_assert!(!turn(&mut live, pool));
            }
        }

        #[test]
        fn nobody_yields_without_need_or_below_the_minimum(now in snapshots(), bounds in bounds(), theirs in 0..40_usize) {
            prop_assert!(!yields(now, bounds, None));
            if yields(now, bounds, Some(theirs)) {
                prop_assert!(now.live > bounds.instances_min);
                prop_assert!(theirs < now.live);
            }
        }

        #[test]
        fn parking_reaches_its_target_within_the_bound(now in snapshots(), bounds in bounds(), floor in 0..30_usize) {
            let count = to_park(now, bounds, floor);
            prop_assert!(now.live + count >= floor.min(bounds.instances_max));
            prop_assert!(count == 0 || now.live + count <= bounds.instances_max);
            let full = now.live + count >= bounds.instances_max;
            prop_assert!(full || now.parked + now.filling + count >= bounds.parked);
            prop_assert!(full || now.live + count >= bounds.instances_min);
        }

        #[test]
        fn expiry_keeps_the_minimum_and_what_is_wanted(now in snapshots(), bounds in bounds(), stay in 0..30_usize) {
            let (idle, parked) = may_expire(now, bounds, stay);
            prop_assert!(idle <= now.idle && parked <= now.parked);
            prop_assert!(idle + parked == 0 || now.live - idle - parked >= bounds.instances_min.max(stay));
            prop_assert!(parked == 0 || now.parked - parked >= bounds.parked);
        }
    }
}
