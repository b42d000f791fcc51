//! Which layers of isolation hold on this machine, and why one does not. A runtime's program tries them, as a function
//! zygote would; groups and addresses are the platform's affair and are tried here.

use std::process::{Command, Stdio};

use serde_json::Value;

use super::{Finding, Health, finding, runtime_folder};
use crate::function::manifest::RUNTIMES;
use crate::isolation;

/// What was found.
pub(super) fn findings() -> Vec<Finding> {
    let mut findings = layers();
    findings.push(match isolation::try_groups() {
        Ok(what) => finding("layer cgroup", Health::Ok, what),
        // Functions run without it.
        Err(reason) => finding("layer cgroup", Health::Warn, reason),
    });
    findings.push(match isolation::try_networks() {
        Ok(()) => finding("network policies", Health::Ok, "internet, none, all"),
        Err(reason) => finding(
            "network policies",
            Health::Fail,
            format!("only `none`: {reason}"),
        ),
    });
    findings
}

fn layers() -> Vec<Finding> {
    let folder = runtime_folder().unwrap_or_default();
    let programs = RUNTIMES
        .iter()
        .map(|name| folder.join(format!("zygo-{name}")));
    let Some(program) = programs.into_iter().find(|path| path.is_file()) else {
        return vec![finding("layers", Health::Warn, "no runtime can try them")];
    };
    let output = Command::new(program)
        .arg("probe")
        .stdin(Stdio::null())
        .output();
    let text = output.map(|output| output.stdout).unwrap_or_default();
    let lines = String::from_utf8_lossy(&text);
    let told = lines
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    told.map(|layer: Value| layer_finding(&layer)).collect()
}

fn layer_finding(layer: &Value) -> Finding {
    let name = format!("layer {}", layer["layer"].as_str().unwrap_or_default());
    match layer["error"].as_str() {
        Some(error) => finding(&name, Health::Fail, error),
        None => {
            let took = layer["tookMs"].as_f64().unwrap_or_default();
            finding(&name, Health::Ok, format!("{took:.2} ms"))
        }
    }
}
