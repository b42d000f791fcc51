//! What the two versions of control groups have in common, as seen by the code that works with groups.
//! Knows files and their places, not which process is what.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::CgroupError;
use super::limits::Limits;

/// What the kernel can count and limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Controller {
    /// Memory of all kinds.
    Memory,
    /// Weights and quotas of processors.
    Cpu,
    /// Processes and threads.
    Pids,
    /// Use of processors, a controller of its own in version 1 only.
    Cpuacct,
}

impl Controller {
    /// Those without which there are no groups.
    pub const NEEDED: [Self; 3] = [Self::Memory, Self::Cpu, Self::Pids];

    /// The kernel's name for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Cpu => "cpu",
            Self::Pids => "pids",
            Self::Cpuacct => "cpuacct",
        }
    }
}

impl fmt::Display for Controller {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(self.name())
    }
}

/// Of which make the kernel's interface is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// One hierarchy for each controller.
    V1,
    /// One hierarchy for all.
    V2,
}

/// Whom the kernel ends when a group is out of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Victim {
    /// The largest process.
    One,
    /// All processes of the group, which are nothing without each other. Version 1 knows only the other way.
    All,
}

/// One value for one file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Setting {
    pub(super) controller: Controller,
    pub(super) file: &'static str,
    pub(super) value: String,
    /// An error that means no harm.
    pub(super) tolerated: Option<io::ErrorKind>,
}

impl Setting {
    pub(super) fn new(controller: Controller, file: &'static str, value: impl ToString) -> Self {
        Self {
            controller,
            file,
            value: value.to_string(),
            tolerated: None,
        }
    }

    pub(super) fn tolerating(mut self, kind: io::ErrorKind) -> Self {
        self.tolerated = Some(kind);
        self
    }
}

/// Names of the files that are read or written as long as a group lives.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) memory_events: &'static str,
    pub(super) memory_peak: &'static str,
    pub(super) memory_now: &'static str,
    pub(super) cpu_usage: &'static str,
}

/// One of the two versions. Groups are named by their path below the platform's place.
pub(super) trait Backend: fmt::Debug + Send + Sync {
    fn version(&self) -> Version;
    fn files(&self) -> &'static Files;
    fn filesystem(&self) -> Filesystem;

    /// Where a group's files of one controller are; none when the machine does not have the controller.
    fn folder(&self, group: &Path, controller: Controller) -> Option<PathBuf>;
    /// All folders that make up a group, each once.
    fn folders(&self, group: &Path) -> Vec<PathBuf>;

    /// Lets child groups have limits of their own.
    fn divide(&self, group: &Path) -> Result<(), CgroupError>;
    fn settings(&self, limits: &Limits, victim: Victim) -> Vec<Setting>;

    /// Ends all processes of a group and below in one step; `false` when the kernel cannot.
    fn kill_at_once(&self, group: &Path) -> io::Result<bool>;
    /// What the processes have used, in the text of the file for it.
    fn parse_cpu_usage(&self, text: &str) -> Option<std::time::Duration>;
}

/// How folders are made and removed: by the kernel, or by tests that play the kernel.
#[derive(Debug, Clone, Copy)]
pub(super) struct Filesystem {
    pub(super) make: fn(&Path) -> io::Result<()>,
    pub(super) remove: fn(&Path) -> io::Result<()>,
}

impl Filesystem {
    pub(super) const KERNEL: Self = Self {
        make: |path| fs::create_dir(path),
        remove: |path| fs::remove_dir(path),
    };
}

/// Writes into a file that is there. Never makes one, so a wrong path is an error everywhere.
pub(super) fn write(path: &Path, value: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).open(path)?;
    file.write_all(value.as_bytes())
}

/// The value in a file with lines of a key and a number.
pub(super) fn value_of(text: &str, key: &str) -> Option<u64> {
    let rest = |line: &str| {
        line.strip_prefix(key)?
            .strip_prefix(' ')?
            .trim()
            .parse()
            .ok()
    };
    text.lines().find_map(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_whole() {
        let text = "oom 7\noom_kill 3\noom_group_kill 1\n";
        assert_eq!(value_of(text, "oom_kill"), Some(3));
        assert_eq!(value_of(text, "oom"), Some(7));
        assert_eq!(value_of(text, "kill"), None);
    }

    #[test]
    fn a_file_that_is_not_there_is_not_made() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("memory.max");
        let error = write(&path, "1").expect_err("no such file");
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(!path.exists());
    }
}
