//! Small acts of a process upon itself. Knows nothing of zygotes.

use std::ffi::CString;

use nix::sys::prctl;
use nix::sys::signal::{SigHandler, Signal, signal};
use nix::unistd::Pid;

/// What a shell reports for a process that has aborted.
const ABORTED: i32 = 134;

/// Ends the process at once: no destructors, no `atexit`, because both belong to the zygote's engine, not to a fork.
pub(crate) fn end(code: i32) -> ! {
    // SAFETY: `_exit` takes any integer, never returns and touches no memory of this process.
    unsafe { libc::_exit(code) }
}

/// Lets whoever runs go on when this process wakes up: it takes its turn instead of pushing in.
///
/// Each invocation wakes an instance. If the instance ran at once on a processor that the supervisor needs, every
/// invocation would cost two switches; so the supervisor first gives out all that has come. On an idle processor, nothing
/// changes, and neither does the share of one that is busy.
pub(crate) fn take_turns() {
    let parameters = libc::sched_param { sched_priority: 0 };
    // SAFETY: the call reads one struct, which lives until it returns. Where it is refused, all is as before.
    unsafe {
        libc::sched_setscheduler(0, libc::SCHED_BATCH, &raw const parameters);
    }
}

/// Makes every panic end the process: beneath an engine's frames there is nowhere to unwind to.
pub(crate) fn abort_on_panic() {
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        default(info);
        std::process::abort();
    }));
}

/// Names the process, so that `ps` shows who is who. The kernel keeps 15 bytes.
pub(crate) fn set_title(role: &str, name: &str) {
    let mut title = format!("{role}:{name}");
    title.truncate(floor_char_boundary(&title, 15));
    if let Ok(title) = CString::new(title) {
        // A missing title harms nobody.
        let _ = prctl::set_name(&title);
    }
}

/// The largest index up to `max` that is a character boundary.
pub(crate) fn floor_char_boundary(text: &str, max: usize) -> usize {
    (0..=max.min(text.len()))
        .rev()
        .find(|&index| text.is_char_boundary(index))
        .unwrap_or(0)
}

/// Asks the kernel to kill this process when its parent dies, and makes sure that it has not died already.
pub(crate) fn die_with(parent: Pid) {
    // Failure is impossible for a valid signal; if it ever happens, the end of file on the socket ends us later.
    let _ = prctl::set_pdeathsig(Some(Signal::SIGKILL));
    // The first process of a namespace does not see its parent; its control socket tells of the end.
    let is_first = nix::unistd::getpid().as_raw() == 1;
    if nix::unistd::getppid() != parent && !is_first {
        end(0);
    }
}

/// Says so again: changing the user takes it back. Whether the parent lives is not asked any more.
pub(crate) fn die_with_parent() {
    let _ = prctl::set_pdeathsig(Some(Signal::SIGKILL));
}

/// Lets `abort` end this process also where it is the first of a namespace, which no signal ends that it does not handle.
/// Its children end by the signal itself, see [`end_by_abort_as_ever`].
pub(crate) fn end_by_abort() {
    extern "C" fn end_now(_: libc::c_int) {
        end(ABORTED);
    }
    set_abort(SigHandler::Handler(end_now));
}

/// Undoes [`end_by_abort`] after a fork.
pub(crate) fn end_by_abort_as_ever() {
    set_abort(SigHandler::SigDfl);
}

fn set_abort(handler: SigHandler) {
    // SAFETY: the handler calls `_exit` alone, which may be called at any moment.
    let _ = unsafe { signal(Signal::SIGABRT, handler) };
}

/// The opposite of [`die_with`].
pub(crate) fn outlive_parent() {
    let _ = prctl::set_pdeathsig(None);
}
