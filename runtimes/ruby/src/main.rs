//! `zygo-ruby`: CRuby embedded, behind the protocol that all runtimes share. Knows nothing but where `main` is.

mod convert;
mod errors;
mod fork_hooks;
mod json;
mod lines;
mod runtime;
mod several;
mod shim;
mod stream;
mod syntax;
mod vm;

fn main() -> std::process::ExitCode {
    // The collector scans the stack from here; everything that touches Ruby runs in deeper frames.
    let mut frame = 0_usize;
    vm::stack_begins_at(&mut frame);
    runtime_core::run::<runtime::Ruby>()
}
