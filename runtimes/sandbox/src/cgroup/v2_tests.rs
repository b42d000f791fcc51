//! Version 2 against a tree of plain files, because the machines that run these tests may not have its controllers; and,
//! where it is mounted at all, its own ways of attaching, ending and removing against the kernel.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::backend::{Filesystem, Version};
use super::node::Node;
use super::test_process::Process;
use super::v2::V2;
use super::{CgroupError, Cgroups, CpuQuota, CpuShare, Limits, Report};

const FILES: [(&str, &str); 13] = [
    ("cgroup.procs", ""),
    ("cgroup.subtree_control", ""),
    ("cgroup.kill", ""),
    ("memory.max", ""),
    ("memory.high", ""),
    ("memory.oom.group", ""),
    ("memory.events", "oom 0\noom_kill 0\n"),
    ("memory.peak", "0"),
    ("memory.current", "0"),
    ("cpu.weight", ""),
    ("cpu.max", ""),
    ("cpu.stat", "usage_usec 0\nuser_usec 0\n"),
    ("pids.max", ""),
];

/// Plays the kernel: a new folder has all files, but for one that this kernel does not have (`memory.swap.max`).
const FAKE: Filesystem = Filesystem {
    make: |path| {
        fs::create_dir(path)?;
        FILES
            .iter()
            .try_for_each(|(file, text)| fs::write(path.join(file), text))
    },
    remove: |path| fs::remove_dir_all(path),
};

fn place() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("cgroup.subtree_control");
    fs::write(file, "cpu\n").expect("a file");
    folder
}

fn open(place: &Path) -> Cgroups {
    let backend = V2::new(place, FAKE);
    backend.settle().expect("a group that can be divided");
    let report = Report {
        version: Version::V2,
        places: Vec::new(),
        notes: Vec::new(),
    };
    Cgroups::open_in(Arc::new(backend), "zygo", report).expect("groups")
}

fn limits() -> Limits {
    Limits {
        memory_bytes: Some(64 << 20),
        memory_high_bytes: Some(48 << 20),
        pids: 16,
        cpu_share: Some(CpuShare::from_weight(50)),
        cpu_quota: Some(CpuQuota::from_millis(250)),
    }
}

/// The one folder below another whose name begins so.
fn below(folder: &Path, start: &str) -> std::path::PathBuf {
    let entries = fs::read_dir(folder).expect("a folder").flatten();
    let is_it = |path: &std::path::PathBuf| {
        path.is_dir()
            && path
                .file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with(start))
    };
    let mut found = entries.map(|entry| entry.path()).filter(is_it);
    let first = found.next().expect("a folder");
    assert_eq!(found.next(), None);
    first
}

fn text(folder: &Path, file: &str) -> String {
    fs::read_to_string(folder.join(file)).expect("a file")
}

#[test]
fn a_function_has_its_limits_and_divides_them_among_leaves() {
    let place = place();
    let groups = open(place.path());
    let group = groups.function("hello@1", &limits()).expect("a group");
    let instance = group.instance(&limits()).expect("an instance");
    // What is on already is not asked for again.
    assert_eq!(
        text(place.path(), "cgroup.subtree_control"),
        "+memory +pids"
    );
    let root = below(place.path(), "zygo-");
    let function = below(&root, "function-hello@1");
    for divided in [&root, &function] {
        assert_eq!(
            text(divided, "cgroup.subtree_control"),
            "+memory +cpu +pids"
        );
    }
    let leaf = below(&function, "instance-0");
    for (file, value) in [
        ("memory.max", "67108864"),
        ("memory.high", "50331648"),
        ("pids.max", "16"),
        ("cpu.weight", "50"),
        ("cpu.max", "25000 100000"),
    ] {
        for folder in [&function, &leaf] {
            assert_eq!(text(folder, file), value, "{file}");
        }
    }
    assert_eq!(text(&function, "memory.oom.group"), "");
    assert_eq!(text(&leaf, "memory.oom.group"), "1");
    assert_eq!(text(&leaf, "cgroup.subtree_control"), "");
    instance.attach(4711).expect("attached");
    assert_eq!(text(&leaf, "cgroup.procs"), "4711");
    assert_eq!(group.procs().expect("files").len(), 1);
}

