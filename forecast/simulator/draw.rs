//! Numbers drawn from the usual distributions.

use fastrand::Rng;

pub(crate) fn exponential(random: &mut Rng, mean: f64) -> f64 {
    -mean * (1.0 - random.f64()).ln()
}

/// Around zero, with deviation one.
pub(crate) fn normal(random: &mut Rng) -> f64 {
    let radius = (-2.0 * (1.0 - random.f64()).ln()).sqrt();
    radius * (std::f64::consts::TAU * random.f64()).cos()
}

/// By its median and the deviation of its logarithm.
pub(crate) fn lognormal(random: &mut Rng, median: f64, deviation: f64) -> f64 {
    median * (deviation * normal(random)).exp()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped"
)]
pub(crate) fn poisson(random: &mut Rng, mean: f64) -> u32 {
    if mean > 30.0 {
        return (mean + mean.sqrt() * normal(random)).round().max(0.0) as u32;
    }
    let (limit, mut product, mut count) = ((-mean).exp(), random.f64(), 0);
    while product > limit {
        product *= random.f64();
        count += 1;
    }
    count
}

/// One of some things, by weight.
pub(crate) fn choose<T: Copy>(random: &mut Rng, from: &[(T, f64)]) -> T {
    let sum: f64 = from.iter().map(|(_, weight)| weight).sum();
    let mut left = random.f64() * sum;
    for (thing, weight) in from {
        left -= weight;
        if left <= 0.0 {
            return *thing;
        }
    }
    from[from.len() - 1].0
}
