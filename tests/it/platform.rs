//! Starts and ends platforms for tests: `zygo serve` on a free port, with a data folder of its own, in a session of its
//! own, so that every process that it ever makes can be found. A test that fails prints the platform's log; a platform
//! that leaves a process behind fails the test.

use std::io::{BufRead, BufReader};
use std::ops::Deref;
use std::process::{Child, ChildStderr, Command, ExitStatus};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::client::Client;
use crate::language::Language;
use crate::launch::command;
use crate::processes::{self, Process};
use crate::wait::{wait_for, wait_until};

/// A platform that does not listen by then never will.
const START_DEADLINE: Duration = Duration::from_secs(60);
/// The longest end: the drain, and some time for the last processes.
const END_DEADLINE: Duration = Duration::from_secs(60);
/// How long orphans of a platform may live: a language zygote that is still being started ends once it is, and all tests share
/// the processors.
const ORPHAN_DEADLINE: Duration = Duration::from_secs(30);
/// Lines of the log that a failed test prints.
const LOG_TAIL: usize = 20;

/// A running platform and a client for it.
#[derive(Debug)]
pub(crate) struct Platform {
    child: Child,
    data: Arc<TempDir>,
    log: Log,
    client: Client,
}

type Log = Arc<Mutex<Vec<String>>>;

/// Tests that only need some platform share this one for as long as any of them runs.
static SHARED: Mutex<Weak<Platform>> = Mutex::new(Weak::new());

impl Deref for Platform {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Platform {
    /// The platform that tests with default settings share.
    pub(crate) fn shared() -> Arc<Self> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(platform) = shared.upgrade() {
            return platform;
        }
        let platform = Arc::new(Self::start(&[]));
        *shared = Arc::downgrade(&platform);
        platform
    }

    /// A platform of its own, with these settings.
    pub(crate) fn start(settings: &[(&str, &str)]) -> Self {
        let data = tempfile::tempdir().expect("a temporary folder");
        Self::start_on(Arc::new(data), settings)
    }

    /// A platform on a data folder that may have been used before.
    pub(crate) fn start_on(data: Arc<TempDir>, settings: &[(&str, &str)]) -> Self {
        let child = command(&data, settings).spawn();
        Self::follow(child.expect("zygo starts"), data)
    }

    /// A platform that is started by something else than the usual command, which must do so in a session of its own.
    pub(crate) fn start_by(
        data: Arc<TempDir>,
        settings: &[(&str, &str)],
        by: impl FnOnce(&Command) -> Command,
    ) -> Self {
        let child = by(&command(&data, settings)).spawn();
        Self::follow(child.expect("zygo starts"), data)
    }

    fn follow(mut child: Child, data: Arc<TempDir>) -> Self {
        let log = follow(child.stderr.take().expect("standard error is piped"));
        let address = wait_for("the address that it listens on", START_DEADLINE, || {
            let ended = child.try_wait().expect("the state of our own child");
            assert!(ended.is_none(), "zygo ended at start: {}", tail(&log));
            let log = log.lock().unwrap_or_else(PoisonError::into_inner);
            log.iter().find_map(|line| address_in(line, "http"))
        });
        let client = Client::new(&address);
        Self {
            child,
            data,
            log,
            client,
        }
    }

    /// Process id of the supervisor, which is also its session.
    pub(crate) fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).expect("a process id")
    }

    /// Its data folder; it stays as long as someone holds it.
    pub(crate) fn data(&self) -> Arc<TempDir> {
        Arc::clone(&self.data)
    }

    /// All processes of the platform but the supervisor.
    pub(crate) fn processes(&self) -> Vec<Process> {
        let mut all = processes::of_session(self.pid());
        all.retain(|process| process.pid != self.pid());
        all
    }

    /// Process id of a language zygote, once there is one.
    pub(crate) fn language_zygote(&self, language: Language) -> i32 {
        let title = format!("zygo:{}", language.runtime());
        let title = &title[..title.len().min(15)];
        wait_for(title, END_DEADLINE, || {
            let found = self.processes().into_iter();
            let mut ours =
                found.filter(|process| process.parent == self.pid() && process.title == title);
            ours.next().map(|process| process.pid)
        })
    }

    /// Deploys code as one file, under a new name. Returns the name.
    #[track_caller]
    pub(crate) fn deploy(&self, language: Language, code: &str, settings: &Value) -> String {
        let mut settings = settings.clone();
        settings["code"] = code.into();
        self.deploy_files(language, &settings)
    }

    /// Deploys what the settings say, under a new name. Returns the name.
    #[track_caller]
    pub(crate) fn deploy_files(&self, language: Language, settings: &Value) -> String {
        let name = unique_name();
        let answer = self.try_deploy(&name, language.name(), settings);
        assert_eq!(answer.status, 201, "{language:?}: {}", answer.text());
        name
    }

    /// Asks it to end with SIGTERM and waits. No process may be left.
    pub(crate) fn stop(&mut self) -> ExitStatus {
        processes::send(self.pid(), Signal::TERM);
        let status = self.wait_for_end();
        self.assert_nothing_left();
        status
    }

    /// Waits until the supervisor has ended.
    pub(crate) fn wait_for_end(&mut self) -> ExitStatus {
        wait_for("the end of the supervisor", END_DEADLINE, || {
            self.child.try_wait().expect("the state of our own child")
        })
    }

    /// Waits until no process of the platform is left.
    pub(crate) fn assert_nothing_left(&self) {
        wait_until("the end of every process", ORPHAN_DEADLINE, || {
            self.processes().is_empty()
        });
    }

    /// `host:port` for encrypted connections.
    pub(crate) fn encrypted_address(&self) -> String {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let found = log.iter().find_map(|line| address_in(line, "https"));
        found.expect("an address for encrypted connections")
    }

    /// The end of the log, for people.
    pub(crate) fn log_tail(&self) -> String {
        tail(&self.log)
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        let ended = matches!(self.child.try_wait(), Ok(Some(_)));
        if !ended {
            let end = std::panic::AssertUnwindSafe(|| self.stop());
            if std::panic::catch_unwind(end).is_err() {
                let left = self.processes();
                // Both are ours: the child, and what its session still holds.
                let _ = self.child.kill();
                let _ = self.child.wait();
                left.iter().for_each(|process| processes::kill(process.pid));
                assert!(
                    std::thread::panicking(),
                    "left behind: {left:?}\n{}",
                    self.log_tail()
                );
            }
        }
        if std::thread::panicking() {
            say(&self.log_tail());
        }
    }
}

fn follow(stderr: ChildStderr) -> Log {
    let log = Log::default();
    let written = Arc::clone(&log);
    std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            let mut log = written.lock().unwrap_or_else(PoisonError::into_inner);
            log.push(line);
        }
    });
    log
}

fn tail(log: &Log) -> String {
    let log = log.lock().unwrap_or_else(PoisonError::into_inner);
    let first = log.len().saturating_sub(LOG_TAIL);
    format!("the platform's log ends with:\n{}", log[first..].join("\n"))
}

fn address_in(line: &str, scheme: &str) -> Option<String> {
    let (_, address) = line.split_once(&format!("listening on {scheme}://"))?;
    Some(address.split_whitespace().next()?.to_owned())
}

/// A name that no other function of this run has.
pub(crate) fn unique_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    format!("f{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Says something to whoever reads the tests' output.
#[expect(
    clippy::print_stderr,
    reason = "libtest shows it with the test's failure"
)]
pub(crate) fn say(text: &str) {
    eprintln!("{text}");
}
