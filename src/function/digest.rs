//! What makes two versions the same: the code and every setting. Values of variables are not in the digest, which all
//! may see; whoever compares two versions compares those as well. Pure.

use sha2::{Digest, Sha256};

use super::manifest::Manifest;

/// SHA-256, as hexadecimal digits, of the settings and of the digest of the code.
pub(super) fn digest(manifest: &Manifest, archive: &str) -> String {
    let mut hasher = Sha256::new();
    // Fields of a struct are always written in the same order.
    hasher.update(serde_json::to_vec(manifest).unwrap_or_default());
    for (group, variables) in [("e", &manifest.environment), ("s", &manifest.secrets)] {
        for name in variables.keys() {
            hasher.update(format!("\n{group} {name}"));
        }
    }
    hasher.update("\n");
    hasher.update(archive);
    hex::encode(hasher.finalize())
}

/// SHA-256 of texts or bytes one after the other. They cannot run into each other: each comes with its length.
pub(crate) fn of_parts<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// Whether two versions with one digest have the same values as well.
pub(super) fn has_same_values(one: &Manifest, other: &Manifest) -> bool {
    one.environment == other.environment && one.secrets == other.secrets
}
