//! What the machine offers: which controllers are mounted where, and where this process stands in them. Reads, changes
//! nothing. The platform's groups are made below its own group, so limits that somebody gave the platform still count.

use std::fs;
use std::path::{Path, PathBuf};

use super::backend::{Controller, Version};
use super::error::Missing;
use super::mount::Mount;
use super::v1::Hierarchy;
use super::{CgroupError, v2};

const DELEGATE: &str = "start the platform as root from a systemd unit with `Delegate=yes`, or with `systemd-run --scope -p Delegate=yes`";
const MOUNT: &str = "mount it, for example with `mount -t cgroup2 none /sys/fs/cgroup`";
const WRITABLE: &str = "mount it writable; in a container, `--cgroupns=private` and `/sys/fs/cgroup` as a writable volume";
const VISIBLE: &str = "mount the control groups inside of the namespace in which the platform runs";

/// Where groups can be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    V1(Vec<Hierarchy>),
    /// The group of this process.
    V2(PathBuf),
}

/// What a search found, for whoever asks why there are groups or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The version in use.
    pub version: Version,
    /// Folders below which groups are made, and for which controllers.
    pub places: Vec<(Vec<Controller>, PathBuf)>,
    /// What does less than it could.
    pub notes: Vec<String>,
}

impl Report {
    /// Looks, and changes nothing.
    pub fn of_this_machine() -> Result<Self, CgroupError> {
        Ok(Self::of(&this_machine()?))
    }

    pub(super) fn of(found: &Found) -> Self {
        match found {
            Found::V1(hierarchies) => {
                let place = |it: &Hierarchy| (it.controllers.clone(), it.base.clone());
                Self {
                    version: Version::V1,
                    places: hierarchies.iter().map(place).collect(),
                    notes: notes_on_v1(hierarchies),
                }
            }
            Found::V2(own) => Self {
                version: Version::V2,
                places: vec![(Controller::NEEDED.to_vec(), v2::base(own).to_owned())],
                notes: Vec::new(),
            },
        }
    }
}

fn notes_on_v1(hierarchies: &[Hierarchy]) -> Vec<String> {
    let mut notes = vec![
        "version 1: attaching a process goes through several hierarchies, and out of memory ends one process, not all"
            .to_owned(),
    ];
    let has = |controller| {
        hierarchies
            .iter()
            .any(|it| it.controllers.contains(&controller))
    };
    if !has(Controller::Cpuacct) {
        notes.push("cpuacct is not mounted: the use of processors is not known".to_owned());
    }
    notes
}

pub(super) fn this_machine() -> Result<Found, CgroupError> {
    let read =
        |path: &str| fs::read_to_string(path).map_err(CgroupError::file("read", Path::new(path)));
    find(&read("/proc/self/mountinfo")?, &read("/proc/self/cgroup")?)
}

/// Chooses between the versions from the texts of `/proc/self/mountinfo` and `/proc/self/cgroup`.
pub(super) fn find(mountinfo: &str, own: &str) -> Result<Found, CgroupError> {
    let mounts: Vec<Mount> = mountinfo.lines().filter_map(Mount::parse).collect();
    let v2 = own_in_v2(&mounts, own);
    let given = v2.as_deref().map(given).unwrap_or_default();
    if let Some(own) = &v2
        && Controller::NEEDED
            .iter()
            .all(|controller| given.contains(controller))
    {
        return Ok(Found::V2(own.clone()));
    }
    let missing: Vec<Missing> = Controller::NEEDED
        .into_iter()
        .filter_map(|controller| missing_in_v1(controller, &mounts, own, v2.as_deref()))
        .collect();
    if missing.is_empty() {
        return Ok(Found::V1(hierarchies(&mounts, own)));
    }
    // What version 2 would give is not what is missing, unless each version has only a part.
    let is_missing = |it: &&Missing| !given.contains(&it.controller);
    let neither: Vec<Missing> = missing.iter().filter(is_missing).cloned().collect();
    let is_split = neither.is_empty();
    Err(CgroupError::Missing(if is_split {
        missing
    } else {
        neither
    }))
}

