//! The processes that one zygote forked for us, by the numbers that we gave them.
//!
//! Both kinds of zygote report their children in the same way; this is the one place that listens.

use std::collections::HashMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use zygo_wire::{WireError, ZygoteCommand, ZygoteEvent, packet};

use super::crashes::{self, Crashes};
use super::process::Process;
use crate::isolation::FunctionGroup;
use crate::packet_socket::{After, PacketSocket};

/// A zygote's control socket and the children it reported.
#[derive(Debug)]
pub(crate) struct Children {
    control: PacketSocket,
    living: Mutex<HashMap<u64, Arc<Process>>>,
    next_number: AtomicU64,
    /// What holds each of them.
    group: Option<FunctionGroup>,
    /// Where crashes of theirs are counted.
    crashes: Option<Arc<Crashes>>,
}

impl Children {
    /// No children yet, what will hold them, and where their crashes are counted.
    pub(crate) fn new(
        control: PacketSocket,
        group: Option<FunctionGroup>,
        crashes: Option<Arc<Crashes>>,
    ) -> Self {
        Self {
            control,
            living: Mutex::default(),
            next_number: AtomicU64::new(1),
            group,
            crashes,
        }
    }

    /// Asks the zygote to fork. `command` gets the child's number; `theirs` go to the child.
    pub(crate) async fn fork(
        &self,
        command: impl FnOnce(u64) -> ZygoteCommand,
        theirs: &[OwnedFd],
    ) -> Result<Arc<Process>, WireError> {
        let number = self.next_number.fetch_add(1, Ordering::Relaxed);
        let process = Arc::new(Process::requested());
        self.lock().insert(number, Arc::clone(&process));
        let descriptors: Vec<BorrowedFd<'_>> = theirs.iter().map(AsFd::as_fd).collect();
        let sent = self.control.send(&command(number), &[], &descriptors).await;
        if sent.is_err() {
            self.lock().remove(&number);
        }
        sent.map(|()| process)
    }

    /// Tells the zygote something that is not about children.
    pub(crate) async fn tell(
        &self,
        command: &ZygoteCommand,
        theirs: &[OwnedFd],
    ) -> Result<(), WireError> {
        let descriptors: Vec<BorrowedFd<'_>> = theirs.iter().map(AsFd::as_fd).collect();
        self.control.send(command, &[], &descriptors).await
    }

    /// Waits for the next event that is not about children; those are dealt with on the way.
    pub(crate) async fn next_event(&self) -> Result<ZygoteEvent, WireError> {
        loop {
            let (event, descriptor) = self.receive().await?;
            match event {
                ZygoteEvent::Forked { child, pid } => self.forked(child, pid, descriptor),
                ZygoteEvent::Exited { child, status } => {
                    if let Some(crashes) = &self.crashes
                        && crashes::is_crash(status)
                    {
                        crashes.note(Instant::now());
                    }
                    self.take(child)
                        .inspect(|process| process.ended(Some(status)));
                }
                ZygoteEvent::ForkFailed { child, message } => {
                    tracing::warn!(%message, "a fork was refused");
                    self.take(child).inspect(|process| process.refused(message));
                }
                other => return Ok(other),
            }
        }
    }

    /// The zygote is gone, but children that run already live on without it.
    pub(crate) fn release(&self) {
        for (_, process) in self.lock().drain() {
            process.orphaned();
        }
        self.control.shutdown();
    }

    /// The zygote is gone: so are its children, or they will be at once.
    pub(crate) fn abandon(&self) {
        for (_, process) in self.lock().drain() {
            process.ended(None);
        }
        self.control.shutdown();
    }

    async fn receive(&self) -> Result<(ZygoteEvent, Option<OwnedFd>), WireError> {
        self.control
            .receive(|bytes, descriptors| {
                let event = packet::decode::<ZygoteEvent>(bytes)
                    .map(|(event, _)| (event, descriptors.into_iter().next()));
                (event, After::More)
            })
            .await
    }

    fn forked(&self, child: u64, pid: i32, pidfd: Option<OwnedFd>) {
        let process = self.lock().get(&child).map(Arc::clone);
        if let (Some(process), Some(pidfd)) = (process, pidfd) {
            process.forked(pid, pidfd);
            if let Some(group) = &self.group {
                group.hold(process);
            }
        }
    }

    fn take(&self, child: u64) -> Option<Arc<Process>> {
        self.lock().remove(&child)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<u64, Arc<Process>>> {
        self.living.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
