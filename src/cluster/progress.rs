//! Which changes of other nodes are taken over here, and which are still to be. Pure.
//!
//! Changes of one thing are taken over one after the other, those of different things side by side; what is taken over is
//! whatever is stored then, so several changes of a thing are one piece of work. A node's own changes are taken over as well,
//! in case it was never told that they were committed; but nothing waits for that.

use std::collections::{BTreeMap, HashMap};

use super::Change;

/// What is known of changes, by their numbers.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// All up to this one have been read.
    read: i64,
    /// With whether it is this node's own.
    open: BTreeMap<(i64, Change), bool>,
    /// Up to which number of it a thing is being taken over.
    running: HashMap<Change, i64>,
}

impl Progress {
    /// All up to a number is here already.
    pub(super) fn from(read: i64) -> Self {
        Self {
            read,
            ..Self::default()
        }
    }

    /// The number up to which all was read.
    pub(super) fn read(&self) -> i64 {
        self.read
    }

    /// A change was read.
    pub(super) fn add(&mut self, number: i64, change: Change, is_own: bool) {
        self.read = self.read.max(number);
        self.open.insert((number, change), is_own);
    }

    /// Everything may have changed: all numbers up to one are read, and these things are to be taken over.
    pub(super) fn anew(&mut self, read: i64, all: impl IntoIterator<Item = Change>) {
        self.read = read;
        let all = all.into_iter().map(|change| ((read, change), false));
        self.open = all.collect();
    }

    /// What is to be taken over now.
    pub(super) fn begin(&mut self) -> Vec<Change> {
        let mut begun: HashMap<Change, i64> = HashMap::new();
        for (number, change) in self.open.keys() {
            if !self.running.contains_key(change) {
                begun.insert(change.clone(), *number);
            }
        }
        self.running.extend(begun.clone());
        begun.into_keys().collect()
    }

    /// A thing was taken over, or could not be and is to be tried again.
    pub(super) fn end(&mut self, change: &Change, is_done: bool) {
        let Some(up_to) = self.running.remove(change) else {
            return;
        };
        if is_done {
            self.open
                .retain(|(number, open), _| open != change || *number > up_to);
        }
    }

    /// All changes of others up to this one are here.
    pub(super) fn applied(&self) -> i64 {
        let first = self.open.iter().find(|(_, is_own)| !**is_own);
        first.map_or(self.read, |((number, _), _)| number - 1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn function(id: &str) -> Change {
        Change::Function(id.to_owned())
    }

    #[test]
    fn what_changes_while_it_is_taken_over_is_taken_over_again() {
        let mut progress = Progress::from(3);
        assert_eq!((progress.applied(), progress.begin()), (3, vec![]));
        progress.add(4, function("own"), true);
        assert_eq!((progress.read(), progress.applied()), (4, 4));
        assert_eq!(progress.begin(), [function("own")]);
        progress.end(&function("own"), true);
        progress.add(5, function("a"), false);
        progress.add(6, Change::Keys, false);
        assert_eq!((progress.read(), progress.applied()), (6, 4));
        let mut begun = progress.begin();
        begun.sort();
        assert_eq!(begun, [function("a"), Change::Keys]);
        progress.add(7, function("a"), false);
        assert_eq!(progress.begin(), []);
        progress.end(&Change::Keys, true);
        assert_eq!(progress.applied(), 4);
        progress.end(&function("a"), true);
        assert_eq!(progress.applied(), 6);
        assert_eq!(progress.begin(), [function("a")]);
        progress.end(&function("a"), false);
        assert_eq!((progress.applied(), progress.begin().len()), (6, 1));
        progress.end(&function("a"), true);
        assert_eq!(progress.applied(), 7);
        progress.anew(2, [function("b"), Change::Keys]);
        assert_eq!((progress.read(), progress.applied()), (2, 1));
        assert_eq!(progress.begin().len(), 2);
    }

    proptest! {
        /// In whatever order things are taken over: what counts as here was begun after it had been read, and in the end
        /// all is here.
        #[test]
        fn nothing_counts_as_here_before_it_is(
            steps in prop::collection::vec((0_u8..4, 0_usize..3, any::<bool>()), 1..60),
        ) {
            let things = ["a", "b", "c"].map(function);
            let (mut progress, mut number) = (Progress::from(0), 0);
            let mut running: HashMap<Change, i64> = HashMap::new();
            // By number, whether something begun after it has ended well.
            let mut here: Vec<(Change, bool)> = Vec::new();
            for (step, thing, is_done) in steps {
                match step {
                    0 | 1 => {
                        number += 1;
                        progress.add(number, things[thing].clone(), step == 1);
                        here.push((things[thing].clone(), step == 1));
                    }
                    2 => running.extend(progress.begin().into_iter().map(|begun| (begun, number))),
                    _ => {
                        if let Some(since) = running.remove(&things[thing]) {
                            progress.end(&things[thing], is_done);
                            let seen = usize::try_from(since).unwrap_or_default();
                            let its = here.iter_mut().take(seen);
                            its.filter(|(its, _)| is_done && *its == things[thing])
                                .for_each(|(_, is_here)| *is_here = true);
                        }
                    }
                }
                let applied = usize::try_from(progress.applied()).unwrap_or_default();
                prop_assert!(here.iter().take(applied).all(|(_, is_here)| *is_here));
            }
            for change in running.into_keys() {
                progress.end(&change, false);
            }
            while progress.applied() < number {
                let begun = progress.begin();
                prop_assert!(!begun.is_empty());
                begun.iter().for_each(|change| progress.end(change, true));
            }
        }
    }
}
