//! The generator behind `Math.random`: fast, not for secrets, and seeded anew in every process.
//! V8's own lives in the heap, so forked siblings would draw the same numbers. Knows nothing of V8.

use std::cell::Cell;

use rand::RngCore;
use rand::rngs::OsRng;

thread_local! {
    /// State of xorshift128+, which V8 uses as well; zero means "not seeded yet".
    static STATE: Cell<(u64, u64)> = const { Cell::new((0, 0)) };
}

/// Replaces the state by one from the operating system.
pub(crate) fn reseed() {
    let mut seed = [0_u8; 16];
    OsRng.fill_bytes(&mut seed);
    let (low, high) = seed.split_at(8);
    let word = |half: &[u8]| {
        half.iter()
            .fold(0_u64, |word, byte| (word << 8) | u64::from(*byte))
    };
    // A state of zeros would stay zero for ever.
    STATE.set((word(low) | 1, word(high)));
}

/// A number from 0 up to, and not including, 1.
pub(crate) fn next() -> f64 {
    let (mut x, y) = STATE.get();
    x ^= x << 23;
    x ^= x >> 17;
    x ^= y ^ (y >> 26);
    STATE.set((y, x));
    // 53 random bits are all that the fraction of a double holds.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit a double exactly")]
    let fraction = (x.wrapping_add(y) >> 11) as f64;
    fraction / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_spread_over_the_unit_interval() {
        reseed();
        let numbers: Vec<f64> = (0..10_000).map(|_| next()).collect();
        assert!(numbers.iter().all(|number| (0.0..1.0).contains(number)));
        let mean = numbers.iter().sum::<f64>() / 10_000.0;
        assert!((0.45..0.55).contains(&mean), "{mean}");
    }

    #[test]
    fn every_seed_gives_another_sequence() {
        let first: std::collections::HashSet<u64> = (0..10_000)
            .map(|_| {
                reseed();
                next().to_bits()
            })
            .collect();
        assert_eq!(first.len(), 10_000);
    }
}
