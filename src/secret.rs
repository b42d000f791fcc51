//! A text that must not be seen: it is wiped from memory when dropped, and no log, message or answer can show it by
//! accident, because it has no form to be displayed in and none to be written in.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};
use serde::ser::{Serialize, Serializer};
use zeroize::Zeroizing;

/// A value that is shown to nobody.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Hides a text.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text, for the one place that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// From a text alone. The usual complaint about anything else would show it: a secret without quotes is a number.
impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Asked for a string, a reader of JSON complains by itself, and shows what it has found.
        deserializer.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl TextVisitor {
    fn refuse<E: Error>(&self) -> E {
        E::invalid_type(Unexpected::Other("something else"), self)
    }
}

impl Visitor<'_> for TextVisitor {
    type Value = Secret;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Secret, E> {
        Ok(Secret::new(text.to_owned()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Secret, E> {
        Ok(Secret::new(text))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Secret, E> {
        Err(self.refuse())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Secret, E> {
        Err(self.refuse())
    }

    fn visit_i128<E: Error>(self, _: i128) -> Result<Secret, E> {
        Err(self.refuse())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Secret, E> {
        Err(self.refuse())
    }

    fn visit_u128<E: Error>(self, _: u128) -> Result<Secret, E> {
        Err(self.refuse())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Secret, E> {
        Err(self.refuse())
    }

    fn visit_bytes<E: Error>(self, _: &[u8]) -> Result<Secret, E> {
        Err(self.refuse())
    }
}

/// Its serial form is nothing: the configuration's defaults pass through one, and have no secrets.
impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_none()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[hidden]")
    }
}
