//! What ends when memory is short: instances that nobody uses first, then the zygotes of functions that have none; of each,
//! those that were not needed for longest.

use super::Capacity;

/// When memory is short, one in so many of what rests ends at a time, and the machine is looked at again.
const PART: usize = 8;

/// What was ended.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shed {
    pub(crate) instances: usize,
    pub(crate) zygotes: usize,
}

impl Capacity {
    /// Ends a part of what nobody uses. Functions keep the minimum that they ask for.
    pub(crate) fn shed(&self) -> Shed {
        let instances = self.shed_instances();
        let zygotes = match instances {
            0 => self.shed_zygotes(),
            _ => 0,
        };
        Shed { instances, zygotes }
    }

    fn shed_instances(&self) -> usize {
        let idle = self.idle_longest_first();
        let count = idle.len().div_ceil(PART);
        let ended = idle.into_iter().take(count);
        ended.filter(|(_, pool)| pool.end_oldest()).count()
    }

    fn shed_zygotes(&self) -> usize {
        let resting = self.resting();
        let count = resting.len().div_ceil(PART);
        for pool in resting.iter().take(count) {
            pool.let_zygote_go();
        }
        count
    }
}
