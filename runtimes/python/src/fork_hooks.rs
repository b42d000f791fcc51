//! What CPython needs around a fork. What must be unique in each child is in the shim's `snapshot` module.

use std::io;

use pyo3::ffi;
use pyo3::prelude::*;
use runtime_core::fork::libc_fork;
use runtime_core::runtime::Fork;

use crate::shim::Shim;

/// Forks, with the interpreter's own locks and `os.register_at_fork` functions in order on both sides.
pub(crate) fn fork() -> io::Result<Fork> {
    // SAFETY: the only thread is attached; after each of the calls it still is.
    unsafe { ffi::PyOS_BeforeFork() };
    let forked = libc_fork();
    match forked {
        // SAFETY: as above; this is the child of a fork that `PyOS_BeforeFork` prepared.
        Ok(Fork::Child) => unsafe { ffi::PyOS_AfterFork_Child() },
        // SAFETY: as above; also right when there is no child, because it undoes `PyOS_BeforeFork`.
        _ => unsafe { ffi::PyOS_AfterFork_Parent() },
    }
    forked
}

/// Runs the user's hooks, then makes the heap ready to be shared. Returns whether instances need [`after_restore`].
pub(crate) fn before_snapshot(py: Python<'_>, shim: &Shim) -> PyResult<bool> {
    let needs_restore: bool = shim
        .snapshot
        .bind(py)
        .call_method0("before_snapshot")?
        .extract()?;
    trim();
    Ok(needs_restore)
}

/// Makes the heap of the language zygote ready to be shared.
pub(crate) fn share_heap(py: Python<'_>, shim: &Shim) -> PyResult<()> {
    shim.snapshot.bind(py).call_method0("share_heap")?;
    trim();
    Ok(())
}

/// Gives back free memory, which would be copied page by page in the children that allocate.
fn trim() {
    // SAFETY: only frees memory that is not in use.
    unsafe { libc::malloc_trim(0) };
}

/// Makes every generator different from the parent's.
///
/// OpenSSL reseeds itself when the process id changes, so its turn is only where that cannot be relied on: in the
/// first process of a process id namespace, whose id says nothing, and in what is not an instance, once for all.
pub(crate) fn reseed(py: Python<'_>, shim: &Shim, openssl: bool) -> PyResult<()> {
    let mut seed = [0_u8; 16];
    fill_random(&mut seed)?;
    shim.seed_random
        .bind(py)
        .call1((u128::from_ne_bytes(seed),))?;
    if openssl {
        shim.snapshot.bind(py).call_method0("reseed")?;
    }
    Ok(())
}

fn fill_random(bytes: &mut [u8]) -> PyResult<()> {
    // SAFETY: the pointer and the length are those of one buffer.
    let len = unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), bytes.len(), 0) };
    // The kernel never gives less than asked for when it is asked for so little.
    if usize::try_from(len) == Ok(bytes.len()) {
        Ok(())
    } else {
        Err(io::Error::last_os_error().into())
    }
}

/// Runs the user's hooks in an instance, and reseeds libraries of theirs that have generators.
pub(crate) fn after_restore(py: Python<'_>, shim: &Shim) -> PyResult<()> {
    shim.snapshot
        .bind(py)
        .call_method0("after_restore")
        .map(drop)
}
