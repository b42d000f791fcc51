//! What a platform in production needs of its machine besides: room for connections, also while nobody accepts them, and
//! somebody who starts it again.

use std::path::Path;

use rustix::process::Resource;

use super::{Finding, Health, finding};
use crate::gateway::BACKLOG;

/// With fewer, connections and instances of a busy platform run out of descriptors.
const FILES_MIN: u64 = 65_536;

/// Where units may lie, as `zygo install` and packages put them.
const UNITS: [&str; 2] = [
    "etc/systemd/system/zygo.service",
    "usr/lib/systemd/system/zygo.service",
];

/// What was found.
pub(super) fn findings() -> [Finding; 3] {
    let limit = rustix::process::getrlimit(Resource::Nofile).maximum;
    let root = Path::new("/");
    [files(limit), queue(root), service(root)]
}

fn files(limit: Option<u64>) -> Finding {
    match limit {
        Some(limit) if limit < FILES_MIN => finding(
            "open files",
            Health::Warn,
            format!(
                "{limit} at most; set LimitNOFILE= of the service, or the hard limit of `ulimit -n`, to {FILES_MIN}"
            ),
        ),
        Some(limit) => finding("open files", Health::Ok, format!("{limit} at most")),
        None => finding("open files", Health::Ok, "no limit"),
    }
}

fn queue(root: &Path) -> Finding {
    let read = std::fs::read_to_string(root.join("proc/sys/net/core/somaxconn"));
    match read.ok().and_then(|text| text.trim().parse::<u32>().ok()) {
        Some(most) if most < BACKLOG => finding(
            "waiting connections",
            Health::Warn,
            format!(
                "{most} at most, so an upgrade under load may refuse some: sysctl net.core.somaxconn={BACKLOG}"
            ),
        ),
        Some(most) => finding("waiting connections", Health::Ok, format!("{most} at most")),
        None => finding("waiting connections", Health::Ok, "not known"),
    }
}

fn service(root: &Path) -> Finding {
    let has_systemd = root.join("run/systemd/system").is_dir();
    let unit = UNITS.iter().find(|unit| root.join(unit).is_file());
    let text = match (unit, has_systemd) {
        (Some(unit), true) => format!("/{unit}"),
        (Some(unit), false) => format!("/{unit}, but systemd does not run here"),
        (None, true) => "none; `zygo install` makes one".to_owned(),
        (None, false) => "none, and systemd does not run here".to_owned(),
    };
    finding("service", Health::Ok, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_with_little_room_is_warned_of() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("proc/sys/net/core");
        std::fs::create_dir_all(&folder).unwrap();
        for (most, health) in [("128\n", Health::Warn), ("4096\n", Health::Ok)] {
            std::fs::write(folder.join("somaxconn"), most).unwrap();
            assert_eq!(queue(root.path()).health, health);
        }
        assert_eq!(files(Some(1_024)).health, Health::Warn);
        assert_eq!(files(None).health, Health::Ok);
        assert!(service(root.path()).text.starts_with("none"));
    }
}
