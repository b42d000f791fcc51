//! What the platform keeps in its database, on PostgreSQL: the very tests that `it` runs on SQLite, and those that only a
//! server can fail. Each platform under test has a database of its own on a throw-away server.
//!
//! All of them stand below `on_postgres`, so that they can be left out by that name where there is no server.

#[path = "../it/client.rs"]
#[allow(dead_code, reason = "what only `it` uses")]
mod client;
#[path = "../it/exposition.rs"]
#[allow(dead_code, reason = "what only `it` uses")]
mod exposition;
#[path = "../it/language.rs"]
#[allow(dead_code, reason = "what only `it` uses")]
mod language;
#[path = "../it/launch.rs"]
#[allow(dead_code, reason = "what only `it` uses")]
mod launch;
#[path = "../it/pack.rs"]
#[allow(dead_code, reason = "what only `it` uses")]
mod pack;
#[path = "../it/platform.rs"]
#[allow(dead_code, reason = "what only `it` uses")]
mod platform;
#[path = "../it/processes.rs"]
#[allow(dead_code, reason = "what only `it` uses")]
mod processes;
#[path = "../it/receiver.rs"]
#[allow(dead_code, reason = "what only `it` uses")]
mod receiver;
#[path = "../it/turn.rs"]
#[allow(dead_code, reason = "what only `it` uses")]
mod turn;
#[path = "../it/wait.rs"]
#[allow(dead_code, reason = "what only `it` uses")]
mod wait;

mod on_postgres;
mod server;

use on_postgres::{auth, durability, events, observed, queue, versions};

/// Where platforms under test keep their state.
const DATABASE_URL: Option<fn(&std::path::Path) -> String> = Some(server::url_of);
