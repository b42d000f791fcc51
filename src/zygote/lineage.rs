//! What function zygotes inherit from a life of their language's zygote: one address layout, one hash seed, and their age.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Shared by a life and all function zygotes that came from it.
#[derive(Debug)]
pub(crate) struct Lineage {
    born: Instant,
    /// How long the layout may live.
    lifetime: Option<Duration>,
    /// Whether forks of later lives have another layout.
    is_superseded: AtomicBool,
    /// Whether it was superseded because it must not be used any more.
    is_outdated: AtomicBool,
}

impl Lineage {
    /// A new layout. One of a single function zygote is never its language's current one.
    pub(super) fn new(lifetime: Option<Duration>, is_single: bool) -> Self {
        Self {
            born: Instant::now(),
            lifetime,
            is_superseded: AtomicBool::new(is_single),
            is_outdated: AtomicBool::new(false),
        }
    }

    /// Another life has begun.
    pub(super) fn supersede(&self) {
        self.is_superseded.store(true, Ordering::Relaxed);
    }

    /// Another life has begun so that this layout ends.
    pub(super) fn outdate(&self) {
        self.supersede();
        self.is_outdated.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_superseded(&self) -> bool {
        self.is_superseded.load(Ordering::Relaxed)
    }

    pub(super) fn is_outdated(&self) -> bool {
        self.is_outdated.load(Ordering::Relaxed)
    }

    /// Whether it is too old, and another is to be had.
    pub(super) fn is_old(&self) -> bool {
        self.is_superseded() && self.left().is_some_and(|left| left.is_zero())
    }

    /// How long it may live yet.
    pub(super) fn left(&self) -> Option<Duration> {
        let lifetime = self.lifetime?;
        Some(lifetime.saturating_sub(self.born.elapsed()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layout_is_old_only_when_another_is_to_be_had() {
        let lineage = Lineage::new(Some(Duration::ZERO), false);
        assert!(!lineage.is_old());
        lineage.supersede();
        assert!(lineage.is_old() && !lineage.is_outdated());
        lineage.outdate();
        assert!(lineage.is_outdated());
        assert!(Lineage::new(Some(Duration::ZERO), true).is_old());
        assert!(!Lineage::new(None, true).is_old());
    }
}
