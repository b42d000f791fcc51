//! Conversions between numbers that clamp, and a fixed row of small counters that can be stored.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// A whole number as a fraction.
#[expect(
    clippy::cast_precision_loss,
    reason = "minutes and counts are far below 2^24"
)]
pub(crate) fn float(whole: u64) -> f32 {
    whole as f32
}

/// The nearest whole number, clamped to what fits; not a number is zero.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast from a fraction clamps"
)]
pub(crate) fn whole(fraction: f32) -> u64 {
    fraction.round() as u64
}

/// The nearest whole number that fits 16 bits.
pub(crate) fn short(fraction: f32) -> u16 {
    u16::try_from(whole(fraction)).unwrap_or(u16::MAX)
}

/// An index or a small count; the row that it is for is never longer.
pub(crate) fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// A row of counters inside the value that holds it: its size is known, and stored state of another length is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Counters<const N: usize>([u16; N]);

impl<const N: usize> Counters<N> {
    pub(crate) fn get(&self, index: usize) -> f32 {
        self.0.get(index).map_or(0.0, |count| f32::from(*count))
    }

    pub(crate) fn set(&mut self, index: usize, value: u16) {
        if let Some(count) = self.0.get_mut(index) {
            *count = value;
        }
    }

    pub(crate) fn add_one(&mut self, index: usize) {
        if let Some(count) = self.0.get_mut(index) {
            *count = count.saturating_add(1);
        }
    }

    pub(crate) fn halve(&mut self) {
        for count in &mut self.0 {
            *count /= 2;
        }
    }

    pub(crate) fn sum(&self) -> f32 {
        self.0.iter().map(|count| f32::from(*count)).sum()
    }
}

impl<const N: usize> Default for Counters<N> {
    fn default() -> Self {
        Self([0; N])
    }
}

impl<const N: usize> Serialize for Counters<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.as_slice().serialize(serializer)
    }
}

impl<'de, const N: usize> Deserialize<'de> for Counters<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let counts = Vec::<u16>::deserialize(deserializer)?;
        let count = counts.len();
        let exact = <[u16; N]>::try_from(counts);
        exact
            .map(Self)
            .map_err(|_| D::Error::invalid_length(count, &"as many counters as this build has"))
    }
}
