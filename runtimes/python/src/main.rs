//! `zygo-python`: the Python runtime of Zygo. See [`runtime`].

mod bundle;
mod convert;
mod engine;
mod failure;
mod fork_hooks;
mod json;
mod native;
mod runtime;
mod several;
mod shim;
mod stream;
mod text;
mod warm_up;

fn main() -> std::process::ExitCode {
    runtime_core::run::<runtime::Python>()
}
