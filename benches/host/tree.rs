//! Who descends from whom, read from /proc.

use std::collections::{HashMap, HashSet};
use std::fs;

/// One process.
#[derive(Debug, Clone)]
pub(crate) struct Process {
    pub(crate) pid: i32,
    pub(crate) parent: i32,
    /// Its name of at most 15 bytes.
    pub(crate) name: String,
    /// When it was started, in ticks since boot: with the pid, this is never reused.
    pub(crate) started: u64,
}

/// A process and all that descend from it, parents first.
pub(crate) fn of(root: i32) -> Vec<Process> {
    let mut children: HashMap<i32, Vec<Process>> = HashMap::new();
    let mut found = Vec::new();
    for process in all() {
        if process.pid == root {
            found.push(process);
        } else {
            children.entry(process.parent).or_default().push(process);
        }
    }
    let mut seen = HashSet::from([root]);
    let mut next = 0;
    while next < found.len() {
        let below = children.remove(&found[next].pid).unwrap_or_default();
        found.extend(below.into_iter().filter(|process| seen.insert(process.pid)));
        next += 1;
    }
    found
}

/// Of some processes, those that are still alive.
pub(crate) fn alive(processes: &[Process]) -> Vec<Process> {
    let is_same = |old: &Process| one(old.pid).is_some_and(|new| new.started == old.started);
    processes
        .iter()
        .filter(|process| is_same(process))
        .cloned()
        .collect()
}

fn all() -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| one(entry.file_name().to_str()?.parse().ok()?))
        .collect()
}

/// Zombies count as gone.
fn one(pid: i32) -> Option<Process> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may hold spaces and parentheses, so the fields after it are found from the last parenthesis.
    let (open, close) = (stat.find('(')?, stat.rfind(')')?);
    let fields: Vec<&str> = stat[close + 2..].split(' ').collect();
    let started = fields.get(19)?.parse().ok()?;
    let parent = fields.get(1)?.parse().ok()?;
    (fields[0] != "Z").then(|| Process {
        pid,
        parent,
        name: stat[open + 1..close].to_owned(),
        started,
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn this_process_is_in_its_own_tree() {
        let own = i32::try_from(std::process::id()).expect("a pid");
        assert_eq!(super::of(own)[0].pid, own);
    }
}
