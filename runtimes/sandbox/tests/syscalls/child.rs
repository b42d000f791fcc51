//! Makes one call in a child that is filtered. Knows no lists.

use libc::c_long;
use zygo_sandbox::seccomp::{Filters, Role};
use zygo_wire::sandbox::Sandbox;

/// Ends a child whose call waits.
const DEADLINE_S: u32 = 10;

/// How a child ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Its call was made, or failed with this number.
    Answered(i32),
    /// A signal ended it.
    Killed(i32),
}

/// Makes a call in a child that is filtered as a role is.
#[expect(
    clippy::disallowed_methods,
    reason = "the child only makes system calls"
)]
pub(crate) fn filtered(
    filters: &Filters,
    sandbox: &Sandbox,
    role: Role,
    call: impl FnOnce() -> c_long,
) -> End {
    let zygote = filters.zygote(sandbox);
    let instance = filters.instance(sandbox).filter(|_| role == Role::Instance);
    // SAFETY: the child touches nothing that another thread may have locked: it makes system calls and ends.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        // SAFETY: takes a number.
        unsafe { libc::alarm(DEADLINE_S) };
        let is_filtered = zygote.apply().is_ok() && instance.is_none_or(|it| it.apply().is_ok());
        let code = if is_filtered { errno_of(call()) } else { 255 };
        // SAFETY: ends the child without running anything of the parent's.
        unsafe { libc::_exit(code) };
    }
    end_of(pid)
}

fn errno_of(answer: c_long) -> i32 {
    if answer == -1 {
        std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
    } else {
        0
    }
}

fn end_of(pid: i32) -> End {
    let mut status = 0;
    // SAFETY: `status` is ours, and so is the child.
    let waited = unsafe { libc::waitpid(pid, &raw mut status, 0) };
    assert_eq!(waited, pid, "{}", std::io::Error::last_os_error());
    if libc::WIFSIGNALED(status) {
        End::Killed(libc::WTERMSIG(status))
    } else {
        End::Answered(libc::WEXITSTATUS(status))
    }
}

/// Makes the call with arguments that are valid for none: minus one everywhere.
pub(crate) fn call_in_vain(number: c_long) -> c_long {
    call(number, [u64::MAX; 6])
}

pub(crate) fn call(number: c_long, [a, b, c, d, e, f]: [u64; 6]) -> c_long {
    // SAFETY: no argument points to memory of this process, so the call can write nowhere.
    unsafe { libc::syscall(number, a, b, c, d, e, f) }
}
