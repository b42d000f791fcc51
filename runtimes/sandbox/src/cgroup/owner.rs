//! Whose a folder of groups is. Names carry the process id and the start time of the platform that made them, and the
//! platform holds a lock on its folder: the name is for people and for a first look, the lock also counts between
//! namespaces that do not see each other's processes.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

/// A process that cannot be mistaken for a later one with its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Owner {
    pid: u32,
    /// Ticks since the machine was started.
    started: u64,
}

impl Owner {
    pub(super) fn this() -> io::Result<Self> {
        Self::of(std::process::id())
    }

    pub(super) fn of(pid: u32) -> io::Result<Self> {
        let started = started(pid)?;
        Ok(Self { pid, started })
    }

    pub(super) fn folder(self, prefix: &str) -> String {
        format!("{prefix}-{}-{}", self.pid, self.started)
    }

    /// The owner that a folder's name tells of; none for folders of others.
    pub(super) fn of_folder(prefix: &str, folder: &str) -> Option<Self> {
        let rest = folder.strip_prefix(prefix)?.strip_prefix('-')?;
        let (pid, started) = rest.split_once('-')?;
        Some(Self {
            pid: pid.parse().ok()?,
            started: started.parse().ok()?,
        })
    }

    pub(super) fn is_alive(self) -> bool {
        started(self.pid).is_ok_and(|started| started == self.started)
    }
}

fn started(pid: u32) -> io::Result<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    parse_started(&text).ok_or_else(|| io::Error::other("a process's start time cannot be read"))
}

/// Field 22. The second one may hold anything, blanks and brackets included.
fn parse_started(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(19)?.parse().ok()
}

/// Takes the lock on a folder; none when somebody has it. It ends with the file, so with its process at the latest.
pub(super) fn lock(folder: &Path) -> io::Result<Option<File>> {
    let file = File::open(folder)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(file)),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_tells_its_owner_and_nobody_elses_does() {
        let owner = Owner::this().expect("a start time");
        assert_eq!(Owner::of_folder("zygo", &owner.folder("zygo")), Some(owner));
        for folder in [
            "zygo",
            "zygo-1",
            "zygo-1-x",
            "zygote-1-2",
            "other-1-2",
            "zygo-1-2-3",
        ] {
            assert_eq!(Owner::of_folder("zygo", folder), None, "{folder}");
        }
    }

    #[test]
    fn a_process_with_the_same_id_but_another_start_is_not_the_owner() {
        let owner = Owner::this().expect("a start time");
        assert!(owner.is_alive());
        let earlier = Owner {
            started: owner.started - 1,
            ..owner
        };
        assert!(!earlier.is_alive());
    }

    #[test]
    fn a_process_may_be_named_like_the_rest_of_the_line() {
        let mut fields: Vec<String> = (3..=52).map(|field| field.to_string()).collect();
        fields[19] = "777".to_owned();
        let stat = format!("5 (a) R 1 2) {}", fields.join(" "));
        assert_eq!(parse_started(&stat), Some(777));
    }

    #[test]
    fn a_lock_is_held_by_one_and_ends_with_its_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = lock(folder.path()).expect("a lock");
        assert!(first.is_some());
        assert!(lock(folder.path()).expect("no error").is_none());
        drop(first);
        assert!(lock(folder.path()).expect("no error").is_some());
    }
}
