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

/// Variables of the environment that it is started with.
pub(crate) type Settings = Vec<(&'static str, String)>;

/// A running platform.
#[derive(Debug)]
pub(crate) struct Platform {
    group: Group,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// From the start of the process until it was ready.
    pub(crate) start_took: Duration,
    executable: PathBuf,
    settings: Settings,
    folder: TempDir,
    deployed: u32,
}

/// A function on the platform.
#[derive(Debug)]
pub(crate) struct Deployed {
    pub(crate) id: String,
    /// Its unique name.
    pub(crate) name: String,
    /// From the request until the answer.
    pub(crate) took: Duration,
}

impl Platform {
    /// Starts the executable on an empty folder and waits until it is ready.
    pub(crate) fn start(executable: &Path, port: u16) -> Result<Self> {
        Self::start_with(executable, port, Settings::new())
    }

    /// The same, with settings.
    pub(crate) fn start_with(executable: &Path, port: u16, settings: Settings) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("zygo-bench-").tempdir()?;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let (group, start_took) = launch(executable, folder.path(), address, &settings)?;
        let executable = executable.to_owned();
        Ok(Self {
            group,
            address,
            start_took,
            executable,
            settings,
            folder,
            deployed: 0,
        })
    }

    /// Ends it and starts it again with the same functions, none of which has a process then.
    pub(crate) fn restart(&mut self) -> Result<()> {
        self.end()?;
        self.launch_again()
    }

    /// Kills the supervisor alone. Returns how many of its processes were still there some time later; they are ended then.
    pub(crate) fn kill(&mut self) -> usize {
        let before = tree::of(self.group.pid().as_raw_nonzero().get());
        self.group.kill_leader();
        let deadline = Instant::now() + STOP_WITHIN;
        while Instant::now() < deadline && !tree::alive(&before).is_empty() {
            std::thread::sleep(Duration::from_millis(5));
        }
        let left = tree::alive(&before);
        left.iter().for_each(kill);
        left.len()
    }

    /// Starts it on what an earlier run left.
    pub(crate) fn launch_again(&mut self) -> Result<()> {
        let (folder, address) = (self.folder.path(), self.address);
        (self.group, self.start_took) = launch(&self.executable, folder, address, &self.settings)?;
        Ok(())
    }

    /// Reads JSON.
    pub(crate) fn get(&self, path: &str) -> Result<Value> {
        client::json("GET", path, self.address, None)
    }

    /// Reads all pages of a list. `take` gives the cursor of the next.
    pub(crate) fn pages<P: serde::de::DeserializeOwned>(
        &self,
        path: &str,
        mut take: impl FnMut(P) -> Option<String>,
    ) -> Result<()> {
        let mut cursor = String::new();
        loop {
            let path = format!("{path}{cursor}");
            let (status, body) = client::exchange("GET", &path, self.address, None)?;
            if status != 200 {
                bail!("GET {path} answered {status}");
            }
            match take(serde_json::from_slice(&body)?) {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(()),
            }
        }
    }

    /// The sum of a Prometheus metric over all series whose labels hold a text.
    pub(crate) fn metric(&self, name: &str, label: &str) -> Result<f64> {
        let (_, body) = client::exchange("GET", "/metrics/prometheus", self.address, None)?;
        let text = String::from_utf8_lossy(&body);
        let values = text
            .lines()
            .filter_map(|line| line.strip_prefix(name))
            .filter(|rest| rest.starts_with(['{', ' ']) && rest.contains(label))
            .filter_map(|rest| rest.rsplit(' ').next()?.parse::<f64>().ok());
        Ok(values.sum())
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
        let label = format!("{}-{}", function.language.name(), function.weight.name());
        self.deploy_as(&label, |name| function.body(name))
    }

    /// The same of a body that is made for the name.
    pub(crate) fn deploy_as(
        &mut self,
        label: &str,
        body: impl FnOnce(&str) -> Value,
    ) -> Result<Deployed> {
        self.deployed += 1;
        let name = format!("bench-{label}-{}", self.deployed);
        let body = body(&name);
        let begun = Instant::now();
        let reply = client::json("POST", "/functions", self.address, Some(&body))?;
        let took = begun.elapsed();
        let id = reply
            .pointer("/function/id")
            .and_then(Value::as_str)
            .context("the deploy's reply has no id")?;
        Ok(Deployed {
            id: id.to_owned(),
            name,
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
        self.invocation_with(deployed, br#"{"name":"zygo"}"#)
    }

    /// The bytes that invoke a function with an event of its own.
    pub(crate) fn invocation_with(&self, deployed: &Deployed, event: &[u8]) -> Vec<u8> {
        http::request(
            "POST",
            &format!("/functions/{}/invoke", deployed.id),
            self.address,
            Some(event),
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

fn launch(
    executable: &Path,
    folder: &Path,
    address: SocketAddr,
    settings: &Settings,
) -> Result<(Group, Duration)> {
    let log = folder.join(LOG);
    let begun = Instant::now();
    let mut group = Group::start(
        Command::new(executable)
            .arg("serve")
            .current_dir(folder)
            .env("HOST", "127.0.0.1")
            .env("PORT", address.port().to_string())
            .env("ZYGO_DATA_DIR", folder.join("data"))
            // A start of one kind that is asked for again and again would soon be one of another.
            .env("ZYGO_SCALING_AUTOMATIC", "false")
            .envs(settings.iter().map(|(name, value)| (name, value))),
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
