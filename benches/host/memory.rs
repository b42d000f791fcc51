//! What processes hold in memory, and which process of the platform is which.

use std::collections::BTreeMap;
use std::fs;

use super::tree::{self, Process};

/// The parts that a process plays in the platform. Only this type knows the names that the platform gives them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    Supervisor,
    LanguageZygote,
    FunctionZygote,
    Instance,
}

impl Role {
    /// By name, and when the name says nothing by the distance from the supervisor.
    fn of(process: &Process, depth: usize) -> Self {
        let name = process.name.as_str();
        if depth == 0 {
            Self::Supervisor
        } else if name.starts_with("instance") {
            Self::Instance
        } else if name.starts_with("zygote") {
            Self::FunctionZygote
        } else if name.starts_with("zygo-") {
            Self::LanguageZygote
        } else {
            [Self::LanguageZygote, Self::FunctionZygote, Self::Instance][depth.min(3) - 1]
        }
    }

    /// The name that the record uses.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Supervisor => "supervisor",
            Self::LanguageZygote => "language zygote",
            Self::FunctionZygote => "function zygote",
            Self::Instance => "idle instance",
        }
    }
}

/// Memory of one process in MB (of 1,048,576 bytes).
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Memory {
    /// Resident, shared pages counted in full.
    pub(crate) rss: f64,
    /// Resident, shared pages divided by how many processes share them.
    pub(crate) pss: f64,
    /// Pages that this process alone has and has written.
    pub(crate) private_dirty: f64,
}

/// The platform's processes below (and with) a pid, by part and language; the supervisor's language is empty.
pub(crate) fn by_role(root: i32) -> BTreeMap<(Role, String), Vec<Memory>> {
    let mut memory: BTreeMap<_, Vec<Memory>> = BTreeMap::new();
    for (key, pid) in roles(root) {
        if let Some(one) = of(pid) {
            memory.entry(key).or_default().push(one);
        }
    }
    memory
}

fn roles(root: i32) -> Vec<((Role, String), i32)> {
    let mut depths: BTreeMap<i32, usize> = BTreeMap::new();
    let mut found = Vec::new();
    for process in tree::of(root) {
        let depth = depths.get(&process.parent).map_or(0, |depth| depth + 1);
        depths.insert(process.pid, depth);
        found.push((
            (Role::of(&process, depth), language(process.pid)),
            process.pid,
        ));
    }
    found
}

/// A fork keeps its parent's executable, which is named after the language.
fn language(pid: i32) -> String {
    let executable = fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
    let name = executable.file_name().unwrap_or_default().to_string_lossy();
    name.strip_prefix("zygo-")
        .unwrap_or_default()
        .trim_end_matches(" (deleted)")
        .to_owned()
}

/// The sum of a process and all below it.
pub(crate) fn of_tree(root: i32) -> Memory {
    tree::of(root)
        .iter()
        .filter_map(|process| of(process.pid))
        .fold(Memory::default(), |sum, one| Memory {
            rss: sum.rss + one.rss,
            pss: sum.pss + one.pss,
            private_dirty: sum.private_dirty + one.private_dirty,
        })
}

fn of(pid: i32) -> Option<Memory> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let megabytes = |key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(key))?;
        Some(line.trim().strip_suffix(" kB")?.parse::<f64>().ok()? / 1024.0)
    };
    Some(Memory {
        rss: megabytes("Rss:")?,
        pss: megabytes("Pss:")?,
        private_dirty: megabytes("Private_Dirty:")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_the_parts_apart() {
        let role = |name: &str| {
            let process = Process {
                pid: 9,
                parent: 1,
                name: name.to_owned(),
                started: 0,
            };
            Role::of(&process, 2)
        };
        assert_eq!(role("zygo-python"), Role::LanguageZygote);
        assert_eq!(role("zygote:hello"), Role::FunctionZygote);
        assert_eq!(role("instance:hello"), Role::Instance);
    }
}
