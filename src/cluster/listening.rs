//! Waits for what other nodes announce, on a connection of its own. What it misses is found by looking: once it is connected
//! again, and now and then besides.

use std::time::Duration;

use sqlx::postgres::PgListener;

use super::changes::CHANNEL;
use crate::secret::Secret;

/// How long it waits before it looks nevertheless.
const LOOK: Duration = Duration::from_secs(1);
/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const PAUSES_MS: [u64; 5] = [100, 300, 1_000, 3_000, 5_000];

/// A connection that is told of changes, or the want of one.
#[derive(Debug)]
pub(crate) struct Listening {
    url: Secret,
    listener: Option<PgListener>,
    failures: usize,
}

impl Listening {
    /// Not connected yet.
    pub(crate) fn new(url: Secret) -> Self {
        Self {
            url,
            listener: None,
            failures: 0,
        }
    }

    /// Returns when it makes sense to look: something was announced, or may have been.
    pub(crate) async fn wait(&mut self) {
        let Some(listener) = &mut self.listener else {
            return self.connect().await;
        };
        match tokio::time::timeout(LOOK, listener.try_recv()).await {
            Ok(Ok(Some(_))) => while listener.next_buffered().is_some() {},
            // It has connected again by itself, or will not.
            Ok(Ok(None)) | Ok(Err(_)) => self.listener = None,
            Err(_) => {}
        }
    }

    async fn connect(&mut self) {
        if let Some(failures) = self.failures.checked_sub(1) {
            let pause = PAUSES_MS.get(failures).or(PAUSES_MS.last());
            let pause = Duration::from_millis(pause.copied().unwrap_or_default());
            tokio::time::sleep(pause).await;
        }
        let connecting = async {
            let mut listener = PgListener::connect(self.url.expose()).await?;
            listener.eager_reconnect(false);
            listener.listen(CHANNEL).await?;
            Ok::<_, sqlx::Error>(listener)
        };
        match tokio::time::timeout(CONNECT_TIMEOUT, connecting).await {
            Ok(Ok(listener)) => (self.listener, self.failures) = (Some(listener), 0),
            Ok(Err(_)) | Err(_) => self.failures += 1,
        }
    }
}
