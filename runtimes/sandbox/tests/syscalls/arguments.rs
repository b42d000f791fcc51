//! Calls that pass or do not pass for their arguments.
#![allow(
    clippy::cast_sign_loss,
    reason = "the kernel sees the bits of constants that are negative in C"
)]

use libc::c_long;
use zygo_sandbox::seccomp::{Filters, Role};
use zygo_wire::sandbox::Network;

use crate::child::{End, call, filtered};
use crate::sandbox;

/// Some place in the file system.
const HERE: u64 = libc::AT_FDCWD as u64;
const UNIX: u64 = libc::AF_UNIX as u64;
/// No descriptor and no address.
const BAD: u64 = u64::MAX;

/// Calls, and whether they pass. Those that pass fail for another reason, or do no harm.
#[rustfmt::skip]
const CASES: &[(c_long, [u64; 6], bool)] = &[
    (libc::SYS_socket, [UNIX, 0x80801, 0, 0, 0, 0], true),
    (libc::SYS_socket, [2, 1, 6, 0, 0, 0], true),
    // Netlink, packet, vsock; raw; ICMP; a family whose high half hides it.
    (libc::SYS_socket, [16, 2, 0, 0, 0, 0], false),
    (libc::SYS_socket, [17, 2, 0, 0, 0, 0], false),
    (libc::SYS_socket, [40, 1, 0, 0, 0, 0], false),
    (libc::SYS_socket, [2, 3, 0, 0, 0, 0], false),
    (libc::SYS_socket, [2, 2, 1, 0, 0, 0], false),
    (libc::SYS_socket, [1 << 32 | 16, 1, 0, 0, 0, 0], false),
    (libc::SYS_socketpair, [UNIX, 5, 0, BAD, 0, 0], true),
    (libc::SYS_socketpair, [2, 1, 0, BAD, 0, 0], false),
    (libc::SYS_setsockopt, [BAD, 1, 2, 0, 0, 0], true),
    (libc::SYS_setsockopt, [BAD, 1, 26, 0, 0, 0], false),
    (libc::SYS_setsockopt, [BAD, 1, 50, 0, 0, 0], false),
    (libc::SYS_setsockopt, [BAD, 0, 64, 0, 0, 0], false),
    (libc::SYS_setsockopt, [BAD, 6, 31, 0, 0, 0], false),
    // An option of UDP that makes a tunnel.
    (libc::SYS_setsockopt, [BAD, 6, 1, 0, 0, 0], true),
    (libc::SYS_setsockopt, [BAD, 17, 103, 0, 0, 0], true),
    (libc::SYS_setsockopt, [BAD, 17, 100, 0, 0, 0], false),
    (libc::SYS_setsockopt, [BAD, 263, 1, 0, 0, 0], false),
    (libc::SYS_ioctl, [BAD, libc::TCGETS, 0, 0, 0, 0], true),
    (libc::SYS_ioctl, [BAD, libc::TIOCSTI, 0, 0, 0, 0], false),
    (libc::SYS_ioctl, [BAD, 0x541c, 0, 0, 0, 0], false),
    (
        libc::SYS_ioctl,
        [BAD, 1 << 32 | libc::TIOCSTI, 0, 0, 0, 0],
        false,
    ),
    (libc::SYS_madvise, [0, 0, 4, 0, 0, 0], true),
    (libc::SYS_madvise, [0, 0, 12, 0, 0, 0], false),
    (libc::SYS_fchmod, [BAD, 0o755, 0, 0, 0, 0], true),
    (libc::SYS_fchmod, [BAD, 0o4755, 0, 0, 0, 0], false),
    (libc::SYS_fchmodat, [HERE, BAD, 0o2755, 0, 0, 0], false),
    (libc::SYS_openat, [HERE, BAD, 0, 0o7777, 0, 0], true),
    (libc::SYS_openat, [HERE, BAD, 0o100, 0o755, 0, 0], true),
    (libc::SYS_openat, [HERE, BAD, 0o100, 0o4755, 0, 0], false),
    (
        libc::SYS_openat,
        [HERE, BAD, libc::O_TMPFILE as u64, 0o4755, 0, 0],
        false,
    ),
    (
        libc::SYS_openat,
        [HERE, BAD, libc::O_DIRECTORY as u64, 0o4755, 0, 0],
        true,
    ),
    (libc::SYS_mknodat, [HERE, BAD, 0o010_600, 0, 0, 0], true),
    (libc::SYS_mknodat, [HERE, BAD, 0o020_600, 0, 0, 0], false),
    (libc::SYS_mknodat, [HERE, BAD, 0o060_600, 0, 0, 0], false),
    (libc::SYS_mknodat, [HERE, BAD, 0o104_755, 0, 0, 0], false),
    (libc::SYS_personality, [0xffff_ffff, 0, 0, 0, 0, 0], true),
    (libc::SYS_personality, [0x0004_0000, 0, 0, 0, 0, 0], false),
    (libc::SYS_prlimit64, [0, 7, 0, 0, 0, 0], true),
    (libc::SYS_prlimit64, [1, 7, 0, 0, 0, 0], false),
    (libc::SYS_sched_setaffinity, [0, 0, 0, 0, 0, 0], true),
    (libc::SYS_sched_setaffinity, [1, 0, 0, 0, 0, 0], false),
    (libc::SYS_setpriority, [0, 0, 1, 0, 0, 0], true),
    (libc::SYS_setpriority, [0, 1, 1, 0, 0, 0], false),
    (libc::SYS_setpriority, [2, 0, 1, 0, 0, 0], false),
    (libc::SYS_prctl, [38, 1, 0, 0, 0, 0], true),
    (libc::SYS_prctl, [22, 2, 0, 0, 0, 0], false),
    (libc::SYS_prctl, [35, 0, 0, 0, 0, 0], false),
    (libc::SYS_prctl, [4, 1, 0, 0, 0, 0], false),
    // A listener; synchronising threads.
    (libc::SYS_seccomp, [1, 0, 0, 0, 0, 0], true),
    (libc::SYS_seccomp, [1, 8, 0, 0, 0, 0], false),
    (libc::SYS_seccomp, [2, 0, 0, 0, 0, 0], false),
    (libc::SYS_clone, [0x1000_0000 | 17, 0, 0, 0, 0, 0], false),
    (libc::SYS_clone, [0x0002_0000 | 17, 0, 0, 0, 0, 0], false),
    (libc::SYS_clone, [0x8000 | 17, 0, 0, 0, 0, 0], false),
];

