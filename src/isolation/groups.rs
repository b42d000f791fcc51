//! Limits of memory, processors and processes for whole functions and for each instance. The kernel takes its time when a
//! process changes its group, so one thread does that, a moment after an instance was forked; until then the function's
//! own limits hold it.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use zygo_sandbox::cgroup::{Cgroups, CpuShare, Group, Instance, Limits};

/// What the names of the platform's groups begin with.
const PREFIX: &str = "zygo";
/// Processes and threads of one instance.
const PIDS_MAX: u32 = 64;
/// Processes and threads of a function, its zygote and all its instances together.
const PIDS_OF_FUNCTION_MAX: u32 = 1_024;
/// What an instance may need beside its memory limit: what it copies of its zygote's pages, and what the kernel keeps
/// for it.
const SLACK_BYTES: u64 = 32 * 1_024 * 1_024;
/// How long an instance lives before it gets a group of its own: one that serves a single invocation has mostly ended by
/// then, and the processor time for its group (a tenth of such an invocation's) went to nobody. What it can take of memory
/// meanwhile is what the kernel can clear, some megabytes.
const GRACE: Duration = Duration::from_millis(5);
/// Instances that wait to be put into their groups. More are held by their function's limits alone.
const WAITING_MAX: usize = 4_096;
/// How long a group may take to become empty once its zygote was killed.
const LEAVE_TIME: Duration = Duration::from_millis(500);
/// How long the end of the platform waits for the thread.
const CLOSE_TIME: Duration = Duration::from_secs(2);

/// A process that is to be put into a group of its own.
pub(crate) trait Member: Send + Sync + std::fmt::Debug {
    /// Its process id while it runs.
    fn pid(&self) -> Option<i32>;
    /// It is in there now, unless it has ended.
    fn keep(&self, leaf: Leaf);
    /// Ends it.
    fn end(&self);
}

#[derive(Debug)]
enum Job {
    Attach(Arc<dyn Member>, Arc<Group>, Limits, Instant),
    Recycle(Instance),
    Remove(Arc<Group>),
    Close(SyncSender<()>),
}

/// All groups.
#[derive(Debug)]
pub(super) struct Groups {
    cgroups: Cgroups,
    jobs: SyncSender<Job>,
}

impl Groups {
    /// Makes the platform's group, and starts the thread.
    pub(super) fn open() -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let cgroups = Cgroups::open(PREFIX)?;
        let (jobs, waiting) = sync_channel(WAITING_MAX);
        std::thread::Builder::new()
            .name("groups".to_owned())
            .spawn({
                let jobs = jobs.clone();
                move || work(&waiting, &jobs)
            })?;
        Ok(Self { cgroups, jobs })
    }

    /// A group for a function zygote and its instances, each of so much memory.
    pub(super) fn function(
        &self,
        name: &str,
        memory_mb: u32,
    ) -> Result<FunctionGroup, Box<dyn std::error::Error + Send + Sync>> {
        let instance = Limits {
            memory_bytes: Some(u64::from(memory_mb) * 1_024 * 1_024 + SLACK_BYTES),
            cpu_share: Some(CpuShare::from_weight(100)),
            ..Limits::of_pids(PIDS_MAX)
        };
        let whole = Limits {
            cpu_share: Some(CpuShare::from_weight(100)),
            ..Limits::of_pids(PIDS_OF_FUNCTION_MAX)
        };
        Ok(FunctionGroup {
            group: Some(Arc::new(self.cgroups.function(name, &whole)?)),
            instance,
            jobs: self.jobs.clone(),
        })
    }

    /// Waits until all that is to be removed is.
    pub(super) fn close(&self) {
        let (closed, wait) = sync_channel(1);
        if self.jobs.try_send(Job::Close(closed)).is_ok() {
            let _ = wait.recv_timeout(CLOSE_TIME);
        }
    }
}

/// The group of one function zygote and its instances.
#[derive(Debug)]
pub(crate) struct FunctionGroup {
    /// None only while it is dropped.
    group: Option<Arc<Group>>,
    instance: Limits,
    jobs: SyncSender<Job>,
}

