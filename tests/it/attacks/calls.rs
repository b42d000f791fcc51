//! System calls that a handler must not get through, by rows, with harmless arguments. Data alone.

use serde_json::{Value, json};

pub(super) const ZYGOTE: &str = "@zygote";
pub(super) const SIBLING: &str = "@sibling";

/// A row, a name, a number and arguments.
pub(super) type Call = (&'static str, &'static str, i64, Vec<Value>);

fn call(row: &'static str, name: &'static str, number: i64, arguments: Value) -> Call {
    let Value::Array(arguments) = arguments else {
        panic!("arguments are a list");
    };
    (row, name, number, arguments)
}

pub(super) fn step(number: i64, arguments: &[Value]) -> Value {
    let mut step = vec![json!("call"), json!(number)];
    let zygote = |value: &Value| match value == ZYGOTE {
        true => json!(1),
        false => value.clone(),
    };
    step.extend(arguments.iter().map(zygote));
    step.into()
}

/// Other processes of the function: the zygote and a sibling.
#[rustfmt::skip]
pub(super) fn on_processes() -> Vec<Call> {
    let mut calls = Vec::new();
    for whom in [json!(ZYGOTE), json!(SIBLING)] {
        calls.extend([
            call("S5", "ptrace ATTACH", libc::SYS_ptrace, json!([16, whom, 0, 0])),
            call("S5", "ptrace SEIZE", libc::SYS_ptrace, json!([0x4206, whom, 0, 0])),
            call("S5", "process_vm_readv", libc::SYS_process_vm_readv, json!([whom, "", 0, "", 0, 0])),
            call("S5", "process_vm_writev", libc::SYS_process_vm_writev, json!([whom, "", 0, "", 0, 0])),
            call("S5", "kcmp", libc::SYS_kcmp, json!([whom, "@own", 2, 0, 0])),
            call("S5", "process_madvise", libc::SYS_process_madvise, json!([0, "", 0, 4, 0])),
            call("S7", "sched_setaffinity of another", libc::SYS_sched_setaffinity, json!([whom, 8, "\u{1}"])),
            call("S7", "sched_setscheduler of another", libc::SYS_sched_setscheduler, json!([whom, 1, ""])),
            call("S7", "setpriority of another", libc::SYS_setpriority, json!([0, whom, 19])),
            call("S7", "ioprio_set of another", libc::SYS_ioprio_set, json!([1, whom, 0])),
            call("S7", "prlimit64 of another", libc::SYS_prlimit64, json!([whom, 7, 0, ""])),
            call("S7", "migrate_pages of another", libc::SYS_migrate_pages, json!([whom, 1, "", ""])),
            call("S7", "move_pages of another", libc::SYS_move_pages, json!([whom, 0, 0, 0, 0, 0])),
        ]);
    }
    calls.extend([
        call("S5", "ptrace TRACEME", libc::SYS_ptrace, json!([0, 0, 0, 0])),
        call("S5", "pidfd_getfd", libc::SYS_pidfd_getfd, json!([0, 0, 0])),
        call("S5", "PR_SET_DUMPABLE", libc::SYS_prctl, json!([4, 1, 0, 0, 0])),
        call("S5", "PR_SET_PTRACER", libc::SYS_prctl, json!([0x5961_6d61, -1, 0, 0, 0])),
    ]);
    calls
}

