//! What the kernel does with a filtered process: every number that there may be, arguments that must not pass, calls of
//! other processors. Each call is made in a child of its own. Needs no rights.

mod arguments;
mod child;

use std::str::FromStr;

use libc::c_long;
use syscalls::Sysno;
use zygo_sandbox::seccomp::{Filters, Role, Verdict, available, decisions};
use zygo_wire::sandbox::{Layer, Network, Sandbox};

use child::{End, call_in_vain, filtered};

const RUNTIMES: [&str; 3] = ["javascript", "python", "ruby"];
const LAST: i32 = 600;
/// These end, stop or copy the child that makes them, whatever their arguments are.
const NOT_TRIED: [&str; 6] = [
    "exit",
    "exit_group",
    "fork",
    "pause",
    "rt_sigreturn",
    "vfork",
];
/// Numbers of `uprobe` and `uretprobe` on x86-64, which newer kernels do not filter, because the kernel itself makes
/// programs call them; whoever else does is ended.
const UNFILTERED: [i32; 2] = [335, 336];

fn sandbox(network: Network, subprocess: bool) -> Sandbox {
    Sandbox {
        layers: vec![Layer::Seccomp],
        id: 0,
        tmp_bytes: 0,
        tmp_files: 0,
        network,
        subprocess,
    }
}

/// One of each kind that has a filter of its own, and who is filtered differently there.
fn kinds() -> impl Iterator<Item = (Sandbox, Role)> {
    let of = |network| {
        [
            (sandbox(network, false), Role::Zygote),
            (sandbox(network, false), Role::Instance),
            (sandbox(network, true), Role::Zygote),
        ]
    };
    [Network::Internet, Network::All].into_iter().flat_map(of)
}

fn sandboxes() -> impl Iterator<Item = Sandbox> {
    let networks = [Network::Internet, Network::None, Network::All];
    networks
        .into_iter()
        .flat_map(|network| [false, true].map(|it| sandbox(network, it)))
}

fn number_of(name: &str) -> Option<i32> {
    Sysno::from_str(name).ok().map(|call| call.id())
}

fn is_tried(number: i32) -> bool {
    let is_unfiltered = cfg!(target_arch = "x86_64") && UNFILTERED.contains(&number);
    !is_unfiltered && !NOT_TRIED.iter().any(|name| number_of(name) == Some(number))
}

#[test]
fn the_kernel_decides_each_number_as_the_lists_do() {
    available().expect("a kernel that filters");
    for runtime in RUNTIMES {
        let filters = Filters::prepare(runtime).expect("filters");
        for (sandbox, role) in kinds() {
            assert_decided(runtime, &filters, &sandbox, role);
        }
    }
}

fn assert_decided(runtime: &str, filters: &Filters, sandbox: &Sandbox, role: Role) {
    for (number, decision) in decisions(runtime, sandbox, role, LAST).expect("a table") {
        if !is_tried(number) {
            continue;
        }
        let end = filtered(filters, sandbox, role, || call_in_vain(number.into()));
        let is_right = match decision.verdict(&[u64::MAX; 6]) {
            Verdict::Made => matches!(end, End::Answered(errno) if errno != libc::EPERM),
            Verdict::NotPermitted => end == End::Answered(libc::EPERM),
            Verdict::NoSuchCall => end == End::Answered(libc::ENOSYS),
        };
        assert!(
            is_right,
            "{runtime} {sandbox:?} {role:?} {number}: {end:?} but {decision:?}"
        );
    }
}

/// Nobody gets these, whatever a list may say some day.
#[rustfmt::skip]
const FORBIDDEN: &[&str] = &[
    "mount", "umount2", "pivot_root", "chroot", "fsopen", "fsmount", "fsconfig", "fspick", "move_mount", "open_tree",
    "mount_setattr", "unshare", "setns", "bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter",
    "io_uring_register", "keyctl", "add_key", "request_key", "kexec_load", "kexec_file_load", "init_module",
    "finit_module", "delete_module", "iopl", "ioperm", "quotactl", "quotactl_fd", "swapon", "swapoff", "reboot",
    "settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "acct", "lookup_dcookie", "name_to_handle_at",
    "open_by_handle_at", "modify_ldt", "vmsplice", "splice", "tee", "memfd_secret", "ptrace", "process_vm_readv",
    "process_vm_writev", "process_madvise", "process_mrelease", "pidfd_getfd", "kcmp", "syslog", "sethostname",
    "setdomainname", "nfsservctl", "fanotify_init", "fanotify_mark", "vhangup", "uselib", "ustat", "sysfs", "move_pages",
    "migrate_pages", "mbind", "set_mempolicy", "ioprio_set", "sched_setattr", "sched_setscheduler", "sched_setparam",
    "setuid", "setgid", "setgroups", "setresuid", "setresgid", "setreuid", "setregid", "setfsuid", "setfsgid", "capset",
    "landlock_add_rule", "shmget", "shmat", "shmctl", "semget",
    "semop", "semtimedop", "semctl", "msgget", "msgsnd", "msgrcv", "msgctl", "mq_open", "mq_unlink", "mq_timedsend",
    "mq_timedreceive", "mq_notify", "mq_getsetattr", "io_setup", "io_submit", "execveat", "sync", "syncfs",
    "remap_file_pages", "mincore", "cachestat", "statmount", "listmount", "map_shadow_stack",
];

#[test]
fn what_nobody_may_do_is_refused_by_every_filter() {
    for runtime in RUNTIMES {
        let filters = Filters::prepare(runtime).expect("filters");
        for (sandbox, role) in kinds() {
            for number in FORBIDDEN.iter().filter_map(|name| number_of(name)) {
                let end = filtered(&filters, &sandbox, role, || call_in_vain(number.into()));
                assert_eq!(
                    end,
                    End::Answered(libc::EPERM),
                    "{runtime} {sandbox:?} {role:?} {number}"
                );
            }
        }
    }
}

#[test]
fn calls_that_need_a_setting_are_refused_without_it() {
    let filters = Filters::prepare("python").expect("filters");
    for (name, is_allowed) in [
        (
            "execve",
            (|sandbox| sandbox.subprocess) as fn(&Sandbox) -> bool,
        ),
        ("setsid", |sandbox| sandbox.subprocess),
        ("listen", |sandbox| sandbox.network != Network::Internet),
        ("accept4", |sandbox| sandbox.network != Network::Internet),
    ] {
        let number = number_of(name).expect(name);
        for sandbox in sandboxes() {
            let end = filtered(&filters, &sandbox, Role::Instance, || {
                call_in_vain(number.into())
            });
            let is_made = end != End::Answered(libc::EPERM);
            assert_eq!(is_made, is_allowed(&sandbox), "{name} {sandbox:?}: {end:?}");
        }
    }
}

#[test]
#[cfg(target_arch = "x86_64")]
fn calls_of_32_bit_programs_end_the_process() {
    const X32: c_long = 0x4000_0000;
    let filters = Filters::prepare("python").expect("filters");
    let sandbox = sandbox(Network::All, true);
    let killed = End::Killed(libc::SIGSYS);
    for number in 0..=c_long::from(LAST) {
        let end = filtered(&filters, &sandbox, Role::Zygote, || {
            call_in_vain(X32 | number)
        });
        assert_eq!(end, killed, "{number}");
    }
    let end = filtered(&filters, &sandbox, Role::Zygote, || {
        let answer: c_long;
        // SAFETY: `getpid` of a 32-bit program takes nothing, and writes only its answer.
        unsafe { std::arch::asm!("int 0x80", inlateout("rax") 20_i64 => answer) };
        answer
    });
    assert_eq!(end, killed);
}
