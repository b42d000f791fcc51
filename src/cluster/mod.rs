//! Several platforms with one PostgreSQL database and one store of archives: who is there, and what one of them changed that
//! the others keep in memory.
//!
//! ```text
//!  change ─► same transaction: number it, NOTIFY ═══► every other node: read what is new ─► take it over from the store
//!  beat ──► nodes, leases (the database's clock)      (woken by NOTIFY, looks once a second besides)
//! ```
//! Changes are numbered under a lock that is held until they are committed, so whoever has read a number has read all below
//! it: a notification that is lost, or a connection that was cut, loses nothing. A platform alone does none of this. Knows
//! ids and names, and nothing of what a function is.

mod changes;
mod identity;
mod listening;
mod nodes;
mod progress;
mod share;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

pub(crate) use changes::Change;
pub(crate) use listening::Listening;
pub(crate) use nodes::Node;
pub(crate) use share::share;

use crate::config::Config;
use crate::store::{Database, StoreError};
use progress::Progress;

/// How long a change here waits for those before it from elsewhere to be taken over; those that still are not are found
/// when it is committed.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a question to the database may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long writing something may take.
const COMMIT_TIMEOUT: Duration = Duration::from_secs(20);
/// How many beats there are in a lease.
const BEATS_PER_LEASE: u32 = 5;

/// A platform among others, or alone. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cluster(Option<Arc<Member>>);

#[derive(Debug)]
struct Member {
    database: Database,
    id: String,
    host: String,
    lease: Duration,
    progress: Mutex<Progress>,
    /// The number up to which all is taken over.
    applied: watch::Sender<i64>,
    /// Until when this node is one of those that live, as it knows by its own clock.
    alive_until: Mutex<Instant>,
    /// Until when it is the one that does what one does for all.
    leads_until: Mutex<Option<Instant>>,
    live: AtomicU32,
}

impl Cluster {
    /// Joins the others, where the configuration says that there may be some. To be called before anything is read that
    /// another one may change.
    pub(crate) async fn join(database: &Database, config: &Config) -> Result<Self, StoreError> {
        if !config.is_node() {
            return Ok(Self::default());
        }
        let read = changes::last(database).await?;
        let (id, host) = identity::of(&config.data_dir).map_err(sqlx::Error::Io)?;
        let member = Member {
            database: database.clone(),
            id,
            host,
            lease: config.events.lease(),
            progress: Mutex::new(Progress::from(read)),
            applied: watch::Sender::new(read),
            alive_until: Mutex::new(Instant::now()),
            leads_until: Mutex::default(),
            live: AtomicU32::new(1),
        };
        let cluster = Self(Some(Arc::new(member)));
        cluster.beat().await?;
        Ok(cluster)
    }

    /// Whether there may be others.
    pub(crate) fn is_shared(&self) -> bool {
        self.0.is_some()
    }

    /// What this node is called.
    pub(crate) fn id(&self) -> Option<&str> {
        self.0.as_ref().map(|member| member.id.as_str())
    }

    /// How many nodes live, this one among them.
    pub(crate) fn live(&self) -> u32 {
        let live = self.0.as_ref().map(|member| &member.live);
        live.map_or(1, |live| live.load(Ordering::Relaxed))
    }

    /// How long there is until the next beat.
    pub(crate) fn beat_interval(&self) -> Duration {
        let lease = self.0.as_ref().map(|member| member.lease);
        lease.map_or(Duration::MAX, |lease| lease / BEATS_PER_LEASE)
    }

    /// Whether the others take this node for alive: it has reached the database within its lease.
    pub(crate) fn is_connected(&self) -> bool {
        let member = self.0.as_ref();
        member.is_none_or(|member| *lock(&member.alive_until) > Instant::now())
    }

    /// Whether this node is the one that does now what one does for all.
    pub(crate) fn leads(&self) -> bool {
        let member = self.0.as_ref();
        member.is_none_or(|member| {
            lock(&member.leads_until).is_some_and(|until| until > Instant::now())
        })
    }

    /// The number of the last change that is taken over; what is committed here is compared with what came after.
    pub(crate) fn applied(&self) -> i64 {
        let member = self.0.as_ref();
        member.map_or(0, |member| *member.applied.borrow())
    }

    /// Does something in the database that must not take for ever. What is committed meanwhile after all is taken over as
    /// another node's change would be.
    pub(crate) async fn bounded<T, E: From<StoreError>>(
        &self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        if !self.is_shared() {
            return work.await;
        }
        let done = tokio::time::timeout(COMMIT_TIMEOUT, work).await;
        done.unwrap_or_else(|_| Err(StoreError::from(sqlx::Error::PoolTimedOut).into()))
    }

    /// Waits until what others have changed by now is taken over here.
    pub(crate) async fn catch_up(&self) -> Result<(), StoreError> {
        let Some(member) = &self.0 else {
            return Ok(());
        };
        let last = within(changes::last(&member.database)).await?;
        if self.applied() >= last {
            return Ok(());
        }
        let mut applied = member.applied.subscribe();
        let reached = applied.wait_for(|applied| *applied >= last);
        // Whoever is late is told by the commit.
        let _ = tokio::time::timeout(PATIENCE, reached).await;
        Ok(())
    }

    /// Reads what others have changed. What is to be taken over now; each is to be given to [`Self::took_over`]. `here` names
    /// the functions that this node knows, for when nothing else says what became of them.
    pub(crate) async fn news(
        &self,
        here: impl FnOnce() -> Vec<String>,
    ) -> Result<Vec<Change>, StoreError> {
        let Some(member) = &self.0 else {
            return Ok(Vec::new());
        };
        let read = member.progress().read();
        let news = within(changes::after(&member.database, read)).await?;
        let mut progress = member.progress();
        match news {
            changes::News::Some(rows) => {
                for row in rows {
                    progress.add(row.number, row.change, row.node == member.id);
                }
            }
            changes::News::Everything { last, all } => {
                tracing::warn!(last, "too much was missed: everything is read anew");
                let here = here().into_iter().map(Change::Function);
                progress.anew(last, all.into_iter().chain(here));
            }
        }
        let begun = progress.begin();
        member.applied.send_replace(progress.applied());
        Ok(begun)
    }

    /// Something was taken over, or could not be.
    pub(crate) fn took_over(&self, change: &Change, is_done: bool) {
        if let Some(member) = &self.0 {
            let mut progress = member.progress();
            progress.end(change, is_done);
            member.applied.send_replace(progress.applied());
        }
    }
}

impl Member {
    fn progress(&self) -> MutexGuard<'_, Progress> {
        lock(&self.progress)
    }
}

/// A server that does not answer in time is not there: a connection that is cut somewhere on its way tells nobody.
async fn within<T>(asking: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    let asked = tokio::time::timeout(ANSWER_TIMEOUT, asking).await;
    asked.unwrap_or_else(|_| Err(sqlx::Error::PoolTimedOut.into()))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
