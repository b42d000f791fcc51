//! Whether the threads that serve connections still do: each is asked, and answers between two pieces of work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{mpsc, oneshot};

/// A question to a thread.
pub(super) type Question = oneshot::Sender<()>;

/// Asks all threads. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Pulse {
    threads: Vec<mpsc::Sender<Question>>,
    /// Threads that were told to end owe no answer.
    ended: Arc<AtomicBool>,
}

impl Pulse {
    pub(super) fn of(threads: Vec<mpsc::Sender<Question>>) -> Self {
        Self {
            threads,
            ended: Arc::default(),
        }
    }

    /// From now on no answer is expected.
    pub(super) fn end(&self) {
        self.ended.store(true, Ordering::Relaxed);
    }

    /// Whether the threads were told to end.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    /// Waits until every thread has answered; false when one never will.
    pub async fn beats(&self) -> bool {
        for thread in &self.threads {
            let (question, answer) = oneshot::channel();
            let asked = thread.send(question).await.is_ok();
            if !(asked && answer.await.is_ok()) {
                return self.has_ended();
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_thread_that_is_gone_or_stuck_has_no_pulse() {
        let (first, mut asked) = mpsc::channel::<Question>(1);
        let pulse = Pulse::of(vec![first]);
        let (beats, ()) = tokio::join!(pulse.beats(), async {
            let question = asked.recv().await.unwrap();
            question.send(()).unwrap();
        });
        assert!(beats);
        let stuck = tokio::select! {
            biased;
            _ = pulse.beats() => false,
            () = tokio::task::yield_now() => true,
        };
        assert!(stuck);
        drop(asked);
        assert!(!pulse.beats().await);
        pulse.end();
        assert!(pulse.beats().await);
    }
}
