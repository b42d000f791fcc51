//! Which arguments of which system calls a list may test, and the names of their values.
//!
//! Only arguments that are an `int` to the kernel, or of which it takes the low half, may stand here: [`super::Test`]
//! looks at nothing else. No pointers: what they point to can be changed after the test.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "constants have the types of several headers; the kernel sees their 32 bits"
)]

type Values = &'static [(&'static str, u32)];

/// An argument that can be tested.
#[derive(Debug, Clone, Copy)]
pub(super) struct Argument {
    /// Counted from zero.
    pub(super) index: u8,
    /// The bits that count.
    pub(super) mask: u32,
    /// Names of values.
    pub(super) values: Values,
}

impl Argument {
    /// The argument that a system call has under this name.
    pub(super) fn find(call: &str, name: &str) -> Option<Self> {
        let row = ARGUMENTS.iter().find(|row| row.0 == call && row.1 == name);
        row.map(|&(_, _, index, mask, values)| Self {
            index,
            mask,
            values,
        })
    }
}

const ALL: u32 = u32::MAX;
const NOT_SOCK_FLAGS: u32 = !(libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK) as u32;

/// System call, name, index, bits that count, names of values.
#[rustfmt::skip]
const ARGUMENTS: &[(&str, &str, u8, u32, Values)] = &[
    ("arch_prctl", "option", 0, ALL, ARCH_OPTIONS),
    ("chmod", "mode", 1, ALL, MODES),
    ("clone", "flags", 0, ALL, CLONE_FLAGS),
    ("creat", "mode", 1, ALL, MODES),
    ("fchmod", "mode", 1, ALL, MODES),
    ("fchmodat", "mode", 2, ALL, MODES),
    ("fchmodat2", "mode", 2, ALL, MODES),
    ("ioctl", "request", 1, ALL, REQUESTS),
    ("madvise", "advice", 2, ALL, ADVICE),
    ("mknod", "format", 1, libc::S_IFMT, FORMATS),
    ("mknod", "mode", 1, ALL, MODES),
    ("mknodat", "format", 2, libc::S_IFMT, FORMATS),
    ("mknodat", "mode", 2, ALL, MODES),
    ("open", "flags", 1, ALL, OPEN_FLAGS),
    ("open", "mode", 2, ALL, MODES),
    ("openat", "flags", 2, ALL, OPEN_FLAGS),
    ("openat", "mode", 3, ALL, MODES),
    ("personality", "persona", 0, ALL, &[("READ", u32::MAX)]),
    ("prctl", "option", 0, ALL, PRCTL_OPTIONS),
    ("prlimit64", "pid", 0, ALL, &[]),
    ("sched_setaffinity", "pid", 0, ALL, &[]),
    ("sched_setscheduler", "pid", 0, ALL, &[]),
    ("sched_setscheduler", "policy", 1, ALL, &[("BATCH", libc::SCHED_BATCH as u32)]),
    ("seccomp", "flags", 1, ALL, &[]),
    ("seccomp", "operation", 0, ALL, &[("SET_MODE_FILTER", libc::SECCOMP_SET_MODE_FILTER)]),
    ("setpriority", "which", 0, ALL, &[("PROCESS", libc::PRIO_PROCESS)]),
    ("setpriority", "who", 1, ALL, &[]),
    ("setsockopt", "level", 1, ALL, LEVELS),
    ("setsockopt", "option", 2, ALL, SOCKET_OPTIONS),
    ("socket", "domain", 0, ALL, DOMAINS),
    ("socket", "protocol", 2, ALL, PROTOCOLS),
    ("socket", "type", 1, NOT_SOCK_FLAGS, TYPES),
    ("socketpair", "domain", 0, ALL, DOMAINS),
];

const DOMAINS: Values = &[
    ("unix", libc::AF_UNIX as u32),
    ("inet", libc::AF_INET as u32),
    ("inet6", libc::AF_INET6 as u32),
];

const TYPES: Values = &[
    ("stream", libc::SOCK_STREAM as u32),
    ("dgram", libc::SOCK_DGRAM as u32),
];

