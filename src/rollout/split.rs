//! Which calls the candidate gets.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::{Wrong, wrong};

/// The longest name of a header or cookie.
const NAME_LEN_MAX: usize = 128;

/// What finds the key that keeps a caller with one version, where the user says where it stands, or does not say.
pub(crate) type Keyed<'a> = &'a (dyn Fn(Option<&Stickiness>) -> Option<String> + Sync);

/// How many calls go to the candidate.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Split<'a> {
    /// So many of a hundred.
    pub(super) percent: f64,
    pub(super) stickiness: Option<&'a Stickiness>,
}

/// Where a caller's key stands: one of the two.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Stickiness {
    /// In the header of this name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) header: Option<String>,
    /// In the cookie of this name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cookie: Option<String>,
}

impl Stickiness {
    pub(super) fn check(&self) -> Result<(), Wrong> {
        let (pointer, name) = match (&self.header, &self.cookie) {
            (Some(name), None) => ("/stickiness/header", name),
            (None, Some(name)) => ("/stickiness/cookie", name),
            _ => {
                let rule = "names either a `header` or a `cookie`";
                return Err(wrong("/stickiness", rule));
            }
        };
        // RFC 9110 §5.6.2: what names of headers consist of; those of cookies do as well (RFC 6265 §4.1.1).
        let is_token =
            |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        match (1..=NAME_LEN_MAX).contains(&name.len()) && name.bytes().all(is_token) {
            true => Ok(()),
            false => Err(wrong(
                pointer,
                "must be a name of at most 128 letters, digits and !#$%&'*+-.^_`|~",
            )),
        }
    }
}

impl Split<'_> {
    /// Whether the candidate gets a call. `salt` is the rollout's own, so that it is not always the same callers who get
    /// what is new; `chance` is from 0 to 1 and decides where there is no key.
    ///
    /// Whoever gets the candidate keeps it when the part grows.
    pub(crate) fn takes(self, salt: &str, keyed: Keyed<'_>, chance: f64) -> bool {
        let place = match keyed(self.stickiness) {
            Some(key) => place(salt, &key),
            None => chance,
        };
        place * 100.0 < self.percent
    }
}

/// A number from 0 to 1 that belongs to a key, the same on every machine and in every version of the platform.
fn place(salt: &str, key: &str) -> f64 {
    let digest = Sha256::new()
        .chain_update(salt)
        .chain_update([0])
        .chain_update(key)
        .finalize();
    let first = digest.first_chunk().copied().map_or(0, u32::from_be_bytes);
    f64::from(first) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split(percent: f64) -> Split<'static> {
        Split {
            percent,
            stickiness: None,
        }
    }

    proptest! {
        #[test]
        fn a_caller_stays_and_more_percent_take_nobody_back(key in ".{0,20}", low in 0.0..100.0_f64, high in 0.0..100.0_f64) {
            let (low, high) = (low.min(high), low.max(high));
            let takes = |percent, chance| split(percent).takes("salt", &|_| Some(key.clone()), chance);
            prop_assert_eq!(takes(low, 0.0), takes(low, 0.999));
            prop_assert!(!takes(low, 0.5) || takes(high, 0.5));
            prop_assert!(takes(100.0, 0.999) && !takes(0.0, 0.0));
        }

        #[test]
        fn without_a_key_chance_decides(percent in 0.0..100.0_f64, chance in 0.0..1.0_f64) {
            prop_assert_eq!(split(percent).takes("salt", &|_| None, chance), chance * 100.0 < percent);
        }
    }

    #[test]
    fn keys_are_spread_evenly_and_otherwise_for_each_rollout() {
        let split = split(20.0);
        let taken = |salt: &str| -> Vec<bool> {
            let keys = (0..10_000).map(|number| format!("user-{number}"));
            keys.map(|key| split.takes(salt, &|_| Some(key.clone()), 0.0))
                .collect()
        };
        let (one, other) = (taken("fn-1/2"), taken("fn-1/3"));
        for taken in [&one, &other] {
            let count = taken.iter().filter(|taken| **taken).count();
            assert!((1_800..2_200).contains(&count), "{count}");
        }
        let both = one
            .iter()
            .zip(&other)
            .filter(|(one, other)| **one && **other);
        assert!((300..500).contains(&both.count()));
    }

    #[test]
    fn a_key_stands_in_one_place_whose_name_is_a_token() {
        let check = |header: Option<&str>, cookie: Option<&str>| {
            let stickiness = Stickiness {
                header: header.map(str::to_owned),
                cookie: cookie.map(str::to_owned),
            };
            stickiness.check().map_err(|wrong| wrong.pointer)
        };
        for name in ["x-user", "session_id"] {
            assert_eq!(check(Some(name), None), Ok(()));
            assert_eq!(check(None, Some(name)), Ok(()));
        }
        for name in ["", "a b", "a:b"] {
            assert_eq!(check(Some(name), None), Err("/stickiness/header"));
            assert_eq!(check(None, Some(name)), Err("/stickiness/cookie"));
        }
        assert_eq!(check(None, None), Err("/stickiness"));
        assert_eq!(check(Some("a"), Some("b")), Err("/stickiness"));
    }
}
