//! One language zygote: started with exec, asked for function zygotes, started again when it dies, and made anew when it is
//! old or its layout may have been guessed. A successor is ready before it takes its predecessor's place.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, OwnedSemaphorePermit, watch};
use zygo_wire::Layer;

use super::ZygoteError;
use super::ageing::{self, Limits, Reason};
use super::life::{Life, NotStarted};
use super::lineage::Lineage;
use super::refreshes::Refreshes;
use super::state::BackOff;
use crate::isolation::Isolation;

/// How long a caller waits for a zygote that is being started again.
const READY_TIMEOUT: Duration = Duration::from_secs(10);

/// A runtime that died this often in a row without ever being ready is reported as unavailable meanwhile.
const FAILED_STARTS_MAX: u32 = 3;

/// Crashes make the zygote of a language anew no more often: every function of the language is made anew after it.
const DISTRUST_INTERVAL: Duration = Duration::from_secs(600);

/// The supervised process of one runtime.
#[derive(Debug)]
pub(crate) struct LanguageZygote {
    runtime: &'static str,
    binary: PathBuf,
    /// What holds the functions.
    isolation: Arc<Isolation>,
    limits: Limits,
    refreshes: Refreshes,
    state: watch::Sender<State>,
    /// Told when crashes may have told somebody of the layout.
    distrusted: Notify,
    distrusted_last: Mutex<Option<Instant>>,
}

#[derive(Debug, Clone)]
enum State {
    /// On its way.
    Spawning,
    /// Ready to fork.
    Ready(Arc<Life>),
    /// Not to be had; the reason is for people.
    Unavailable(String),
    /// The platform is ending.
    Stopped,
}

impl LanguageZygote {
    /// Starts the process, and again whenever it ends.
    pub(super) fn start(
        runtime: &'static str,
        directory: &Path,
        isolation: Arc<Isolation>,
        limits: Limits,
    ) -> Arc<Self> {
        let zygote = Arc::new(Self {
            runtime,
            binary: directory.join(format!("zygo-{runtime}")),
            isolation,
            limits,
            refreshes: Refreshes::default(),
            state: watch::Sender::new(State::Spawning),
            distrusted: Notify::new(),
            distrusted_last: Mutex::default(),
        });
        tokio::spawn(Arc::clone(&zygote).supervise());
        zygote
    }