const PROTOCOLS: Values = &[
    ("tcp", libc::IPPROTO_TCP as u32),
    ("udp", libc::IPPROTO_UDP as u32),
];

const LEVELS: Values = &[
    ("SOCKET", libc::SOL_SOCKET as u32),
    ("IP", libc::IPPROTO_IP as u32),
    ("IPV6", libc::IPPROTO_IPV6 as u32),
    ("TCP", libc::IPPROTO_TCP as u32),
    ("UDP", libc::IPPROTO_UDP as u32),
];

/// Numbers of options mean something else at each level.
const SOCKET_OPTIONS: Values = &[
    ("ATTACH_FILTER", libc::SO_ATTACH_FILTER as u32),
    ("ATTACH_BPF", libc::SO_ATTACH_BPF as u32),
    (
        "ATTACH_REUSEPORT_CBPF",
        libc::SO_ATTACH_REUSEPORT_CBPF as u32,
    ),
    (
        "ATTACH_REUSEPORT_EBPF",
        libc::SO_ATTACH_REUSEPORT_EBPF as u32,
    ),
    ("TCP_NODELAY", libc::TCP_NODELAY as u32),
    ("TCP_MAXSEG", libc::TCP_MAXSEG as u32),
    ("TCP_CORK", libc::TCP_CORK as u32),
    ("TCP_KEEPIDLE", libc::TCP_KEEPIDLE as u32),
    ("TCP_KEEPINTVL", libc::TCP_KEEPINTVL as u32),
    ("TCP_KEEPCNT", libc::TCP_KEEPCNT as u32),
    ("TCP_SYNCNT", libc::TCP_SYNCNT as u32),
    ("TCP_LINGER2", libc::TCP_LINGER2 as u32),
    ("TCP_DEFER_ACCEPT", libc::TCP_DEFER_ACCEPT as u32),
    ("TCP_WINDOW_CLAMP", libc::TCP_WINDOW_CLAMP as u32),
    ("TCP_QUICKACK", libc::TCP_QUICKACK as u32),
    ("TCP_CONGESTION", libc::TCP_CONGESTION as u32),
    ("TCP_USER_TIMEOUT", libc::TCP_USER_TIMEOUT as u32),
    ("TCP_FASTOPEN", libc::TCP_FASTOPEN as u32),
    ("TCP_NOTSENT_LOWAT", libc::TCP_NOTSENT_LOWAT as u32),
    ("TCP_FASTOPEN_CONNECT", libc::TCP_FASTOPEN_CONNECT as u32),
    ("UDP_CORK", libc::UDP_CORK as u32),
    ("UDP_SEGMENT", libc::UDP_SEGMENT as u32),
    ("UDP_GRO", libc::UDP_GRO as u32),
    // `IPT_SO_SET_REPLACE`, `IPT_SO_SET_ADD_COUNTERS`, and the same numbers for IPv6; no header of libc has them.
    ("TABLES_REPLACE", 64),
    ("TABLES_COUNTERS", 65),
];

const CLONE_FLAGS: Values = &[
    ("THREAD", libc::CLONE_THREAD as u32),
    ("PARENT", libc::CLONE_PARENT as u32),
    ("NEWNS", libc::CLONE_NEWNS as u32),
    ("NEWUSER", libc::CLONE_NEWUSER as u32),
    ("NEWPID", libc::CLONE_NEWPID as u32),
    ("NEWNET", libc::CLONE_NEWNET as u32),
    ("NEWIPC", libc::CLONE_NEWIPC as u32),
    ("NEWUTS", libc::CLONE_NEWUTS as u32),
    ("NEWCGROUP", libc::CLONE_NEWCGROUP as u32),
    ("NEWTIME", libc::CLONE_NEWTIME as u32),
];

const OPEN_FLAGS: Values = &[
    ("CREAT", libc::O_CREAT as u32),
    // The C library's constant holds O_DIRECTORY as well.
    ("TMPFILE", (libc::O_TMPFILE & !libc::O_DIRECTORY) as u32),
];

const MODES: Values = &[("SUID", libc::S_ISUID), ("SGID", libc::S_ISGID)];

