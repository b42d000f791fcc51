//! What Ruby needs around a fork: hooks, a packed heap, other random numbers, and the fork itself.
//! Knows nothing of functions.

use std::io;
use std::time::{Duration, Instant};

use magnus::value::ReprValue;
use magnus::{Error, Value};
use runtime_core::fork::require_one_thread;
use runtime_core::pages;
use runtime_core::runtime::Fork;

use crate::shim::{self, Shim};

/// Set to `0`, this variable of the platform's environment turns compaction off, for native extensions that keep
/// references which the collector does not know.
const COMPACT_VARIABLE: &str = "ZYGO_RUBY_COMPACT";

/// An object is old, and left alone by the small collections of an instance, when it survived three collections.
const COLLECTIONS_UNTIL_OLD: u32 = 4;

/// Ruby keeps the kernel thread of an ended Ruby thread for three seconds, to use it again.
const IDLE_THREAD_LIFE: Duration = Duration::from_millis(3_500);

/// Whether the heap may be compacted. Read before a function's environment replaces the platform's.
pub(crate) fn may_compact() -> bool {
    std::env::var_os(COMPACT_VARIABLE).is_none_or(|value| value != "0")
}

/// How much larger than the language zygote's heap a function's must be before it is packed anew, in percent. Packing
/// takes 30 ms and writes to pages that are shared until then; below this that costs more than it brings.
const GROWTH_PERCENT: usize = 50;

/// Collects, makes what is left old, moves it together, and gives unused memory back. Returns how many objects live.
pub(crate) fn pack(shim: &Shim, compact: bool) -> Result<usize, Error> {
    for _ in 0..COLLECTIONS_UNTIL_OLD {
        shim::call::<Value>(shim.gc, "start", &[])?;
    }
    if compact {
        shim::call::<Value>(shim.gc, "compact", &[])?;
    }
    pages::give_back_free();
    live_objects(shim)
}

/// What [`pack`] does, for a heap that grew out of one that was packed with `packed` live objects: small collections
/// only, unless it grew much.
pub(crate) fn pack_growth(shim: &Shim, compact: bool, packed: usize) -> Result<(), Error> {
    for _ in 0..COLLECTIONS_UNTIL_OLD {
        shim::call::<Value>(shim.runtime, "collect_young", &[])?;
    }
    if live_objects(shim)? > packed + packed * GROWTH_PERCENT / 100 {
        pack(shim, compact)?;
    }
    Ok(())
}

fn live_objects(shim: &Shim) -> Result<usize, Error> {
    let ruby = magnus::Ruby::get_with(shim.gc);
    shim::call(
        shim.gc,
        "stat",
        &[ruby.to_symbol("heap_live_slots").as_value()],
    )
}

/// Waits until the kernel threads of ended Ruby threads are gone too. Living Ruby threads are not waited for.
pub(crate) fn settle_threads(shim: &Shim) {
    let started = Instant::now();
    while require_one_thread().is_err()
        && started.elapsed() < IDLE_THREAD_LIFE
        && !has_threads(shim)
    {
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn has_threads(shim: &Shim) -> bool {
    shim::call::<Vec<String>>(shim.resources, "threads", &[])
        .is_ok_and(|threads| !threads.is_empty())
}

/// Forks as Ruby itself does: a plain `fork` would lose the timer that switches threads and ends sleeps.
pub(crate) fn fork(shim: &Shim) -> io::Result<Fork> {
    require_one_thread()?;
    match shim::call::<i32>(shim.process, "_fork", &[]) {
        Ok(0) => Ok(Fork::Child),
        Ok(pid) => Ok(Fork::Parent(pid)),
        Err(error) => Err(io::Error::other(error.to_string())),
    }
}

/// Gives new seeds to generators that Ruby's fork left alone. The default generator it reseeds itself.
pub(crate) fn reseed(shim: &Shim) -> Result<(), Error> {
    shim::call::<Value>(shim.generators, "reseed", &[]).map(|_| ())
}
