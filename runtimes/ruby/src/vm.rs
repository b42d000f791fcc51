//! Starts the virtual machine in this process. Knows nothing of functions.

use magnus::embed;

/// Options for the virtual machine. Highlighted source in messages would read the user's files on every NameError,
/// and compiled code cannot pay off in the life of an instance but costs 265 MB in Ruby 3.1.
const OPTIONS: &str = "--disable=error_highlight --disable=yjit";

/// Without the standard library's package manager, which takes nine tenths of the start.
const OPTIONS_FOR_SYNTAX: &str = "--disable=gems --disable=yjit";

/// The fewest free places for objects after a collection. A fresh instance then serves its first invocations without
/// collecting, which would write to pages that it shares.
const FREE_SLOTS_MIN: &str = "40000";

/// Variables of the supervisor's environment that would change how Ruby starts.
const FOREIGN_VARIABLES: [&str; 7] = [
    "RUBYLIB",
    "RUBYOPT",
    "RUBYSHELL",
    "GEM_HOME",
    "GEM_PATH",
    "BUNDLE_GEMFILE",
    "BUNDLE_PATH",
];

/// What the virtual machine is started for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// To run functions.
    Functions,
    /// Only to compile files, not to run them.
    Syntax,
}

/// Tells Ruby how far down the stack its values may lie. The frame must be `main`'s.
#[inline(always)]
pub(crate) fn stack_begins_at(frame: &mut usize) {
    // SAFETY: the address lies in the frame of `main`, which outlives every use of Ruby; the function only stores it.
    unsafe { rb_sys::ruby_init_stack(std::ptr::from_mut(frame).cast()) }
}

/// Starts the virtual machine. It lives as long as the process.
pub(crate) fn start(purpose: Use) -> Result<magnus::Ruby, String> {
    set_environment(purpose);
    // SAFETY: called once for each process, on its main thread; `main` told where the stack begins.
    let guard = unsafe { embed::init() };
    // Dropping it would end the virtual machine; forked processes end without any clean-up.
    std::mem::forget(guard);
    let ruby = magnus::Ruby::get().map_err(|error| error.to_string())?;
    // What user code sees as `$0`.
    ruby.script("zygo");
    Ok(ruby)
}

#[allow(
    clippy::disallowed_methods,
    reason = "Ruby takes its options from the environment of this very process, which has one thread"
)]
fn set_environment(purpose: Use) {
    let options = if purpose == Use::Syntax {
        OPTIONS_FOR_SYNTAX
    } else {
        OPTIONS
    };
    // SAFETY: the process has one thread, so nobody reads the environment meanwhile.
    unsafe {
        FOREIGN_VARIABLES
            .iter()
            .for_each(|name| std::env::remove_var(name));
        std::env::set_var("RUBYOPT", options);
        std::env::set_var("RUBY_GC_HEAP_FREE_SLOTS", FREE_SLOTS_MIN);
        std::env::set_var("LANG", "C.UTF-8");
        std::env::remove_var("LC_ALL");
    }
}
