//! Patterns of event types: `order.*` is `order.placed` and not `order.item.added`, which `order.**` is. Pure.

use super::Wrong;

/// A longer type is none.
pub(super) const TYPE_LEN_MAX: usize = 256;
/// A longer pattern would take long to compare.
const SEGMENTS_MAX: usize = 32;

/// A part of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    /// This one.
    Exactly(String),
    /// `*`: any one.
    One,
    /// `**`: any number of them, none included.
    Any,
}

/// Which event types are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern {
    segments: Vec<Segment>,
}

impl Pattern {
    /// Segments with dots between; `>` at the end is one or more of them, as NATS has it.
    pub(crate) fn parse(text: &str) -> Result<Self, Wrong> {
        let wrong = |rule: &str| Err(Wrong::new("", rule));
        if text.is_empty() || text.len() > TYPE_LEN_MAX {
            return wrong("a pattern has 1 to 256 characters");
        }
        let parts: Vec<&str> = text.split('.').collect();
        if parts.len() > SEGMENTS_MAX {
            return wrong("a pattern has at most 32 segments");
        }
        let mut segments = Vec::with_capacity(parts.len() + 1);
        for (index, part) in parts.iter().enumerate() {
            match *part {
                "" => return wrong("a pattern has no empty segment"),
                "*" => segments.push(Segment::One),
                "**" => segments.push(Segment::Any),
                ">" if index + 1 == parts.len() => segments.extend([Segment::One, Segment::Any]),
                ">" => return wrong("`>` stands for the rest: only at the end"),
                part if part.contains(['*', '>']) => {
                    return wrong("`*` and `**` stand for whole segments");
                }
                part => segments.push(Segment::Exactly(part.to_owned())),
            }
        }
        Ok(Self { segments })
    }

    /// Whether an event type is meant.
    pub(crate) fn matches(&self, kind: &str) -> bool {
        let parts: Vec<&str> = kind.split('.').collect();
        // Which beginnings of the type the segments so far can stand for.
        let mut reached = vec![false; parts.len() + 1];
        reached[0] = true;
        for segment in &self.segments {
            let before = reached.clone();
            for (at, now) in reached.iter_mut().enumerate() {
                let previous = at.checked_sub(1).map(|at| (before[at], parts[at]));
                *now = match segment {
                    Segment::Exactly(text) => previous.is_some_and(|(is, part)| is && part == text),
                    Segment::One => previous.is_some_and(|(is, _)| is),
                    Segment::Any => before[..=at].contains(&true),
                };
            }
        }
        reached[parts.len()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn matches(pattern: &str, kind: &str) -> bool {
        Pattern::parse(pattern).expect(pattern).matches(kind)
    }

    #[test]
    fn a_star_is_one_segment_and_two_are_any_number() {
        let cases = [
            ("order.placed", "order.placed", true),
            ("order.placed", "order.paid", false),
            ("order.placed", "order", false),
            ("order.*", "order.placed", true),
            ("order.*", "order", false),
            ("order.*", "order.item.added", false),
            ("order.**", "order.item.added", true),
            ("order.**", "order", true),
            ("order.>", "order.item.added", true),
            ("order.>", "order", false),
            ("*.created", "user.created", true),
            ("*.created", "a.user.created", false),
            ("**.created", "a.user.created", true),
            ("**", "anything.at.all", true),
            ("a.**.z", "a.z", true),
            ("a.**.z", "a.b.c.z", true),
            ("a.**.z", "a.b.c", false),
            ("*", "one", true),
            ("*", "one.two", false),
        ];
        for (pattern, kind, expected) in cases {
            assert_eq!(matches(pattern, kind), expected, "{pattern} {kind}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for wrong in [
            "",
            ".",
            "a..b",
            "a.",
            "a.b*",
            ">.a",
            "a>",
            &"a.".repeat(40),
            &"a".repeat(257),
        ] {
            assert!(Pattern::parse(wrong).is_err(), "{wrong}");
        }
    }

    /// The same by trying everything.
    fn naive(segments: &[Segment], parts: &[&str]) -> bool {
        match segments.split_first() {
            None => parts.is_empty(),
            Some((Segment::Any, rest)) => {
                (0..=parts.len()).any(|skipped| naive(rest, &parts[skipped..]))
            }
            Some((segment, rest)) => parts.split_first().is_some_and(|(first, others)| {
                let is_it = matches!(segment, Segment::One)
                    || *segment == Segment::Exactly((*first).to_owned());
                is_it && naive(rest, others)
            }),
        }
    }

    proptest! {
        #[test]
        fn it_agrees_with_trying_everything(
            pattern in proptest::collection::vec(prop_oneof!["[ab]", Just("*".to_owned()), Just("**".to_owned())], 1..6),
            kind in proptest::collection::vec("[ab]", 1..6),
        ) {
            let parsed = Pattern::parse(&pattern.join(".")).expect("a pattern");
            let parts: Vec<&str> = kind.iter().map(String::as_str).collect();
            prop_assert_eq!(parsed.matches(&kind.join(".")), naive(&parsed.segments, &parts));
        }
    }
}
