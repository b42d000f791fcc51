//! Groups and processes for tests. The processes wait for a line on their standard input, so that they are in their group before they
//! do anything.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::retry::within;
use super::{Cgroups, Group, Instance, Limits};

/// For what takes milliseconds unless something is wrong.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// A process that is ended with its test.
pub(super) struct Process {
    child: Child,
    lines: Receiver<String>,
}

impl Process {
    /// Waits for a line before it does what the script says.
    pub(super) fn python(script: &str) -> Self {
        let script = format!("import sys\nsys.stdin.readline()\n{script}");
        Self::start(Command::new("python3").args(["-c", &script]))
    }

    pub(super) fn shell(script: &str) -> Self {
        Self::start(Command::new("sh").args(["-c", &format!("read line; {script}")]))
    }

    fn start(command: &mut Command) -> Self {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("a process");
        let out = BufReader::new(child.stdout.take().expect("piped"));
        let (sender, lines) = channel();
        // Ends with the last process that has the other end, which need not be this one.
        std::thread::spawn(move || {
            let mut read = out.lines().map_while(Result::ok);
            read.try_for_each(|line| sender.send(line))
        });
        Self { child, lines }
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn go(&mut self) {
        let to = self.child.stdin.as_mut().expect("piped");
        to.write_all(b"go\n").expect("it waits");
    }

    #[track_caller]
    pub(super) fn line(&mut self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("a line")
    }

    #[track_caller]
    pub(super) fn wait(&mut self) -> ExitStatus {
        let ended = within(PATIENCE, || self.child.try_wait().expect("our child"));
        ended.expect("it ends")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(super) fn limits() -> Limits {
    Limits {
        memory_bytes: Some(64 << 20),
        ..Limits::of_pids(16)
    }
}

/// The platform's groups, whose processes end with the test however it ends.
pub(super) struct Guard(pub(super) Cgroups);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = super::kill::kill_all(&self.0.root.node, PATIENCE);
    }
}

/// Groups by a name that no other test uses at the same time.
pub(super) fn groups(test: &str) -> (Guard, Group) {
    let groups = Guard(Cgroups::open(&format!("zygo.{test}")).expect("groups"));
    let limits = Limits {
        memory_bytes: Some(1 << 30),
        ..Limits::of_pids(1_000)
    };
    let group = groups.0.function("f", &limits).expect("a group");
    (groups, group)
}

pub(super) fn attached(instance: &Instance, mut process: Process) -> Process {
    instance.attach(process.id()).expect("attached");
    assert!(!instance.is_empty().expect("known"));
    process.go();
    process
}
