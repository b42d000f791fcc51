//! Groups against the kernel of this machine, in whichever version it has: needs root, or a delegated group.

use std::os::fd::AsRawFd as _;
use std::os::unix::process::ExitStatusExt as _;
use std::sync::Arc;
use std::time::Duration;

use super::backend::{Controller, value_of};
use super::node::Node;
use super::owner::{self, Owner};
use super::retry::within;
use super::test_process::{PATIENCE, Process, attached, groups, limits};
use super::{Cgroups, CpuQuota, Limits};

/// A process that takes more memory than it may is ended and counted, by its instance and by the function.
#[track_caller]
fn is_ended_out_of_memory(test: &str, script: &str) {
    let (_groups, group) = groups(test);
    let instance = group.instance(&limits()).expect("an instance");
    let mut hog = attached(&instance, Process::python(script));
    assert_eq!(hog.wait().signal(), Some(9));
    let counted = within(Duration::from_secs(1), || {
        Some(instance.out_of_memory_kills().expect("a number")).filter(|kills| *kills > 0)
    });
    let kills = counted.expect("counted within a second");
    // Version 2 counts a process that is ended with its group once as the culprit and once as a member.
    assert!(kills <= 2, "{kills}");
    let peak = instance
        .memory_peak()
        .expect("a number")
        .expect("a first user");
    assert!((48 << 20..=64 << 20).contains(&peak), "{peak}");
    assert!(group.memory_peak().expect("a number") >= peak);
    assert_eq!(group.out_of_memory_kills().expect("a number"), kills);
    instance.remove(PATIENCE).expect("removed");
    assert_eq!(
        group.out_of_memory_kills().expect("a number"),
        kills,
        "forgotten with its leaf"
    );
    assert!(group.is_empty().expect("known"));
}

#[test]
fn a_heap_beyond_the_limit_is_ended() {
    is_ended_out_of_memory(
        "heap",
        "b = bytearray(256 << 20)\nfor i in range(0, len(b), 4096): b[i] = 1",
    );
}

#[test]
fn a_file_in_memory_beyond_the_limit_is_ended() {
    let script =
        "import os\nf = os.memfd_create('f')\nfor i in range(256): os.write(f, b'x' * (1 << 20))";
    is_ended_out_of_memory("memfd", script);
}

const FORK_MANY: &str = "\
import os, signal
count = 0
while count < 100:
    try:
        if os.fork() == 0: signal.pause()
    except OSError as error:
        print(count, error.errno, flush=True)
        break
    count += 1
signal.pause()";

#[test]
fn forks_beyond_the_limit_fail_and_all_are_ended() {
    let (_groups, group) = groups("forks");
    let instance = group.instance(&limits()).expect("an instance");
    let mut bomb = attached(&instance, Process::python(FORK_MANY));
    let again = rustix::io::Errno::AGAIN.raw_os_error();
    assert_eq!(bomb.line(), format!("15 {again}"));
    instance.kill_all(PATIENCE).expect("ended");
    assert_eq!(bomb.wait().signal(), Some(9));
    assert!(instance.is_empty().expect("known"));
}

const FORK_ON_AND_ON: &str = "\
import os
while True:
    try:
        if os.fork() != 0: os._exit(0)
    except OSError: pass";

#[test]
fn a_process_that_is_always_another_one_is_ended() {
    let (_groups, group) = groups("chain");
    let instance = group.instance(&limits()).expect("an instance");
    let mut first = attached(&instance, Process::python(FORK_ON_AND_ON));
    assert!(first.wait().success());
    assert!(!instance.is_empty().expect("known"));
    instance.kill_all(PATIENCE).expect("ended");
    assert!(instance.is_empty().expect("known"));
}

#[test]
fn a_daemon_is_ended_with_its_group_and_the_next_user_may_fork() {
    let (_groups, group) = groups("daemon");
    let instance = group.instance(&limits()).expect("an instance");
    let script = "(setsid sh -c 'trap \"\" TERM HUP; while :; do sleep 1000; done' >/dev/null & echo started)";
    let mut parent = attached(&instance, Process::shell(script));
    assert_eq!(parent.line(), "started");
    assert!(parent.wait().success());
    assert!(
        !instance.is_empty().expect("known"),
        "the daemon is gone without us"
    );
    instance.kill_all(PATIENCE).expect("ended");
    assert!(instance.is_empty().expect("known"));
    instance.recycle();

    let next = group.instance(&limits()).expect("an instance");
    assert!(
        next.place().node.path.ends_with("instance-0"),
        "not used again"
    );
    let mut user = attached(&next, Process::shell("(echo forked) | cat"));
    assert_eq!(user.line(), "forked");
}

