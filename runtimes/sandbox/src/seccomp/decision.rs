//! What may be decided about a system call, and what that means for one call. Pure.

/// What is decided about a system call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Made, whatever its arguments are.
    Allow,
    /// Made when one of the rules holds.
    AllowIf(Vec<Rule>),
    /// Answered with "operation not permitted".
    Deny,
    /// Answered with "no such system call", for which callers have another way.
    Absent,
}

/// Tests that must all hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The tests.
    pub tests: Vec<Test>,
}

/// A test of one argument.
///
/// It looks at the low half alone. Every argument that a list may name is an `int` to the kernel, or one of which it
/// takes the low half, so nothing can hide in the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Test {
    /// Which argument, counted from zero.
    pub index: u8,
    /// The bits that count.
    pub mask: u32,
    /// Whether they must be one of the values, or none of them.
    pub is_one_of: bool,
    /// The values.
    pub values: Vec<u32>,
}

/// What becomes of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is made.
    Made,
    /// `EPERM`.
    NotPermitted,
    /// `ENOSYS`.
    NoSuchCall,
}

impl Decision {
    /// What becomes of a call with these arguments.
    #[must_use]
    pub fn verdict(&self, arguments: &[u64; 6]) -> Verdict {
        match self {
            Self::Allow => Verdict::Made,
            Self::AllowIf(rules) if rules.iter().any(|rule| rule.holds(arguments)) => Verdict::Made,
            Self::AllowIf(_) | Self::Deny => Verdict::NotPermitted,
            Self::Absent => Verdict::NoSuchCall,
        }
    }

    /// What two lists say together: what one of them allows is allowed.
    #[must_use]
    pub(super) fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Allow, _) | (_, Self::Allow) => Self::Allow,
            (Self::AllowIf(mut rules), Self::AllowIf(more)) => {
                rules.extend(more);
                Self::AllowIf(rules)
            }
            (Self::AllowIf(rules), _) | (_, Self::AllowIf(rules)) => Self::AllowIf(rules),
            (Self::Absent, _) | (_, Self::Absent) => Self::Absent,
            (Self::Deny, Self::Deny) => Self::Deny,
        }
    }

    /// What two filters say together: what one of them refuses is refused.
    #[must_use]
    pub(super) fn and(self, other: &Self) -> Self {
        match (self, other) {
            (decision, Self::Allow) => decision,
            (Self::Allow, decision) => decision.clone(),
            (Self::AllowIf(rules), Self::AllowIf(more)) => {
                let pairs = rules
                    .iter()
                    .flat_map(|rule| more.iter().map(|other| rule.and(other)));
                Self::AllowIf(pairs.collect())
            }
            (Self::Absent, _) | (_, Self::Absent) => Self::Absent,
            (Self::Deny, _) | (_, Self::Deny) => Self::Deny,
        }
    }
}

impl Rule {
    fn and(&self, other: &Self) -> Self {
        Self {
            tests: [&self.tests[..], &other.tests].concat(),
        }
    }

    fn holds(&self, arguments: &[u64; 6]) -> bool {
        self.tests.iter().all(|test| test.holds(arguments))
    }
}

impl Test {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the low half is what is tested"
    )]
    fn holds(&self, arguments: &[u64; 6]) -> bool {
        let value = arguments[usize::from(self.index)] as u32 & self.mask;
        self.values.contains(&value) == self.is_one_of
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first_is(value: u32) -> Decision {
        let test = Test {
            index: 0,
            mask: u32::MAX,
            is_one_of: true,
            values: vec![value],
        };
        Decision::AllowIf(vec![Rule { tests: vec![test] }])
    }

    #[test]
    fn what_one_list_allows_is_allowed() {
        let both = first_is(1).or(first_is(2));
        for (first, verdict) in [
            (1, Verdict::Made),
            (2, Verdict::Made),
            (3, Verdict::NotPermitted),
        ] {
            assert_eq!(both.verdict(&[first, 0, 0, 0, 0, 0]), verdict, "{first}");
        }
        assert_eq!(first_is(1).or(Decision::Allow), Decision::Allow);
        assert_eq!(Decision::Deny.or(first_is(1)), first_is(1));
        assert_eq!(Decision::Absent.or(Decision::Deny), Decision::Absent);
    }

    #[test]
    fn what_one_filter_refuses_is_refused() {
        for (other, verdict) in [
            (Decision::Allow, Verdict::Made),
            (first_is(1), Verdict::Made),
            (first_is(2), Verdict::NotPermitted),
            (Decision::Deny, Verdict::NotPermitted),
            (Decision::Absent, Verdict::NoSuchCall),
        ] {
            assert_eq!(
                first_is(1).and(&other).verdict(&[1, 0, 0, 0, 0, 0]),
                verdict,
                "{other:?}"
            );
            let absent = Decision::Absent.and(&other);
            assert_eq!(absent, Decision::Absent, "{other:?}");
        }
        assert_eq!(Decision::Allow.and(&first_is(1)), first_is(1));
    }

    #[test]
    fn the_high_half_of_an_argument_counts_for_nothing() {
        let hidden = (7 << 32) | 1;
        assert_eq!(first_is(1).verdict(&[hidden, 0, 0, 0, 0, 0]), Verdict::Made);
    }
}