fn own_in_v2(mounts: &[Mount], own: &str) -> Option<PathBuf> {
    let mut v2 = mounts.iter().filter(|mount| mount.version == Version::V2);
    v2.find_map(|mount| mount.own_folder(own))
}

/// The controllers that a group of version 2 may hand on.
fn given(own: &Path) -> Vec<Controller> {
    let text = fs::read_to_string(v2::base(own).join("cgroup.controllers")).unwrap_or_default();
    let is_given = |controller: &Controller| {
        text.split_whitespace()
            .any(|name| name == controller.name())
    };
    Controller::NEEDED.into_iter().filter(is_given).collect()
}

fn missing_in_v1(
    controller: Controller,
    mounts: &[Mount],
    own: &str,
    v2: Option<&Path>,
) -> Option<Missing> {
    let missing = |why, remedy| {
        Some(Missing {
            controller,
            why,
            remedy,
        })
    };
    let mounted: Vec<&Mount> = mounts
        .iter()
        .filter(|mount| mount.has(controller))
        .collect();
    if mounted
        .iter()
        .any(|mount| mount.is_writable && mount.own_folder(own).is_some())
    {
        return None;
    }
    if let Some(mount) = mounted.iter().find(|mount| !mount.is_writable) {
        return missing(
            format!("is mounted read-only at {}", mount.point.display()),
            WRITABLE,
        );
    }
    if let Some(mount) = mounted.first() {
        let why = format!(
            "is mounted at {}, which does not show our group",
            mount.point.display()
        );
        return missing(why, VISIBLE);
    }
    match v2 {
        Some(v2) => missing(format!("is not given to {}", v2.display()), DELEGATE),
        None => missing("is mounted nowhere".to_owned(), MOUNT),
    }
}

