//! How much of a limit that holds for all nodes one of them gives out. Pure.

/// The part of a limit that each of so many nodes has. All parts together exceed the limit only where it is smaller than the
/// number of nodes: each gives out one at least, or else a caller's luck would decide whether there is a function.
pub(crate) fn share(limit: u32, nodes: u32) -> u32 {
    match limit {
        0 => 0,
        limit => (limit / nodes.max(1)).max(1),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn all_shares_are_the_limit_but_for_less_than_one_each(limit in 0_u32.., nodes in 1_u32..1_000) {
            let all = u64::from(share(limit, nodes)) * u64::from(nodes);
            let limit = u64::from(limit);
            prop_assert!(all <= limit.max(u64::from(nodes)));
            prop_assert!(all + u64::from(nodes) > limit);
            prop_assert!((all == 0) == (limit == 0));
        }

        #[test]
        fn a_node_alone_has_all_of_it(limit in 0_u32..) {
            prop_assert_eq!(share(limit, 1), limit);
            prop_assert_eq!(share(limit, 0), limit);
        }
    }
}