#[test]
fn a_spinning_process_gets_no_more_than_its_quota() {
    let (_groups, group) = groups("spin");
    let limits = Limits {
        cpu_quota: Some(CpuQuota::from_millis(200)),
        ..limits()
    };
    let instance = group.instance(&limits).expect("an instance");
    let _spinner = attached(&instance, Process::shell("while :; do :; done"));
    let file = instance
        .place()
        .node
        .file(Controller::Cpu, "cpu.stat")
        .expect("a path");
    let stat = |key| {
        let text = std::fs::read_to_string(&file).expect("a file");
        value_of(&text, key).expect("a number")
    };
    within(PATIENCE, || (stat("nr_throttled") >= 5).then_some(())).expect("it is held up");
    // In this order, so that the periods are not too few.
    let used = instance.cpu_usage().expect("a time");
    let periods = u32::try_from(stat("nr_periods")).expect("a few");
    // 20 ms in each period of 100 ms, and as much again as the kernel may be late.
    let most = Duration::from_millis(40) * (periods + 1);
    assert!(used <= most, "{used:?} in {periods} periods");
    assert!(used >= Duration::from_millis(50), "{used:?}");
    instance.kill_all(PATIENCE).expect("ended");
}

#[test]
fn a_process_attaches_itself_through_files_that_were_opened_for_it() {
    let (_groups, group) = groups("self");
    let files = group.procs().expect("files");
    let numbers: Vec<i32> = files.iter().map(|file| file.as_raw_fd()).collect();
    for file in &files {
        let inherited = rustix::io::FdFlags::empty();
        rustix::io::fcntl_setfd(file, inherited).expect("inherited");
    }
    let script = format!(
        "import os\nfor f in {numbers:?}: os.write(f, b'0')\nprint('in', flush=True)\nsys.stdin.readline()"
    );
    let mut zygote = Process::python(&script);
    assert!(group.is_empty().expect("known"));
    zygote.go();
    assert_eq!(zygote.line(), "in");
    assert!(!group.is_empty().expect("known"));
    let names = std::fs::read_to_string(format!("/proc/{}/cgroup", zygote.id())).expect("a file");
    let inside = names
        .lines()
        .filter(|line| line.ends_with("/function-f/zygote"))
        .count();
    assert_eq!(inside, files.len(), "{names}");
    group.kill_all(PATIENCE).expect("ended");
}

/// The group that a platform would have made which is the given process.
fn group_of(owner: Owner, prefix: &str, like: &Cgroups) -> Node {
    let place = Node::place(Arc::clone(&like.root.node.backend));
    let node = place.child(&owner.folder(prefix));
    node.create().expect("a group");
    node.child("function-g").create().expect("a group below");
    node
}

#[test]
fn groups_of_a_platform_that_is_no_more_are_removed_with_their_processes() {
    let (like, _group) = groups("left-like");
    let mut platform = Process::shell("exit 0");
    let owner = Owner::of(platform.id()).expect("alive");
    let node = group_of(owner, "zygo.left", &like.0);
    let mut instance = Process::shell("read line");
    node.child("function-g")
        .attach(instance.id())
        .expect("attached");

    drop(Cgroups::open("zygo.left").expect("groups"));
    assert_eq!(
        node.processes().expect("known").len(),
        1,
        "the owner is alive"
    );
    platform.go();
    platform.wait();

    let folder = &node.backend.folders(&node.path)[0];
    let lock = owner::lock(folder).expect("a lock").expect("free");
    let groups = Cgroups::open("zygo.left").expect("groups");
    assert!(
        groups
            .report()
            .notes
            .iter()
            .any(|note| note.contains("cannot be seen"))
    );
    drop((groups, lock));
    assert_eq!(
        node.processes().expect("known").len(),
        1,
        "somebody has the lock"
    );

    let groups = Cgroups::open("zygo.left").expect("groups");
    assert!(
        groups
            .report()
            .notes
            .iter()
            .any(|note| note.ends_with("was removed"))
    );
    assert_eq!(instance.wait().signal(), Some(9));
    assert!(
        node.backend
            .folders(&node.path)
            .iter()
            .all(|folder| !folder.exists())
    );
}

#[test]
fn a_group_with_processes_is_not_removed_and_says_so() {
    let (_groups, group) = groups("busy");
    let instance = group.instance(&limits()).expect("an instance");
    let folder = instance
        .place()
        .node
        .backend
        .folders(&instance.place().node.path)[0]
        .clone();
    let mut process = Process::shell("exit 0");
    instance.attach(process.id()).expect("attached");
    let error = instance
        .remove(Duration::from_millis(5))
        .expect_err("a process is in it");
    assert!(error.to_string().starts_with("cannot remove"), "{error}");
    assert!(folder.exists());
    process.go();
    process.wait();
    within(PATIENCE, || {
        // Asking for the next one is what makes it be tried again.
        drop(group.instance(&limits()).expect("an instance"));
        (!folder.exists()).then_some(())
    })
    .expect("removed when it was empty");
}
