//! What `/proc` says about the processes of a platform. Everything that a platform starts stays in its session.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};

/// One process, as `/proc/<pid>/stat` describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: i32,
    pub(crate) parent: i32,
    pub(crate) session: i32,
    /// Its title, such as `zygo:python`, `zygote:hello` or `instance:hello`.
    pub(crate) title: String,
    /// A dead process that nobody has reaped yet.
    pub(crate) is_zombie: bool,
    /// Processor time that it has used in its own code, in clock ticks of 10 ms.
    pub(crate) ticks: u64,
}

/// The process, if there is one.
pub(crate) fn process(pid: i32) -> Option<Process> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (head, tail) = stat.rsplit_once(')')?;
    let (_, title) = head.split_once('(')?;
    let fields: Vec<&str> = tail.split_ascii_whitespace().collect();
    Some(Process {
        pid,
        parent: fields.get(1)?.parse().ok()?,
        session: fields.get(3)?.parse().ok()?,
        title: title.to_owned(),
        is_zombie: *fields.first()? == "Z",
        ticks: fields.get(11)?.parse().ok()?,
    })
}

/// Whether the process runs, and is no zombie.
pub(crate) fn is_alive(pid: i32) -> bool {
    process(pid).is_some_and(|process| !process.is_zombie)
}

/// The process that has this process id in the namespace of a zygote, by its process id here.
pub(crate) fn inside(zygote: i32, pid: i32) -> Option<i32> {
    let namespace = |pid: i32| fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
    let own = namespace(zygote)?;
    let entries = fs::read_dir("/proc").expect("/proc").flatten();
    let mut all = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    all.find(|outside| {
        namespace(*outside).as_ref() == Some(&own) && innermost_pid(*outside) == Some(pid)
    })
}

fn innermost_pid(pid: i32) -> Option<i32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("NSpid:"))?;
    line.split_whitespace().last()?.parse().ok()
}

/// The living processes of a session.
pub(crate) fn of_session(session: i32) -> Vec<Process> {
    let entries = fs::read_dir("/proc").expect("/proc");
    entries
        .flatten()
        .filter_map(|entry| process(entry.file_name().to_str()?.parse().ok()?))
        .filter(|process| process.session == session && !process.is_zombie)
        .collect()
}

/// Ends a process with SIGKILL. It may be gone already.
pub(crate) fn kill(pid: i32) {
    send(pid, Signal::KILL);
}

/// Kills one of these processes whose title begins so, if there is any; whether there was.
pub(crate) fn kill_any(mut victims: Vec<Process>, role: &str) -> bool {
    victims.retain(|process| process.title.starts_with(role));
    let victim = fastrand::choice(victims);
    if let Some(victim) = &victim {
        kill(victim.pid);
    }
    victim.is_some()
}

/// Sends a signal to a process, which may be gone already.
pub(crate) fn send(pid: i32, signal: Signal) {
    let pid = Pid::from_raw(pid).expect("a process id is positive");
    let _ = kill_process(pid, signal);
}

/// Descriptors that a process has open.
pub(crate) fn descriptors(pid: i32) -> usize {
    fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count)
}

/// Resident memory of a process in KiB.
pub(crate) fn resident_kib(pid: i32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let figure = line.and_then(|line| line.split_ascii_whitespace().next()?.parse().ok());
    figure.unwrap_or(0)
}

/// The ports at the other ends of the TCP connections that a process holds, in its network.
pub(crate) fn connected_ports(pid: i32) -> Vec<u16> {
    let table = fs::read_to_string(format!("/proc/{pid}/net/tcp")).expect("a table");
    let held = table.lines().skip(1).filter_map(|line| {
        let mut fields = line.split_ascii_whitespace();
        let (_, port) = fields.nth(2)?.split_once(':')?;
        // A socket that no process holds any more has no inode.
        let is_held = fields.nth(6)? != "0";
        is_held
            .then(|| u16::from_str_radix(port, 16).ok())
            .flatten()
    });
    held.collect()
}