#[test]
fn arguments_that_would_reach_out_are_refused() {
    let filters = Filters::prepare("ruby").expect("filters");
    let sandbox = sandbox(Network::Internet, false);
    for (number, arguments, passes) in CASES {
        let end = filtered(&filters, &sandbox, Role::Zygote, || {
            call(*number, *arguments)
        });
        let is_made = end != End::Answered(libc::EPERM);
        assert_eq!(is_made, *passes, "{number} {arguments:x?}: {end:?}");
    }
}

#[test]
fn an_instance_may_start_threads_but_no_processes() {
    let filters = Filters::prepare("javascript").expect("filters");
    // Flags that the kernel refuses together: a thread without shared memory, and a shared and a fresh signal table.
    let (thread, process) = (0x0001_0000, 0x1_0000_0800);
    for (role, flags, expected) in [
        (Role::Zygote, thread, libc::EINVAL),
        (Role::Instance, thread, libc::EINVAL),
        (Role::Zygote, process, libc::EINVAL),
        (Role::Instance, process, libc::EPERM),
    ] {
        let sandbox = sandbox(Network::Internet, false);
        let end = filtered(&filters, &sandbox, role, || {
            call(libc::SYS_clone, [flags, 0, 0, 0, 0, 0])
        });
        assert_eq!(end, End::Answered(expected), "{role:?} {flags:#x}");
    }
    let sandbox = sandbox(Network::Internet, false);
    let end = filtered(&filters, &sandbox, Role::Instance, || {
        call(libc::SYS_seccomp, [1, 0, 0, 0, 0, 0])
    });
    assert_eq!(
        end,
        End::Answered(libc::EPERM),
        "no filter on top of the last"
    );
}
