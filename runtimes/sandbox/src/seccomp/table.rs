//! A decision for every number, from the lines of lists. The one place that knows which number a name has.

use std::collections::BTreeMap;
use std::str::FromStr;

use syscalls::Sysno;

use super::decision::Decision;
use super::list::Line;

/// A decision for every number.
#[derive(Debug)]
pub(super) struct Table {
    listed: BTreeMap<i32, Decision>,
    /// For known numbers that no list names.
    unlisted: Decision,
    /// For numbers that were unknown when this was written.
    beyond: Decision,
}

impl Table {
    /// Allows what is listed. A number from the future is absent rather than forbidden: who calls it has another way
    /// for older kernels.
    pub(super) fn of_zygote<'a>(lines: impl IntoIterator<Item = &'a Line>) -> Self {
        Self::new(lines, Decision::Deny, Decision::Absent)
    }

    /// Allows what is not listed, because it comes on top of a zygote's.
    pub(super) fn of_instance<'a>(lines: impl IntoIterator<Item = &'a Line>) -> Self {
        Self::new(lines, Decision::Allow, Decision::Allow)
    }

    /// Names that this processor never had are left out: `open` is only on old ones.
    fn new<'a>(
        lines: impl IntoIterator<Item = &'a Line>,
        unlisted: Decision,
        beyond: Decision,
    ) -> Self {
        let mut listed: BTreeMap<i32, Decision> = BTreeMap::new();
        for line in lines {
            let Ok(number) = Sysno::from_str(&line.name) else {
                continue;
            };
            let decision = match listed.remove(&number.id()) {
                Some(earlier) => earlier.or(line.decision.clone()),
                None => line.decision.clone(),
            };
            listed.insert(number.id(), decision);
        }
        Self {
            listed,
            unlisted,
            beyond,
        }
    }

    /// What is decided about a number.
    pub(super) fn get(&self, number: i32) -> &Decision {
        let last = Sysno::last().id();
        let default = if number > last {
            &self.beyond
        } else {
            &self.unlisted
        };
        self.listed.get(&number).unwrap_or(default)
    }

    /// Stretches of numbers with one decision: the first number of each, in ascending order, the last without an end.
    pub(super) fn stretches(&self) -> Vec<(i32, &Decision)> {
        let mut stretches: Vec<(i32, &Decision)> = Vec::new();
        for number in 0..=Sysno::last().id() + 1 {
            let decision = self.get(number);
            if stretches.last().is_none_or(|(_, last)| *last != decision) {
                stretches.push((number, decision));
            }
        }
        stretches
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::{COMMON, INSTANCE, LISTEN, RUNTIMES, SUBPROCESS, list};
    use super::*;

    fn lists() -> Vec<(&'static str, Vec<Line>)> {
        let others = [
            ("common", COMMON),
            ("instance", INSTANCE),
            ("listen", LISTEN),
            ("subprocess", SUBPROCESS),
        ];
        let all = others.into_iter().chain(RUNTIMES);
        all.map(|(name, text)| (name, list::parse(name, text).expect(name)))
            .collect()
    }

    #[test]
    fn every_name_is_known_to_some_processor() {
        for (list, lines) in lines_of_lists() {
            for name in lines {
                let is_known = syscalls::x86_64::Sysno::from_str(&name).is_ok()
                    || syscalls::aarch64::Sysno::from_str(&name).is_ok();
                assert!(is_known, "list {list} names {name}");
            }
        }
    }

    fn lines_of_lists() -> impl Iterator<Item = (&'static str, Vec<String>)> {
        let names = |lines: Vec<Line>| lines.into_iter().map(|line| line.name).collect();
        lists()
            .into_iter()
            .map(move |(list, lines)| (list, names(lines)))
    }

    #[test]
    fn nothing_is_listed_twice_but_as_an_alternative() {
        for (list, lines) in lists() {
            let mut seen = BTreeSet::new();
            for line in lines {
                let is_alternative = matches!(line.decision, Decision::AllowIf(_));
                assert!(
                    seen.insert(line.name.clone()) || is_alternative,
                    "{list}: {}",
                    line.name
                );
            }
        }
        let common = list::parse("common", COMMON).expect("a list");
        for (list, lines) in lists()
            .into_iter()
            .filter(|(list, _)| !["common", "instance"].contains(list))
        {
            for line in lines {
                let again = common.iter().find(|other| other.name == line.name);
                assert_eq!(again, None, "{list} repeats {}", line.name);
            }
        }
    }

    #[test]
    fn names_without_a_number_are_left_out() {
        let lines = list::parse(
            "test",
            "arm_fadvise64_64 # another processor's\nread # files",
        )
        .expect("a list");
        let table = Table::of_zygote(&lines);
        assert_eq!(table.listed.len(), 1);
        assert_eq!(table.get(Sysno::read.id()), &Decision::Allow);
        assert_eq!(table.get(Sysno::mount.id()), &Decision::Deny);
        assert_eq!(table.get(i32::MAX), &Decision::Absent);
    }

    #[test]
    fn stretches_hold_what_the_table_holds() {
        for (_, lines) in lists() {
            let table = Table::of_zygote(&lines);
            let stretches = table.stretches();
            for number in 0..1_000 {
                let found = stretches.iter().rev().find(|(first, _)| *first <= number);
                assert_eq!(
                    found.map(|(_, decision)| *decision),
                    Some(table.get(number))
                );
            }
        }
    }
}
