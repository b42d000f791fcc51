//! The children of a zygote: who they are and when they end.
//!
//! Waits on the control socket and on every child's pidfd through one epoll, so no signal is involved and no process
//! id can be mistaken for another. All descriptors of a zygote lie at or above [`DESCRIPTOR_BASE`], so that a child
//! closes what is not its own in one system call.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::event::{Timespec, epoll};
use rustix::process::{Pid, PidfdFlags, WaitOptions, pidfd_open, waitpid};
use zygo_wire::control::ExitStatus;

/// Descriptors below are the engine's and the user's, those from here on are the zygote's own.
pub(crate) const DESCRIPTOR_BASE: i32 = 512;

/// The event number of the control socket; children count from 0 upwards.
const CONTROL: u64 = u64::MAX;

/// How many ends of children one wait may report.
const EVENTS_MAX: usize = 64;

/// The living children of this zygote.
#[derive(Debug)]
pub(crate) struct Children {
    epoll: OwnedFd,
    living: HashMap<u64, Child>,
}

#[derive(Debug)]
struct Child {
    pid: Pid,
    /// Keeps the process id from being used again, and tells the end of the child.
    pidfd: OwnedFd,
}

/// What a zygote waits for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wake {
    /// The control socket has a command, or its end.
    Command,
    /// The child with this number ended.
    Exited(u64, ExitStatus),
}

/// Moves a descriptor to where a zygote keeps its own.
pub(crate) fn own(fd: impl AsFd) -> io::Result<OwnedFd> {
    Ok(rustix::io::fcntl_dupfd_cloexec(fd, DESCRIPTOR_BASE)?)
}

impl Children {
    /// No children yet, and `control` to wait on.
    pub(crate) fn new(control: impl AsFd) -> io::Result<Self> {
        let epoll = own(epoll::create(epoll::CreateFlags::CLOEXEC)?)?;
        let data = epoll::EventData::new_u64(CONTROL);
        epoll::add(&epoll, control, data, epoll::EventFlags::IN)?;
        Ok(Self {
            epoll,
            living: HashMap::new(),
        })
    }

    /// Adds a child that was just forked. Returns its pidfd for the supervisor.
    pub(crate) fn add(&mut self, number: u64, pid: i32) -> io::Result<&OwnedFd> {
        let pid = Pid::from_raw(pid).ok_or(io::ErrorKind::InvalidInput)?;
        let pidfd = own(pidfd_open(pid, PidfdFlags::empty())?)?;
        let data = epoll::EventData::new_u64(number);
        epoll::add(&self.epoll, &pidfd, data, epoll::EventFlags::IN)?;
        Ok(&self
            .living
            .entry(number)
            .insert_entry(Child { pid, pidfd })
            .into_mut()
            .pidfd)
    }

    /// Waits for a command or the end of children, and reaps those. Returns nothing when `patience` ends first.
    pub(crate) fn wait(&mut self, patience: Option<Duration>) -> io::Result<Vec<Wake>> {
        let timeout = patience
            .map(Timespec::try_from)
            .transpose()
            .map_err(io::Error::other)?;
        let mut events = Vec::with_capacity(EVENTS_MAX);
        rustix::io::retry_on_intr(|| {
            epoll::wait(
                &self.epoll,
                rustix::buffer::spare_capacity(&mut events),
                timeout.as_ref(),
            )
        })?;
        Ok(events
            .iter()
            .filter_map(|event| match event.data.u64() {
                CONTROL => Some(Wake::Command),
                number => self.reap(number).map(|status| Wake::Exited(number, status)),
            })
            .collect())
    }

    /// Whether this process id is a living child's.
    pub(crate) fn contains(&self, pid: i32) -> bool {
        self.living
            .values()
            .any(|child| child.pid.as_raw_pid() == pid)
    }

    fn reap(&mut self, number: u64) -> Option<ExitStatus> {
        let status = ended(self.living.get(&number)?.pid.as_raw_pid())?;
        self.living.remove(&number);
        Some(status)
    }
}

/// How a child has ended, if it has. Its process id may be another's from then on.
pub(crate) fn ended(pid: i32) -> Option<ExitStatus> {
    let (_, status) = waitpid(Some(Pid::from_raw(pid)?), WaitOptions::NOHANG).ok()??;
    Some(match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => ExitStatus::Code(code),
        (None, signal) => ExitStatus::Signal(signal.unwrap_or(0)),
    })
}
