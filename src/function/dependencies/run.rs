//! A tool at work: in a process group of its own, with a deadline, and without the platform's environment, in which its
//! secrets are.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use super::output::Said;
use super::tool::{self, Tool};
use super::{DependencyError, tree};

/// How long the last words of a tool that was ended may take.
const LAST_WORDS_TIMEOUT: Duration = Duration::from_secs(1);

/// Variables of the operator's that say where packages come from.
const PASSED_ON: [&str; 18] = [
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "PIP_TRUSTED_HOST",
    "PIP_CERT",
    "PIP_CONFIG_FILE",
    "npm_config_registry",
    "NPM_CONFIG_REGISTRY",
    "NPM_CONFIG_USERCONFIG",
    "NODE_EXTRA_CA_CERTS",
    "BUNDLE_MIRROR__ALL",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "http_proxy",
    "https_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "no_proxy",
    "NO_PROXY",
];

/// All that a tool sees of the platform's environment.
pub(super) fn environment() -> impl Iterator<Item = (&'static str, OsString)> {
    let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into());
    let passed_on = PASSED_ON
        .iter()
        .filter_map(|name| Some((*name, std::env::var_os(name)?)));
    [("PATH", path), ("LANG", "C.UTF-8".into())]
        .into_iter()
        .chain(passed_on)
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    Well,
    Badly,
    TooSlow,
}

/// Installs what `folder` asks for into `tree`. With what it said, however it ended.
pub(super) async fn run(
    tool: &'static Tool,
    folder: &Path,
    tree: &Path,
    home: &Path,
    limit: Duration,
) -> Result<(Ended, Vec<String>), DependencyError> {
    if tool::version(tool).is_empty() {
        return Err(DependencyError::NoTool {
            tool: tool.name,
            hint: tool.hint,
        });
    }
    let work = home.join("work");
    prepare(tool, folder, &work)?;
    let mut command = tool::command(tool, &work, tree);
    command
        .current_dir(&work)
        .env("HOME", home)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    let mut child = command.spawn()?;
    let group = child.id().and_then(|pid| i32::try_from(pid).ok());
    let (out, err) = (Said::default(), Said::default());
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let mut said = std::pin::pin!(async {
        tokio::join!(out.follow(stdout), err.follow(stderr));
        child.wait().await
    });
    let status = tokio::time::timeout(limit, &mut said).await;
    end_group(group);
    let ended = match status {
        Ok(status) => match status?.success() {
            true => Ended::Well,
            false => Ended::Badly,
        },
        Err(_) => {
            let _ = tokio::time::timeout(LAST_WORDS_TIMEOUT, said).await;
            Ended::TooSlow
        }
    };
    if ended == Ended::Well {
        tool::hand_over(tool, &work, tree)?;
    }
    Ok((ended, out.and(&err)))
}

/// The tool sees copies of the files that it reads and of what those may lead to, and writes beside them.
fn prepare(tool: &Tool, folder: &Path, work: &Path) -> io::Result<()> {
    if tool::leads_to_other_files(tool, folder)? {
        return tree::copy(folder, work);
    }
    std::fs::create_dir_all(work)?;
    for file in tool.files {
        if folder.join(file).is_file() {
            std::fs::copy(folder.join(file), work.join(file))?;
        }
    }
    Ok(())
}

/// Nothing that the tool started outlives it.
fn end_group(group: Option<i32>) {
    let group = group.and_then(rustix::process::Pid::from_raw);
    if let Some(group) = group {
        // It has ended already, mostly.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
}
