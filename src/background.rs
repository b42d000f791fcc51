//! A thread for work that nobody waits for: logs and metrics on their way to the disk. It yields to all that answers
//! callers, and so do the threads that are started from it, such as a database's.
//!
//! Knows nothing of the work.

use std::io;
use std::thread;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// How much it yields: a third of the weight of other threads when all are busy, everything when they are not.
const NICENESS: i32 = 5;

/// The thread, which ends with this.
#[derive(Debug)]
pub(crate) struct Background {
    handle: Handle,
    _ends: oneshot::Sender<()>,
}

impl Background {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (ends, ended) = oneshot::channel::<()>();
        thread::Builder::new()
            .name("background".to_owned())
            .spawn(move || {
                // Without the right to yield it works all the same.
                let _ = rustix::process::setpriority_process(None, NICENESS);
                let _ = runtime.block_on(ended);
                runtime.shutdown_background();
            })?;
        Ok(Self {
            handle,
            _ends: ends,
        })
    }

    /// Runs work on the thread.
    pub(crate) fn spawn<F>(&self, work: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        self.handle.spawn(work)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_yields_and_so_does_what_it_starts() {
        let background = Background::start().unwrap();
        let niceness = || rustix::process::getpriority_process(None).unwrap();
        let work = background.spawn(async move {
            let started = thread::spawn(niceness).join().unwrap();
            (niceness(), started)
        });
        assert_eq!(work.await.unwrap(), (NICENESS, NICENESS));
    }
}