    /// The runtime's name.
    pub(crate) fn runtime(&self) -> &'static str {
        self.runtime
    }

    /// The runtime's binary.
    pub(crate) fn binary(&self) -> &Path {
        &self.binary
    }

    /// What the operator allows a zygote.
    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    /// What was made anew of this language.
    pub(crate) fn refreshes(&self) -> &Refreshes {
        &self.refreshes
    }

    /// Leave to make a function zygote anew, if not too many are being made.
    pub(crate) fn refresh_turn(&self, reason: Reason) -> Option<OwnedSemaphorePermit> {
        self.refreshes.turn(reason)
    }

    /// The engine and how long it took to start, or why there is none.
    pub(crate) async fn status(&self) -> Result<(String, Duration), String> {
        match self.settled().await {
            State::Ready(life) => Ok((life.engine().to_owned(), life.boot_duration())),
            State::Unavailable(reason) => Err(reason),
            State::Spawning | State::Stopped => Err("not ready".to_owned()),
        }
    }

    /// What holds the functions.
    pub(crate) fn isolation(&self) -> &Arc<Isolation> {
        &self.isolation
    }

    /// Whether function zygotes are forked into namespaces of their own.
    pub(super) fn forks_into_namespaces(&self) -> bool {
        self.isolation.has(Layer::Pid)
    }

    /// The process that function zygotes are forked from now.
    pub(crate) async fn life(&self) -> Result<Arc<Life>, ZygoteError> {
        match self.settled().await {
            State::Ready(life) => Ok(life),
            State::Unavailable(reason) => Err(ZygoteError::Unavailable {
                runtime: self.runtime.to_owned(),
                reason,
            }),
            State::Spawning | State::Stopped => Err(ZygoteError::Gone),
        }
    }

    /// A process for one function zygote alone: nobody else has its layout and its seed.
    pub(crate) async fn single_life(&self) -> Result<Arc<Life>, ZygoteError> {
        let life = self.begin(true).await;
        life.map_err(|NotStarted { reason, .. }| ZygoteError::Unavailable {
            runtime: self.runtime.to_owned(),
            reason,
        })
    }

    /// Crashes may have told somebody of this layout. If it is the one that functions get now, it ends.
    pub(crate) fn distrust(&self, lineage: &Lineage) {
        if lineage.is_superseded() {
            return;
        }
        let last = self.distrusted_last.lock();
        let mut last = last.unwrap_or_else(PoisonError::into_inner);
        if last.is_none_or(|last| last.elapsed() >= DISTRUST_INTERVAL) {
            *last = Some(Instant::now());
            self.distrusted.notify_one();
        }
    }

    /// Ends the process and stops looking after it.
    pub(crate) async fn stop(&self) {
        if let State::Ready(life) = self.state.send_replace(State::Stopped) {
            life.end().await;
        }
    }

    async fn settled(&self) -> State {
        let mut state = self.state.subscribe();
        let settled = state.wait_for(|state| match state {
            State::Spawning => false,
            // The word of its end is on its way.
            State::Ready(life) => !life.has_ended(),
            State::Unavailable(_) | State::Stopped => true,
        });
        match tokio::time::timeout(READY_TIMEOUT, settled).await {
            Ok(Ok(state)) => state.clone(),
            _ => State::Spawning,
        }
    }

    async fn supervise(self: Arc<Self>) {
        let mut state = self.state.subscribe();
        let stopped = async {
            let _ = state
                .wait_for(|state| matches!(state, State::Stopped))
                .await
                .is_ok();
        };
        tokio::select! {
            () = stopped => {}
            () = self.live() => {}
        }
    }

    /// One life after another.
    async fn live(&self) {
        let mut back_off = BackOff::default();
        let mut failed_starts = 0_u32;
        loop {
            let born = Instant::now();
            match self.begin(false).await {
                Ok(life) => {
                    failed_starts = 0;
                    let (engine, boot) = (life.engine(), life.boot_duration());
                    tracing::info!(runtime = self.runtime, %engine, ?boot, "language zygote is ready");
                    self.serve(life).await;
                }
                // Whoever killed it may do so again; it is no sign that the binary cannot start.
                Err(NotStarted {
                    was_killed: true, ..
                }) => {}
                Err(NotStarted { reason, .. }) => {
                    failed_starts += 1;
                    if failed_starts == 1 {
                        tracing::error!(runtime = self.runtime, %reason, "language zygote did not start");
                    }
                    if failed_starts >= FAILED_STARTS_MAX || !self.binary.exists() {
                        self.become_unless_stopped(State::Unavailable(reason));
                    }
                }
            }
            tokio::time::sleep(back_off.after_death(born.elapsed())).await;
        }
    }

    async fn begin(&self, is_single: bool) -> Result<Arc<Life>, NotStarted> {
        let lineage = Lineage::new(self.limits.lifetime(fastrand::f64()), is_single);
        Life::begin(&self.binary, lineage).await.map(Arc::new)
    }

    /// Lets a life serve, and its successors, until one ends unasked.
    async fn serve(&self, mut life: Arc<Life>) {
        self.become_unless_stopped(State::Ready(Arc::clone(&life)));
        loop {
            let reason = tokio::select! {
                () = life.ended() => break,
                reason = self.due(&life) => reason,
            };
            let successor = tokio::select! {
                () = life.ended() => break,
                successor = self.successor(reason) => successor,
            };
            self.become_unless_stopped(State::Ready(Arc::clone(&successor)));
            // Function zygotes that are due now are forked from the successor.
            life.lineage().outdate();
            life = successor;
            self.refreshes.count_language(reason);
            tracing::info!(
                runtime = self.runtime,
                reason = reason.name(),
                "language zygote was made anew"
            );
        }
        life.lineage().supersede();
        self.become_unless_stopped(State::Spawning);
    }

    /// Waits for a reason to make it anew.
    async fn due(&self, life: &Life) -> Reason {
        let old = async {
            match life.lineage().left() {
                Some(left) => tokio::time::sleep(left).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = old => Reason::Age,
            () = self.distrusted.notified() => Reason::Crashes,
        }
    }

    /// A life that can take another's place, tried until there is one.
    async fn successor(&self, reason: Reason) -> Arc<Life> {
        let mut failures = 0;
        loop {
            match self.begin(false).await {
                Ok(life) => return life,
                Err(error) => {
                    failures += 1;
                    let (runtime, why, error) = (self.runtime, reason.name(), error.reason);
                    tracing::warn!(runtime, reason = why, %error, "language zygote was not made anew; the old one stays");
                    tokio::time::sleep(ageing::retry(failures)).await;
                }
            }
        }
    }

    fn become_unless_stopped(&self, next: State) {
        self.state.send_if_modified(|state| {
            let stopped = matches!(state, State::Stopped);
            if !stopped {
                *state = next;
            }
            !stopped
        });
    }
}