#[test]
fn counters_are_read_and_begin_anew_with_each_user() {
    let place = place();
    let groups = open(place.path());
    let group = groups.function("f", &limits()).expect("a group");
    let instance = group.instance(&limits()).expect("an instance");
    let function = below(&below(place.path(), "zygo-"), "function-f");
    let leaf = below(&function, "instance-0");
    let count = |kills: u64, peak: u64, usage_us: u64| {
        let write = |file, text: String| fs::write(leaf.join(file), text).expect("written");
        write("memory.events", format!("oom 9\noom_kill {kills}\n"));
        write("memory.peak", peak.to_string());
        write("cpu.stat", format!("usage_usec {usage_us}\n"));
    };
    count(2, 5_000, 700);
    assert_eq!(instance.out_of_memory_kills().expect("a number"), 2);
    assert_eq!(instance.memory_peak().expect("a number"), Some(5_000));
    assert_eq!(
        instance.cpu_usage().expect("a time"),
        Duration::from_micros(700)
    );
    instance.recycle();
    let next = group.instance(&limits()).expect("the same again");
    assert_eq!(below(&function, "instance-"), leaf);
    assert_eq!(next.out_of_memory_kills().expect("a number"), 0);
    assert_eq!(next.memory_peak().expect("a number"), None);
    count(3, 6_000, 1_000);
    assert_eq!(next.out_of_memory_kills().expect("a number"), 1);
    assert_eq!(next.memory_peak().expect("a number"), Some(6_000));
    assert_eq!(
        next.cpu_usage().expect("a time"),
        Duration::from_micros(300)
    );
}

#[test]
fn a_leaf_is_used_again_only_if_it_is_clean_and_has_the_same_limits() {
    let place = place();
    let groups = open(place.path());
    let group = groups.function("f", &limits()).expect("a group");
    let function = below(&below(place.path(), "zygo-"), "function-f");
    let instance = group.instance(&limits()).expect("an instance");
    let charged = function.join("instance-0/memory.current");
    fs::write(charged, "99000000").expect("written");
    instance.recycle();
    assert!(
        !function.join("instance-0").exists(),
        "memory was left in it"
    );

    group.instance(&limits()).expect("an instance").recycle();
    let other = group.instance(&Limits::of_pids(5)).expect("another");
    assert!(function.join("instance-1").exists() && function.join("instance-2").exists());
    drop(other);
    assert!(
        !function.join("instance-2").exists(),
        "dropped, not recycled"
    );
}

#[test]
fn no_more_leaves_are_kept_than_the_bound() {
    let place = place();
    let groups = open(place.path());
    let group = groups.function("f", &limits()).expect("a group");
    group.prepare(&limits(), 1_000).expect("leaves");
    group.prepare(&limits(), 1_000).expect("as many");
    let function = below(&below(place.path(), "zygo-"), "function-f");
    let count = || {
        fs::read_dir(&function)
            .expect("a folder")
            .flatten()
            .filter(|it| it.path().is_dir())
            .count()
    };
    assert_eq!(count(), super::group::SPARE_MAX + 1);
    let instances: Vec<_> = (0..20)
        .map(|_| group.instance(&limits()).expect("one"))
        .collect();
    instances.into_iter().for_each(super::Instance::recycle);
    assert_eq!(count(), super::group::SPARE_MAX + 1);
}

#[test]
fn nothing_is_left_when_everything_is_dropped_in_whatever_order() {
    let place = place();
    let groups = open(place.path());
    let group = groups.function("f", &limits()).expect("a group");
    let instance = group.instance(&limits()).expect("an instance");
    drop(groups);
    drop(group);
    drop(instance);
    let left = fs::read_dir(place.path()).expect("a folder").flatten();
    assert_eq!(left.filter(|entry| entry.path().is_dir()).count(), 0);
}

#[test]
fn a_kernel_without_a_file_says_which() {
    let bare = Filesystem {
        make: |path| fs::create_dir(path),
        ..FAKE
    };
    let place = place();
    let error = V2::new(&place.path().join("nowhere"), bare)
        .settle()
        .expect_err("no such group");
    assert!(matches!(&error, CgroupError::File { path, source, .. }
        if path.ends_with("cgroup.subtree_control") && source.kind() == io::ErrorKind::NotFound));
}

/// The part of version 2 that needs no controllers, for real.
#[test]
fn processes_are_attached_ended_and_left_to_nobody_by_the_kernel() {
    let own = super::detect::tests::this_in_v2().expect("version 2 is mounted somewhere");
    let place = Node::place(Arc::new(V2::new(&own, Filesystem::KERNEL)));
    let node = place.child(&format!("zygo.bare-{}", std::process::id()));
    node.create().expect("a group");
    let leaf = node.child("leaf");
    leaf.create().expect("a leaf");
    let mut process = Process::shell("(sleep 1000 & sleep 1000 & echo started; wait)");
    leaf.attach(process.id()).expect("attached");
    process.go();
    assert_eq!(process.line(), "started");
    assert!(node.processes().expect("known").len() >= 3);
    let busy = node
        .remove(Duration::ZERO)
        .expect_err("processes are in it");
    assert_eq!(busy.kind(), io::ErrorKind::ResourceBusy);
    super::kill::kill_all(&node, Duration::from_secs(20)).expect("ended");
    process.wait();
    assert!(leaf.cpu_usage().expect("a time") > Duration::ZERO);
    node.remove(Duration::from_secs(20)).expect("removed");
    assert!(!own.join(&node.path).exists());
}
