//! A Zygo of our own: started on a temporary folder, deployed to, ended. Only this file knows its API.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use rustix::process::Pid;
use serde_json::Value;
use tempfile::TempDir;

use super::client;
use super::functions::Function;
use crate::host::children::Group;
use crate::host::tree::{self, Process};
use crate::http;

const LOG: &str = "zygo.log";
const READY_WITHIN: Duration = Duration::from_secs(60);
const STOP_WITHIN: Duration = Duration::from_secs(15);

/// A running platform.
#[derive(Debug)]
pub(crate) struct Platform {
    group: Group,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// From the start of the process until it was ready.
    pub(crate) start_took: Duration,
    executable: PathBuf,
    folder: TempDir,
    deployed: u32,
}

/// A function on the platform.
#[derive(Debug)]
pub(crate) struct Deployed {
    pub(crate) id: String,
    /// From the request until the answer.
    pub(crate) took: Duration,
}

impl Platform {
    /// Starts the executable on an empty folder and waits until it is ready.
    pub(crate) fn start(executable: &Path, port: u16) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("zygo-bench-").tempdir()?;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let (group, start_took) = launch(executable, folder.path(), address)?;
        let executable = executable.to_owned();
        Ok(Self {
            group,
            address,
            start_took,
            executable,
            folder,
            deployed: 0,
        })
    }

    /// Ends it and starts it again with the same functions, none of which has a process then.
    pub(crate) fn restart(&mut self) -> Result<()> {
        self.end()?;
        (self.group, self.start_took) = launch(&self.executable, self.folder.path(), self.address)?;
        Ok(())
    }

    /// The supervisor's id.
    pub(crate) fn pid(&self) -> Pid {
        self.group.pid()
    }

    /// The last lines that the platform wrote.
    pub(crate) fn log_tail(&self) -> String {
        tail(&self.folder.path().join(LOG))
    }

    /// Deploys under a name that was not used before.
    pub(crate) fn deploy(&mut self, function: &Function) -> Result<Deployed> {
        self.deployed += 1;
        let name = format!(
            "bench-{}-{}-{}",
            function.language.name(),
            function.weight.name(),
            self.deployed
        );
        let body = function.body(&name);
        let begun = Instant::now();
        let reply = client::json("POST", "/functions", self.address, Some(&body))?;
        let took = begun.elapsed();
        let id = reply
            .pointer("/function/id")
            .and_then(Value::as_str)
            .context("the deploy's reply has no id")?;
        Ok(Deployed {
            id: id.to_owned(),
            took,
        })
    }

    /// Deletes a function.
    pub(crate) fn delete(&self, deployed: &Deployed) -> Result<()> {
        client::json(
            "DELETE",
            &format!("/functions/{}", deployed.id),
            self.address,
            None,
        )
        .map(|_| ())
    }

    /// The bytes that invoke a function.
    pub(crate) fn invocation(&self, deployed: &Deployed) -> Vec<u8> {
        http::request(
            "POST",
            &format!("/functions/{}/invoke", deployed.id),
            self.address,
            Some(br#"{"name":"zygo"}"#),
        )
    }

    /// Invokes some times, one after the other, so that what is measured next is not the very first of its kind.
    pub(crate) fn rehearse(&self, deployed: &Deployed, times: u32) -> Result<()> {
        let path = format!("/functions/{}/invoke", deployed.id);
        for _ in 0..times {
            client::json(
                "POST",
                &path,
                self.address,
                Some(&serde_json::json!({ "name": "zygo" })),
            )?;
        }
        Ok(())
    }

    /// Ends it. Fails when it had to be killed or left processes behind, which are then ended too.
    pub(crate) fn stop(mut self) -> Result<()> {
        self.end()
    }

    fn end(&mut self) -> Result<()> {
        let before = tree::of(self.group.pid().as_raw_nonzero().get());
        let asked = self.group.stop(STOP_WITHIN);
        std::thread::sleep(Duration::from_millis(200));
        let left = tree::alive(&before);
        left.iter().for_each(kill);
        match (asked, left.as_slice()) {
            (true, []) => Ok(()),
            (false, _) => bail!("the platform did not end within {STOP_WITHIN:?} of SIGTERM"),
            (true, left) => bail!(
                "the platform left {} processes behind, such as {}",
                left.len(),
                left[0].name
            ),
        }
    }
}

fn launch(executable: &Path, folder: &Path, address: SocketAddr) -> Result<(Group, Duration)> {
    let log = folder.join(LOG);
    let begun = Instant::now();
    let mut group = Group::start(
        Command::new(executable)
            .arg("serve")
            .current_dir(folder)
            .env("HOST", "127.0.0.1")
            .env("PORT", address.port().to_string())
            .env("ZYGO_DATA_DIR", folder.join("data")),
        &log,
    )?;
    let ready = client::until_200("/readyz", address, READY_WITHIN, || group.ended());
    let ready =
        ready.map_err(|error| anyhow!("{error}; the platform's log ends with:\n{}", tail(&log)))?;
    Ok((group, ready - begun))
}

fn kill(process: &Process) {
    if let Some(pid) = Pid::from_raw(process.pid) {
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
    }
}

fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().rev().take(20).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}