#[rustfmt::skip]
pub(super) fn on_mounts() -> Vec<Call> {
    let new: [(_, i64); 8] = [
        ("NEWUSER", 0x1000_0000), ("NEWNS", 0x2_0000), ("NEWPID", 0x2000_0000), ("NEWNET", 0x4000_0000),
        ("NEWIPC", 0x800_0000), ("NEWUTS", 0x400_0000), ("NEWCGROUP", 0x200_0000), ("NEWTIME", 0x80),
    ];
    let mut calls = vec![
        call("S9", "mount tmpfs", libc::SYS_mount, json!(["x", "/tmp", "tmpfs", 0, ""])),
        call("S9", "mount proc", libc::SYS_mount, json!(["proc", "/proc", "proc", 0, ""])),
        call("S9", "mount remount rw", libc::SYS_mount, json!(["", "/", "", 0x1020, ""])),
        call("S9", "umount2", libc::SYS_umount2, json!(["/tmp", 2])),
        call("S9", "umount2 proc", libc::SYS_umount2, json!(["/proc", 2])),
        call("S9", "pivot_root", libc::SYS_pivot_root, json!(["/tmp", "/tmp"])),
        call("S9", "chroot", libc::SYS_chroot, json!(["/tmp"])),
        call("S9", "fsopen", libc::SYS_fsopen, json!(["tmpfs", 0])),
        call("S9", "fsmount", libc::SYS_fsmount, json!([0, 0, 0])),
        call("S9", "fspick", libc::SYS_fspick, json!([-100, "/", 0])),
        call("S9", "fsconfig", libc::SYS_fsconfig, json!([0, 0, "", "", 0])),
        call("S9", "move_mount", libc::SYS_move_mount, json!([-100, "/tmp", -100, "/var", 0])),
        call("S9", "open_tree", libc::SYS_open_tree, json!([-100, "/", 1])),
        call("S9", "mount_setattr", libc::SYS_mount_setattr, json!([-100, "/", 0, "", 32])),
        call("S9", "setns", libc::SYS_setns, json!([0, 0])),
        call("S9", "clone3", libc::SYS_clone3, json!(["", 88])),
        call("S9", "openat2", libc::SYS_openat2, json!([-100, "/tmp", "", 24])),
    ];
    for (name, flag) in new {
        // A time namespace cannot be asked of this call; the bit means a signal.
        let clone = if name == "NEWTIME" { 0x80 } else { flag | 17 };
        calls.push(call("S9", name, libc::SYS_unshare, json!([flag])));
        calls.push(call("S9", name, libc::SYS_clone, json!([clone, 0, 0, 0, 0])));
    }
    calls
}

/// Parts of the kernel that no handler needs.
#[rustfmt::skip]
pub(super) fn on_the_kernel() -> Vec<Call> {
    let plain: [(&str, i64, Value); 50] = [
        ("bpf", libc::SYS_bpf, json!([0, "", 48])),
        ("perf_event_open", libc::SYS_perf_event_open, json!(["", 0, -1, -1, 0])),
        ("userfaultfd", libc::SYS_userfaultfd, json!([1])),
        ("io_uring_setup", libc::SYS_io_uring_setup, json!([1, ""])),
        ("io_uring_enter", libc::SYS_io_uring_enter, json!([0, 0, 0, 0, 0, 0])),
        ("io_uring_register", libc::SYS_io_uring_register, json!([0, 0, 0, 0])),
        ("io_setup", libc::SYS_io_setup, json!([1, ""])),
        ("keyctl", libc::SYS_keyctl, json!([0, -3, 0, 0, 0])),
        ("add_key", libc::SYS_add_key, json!(["user", "x", "x", 1, -3])),
        ("request_key", libc::SYS_request_key, json!(["user", "x", "", 0])),
        ("kexec_load", libc::SYS_kexec_load, json!([0, 0, 0, 0])),
        ("kexec_file_load", libc::SYS_kexec_file_load, json!([-1, -1, 0, "", 0])),
        ("init_module", libc::SYS_init_module, json!(["", 0, ""])),
        ("finit_module", libc::SYS_finit_module, json!([0, "", 0])),
        ("delete_module", libc::SYS_delete_module, json!(["nothing", 0])),
        ("iopl", libc::SYS_iopl, json!([3])),
        ("ioperm", libc::SYS_ioperm, json!([0x80, 1, 1])),
        ("quotactl", libc::SYS_quotactl, json!([0, "", 0, 0])),
        ("swapon", libc::SYS_swapon, json!(["/tmp/x", 0])),
        ("swapoff", libc::SYS_swapoff, json!(["/tmp/x"])),
        ("reboot", libc::SYS_reboot, json!([0, 0, 0, 0])),
        ("settimeofday", libc::SYS_settimeofday, json!([0, ""])),
        ("clock_settime", libc::SYS_clock_settime, json!([0, ""])),
        ("clock_adjtime", libc::SYS_clock_adjtime, json!([0, "\u{1}"])),
        ("adjtimex", libc::SYS_adjtimex, json!(["\u{1}"])),
        ("acct", libc::SYS_acct, json!(["/tmp/x"])),
        ("name_to_handle_at", libc::SYS_name_to_handle_at, json!([-100, "/", "", "", 0])),
        ("open_by_handle_at", libc::SYS_open_by_handle_at, json!([0, "", 0])),
        ("personality", libc::SYS_personality, json!([0x0040_0000])),
        ("personality READ_IMPLIES_EXEC", libc::SYS_personality, json!([0x0040_0000])),
        ("modify_ldt", libc::SYS_modify_ldt, json!([0, "", 16])),
        ("vmsplice", libc::SYS_vmsplice, json!([0, 0, 0, 0])),
        ("splice", libc::SYS_splice, json!([0, 0, 0, 0, 0, 0])),
        ("tee", libc::SYS_tee, json!([0, 0, 0, 0])),
        ("memfd_secret", libc::SYS_memfd_secret, json!([0])),
        ("landlock_create_ruleset", libc::SYS_landlock_create_ruleset, json!([0, 0, 1])),
        ("seccomp", libc::SYS_seccomp, json!([2, 0, "\u{6}"])),
        ("seccomp listener", libc::SYS_seccomp, json!([1, 8, ""])),
        ("prctl SECCOMP", libc::SYS_prctl, json!([22, 2, "", 0, 0])),
        ("prctl SET_MM", libc::SYS_prctl, json!([35, 1, 0, 0, 0])),
        ("prctl SPECULATION", libc::SYS_prctl, json!([53, 0, 2, 0, 0])),
        ("syslog", libc::SYS_syslog, json!([3, "", 100])),
        ("vhangup", libc::SYS_vhangup, json!([])),
        ("sethostname", libc::SYS_sethostname, json!(["x", 1])),
        ("setdomainname", libc::SYS_setdomainname, json!(["x", 1])),
        ("fanotify_init", libc::SYS_fanotify_init, json!([0, 0])),
        ("mq_open", libc::SYS_mq_open, json!(["x", 0x42, 0o600, 0])),
        ("shmget", libc::SYS_shmget, json!([0, 4096, 0o1600])),
        ("semget", libc::SYS_semget, json!([0, 1, 0o1600])),
        ("msgget", libc::SYS_msgget, json!([0, 0o1600])),
    ];
    let mut calls = Vec::from(plain.map(|(name, number, arguments)| call("S10", name, number, arguments)));
    // Memory that the kernel may merge tells by its timing what others have.
    calls.extend([
        call("S16", "prctl MEMORY_MERGE", libc::SYS_prctl, json!([67, 1, 0, 0, 0])),
        call("S16", "madvise MERGEABLE", libc::SYS_madvise, json!([0, 4096, 12])),
    ]);
    calls
}

