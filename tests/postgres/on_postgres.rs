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
#[path = "../it/durability.rs"]
pub(crate) mod durability;
#[path = "../it/figures.rs"]
mod figures;
#[path = "../it/keys.rs"]
mod keys;
#[path = "../it/observed.rs"]
pub(crate) mod observed;
#[path = "../it/versions.rs"]
pub(crate) mod versions;

#[path = "outage.rs"]
mod outage;