/// One entry for each mount that has something we use.
fn hierarchies(mounts: &[Mount], own: &str) -> Vec<Hierarchy> {
    let mut found: Vec<Hierarchy> = Vec::new();
    let wanted = Controller::NEEDED.into_iter().chain([Controller::Cpuacct]);
    for controller in wanted {
        let mut usable = mounts
            .iter()
            .filter(|mount| mount.has(controller) && mount.is_writable);
        let Some(base) = usable.find_map(|mount| mount.own_folder(own)) else {
            continue;
        };
        match found.iter_mut().find(|hierarchy| hierarchy.base == base) {
            Some(hierarchy) => hierarchy.controllers.push(controller),
            None => found.push(Hierarchy {
                controllers: vec![controller],
                base,
            }),
        }
    }
    found
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The group of this process in version 2, whichever version is in use.
    pub(in super::super) fn this_in_v2() -> Option<PathBuf> {
        let mountinfo = fs::read_to_string("/proc/self/mountinfo").ok()?;
        let mounts: Vec<Mount> = mountinfo.lines().filter_map(Mount::parse).collect();
        own_in_v2(&mounts, &fs::read_to_string("/proc/self/cgroup").ok()?)
    }

    const V1_LINES: &str = "\
        32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu\n\
        33 31 0:30 / /sys/fs/cgroup/cpuacct rw,relatime shared:5 - cgroup cgroup rw,cpuacct\n\
        35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n\
        39 31 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids\n\
        41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";
    const V1_OWN: &str = "8:pids:/\n4:memory:/a/b\n2:cpuacct:/\n1:cpu:/\n0::/\n";

    fn missing(mountinfo: &str, own: &str) -> Vec<(Controller, String)> {
        match find(mountinfo, own) {
            Err(CgroupError::Missing(missing)) => missing
                .into_iter()
                .map(|it| (it.controller, it.why))
                .collect(),
            other => panic!("{other:?}"),
        }
    }

    /// A folder that looks like a group of version 2, and the line of its mount.
    fn v2_tree(own: &str, controllers: &str) -> (tempfile::TempDir, String) {
        let folder = tempfile::tempdir().expect("a folder");
        let group = folder.path().join(own);
        fs::create_dir_all(&group).expect("a group");
        fs::write(group.join("cgroup.controllers"), controllers).expect("a file");
        let line = format!(
            "30 23 0:26 / {} rw shared:4 - cgroup2 cgroup2 rw,nsdelegate\n",
            folder.path().display()
        );
        (folder, line)
    }

    #[test]
    fn version_1_is_used_when_the_controllers_are_there_and_version_2_is_bare() {
        let Found::V1(found) = find(V1_LINES, V1_OWN).expect("version 1") else {
            panic!("version 1 is what is mounted");
        };
        let bases: Vec<&str> = found.iter().filter_map(|it| it.base.to_str()).collect();
        let wanted =
            ["memory/a/b", "cpu/", "pids/", "cpuacct/"].map(|it| format!("/sys/fs/cgroup/{it}"));
        assert_eq!(bases, wanted);
    }

    #[test]
    fn controllers_that_are_mounted_together_are_one_hierarchy() {
        let lines = "\
            1 1 0:1 / /g/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n\
            2 1 0:2 / /g/memory rw - cgroup cgroup rw,memory\n\
            3 1 0:3 / /g/pids rw - cgroup cgroup rw,pids\n";
        let Ok(Found::V1(found)) = find(lines, "3:cpu,cpuacct:/x\n2:memory:/\n1:pids:/\n") else {
            panic!("version 1 is what is mounted");
        };
        assert_eq!(found.len(), 3);
        assert_eq!(found[1].controllers, [Controller::Cpu, Controller::Cpuacct]);
        assert_eq!(found[1].base, Path::new("/g/cpu,cpuacct/x"));
    }

    #[test]
    fn a_container_sees_its_own_part_of_the_hierarchy() {
        let lines = V1_LINES.replace("0:32 / ", "0:32 /docker/1 ");
        let Ok(Found::V1(found)) = find(&lines, &V1_OWN.replace("/a/b", "/docker/1/x")) else {
            panic!("version 1 is what is mounted");
        };
        assert_eq!(found[0].base, Path::new("/sys/fs/cgroup/memory/x"));
        let why = &missing(&lines, V1_OWN)[0].1;
        assert!(why.contains("does not show our group"), "{why}");
    }

    #[test]
    fn read_only_mounts_are_told() {
        let lines = V1_LINES.replace("/cgroup/pids rw,", "/cgroup/pids ro,");
        let wanted = "is mounted read-only at /sys/fs/cgroup/pids".to_owned();
        assert_eq!(missing(&lines, V1_OWN), [(Controller::Pids, wanted)]);
    }

    #[test]
    fn version_2_is_used_when_it_has_all_that_is_needed() {
        let (folder, line) = v2_tree("a.slice/zygo.service", "cpuset cpu io memory pids\n");
        let own = folder.path().join("a.slice/zygo.service");
        assert_eq!(
            find(&line, "0::/a.slice/zygo.service\n").expect("found"),
            Found::V2(own)
        );
    }

    #[test]
    fn a_supervisor_in_its_leaf_divides_the_group_above() {
        let (folder, line) = v2_tree("zygo.service", "cpu memory pids\n");
        let found = find(&line, "0::/zygo.service/zygo-supervisor\n").expect("found");
        let report = Report::of(&found);
        assert_eq!(report.places[0].1, folder.path().join("zygo.service"));
    }

    #[test]
    fn controllers_that_are_not_delegated_are_named() {
        let (folder, line) = v2_tree("user", "memory pids\n");
        let why = format!("is not given to {}", folder.path().join("user").display());
        assert_eq!(missing(&line, "0::/user\n"), [(Controller::Cpu, why)]);
    }

    #[test]
    fn a_machine_without_any_is_told_to_mount_them() {
        let found = missing("1 1 0:1 / / rw - ext4 /dev/vda rw\n", "0::/\n");
        let nowhere = |controller| (controller, "is mounted nowhere".to_owned());
        assert_eq!(found, Controller::NEEDED.map(nowhere));
    }

    #[test]
    fn a_group_outside_of_the_namespace_is_not_taken_for_one_inside() {
        let (_folder, line) = v2_tree("x", "cpu memory pids\n");
        assert_eq!(missing(&line, "0::/../x\n").len(), 3);
    }
}
