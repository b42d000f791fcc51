//! The modules whose tests run on both databases, and `outage`.

#[path = "../it/admission.rs"]
mod admission;
#[path = "../it/api.rs"]
mod api;
#[path = "../it/auth.rs"]
pub(crate) mod auth;
#[path = "../it/changes.rs"]
mod changes;
#[path = "../it/collection.rs"]
mod collection;
#[path = "../it/cron.rs"]
mod cron;
#[path = "../it/dead_letters.rs"]
mod dead_letters;
#[path = "../it/destinations.rs"]
mod destinations;
#[path = "../it/durability.rs"]
pub(crate) mod durability;
#[path = "../it/events.rs"]
pub(crate) mod events;
#[path = "../it/figures.rs"]
mod figures;
#[path = "../it/keys.rs"]
mod keys;
#[path = "../it/observed.rs"]
pub(crate) mod observed;
#[path = "../it/queue.rs"]
pub(crate) mod queue;
#[path = "../it/queue_kills.rs"]
mod queue_kills;
#[path = "../it/versions.rs"]
pub(crate) mod versions;

#[path = "nodes/mod.rs"]
mod nodes;
#[path = "outage.rs"]
mod outage;