impl FunctionGroup {
    /// The opened files by which the zygote joins.
    pub(super) fn procs(&self) -> std::io::Result<Vec<OwnedFd>> {
        self.group
            .as_ref()
            .map_or(Ok(Vec::new()), |group| group.procs())
    }

    /// Puts an instance into a group of its own, a moment later.
    pub(crate) fn hold(&self, member: Arc<dyn Member>) {
        if let Some(group) = &self.group {
            let due = Instant::now() + GRACE;
            let job = Job::Attach(member, Arc::clone(group), self.instance, due);
            send(&self.jobs, job);
        }
    }
}

impl Drop for FunctionGroup {
    fn drop(&mut self) {
        if let Some(group) = self.group.take() {
            send(&self.jobs, Job::Remove(group));
        }
    }
}

/// The group of one instance.
#[derive(Debug)]
pub(crate) struct Leaf {
    /// None only while it is dropped.
    instance: Option<Instance>,
    /// Whether it came with more processes and threads than it may have.
    is_over: bool,
    jobs: SyncSender<Job>,
}

impl Leaf {
    /// What it may have, if it was ended because it had more.
    pub(crate) fn tasks_exceeded(&self) -> Option<u32> {
        self.is_over.then_some(PIDS_MAX)
    }

    /// Whether the kernel has ended a process for want of memory.
    pub(crate) fn was_out_of_memory(&self) -> bool {
        let kills = self.instance.as_ref().map(Instance::out_of_memory_kills);
        matches!(kills, Some(Ok(1..)))
    }
}

impl Drop for Leaf {
    fn drop(&mut self) {
        if let Some(instance) = self.instance.take() {
            send(&self.jobs, Job::Recycle(instance));
        }
    }
}

/// Nothing waits here: what finds no room is done without.
fn send(jobs: &SyncSender<Job>, job: Job) {
    match jobs.try_send(job) {
        Ok(()) | Err(TrySendError::Disconnected(_)) => {}
        Err(TrySendError::Full(job)) => tracing::warn!(?job, "too many instances wait for a group"),
    }
}

/// The thread's life.
fn work(waiting: &Receiver<Job>, jobs: &SyncSender<Job>) {
    while let Ok(job) = waiting.recv() {
        match job {
            Job::Attach(member, group, limits, due) => {
                // Those behind it are due later still.
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
                attach(member.as_ref(), &group, &limits, jobs);
            }
            Job::Recycle(instance) => instance.recycle(),
            Job::Remove(group) => remove(group),
            Job::Close(closed) => {
                let _ = closed.try_send(());
            }
        }
    }
}

fn attach(member: &dyn Member, group: &Group, limits: &Limits, jobs: &SyncSender<Job>) {
    // Most instances that serve one invocation have ended already.
    let Some(pid) = member.pid().and_then(|pid| u32::try_from(pid).ok()) else {
        return;
    };
    let attached = group.instance(limits).map(|instance| {
        let done = instance.attach(pid);
        (instance, done)
    });
    match attached {
        // Whoever ended meanwhile was not attached, or was another process for a moment that is ended as well.
        Ok((instance, Ok(()))) => {
            // Until now, nothing but its function's limit has held it.
            let is_over = instance.has_too_many_tasks().is_ok_and(|is_over| is_over);
            member.keep(Leaf {
                instance: Some(instance),
                is_over,
                jobs: jobs.clone(),
            });
            if is_over {
                member.end();
            }
        }
        Ok((instance, Err(error))) => {
            tracing::debug!(%error, pid, "an instance has no group of its own");
            instance.recycle();
        }
        Err(error) => tracing::warn!(%error, "an instance has no group of its own"),
    }
}

/// Its zygote was told to end; what it leaves behind ends now.
fn remove(group: Arc<Group>) {
    let Some(group) = Arc::into_inner(group) else {
        return;
    };
    if let Err(error) = group.kill_all(LEAVE_TIME) {
        tracing::warn!(%error, "processes of a function stay behind");
    }
    if let Err(error) = group.remove(LEAVE_TIME) {
        tracing::debug!(%error, "a function's group stays until the next start");
    }
}
