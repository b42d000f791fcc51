//! The JavaScript and TypeScript runtime: one process that is first a language zygote, then a function zygote, then
//! an instance. Everything but the language is in `runtime_core`.

mod bundle;
mod commonjs;
mod convert;
mod engine;
mod event_loop;
mod extensions;
mod failure;
mod fork_hooks;
mod heap;
mod invoke;
mod load;
mod loader;
mod net;
mod ops;
mod package;
mod random;
mod rehearsal;
mod rejections;
mod resolve;
mod runtime;
mod several;
mod shim;
mod transpile;

fn main() -> std::process::ExitCode {
    runtime_core::run::<runtime::JavaScript>()
}