const FORMATS: Values = &[
    ("REG", libc::S_IFREG),
    ("FIFO", libc::S_IFIFO),
    ("SOCK", libc::S_IFSOCK),
];

const ADVICE: Values = &[
    ("MERGEABLE", libc::MADV_MERGEABLE as u32),
    ("HWPOISON", libc::MADV_HWPOISON as u32),
    ("SOFT_OFFLINE", libc::MADV_SOFT_OFFLINE as u32),
];

const PRCTL_OPTIONS: Values = &[
    ("SET_NAME", libc::PR_SET_NAME as u32),
    ("GET_NAME", libc::PR_GET_NAME as u32),
    ("SET_PDEATHSIG", libc::PR_SET_PDEATHSIG as u32),
    ("GET_PDEATHSIG", libc::PR_GET_PDEATHSIG as u32),
    ("SET_CHILD_SUBREAPER", libc::PR_SET_CHILD_SUBREAPER as u32),
    ("SET_NO_NEW_PRIVS", libc::PR_SET_NO_NEW_PRIVS as u32),
    ("GET_NO_NEW_PRIVS", libc::PR_GET_NO_NEW_PRIVS as u32),
    ("SET_VMA", libc::PR_SET_VMA as u32),
    ("SET_THP_DISABLE", libc::PR_SET_THP_DISABLE as u32),
    ("GET_THP_DISABLE", libc::PR_GET_THP_DISABLE as u32),
    ("GET_DUMPABLE", libc::PR_GET_DUMPABLE as u32),
    ("GET_SECCOMP", libc::PR_GET_SECCOMP as u32),
    ("CAPBSET_READ", libc::PR_CAPBSET_READ as u32),
    ("SET_TIMERSLACK", libc::PR_SET_TIMERSLACK as u32),
    ("GET_TIMERSLACK", libc::PR_GET_TIMERSLACK as u32),
];

/// `ARCH_SET_FS` and `ARCH_GET_FS`; libc has them for no processor.
const ARCH_OPTIONS: Values = &[("SET_FS", 0x1002), ("GET_FS", 0x1003)];

/// Some are missing in libc; their numbers are the same on every processor that has a filter.
const REQUESTS: Values = &[
    ("TCGETS", libc::TCGETS as u32),
    ("TCGETS2", libc::TCGETS2 as u32),
    ("TIOCGWINSZ", libc::TIOCGWINSZ as u32),
    ("TIOCGPGRP", libc::TIOCGPGRP as u32),
    ("TIOCOUTQ", libc::TIOCOUTQ as u32),
    ("FIONREAD", libc::FIONREAD as u32),
    ("FIONBIO", libc::FIONBIO as u32),
    ("FIOASYNC", libc::FIOASYNC as u32),
    ("FIOCLEX", libc::FIOCLEX as u32),
    ("FIONCLEX", libc::FIONCLEX as u32),
    ("FICLONE", 0x4004_9409),
    ("SIOCATMARK", 0x8905),
    ("SIOCGIFNAME", 0x8910),
    ("SIOCGIFCONF", 0x8912),
    ("SIOCGIFFLAGS", 0x8913),
    ("SIOCGIFADDR", 0x8915),
    ("SIOCGIFNETMASK", 0x891b),
    ("SIOCGIFMTU", 0x8921),
    ("SIOCGIFINDEX", 0x8933),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_found_by_call_and_name() {
        let mode = Argument::find("openat", "mode").expect("an argument");
        assert_eq!((mode.index, mode.mask), (3, u32::MAX));
        assert!(Argument::find("openat", "domain").is_none());
        assert!(Argument::find("read", "mode").is_none());
    }

    #[test]
    fn values_have_one_name_each_and_lie_within_the_bits_that_count() {
        for (call, name, index, mask, values) in ARGUMENTS {
            assert!(*index < 6, "{call} {name}");
            for (at, (value_name, value)) in values.iter().enumerate() {
                let is_once = values[..at].iter().all(|(other, _)| other != value_name);
                assert!(
                    is_once && value & mask == *value,
                    "{call} {name} {value_name}"
                );
            }
        }
    }
}