#[rustfmt::skip]
pub(super) fn on_identity() -> Vec<Call> {
    let plain: [(&str, i64, Value); 10] = [
        ("setuid", libc::SYS_setuid, json!([0])),
        ("setgid", libc::SYS_setgid, json!([0])),
        ("setreuid", libc::SYS_setreuid, json!([0, 0])),
        ("setresuid", libc::SYS_setresuid, json!([0, 0, 0])),
        ("setresgid", libc::SYS_setresgid, json!([0, 0, 0])),
        ("setfsuid", libc::SYS_setfsuid, json!([0])),
        ("setgroups", libc::SYS_setgroups, json!([0, ""])),
        ("capset", libc::SYS_capset, json!(["", ""])),
        ("prctl CAP_AMBIENT", libc::SYS_prctl, json!([47, 2, 21, 0, 0])),
        ("prctl SET_SECUREBITS", libc::SYS_prctl, json!([28, 0, 0, 0, 0])),
    ];
    plain.map(|(name, number, arguments)| call("S11", name, number, arguments)).into()
}

#[rustfmt::skip]
pub(super) fn on_files() -> Vec<Call> {
    vec![
        call("S12", "mknod a block device", libc::SYS_mknod, json!(["/tmp/device", 0o060_666, 0x800])),
        call("S12", "mknod a character device", libc::SYS_mknod, json!(["/tmp/device", 0o020_666, 0x101])),
        call("S12", "mknodat a device", libc::SYS_mknodat, json!([-100, "/tmp/device", 0o020_666, 0x101])),
        call("S12", "chmod setuid", libc::SYS_chmod, json!(["/tmp", 0o4755])),
        call("S12", "creat setuid", libc::SYS_creat, json!(["/tmp/setuid", 0o4755])),
        call("S12", "open setuid", libc::SYS_open, json!(["/tmp/setuid", 0x42, 0o4755])),
        call("S12", "O_TMPFILE setuid", libc::SYS_open, json!(["/tmp", 0x0041_0002, 0o4755])),
        call("S12", "chown to root", libc::SYS_chown, json!(["/tmp", 0, 0])),
        call("S14", "execve", libc::SYS_execve, json!(["/bin/true", 0, 0])),
        call("S14", "execveat", libc::SYS_execveat, json!([-100, "/bin/true", 0, 0, 0])),
        call("S14", "fork", libc::SYS_fork, json!([])),
        call("S14", "vfork by clone", libc::SYS_clone, json!([17, 0, 0, 0, 0])),
        call("S14", "uselib", libc::SYS_uselib, json!(["/tmp/x"])),
        call("S4", "setsid", libc::SYS_setsid, json!([])),
        call("S4", "clone with CLONE_PARENT", libc::SYS_clone, json!([0x8000 | 17, 0, 0, 0, 0])),
    ]
}
