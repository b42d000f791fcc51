//! `zygo doctor`: what is there, what is missing, and how to get it.

mod isolation;
mod machine;
mod service;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::Context;
use super::failure::Failure;
use super::output::{BAD, GOOD, ODD};

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Health {
    Ok,
    Warn,
    Fail,
}

/// One thing that was looked at.
#[derive(Debug)]
struct Finding {
    what: String,
    health: Health,
    text: String,
}

fn finding(what: &str, health: Health, text: impl Into<String>) -> Finding {
    Finding {
        what: what.to_owned(),
        health,
        text: text.into(),
    }
}

pub(super) async fn doctor(context: &Context) -> Result<(), Failure> {
    let mut findings = platform(context).await;
    findings.extend(binaries());
    findings.extend(tools());
    findings.extend(machine::findings());
    findings.extend(service::findings());
    findings.extend(isolation::findings());
    let failed = findings
        .iter()
        .filter(|finding| finding.health == Health::Fail)
        .count();
    show(context, &findings);
    match failed {
        0 => Ok(()),
        count => Err(Failure::Unwell(format!("{count} of these must be mended"))),
    }
}

fn show(context: &Context, findings: &[Finding]) {
    let word = |health: Health| match health {
        Health::Ok => ("ok", GOOD),
        Health::Warn => ("warn", ODD),
        Health::Fail => ("fail", BAD),
    };
    if context.output.is_json {
        let list: Vec<Value> = findings
            .iter()
            .map(|one| json!({ "check": one.what, "status": word(one.health).0, "detail": one.text }))
            .collect();
        context.output.document(json!({ "checks": list }));
        return;
    }
    for one in findings {
        let (word, style) = word(one.health);
        context.output.line(&format!(
            "{style}{word:5}{style:#}{:22}{}",
            one.what, one.text
        ));
    }
}

/// What a running platform says of itself.
async fn platform(context: &Context) -> Vec<Finding> {
    let ready = match context.client.get(&["readyz"]).await {
        Ok(ready) => ready,
        Err(failure) => return vec![finding("platform", Health::Warn, failure.to_string())],
    };
    let up = finding(
        "platform",
        Health::Ok,
        format!("answers at {}", context.client.base()),
    );
    let runtimes = ready["runtimes"].as_object().cloned().unwrap_or_default();
    let runtimes = runtimes.iter().map(|(name, status)| {
        let what = format!("runtime {name}");
        match status["status"].as_str() {
            Some("ready") => finding(
                &what,
                Health::Ok,
                status["engine"].as_str().unwrap_or_default(),
            ),
            _ => finding(
                &what,
                Health::Fail,
                status["reason"].as_str().unwrap_or_default(),
            ),
        }
    });
    std::iter::once(up).chain(runtimes).collect()
}

/// Where the runtimes' programs are: beside this one, or where ZYGO_RUNTIME_DIR says.
fn runtime_folder() -> Option<PathBuf> {
    let own = std::env::current_exe().ok();
    let folder = std::env::var_os("ZYGO_RUNTIME_DIR").map(PathBuf::from);
    folder.or_else(|| own.as_deref()?.parent().map(Path::to_path_buf))
}

fn binaries() -> Vec<Finding> {
    let folder = runtime_folder();
    let look = |name: &&str| {
        let file = format!("zygo-{name}");
        let path = folder.as_ref().map(|folder| folder.join(&file));
        match path.filter(|path| path.is_file()) {
            Some(path) => finding(&file, Health::Ok, path.display().to_string()),
            None => finding(&file, Health::Warn, "missing; scripts/build makes it"),
        }
    };
    crate::function::manifest::RUNTIMES
        .iter()
        .map(look)
        .collect()
}

/// Programs that install packages at deployment.
fn tools() -> Vec<Finding> {
    let tools = [
        (
            "pip",
            "/usr/bin/python3",
            ["-m", "pip", "--version"].as_slice(),
        ),
        ("npm", "npm", &["--version"]),
        ("bundler", "bundle", &["--version"]),
    ];
    tools
        .into_iter()
        .map(|(name, program, arguments)| {
            let output = Command::new(program)
                .args(arguments)
                .stdin(Stdio::null())
                .output();
            match output {
                Ok(output) if output.status.success() => {
                    let text = String::from_utf8_lossy(&output.stdout);
                    finding(name, Health::Ok, text.lines().next().unwrap_or_default())
                }
                _ => finding(
                    name,
                    Health::Warn,
                    "missing; functions with such packages cannot be deployed",
                ),
            }
        })
        .collect()
}
