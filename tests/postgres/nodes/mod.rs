//! Three platforms with data folders of their own, one database and one folder of archives.

mod bucket;
mod conflicts;
mod kills;
mod limits;
mod partition;
mod proxy;
mod spread;
mod storage;

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use sqlx::{Connection, PgConnection, Row};
use tempfile::TempDir;

use crate::platform::Platform;
use crate::processes;
use crate::server;
use crate::wait::wait_for;

pub(super) const DEADLINE: Duration = Duration::from_secs(60);
/// One key for all, of 32 bytes.
const MASTER_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
pub(super) const LEASE: Duration = Duration::from_secs(2);

/// A handler that takes as long as it is told.
pub(super) const SLEEPER: &str = "import time\n\ndef handler(event, context):\n    time.sleep(event['body']['seconds'])\n    return {}\n";

/// What nodes share, and how another one is made.
#[derive(Debug)]
pub(super) struct Shared {
    folder: TempDir,
    url: String,
    more: Vec<(String, String)>,
}

impl Shared {
    pub(super) fn new(more: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let more = more
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self {
            url: server::url_of(folder.path()),
            folder,
            more: more.collect(),
        }
    }

    /// The address of the database.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// A node that reaches the database at this address.
    pub(super) fn start_at(&self, data: Arc<TempDir>, url: &str) -> Platform {
        let archives = self.folder.path().join("archives").display().to_string();
        let lease = LEASE.as_millis().to_string();
        let mut settings = vec![
            ("ZYGO_DATABASE_URL", url),
            ("ZYGO_ARTIFACTS_URL", &archives),
            ("ZYGO_MASTER_KEY", MASTER_KEY),
            ("ZYGO_EVENTS_LEASE_MS", &lease),
            ("ZYGO_EVENTS_FIRST_PAUSE_MS", "20"),
        ];
        let more = self.more.iter();
        settings.extend(more.map(|(name, value)| (name.as_str(), value.as_str())));
        Platform::start_on(data, &settings)
    }

    pub(super) fn start(&self) -> Platform {
        let data = tempfile::tempdir().expect("a temporary folder");
        self.start_at(Arc::new(data), &self.url)
    }

    /// A node on the data folder of one that was killed.
    pub(super) fn restart(&self, node: &Platform) -> Platform {
        self.start_at(node.data(), &self.url)
    }

    /// What the database answers to a question for numbers.
    pub(super) fn numbers(&self, statement: &str) -> Vec<i64> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a reactor");
        runtime.block_on(async {
            let mut connection = PgConnection::connect(&self.url).await.expect("a server");
            let statement = sqlx::AssertSqlSafe(statement.to_owned());
            let row = sqlx::query(statement).fetch_one(&mut connection).await;
            let row = row.expect("an answer");
            (0..row.len()).map(|at| row.get::<i64, _>(at)).collect()
        })
    }
}

/// Three nodes that know of each other.
pub(super) fn three(more: &[(&str, &str)]) -> (Shared, [Platform; 3]) {
    let shared = Shared::new(more);
    let nodes = [(); 3].map(|()| shared.start());
    wait_for_live(&nodes[0], 3);
    (shared, nodes)
}

/// Waits until a node knows that so many live.
pub(super) fn wait_for_live(node: &Platform, count: usize) {
    wait_for_state(node, "/readyz", "nodes that live", |ready| {
        ready["node"]["live"] == count
    });
}

/// Waits until all nodes know a function.
pub(super) fn wait_for_function(nodes: &[Platform], function: &str) {
    let path = format!("/functions/{function}");
    for node in nodes {
        wait_for_state(node, &path, "the function", |_| true);
    }
}

/// Waits until a function says a word on a node.
pub(super) fn wait_for_word(node: &Platform, function: &str, word: &str) {
    wait_for(word, DEADLINE, || {
        let answer = node.invoke(function, &serde_json::json!({}));
        let said = (answer.status == 200).then(|| answer.json()["body"]["word"].take());
        said.filter(|said| said == word)
    });
}

/// Waits until a node shows something of a path.
pub(super) fn wait_for_state(
    node: &Platform,
    path: &str,
    what: &str,
    holds: impl Fn(&Value) -> bool,
) -> Value {
    wait_for(what, DEADLINE, || {
        let answer = node.get(path);
        let state = (answer.status == 200).then(|| answer.json());
        state.filter(&holds)
    })
}

/// Ends a node without a word.
pub(super) fn kill(node: &mut Platform) {
    processes::kill(node.pid());
    node.wait_for_end();
    node.assert_nothing_left();
}
