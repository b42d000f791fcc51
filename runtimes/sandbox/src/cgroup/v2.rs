//! Version 2: one hierarchy for all controllers. A group has processes or child groups with limits, never both, so its
//! processes live in leaves, and so does the supervisor when its group is the one to be divided.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::CgroupError;
use super::backend::{
    Backend, Controller, Files, Filesystem, Setting, Version, Victim, value_of, write,
};
use super::limits::{Limits, period_us};

/// The leaf for the supervisor. A name of our own (`DelegateSubgroup=` can have it), because who is found in it by a
/// later `open` is known to live below the group that is to be divided.
const SUPERVISOR: &str = "zygo-supervisor";

const FILES: Files = Files {
    memory_events: "memory.events",
    memory_peak: "memory.peak",
    memory_now: "memory.current",
    cpu_usage: "cpu.stat",
};

#[derive(Debug)]
pub(super) struct V2 {
    base: PathBuf,
    filesystem: Filesystem,
    controllers: Vec<&'static str>,
}

impl V2 {
    /// `own` is the group in which this process was found.
    pub(super) fn new(own: &Path, filesystem: Filesystem) -> Self {
        Self {
            base: base(own).to_owned(),
            filesystem,
            controllers: Controller::NEEDED.map(Controller::name).to_vec(),
        }
    }

    /// Divides the own group, for which this process has to leave it.
    pub(super) fn settle(&self) -> Result<(), CgroupError> {
        match self.divide(Path::new("")) {
            Err(CgroupError::File { source, .. }) if source.kind() == ErrorKind::ResourceBusy => {}
            result => return result,
        }
        self.move_to_a_leaf()?;
        match self.divide(Path::new("")) {
            Err(CgroupError::File { source, .. }) if source.kind() == ErrorKind::ResourceBusy => {
                Err(CgroupError::Occupied {
                    pids: pids_of(&self.base).unwrap_or_default(),
                    folder: self.base.clone(),
                })
            }
            result => result,
        }
    }

    fn move_to_a_leaf(&self) -> Result<(), CgroupError> {
        let leaf = self.base.join(SUPERVISOR);
        match (self.filesystem.make)(&leaf) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            result => result.map_err(CgroupError::file("make", &leaf))?,
        }
        let procs = leaf.join("cgroup.procs");
        write(&procs, "0").map_err(CgroupError::file("write to", &procs))
    }
}

/// The group that can be divided, seen from where this process is.
pub(super) fn base(own: &Path) -> &Path {
    match own.file_name().is_some_and(|name| name == SUPERVISOR) {
        true => own.parent().unwrap_or(own),
        false => own,
    }
}

fn pids_of(folder: &Path) -> io::Result<Vec<u32>> {
    let text = fs::read_to_string(folder.join("cgroup.procs"))?;
    Ok(text.lines().filter_map(|line| line.parse().ok()).collect())
}

impl Backend for V2 {
    fn version(&self) -> Version {
        Version::V2
    }

    fn files(&self) -> &'static Files {
        &FILES
    }

    fn filesystem(&self) -> Filesystem {
        self.filesystem
    }

    fn folder(&self, group: &Path, _controller: Controller) -> Option<PathBuf> {
        Some(self.base.join(group))
    }

    fn folders(&self, group: &Path) -> Vec<PathBuf> {
        vec![self.base.join(group)]
    }

    fn divide(&self, group: &Path) -> Result<(), CgroupError> {
        let path = self.base.join(group).join("cgroup.subtree_control");
        let on = fs::read_to_string(&path).map_err(CgroupError::file("read", &path))?;
        let is_off = |name: &&&str| !on.split_whitespace().any(|other| other == **name);
        let off = self.controllers.iter().filter(is_off);
        let text: Vec<String> = off.map(|name| format!("+{name}")).collect();
        if text.is_empty() {
            return Ok(());
        }
        write(&path, &text.join(" ")).map_err(CgroupError::file("write to", &path))
    }

    fn settings(&self, limits: &Limits, victim: Victim) -> Vec<Setting> {
        let mut settings = vec![Setting::new(Controller::Pids, "pids.max", limits.pids)];
        let mut memory = |file, value: u64, tolerated: Option<ErrorKind>| {
            settings.push(Setting {
                tolerated,
                ..Setting::new(Controller::Memory, file, value)
            });
        };
        if let Some(bytes) = limits.memory_bytes {
            memory("memory.max", bytes, None);
            // There only when the kernel counts swap.
            memory("memory.swap.max", 0, Some(ErrorKind::NotFound));
        }
        if let Some(bytes) = limits.memory_high_bytes {
            memory("memory.high", bytes, None);
        }
        if victim == Victim::All {
            // Older kernels do not have it.
            memory("memory.oom.group", 1, Some(ErrorKind::NotFound));
        }
        if let Some(share) = limits.cpu_share {
            settings.push(Setting::new(Controller::Cpu, "cpu.weight", share.weight()));
        }
        if let Some(quota) = limits.cpu_quota {
            let value = format!("{} {}", quota.quota_us(), period_us());
            settings.push(Setting::new(Controller::Cpu, "cpu.max", value));
        }
        settings
    }

    fn kill_at_once(&self, group: &Path) -> io::Result<bool> {
        match write(&self.base.join(group).join("cgroup.kill"), "1") {
            Ok(()) => Ok(true),
            // Kernels before 5.14.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn parse_cpu_usage(&self, text: &str) -> Option<Duration> {
        value_of(text, "usage_usec").map(Duration::from_micros)
    }
}
