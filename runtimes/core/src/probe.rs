//! `zygo-<language> probe`: which layers of isolation can be had here, one line of JSON for each. Each is tried in a child,
//! which then ends.

use std::process::ExitCode;

use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;
use serde_json::json;
use zygo_wire::Layer;

use crate::fork::libc_fork;
use crate::run::say;
use crate::runtime::Fork;
use crate::{administration, process};

/// Tries all layers.
pub(crate) fn run(runtime: &str) -> ExitCode {
    if let Err(code) = administration::ensure() {
        return code;
    }
    // Control groups are joined, not made, by a zygote.
    for layer in Layer::ALL
        .into_iter()
        .filter(|layer| *layer != Layer::Cgroup)
    {
        match libc_fork() {
            Ok(Fork::Child) => {
                tell(layer, runtime);
                process::end(0)
            }
            Ok(Fork::Parent(pid)) => {
                let ended = waitpid(Pid::from_raw(pid), None);
                if !matches!(ended, Ok(WaitStatus::Exited(_, 0))) {
                    say(&json!({"layer": layer.name(), "error": format!("{ended:?}")}).to_string());
                }
            }
            Err(error) => {
                say(&json!({"layer": layer.name(), "error": error.to_string()}).to_string());
            }
        }
    }
    ExitCode::SUCCESS
}

fn tell(layer: Layer, runtime: &str) {
    let told = match zygo_sandbox::try_layer(layer, runtime) {
        Ok(took) => json!({"layer": layer.name(), "tookMs": took.as_secs_f64() * 1e3}),
        Err(error) => json!({"layer": layer.name(), "error": error}),
    };
    say(&told.to_string());
}
