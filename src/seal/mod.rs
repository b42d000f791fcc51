//! Values encrypted at rest with XChaCha20-Poly1305. A sealed value is bound to a context, such as the name of the
//! secret it is, and opens nowhere else.
//!
//! ```text
//!  z1.<key id>.<base64url of a random 24-byte nonce and the ciphertext>
//! ```
//! There may be several master keys: the newest seals, all open. Knows nothing of what is sealed.

mod keys;

use std::sync::{PoisonError, RwLock};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use crate::config::Config;
use keys::{Keys, MasterKey};

/// What a sealed text begins with: the format's version.
const FORMAT: &str = "z1";
const NONCE_LEN: usize = 24;

/// Why something cannot be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The keys cannot be read.
    #[error("the master keys in {place} cannot be used: {reason}")]
    Keys {
        /// Where they come from.
        place: String,
        /// What is wrong, and what would be right.
        reason: String,
    },
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    NoRandomness,
    /// The value was sealed with a key that is not there.
    #[error("master key {0} is missing; add it after the newest one to {1}")]
    KeyMissing(String, String),
    /// The text is no sealed value, or was sealed for something else.
    #[error("the value was not sealed here, or was changed since")]
    Forged,
    /// The keys come from the environment, so only there can one be added.
    #[error("the master keys come from {0}; put a new key before the others there and restart")]
    NotOurs(String),
}

/// Seals and opens.
#[derive(Debug)]
pub(crate) struct Sealer {
    keys: RwLock<Keys>,
}

impl Sealer {
    /// Reads the keys from where the configuration says; makes the first one when there is none.
    pub(crate) fn open(config: &Config) -> Result<Self, SealError> {
        let keys = Keys::read(config)?;
        Ok(Self {
            keys: RwLock::new(keys),
        })
    }

    /// Seals a value for one context.
    pub(crate) fn seal(&self, context: &str, plain: &[u8]) -> Result<String, SealError> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let key = keys.newest();
        let mut nonce = [0_u8; NONCE_LEN];
        getrandom::fill(&mut nonce).map_err(|_| SealError::NoRandomness)?;
        let payload = Payload {
            msg: plain,
            aad: context.as_bytes(),
        };
        let sealed = cipher(key)
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| SealError::Forged)?;
        let bytes = [&nonce[..], &sealed].concat();
        Ok(format!("{FORMAT}.{}.{}", key.id(), BASE64.encode(bytes)))
    }

    /// Opens what was sealed for the same context.
    pub(crate) fn unseal(
        &self,
        context: &str,
        sealed: &str,
    ) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (id, text) = parts(sealed).ok_or(SealError::Forged)?;
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let missing = || SealError::KeyMissing(id.to_owned(), keys.place().to_owned());
        let key = keys.by_id(id).ok_or_else(missing)?;
        let bytes = BASE64.decode(text).map_err(|_| SealError::Forged)?;
        let (nonce, sealed) = bytes
            .split_first_chunk::<NONCE_LEN>()
            .ok_or(SealError::Forged)?;
        let payload = Payload {
            msg: sealed,
            aad: context.as_bytes(),
        };
        let plain = cipher(key).decrypt(&XNonce::from(*nonce), payload);
        Ok(Zeroizing::new(plain.map_err(|_| SealError::Forged)?))
    }

    /// Whether a value was sealed with the newest key.
    pub(crate) fn is_current(&self, sealed: &str) -> bool {
        parts(sealed).is_some_and(|(id, _)| id == self.key_id())
    }

    /// Names the newest key.
    pub(crate) fn key_id(&self) -> String {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        keys.newest().id().to_owned()
    }

    /// Makes a new newest key, when the keys are a file of ours.
    pub(crate) fn add_key(&self) -> Result<(), SealError> {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        keys.add()
    }
}

/// Names the master keys that there are, and makes none.
pub(crate) fn key_ids(config: &Config) -> Result<Vec<String>, SealError> {
    let keys = match Keys::are_there(config) {
        true => Some(Keys::read(config)?),
        false => None,
    };
    Ok(keys.map(|keys| keys.ids()).unwrap_or_default())
}

/// Names the master keys of all sealed values in a text.
pub(crate) fn ids_in(text: &str) -> Vec<String> {
    let begins = text.split("\"z1.").skip(1);
    let ids = begins.filter_map(|rest| Some(rest.split_once('.')?.0));
    let is_id = |id: &&str| id.len() == 8 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    ids.filter(is_id).map(str::to_owned).collect()
}

fn cipher(key: &MasterKey) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.bytes().into())
}

/// Key id and body of a sealed text.
fn parts(sealed: &str) -> Option<(&str, &str)> {
    sealed
        .strip_prefix(FORMAT)?
        .strip_prefix('.')?
        .split_once('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer(folder: &std::path::Path) -> Sealer {
        let config = Config {
            data_dir: folder.to_owned(),
            ..Config::default()
        };
        Sealer::open(&config).expect("keys")
    }

    #[test]
    fn a_value_opens_only_where_it_was_sealed_for() {
        let folder = tempfile::tempdir().expect("folder");
        let sealer = sealer(folder.path());
        let sealed = sealer.seal("a", b"value").expect("sealed");
        assert_eq!(
            sealer.unseal("a", &sealed).expect("opened").as_slice(),
            b"value"
        );
        assert!(matches!(
            sealer.unseal("b", &sealed),
            Err(SealError::Forged)
        ));
        let again = sealer.seal("a", b"value").expect("sealed");
        assert_ne!(sealed, again, "a nonce is never used twice");
        let text = format!(r#"{{"a":"{sealed}","b":"z1.none","c":"z1.x.y"}}"#);
        assert_eq!(ids_in(&text), [sealer.key_id()]);
        for forged in [
            "",
            "z1",
            "z1.x",
            "z1.00000000.AAAA",
            &sealed[..sealed.len() - 2],
        ] {
            assert!(sealer.unseal("a", forged).is_err(), "{forged}");
        }
    }

    #[test]
    fn old_keys_open_and_the_newest_seals_also_after_a_restart() {
        let folder = tempfile::tempdir().expect("folder");
        let first = sealer(folder.path());
        let old = first.seal("a", b"value").expect("sealed");
        first.add_key().expect("a second key");
        assert!(!first.is_current(&old));
        let second = sealer(folder.path());
        assert_eq!(second.key_id(), first.key_id());
        assert_eq!(
            second.unseal("a", &old).expect("opened").as_slice(),
            b"value"
        );
        let elsewhere = tempfile::tempdir().expect("folder");
        let stranger = sealer_error(elsewhere.path(), &old);
        assert!(stranger.contains("missing"), "{stranger}");
    }

    fn sealer_error(folder: &std::path::Path, sealed: &str) -> String {
        let opened = sealer(folder).unseal("a", sealed);
        opened.expect_err("another key").to_string()
    }
}
