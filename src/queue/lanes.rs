//! Which lanes have something to run now. A lane is a function, or the webhooks of one; each has a bound on how many of its
//! deliveries run at a time, and no lane waits for another. Pure: what is stored is asked elsewhere.

use std::collections::HashMap;

/// The most deliveries that one transaction claims for one lane, so that every lane has its turn.
const CLAIM_MAX: usize = 64;
/// The most deliveries that run at a time, of all lanes together.
const RUNNING_MAX: usize = 512;

/// What is known of one lane.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Lane {
    running: usize,
    /// When the next of those that wait is due; `None` when none waits.
    due_unix_ms: Option<i64>,
    /// Until when nothing of it makes sense to run.
    paused_until_unix_ms: i64,
}

/// All lanes.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    lanes: HashMap<String, Lane>,
    running: usize,
    /// Where the last turn ended.
    turn: usize,
}

impl Lanes {
    /// Something of a lane is due at some time.
    pub(super) fn add(&mut self, lane: &str, due_unix_ms: i64) {
        let lane = self.lane(lane);
        let due = lane
            .due_unix_ms
            .map_or(due_unix_ms, |due| due.min(due_unix_ms));
        lane.due_unix_ms = Some(due);
    }

    /// So many of a lane run from now on; the next one is due at a time, or there is none.
    pub(super) fn claimed(&mut self, lane: &str, count: usize, next_due_unix_ms: Option<i64>) {
        self.running += count;
        let lane = self.lane(lane);
        lane.running += count;
        lane.due_unix_ms = next_due_unix_ms;
    }

    /// One of a lane runs no more.
    pub(super) fn ended(&mut self, lane: &str) {
        self.running = self.running.saturating_sub(1);
        if let Some(known) = self.lanes.get_mut(lane) {
            known.running = known.running.saturating_sub(1);
            if known.running == 0 && known.due_unix_ms.is_none() {
                self.lanes.remove(lane);
            }
        }
    }

    /// Nothing of a lane makes sense to run until then.
    pub(super) fn pause(&mut self, lane: &str, until_unix_ms: i64) {
        let lane = self.lane(lane);
        lane.paused_until_unix_ms = lane.paused_until_unix_ms.max(until_unix_ms);
    }

    /// Lanes to claim from now, each with how many, beginning where the last turn ended.
    pub(super) fn ready(
        &mut self,
        now_unix_ms: i64,
        most: impl Fn(&str) -> usize,
    ) -> Vec<(String, usize)> {
        let mut room = RUNNING_MAX.saturating_sub(self.running);
        let is_due = |lane: &Lane| lane.starts_at().is_some_and(|due| due <= now_unix_ms);
        let mut due: Vec<(&String, &Lane)> =
            self.lanes.iter().filter(|(_, lane)| is_due(lane)).collect();
        due.sort_unstable_by_key(|(name, _)| *name);
        let count = due.len();
        due.rotate_left(self.turn.checked_rem(count).unwrap_or_default());
        let mut ready = Vec::new();
        for (name, lane) in due {
            let free = most(name)
                .saturating_sub(lane.running)
                .min(CLAIM_MAX)
                .min(room);
            if free > 0 {
                room -= free;
                ready.push((name.clone(), free));
            }
        }
        self.turn = self.turn.wrapping_add(1);
        ready
    }

    /// When something is due next that there is room for.
    pub(super) fn next_due_unix_ms(&self, most: impl Fn(&str) -> usize) -> Option<i64> {
        if self.running >= RUNNING_MAX {
            return None;
        }
        let with_room = self
            .lanes
            .iter()
            .filter(|(name, lane)| lane.due_unix_ms.is_some() && lane.running < most(name));
        with_room.filter_map(|(_, lane)| lane.starts_at()).min()
    }

    /// Forgets what waits in a lane.
    pub(super) fn forget(&mut self, lane: &str) {
        if let Some(known) = self.lanes.get_mut(lane) {
            known.due_unix_ms = None;
            if known.running == 0 {
                self.lanes.remove(lane);
            }
        }
    }

    fn lane(&mut self, name: &str) -> &mut Lane {
        if !self.lanes.contains_key(name) {
            self.lanes.insert(name.to_owned(), Lane::default());
        }
        self.lanes.entry(name.to_owned()).or_default()
    }
}

impl Lane {
    fn starts_at(&self) -> Option<i64> {
        Some(self.due_unix_ms?.max(self.paused_until_unix_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_runs_no_more_than_it_may_and_holds_up_no_other() {
        let mut lanes = Lanes::default();
        let most = |lane: &str| if lane == "narrow" { 1 } else { 100 };
        lanes.add("narrow", 5);
        lanes.add("wide", 7);
        assert_eq!(lanes.next_due_unix_ms(most), Some(5));
        assert_eq!(lanes.ready(4, most), []);
        assert_eq!(lanes.ready(5, most), [("narrow".to_owned(), 1)]);
        lanes.claimed("narrow", 1, Some(5));
        assert_eq!(lanes.ready(7, most), [("wide".to_owned(), CLAIM_MAX)]);
        assert_eq!(lanes.next_due_unix_ms(most), Some(7));
        lanes.claimed("wide", 3, None);
        assert_eq!(lanes.next_due_unix_ms(most), None);
        lanes.ended("narrow");
        assert_eq!(lanes.next_due_unix_ms(most), Some(5));
        lanes.pause("narrow", 50);
        assert_eq!(lanes.ready(49, most), []);
        assert_eq!(lanes.next_due_unix_ms(most), Some(50));
        lanes.forget("narrow");
        assert_eq!(lanes.next_due_unix_ms(most), None);
    }

    #[test]
    fn all_lanes_together_have_a_bound_and_take_turns() {
        let mut lanes = Lanes::default();
        let most = |_: &str| 1_000;
        for index in 0..20 {
            lanes.add(&format!("{index:02}"), 0);
        }
        let first = lanes.ready(0, most);
        let claimed: usize = first.iter().map(|(_, count)| count).sum();
        assert_eq!(claimed, RUNNING_MAX);
        assert_eq!(first[0].0, "00");
        assert_eq!(lanes.ready(0, most)[0].0, "01");
        for (name, count) in first {
            lanes.claimed(&name, count, Some(0));
        }
        assert_eq!(lanes.ready(0, most), []);
        assert_eq!(lanes.next_due_unix_ms(most), None);
    }
}
