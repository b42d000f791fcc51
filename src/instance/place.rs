//! One invocation of a process that runs several, from its number to its end.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::Receiver;
use zygo_wire::data::InstanceCommand;

use super::InstanceError;
use super::crew::Link;
use super::event::Event;
use crate::invocation::LogLines;

/// One invocation's place in the table. Dropped before its end, it retires the process: the handler still runs.
#[derive(Debug)]
pub(super) struct Place {
    link: Arc<Link>,
    number: u64,
    events: Receiver<Result<Event, InstanceError>>,
    is_over: bool,
}

impl Place {
    pub(super) fn new(
        link: Arc<Link>,
        number: u64,
        events: Receiver<Result<Event, InstanceError>>,
    ) -> Self {
        Self {
            link,
            number,
            events,
            is_over: false,
        }
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn link(&self) -> &Arc<Link> {
        &self.link
    }

    /// What the process says of this invocation.
    pub(super) async fn receive(&mut self) -> Result<Event, InstanceError> {
        match self.events.recv().await {
            Some(event) => event,
            None => {
                let ended = self.link.ended();
                Err(ended.unwrap_or(InstanceError::Violation("more pieces than were asked for")))
            }
        }
    }

    /// Says that a piece was taken.
    pub(super) async fn taken(&self) {
        let number = self.number;
        self.tell(InstanceCommand::Taken { number }).await;
    }

    /// Waits until the handler has ended, whose answer nobody takes; at most so long. Whether it left the process usable.
    pub(super) async fn wait_out(mut self, patience: Duration) -> bool {
        let number = self.number;
        self.tell(InstanceCommand::Cancel { number }).await;
        let ended = tokio::time::timeout(patience, self.listen_out()).await;
        let is_healthy = ended.unwrap_or(false);
        let _ = self.over(is_healthy);
        is_healthy
    }

    async fn listen_out(&mut self) -> bool {
        loop {
            match self.receive().await {
                Ok(Event::Chunk(..)) => self.taken().await,
                Ok(Event::Finished(..) | Event::Ended(..)) => return true,
                Ok(Event::Failed(_, failure, _)) => {
                    return InstanceError::from(failure).leaves_instance_usable();
                }
                Ok(_) => {}
                Err(_) => return false,
            }
        }
    }

    async fn tell(&self, command: InstanceCommand<'_>) {
        // If nobody is there, the reader says how that came.
        let _ = self.link.post(&command, &[]).await;
    }

    /// What the handler wrote so far.
    pub(super) fn take_logs(&self) -> LogLines {
        self.link.take_logs(self.number)
    }

    /// The invocation is over; what the handler wrote.
    pub(super) fn over(mut self, is_healthy: bool) -> LogLines {
        if !is_healthy {
            self.link.retire();
        }
        self.is_over = true;
        self.link.close(self.number)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.is_over {
            self.link.retire();
            let _ = self.link.close(self.number);
        }
    }
}
