//! Version 1: a hierarchy for each controller, so a group is several folders, and a process is attached to each of them.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::CgroupError;
use super::backend::{Backend, Controller, Files, Filesystem, Setting, Version, Victim};
use super::limits::{Limits, period_us};

const FILES: Files = Files {
    memory_events: "memory.oom_control",
    memory_peak: "memory.max_usage_in_bytes",
    memory_now: "memory.usage_in_bytes",
    cpu_usage: "cpuacct.usage",
};

/// A mounted hierarchy, with the platform's own folder in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hierarchy {
    pub(super) controllers: Vec<Controller>,
    pub(super) base: PathBuf,
}

#[derive(Debug)]
pub(super) struct V1 {
    hierarchies: Vec<Hierarchy>,
}

impl V1 {
    pub(super) fn new(hierarchies: Vec<Hierarchy>) -> Self {
        Self { hierarchies }
    }
}

impl Backend for V1 {
    fn version(&self) -> Version {
        Version::V1
    }

    fn files(&self) -> &'static Files {
        &FILES
    }

    fn filesystem(&self) -> Filesystem {
        Filesystem::KERNEL
    }

    fn folder(&self, group: &Path, controller: Controller) -> Option<PathBuf> {
        let has = |hierarchy: &&Hierarchy| hierarchy.controllers.contains(&controller);
        let hierarchy = self.hierarchies.iter().find(has)?;
        Some(hierarchy.base.join(group))
    }

    fn folders(&self, group: &Path) -> Vec<PathBuf> {
        let bases = self.hierarchies.iter();
        bases.map(|hierarchy| hierarchy.base.join(group)).collect()
    }

    /// Nothing to do: every group can be divided.
    fn divide(&self, _group: &Path) -> Result<(), CgroupError> {
        Ok(())
    }

    fn settings(&self, limits: &Limits, _victim: Victim) -> Vec<Setting> {
        let mut settings = vec![Setting::new(Controller::Pids, "pids.max", limits.pids)];
        if let Some(bytes) = limits.memory_bytes {
            settings.push(Setting::new(
                Controller::Memory,
                "memory.limit_in_bytes",
                bytes,
            ));
            // Memory and swap together. There only when the kernel counts swap.
            let both = Setting::new(Controller::Memory, "memory.memsw.limit_in_bytes", bytes);
            settings.push(both.tolerating(ErrorKind::NotFound));
        }
        if let Some(share) = limits.cpu_share {
            settings.push(Setting::new(Controller::Cpu, "cpu.shares", share.shares()));
        }
        if let Some(quota) = limits.cpu_quota {
            settings.push(Setting::new(
                Controller::Cpu,
                "cpu.cfs_period_us",
                period_us(),
            ));
            let quota = Setting::new(Controller::Cpu, "cpu.cfs_quota_us", quota.quota_us());
            // The kernel's word for a group above that gives less; then that one is what counts.
            settings.push(quota.tolerating(ErrorKind::InvalidInput));
        }
        settings
    }

    fn kill_at_once(&self, _group: &Path) -> io::Result<bool> {
        Ok(false)
    }

    fn parse_cpu_usage(&self, text: &str) -> Option<Duration> {
        text.trim().parse().ok().map(Duration::from_nanos)
    }
}

#[cfg(test)]
mod tests {
    use super::super::limits::{CpuQuota, CpuShare};
    use super::*;

    fn back_end() -> V1 {
        let hierarchy = |controllers: &[Controller], base: &str| Hierarchy {
            controllers: controllers.to_vec(),
            base: base.into(),
        };
        V1::new(vec![
            hierarchy(&[Controller::Memory], "/m/own"),
            hierarchy(&[Controller::Cpu, Controller::Cpuacct], "/c"),
            hierarchy(&[Controller::Pids], "/p"),
        ])
    }

    #[test]
    fn controllers_that_are_mounted_together_have_one_folder() {
        let group = Path::new("g");
        let folders = back_end().folders(group);
        assert_eq!(folders, ["/m/own/g", "/c/g", "/p/g"].map(PathBuf::from));
        let of = |controller| back_end().folder(group, controller);
        assert_eq!(of(Controller::Cpuacct), of(Controller::Cpu));
    }

    #[test]
    fn every_limit_has_its_file_and_swap_comes_after_memory() {
        let limits = Limits {
            memory_bytes: Some(1 << 20),
            memory_high_bytes: Some(1),
            pids: 7,
            cpu_share: Some(CpuShare::from_weight(200)),
            cpu_quota: Some(CpuQuota::from_millis(500)),
        };
        let settings = back_end().settings(&limits, Victim::All);
        let written: Vec<_> = settings
            .iter()
            .map(|it| (it.file, it.value.as_str()))
            .collect();
        let wanted = [
            ("pids.max", "7"),
            ("memory.limit_in_bytes", "1048576"),
            ("memory.memsw.limit_in_bytes", "1048576"),
            ("cpu.shares", "2048"),
            ("cpu.cfs_period_us", "100000"),
            ("cpu.cfs_quota_us", "50000"),
        ];
        assert_eq!(written, wanted);
    }

    #[test]
    fn what_is_not_limited_is_not_written() {
        let settings = back_end().settings(&Limits::of_pids(3), Victim::One);
        assert_eq!(settings, [Setting::new(Controller::Pids, "pids.max", 3)]);
    }
}
