//! The task of a source: connects, reads, and backs off, until it is told to end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::board::Board;
use super::hold::Handle;
use super::intake::Intake;
use super::lifecycle::{Failures, State};
use super::session::{Session, Wire};
use super::{Reach, Settings, SourceError};

/// What the task has.
pub(super) struct Reader {
    pub(super) settings: Settings,
    pub(super) reach: Arc<Reach>,
    pub(super) handle: Arc<dyn Handle>,
    pub(super) board: Arc<Board>,
    pub(super) ends: watch::Receiver<bool>,
}

impl Reader {
    /// Runs until it is told to end, and nothing is in hand any more.
    pub(super) async fn run(self) {
        let (tell, wires) = watch::channel(None);
        let (close, closes) = watch::channel(false);
        let intake = Intake::new(
            Arc::clone(&self.handle),
            Arc::clone(&self.board),
            wires,
            closes,
            (self.settings.concurrency, self.settings.in_hand_max()),
        );
        let mut session = None;
        let mut ends = self.ends.clone();
        tokio::select! {
            biased;
            _ = ends.wait_for(|ends| *ends) => {}
            () = self.read(&intake, &tell, &mut session) => {}
        }
        self.board.set(State::Draining);
        // What is given back before that would come here again.
        if let Some(session) = &session {
            session.take_no_more().await;
        }
        close.send_replace(true);
        intake.emptied().await;
        tell.send_replace(None);
        if let Some(session) = session.take() {
            session.close().await;
        }
        self.board.set(State::Ended);
    }

    /// Reads for ever. The session stays outside, so that what is in hand can be acknowledged after the end.
    async fn read(
        &self,
        intake: &Intake,
        wires: &watch::Sender<Option<Wire>>,
        session: &mut Option<Session>,
    ) {
        let mut failures = Failures::default();
        loop {
            let begun = Instant::now();
            let error = match Session::connect(&self.settings, &self.reach).await {
                Ok(connected) => {
                    let connected = session.insert(connected);
                    wires.send_replace(Some(connected.wire()));
                    self.board.set(State::Consuming);
                    tracing::info!(group = self.settings.group, "a queue is consumed");
                    connected.read(intake).await
                }
                Err(error) => error,
            };
            wires.send_replace(None);
            if let Some(lost) = session.take() {
                lost.close().await;
            }
            failures = failures.one_more(begun.elapsed());
            self.back_off(&error, failures).await;
        }
    }

    async fn back_off(&self, error: &SourceError, failures: Failures) {
        let pause = failures.pause(fastrand::f64());
        tracing::warn!(%error, group = self.settings.group, ?pause, "a queue cannot be consumed");
        self.board.set(State::BackingOff(error.to_string()));
        tokio::time::sleep(pause.max(Duration::from_millis(1))).await;
        self.board.set(State::Connecting);
    }
}
