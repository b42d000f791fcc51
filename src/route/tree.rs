//! Patterns by their segments. A lookup visits a node at most once, whatever the path.

use std::collections::{BTreeSet, HashMap};

use super::methods::Methods;
use super::path::Segments;
use super::pattern::{Part, Pattern};

/// Patterns of one site.
#[derive(Debug)]
pub(crate) struct Tree<T> {
    root: Node<T>,
}

#[derive(Debug)]
struct Node<T> {
    literals: HashMap<String, Self>,
    parameter: Option<Box<Self>>,
    /// Patterns that end here.
    ends: Vec<Leaf<T>>,
    /// Patterns that take whatever follows.
    wildcards: Vec<Leaf<T>>,
}

#[derive(Debug)]
struct Leaf<T> {
    pattern: Pattern,
    methods: Methods,
    target: T,
}

/// What a path and a method lead to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found<'a, T> {
    /// This, with the values of the pattern's names.
    Target {
        target: &'a T,
        params: Vec<(String, String)>,
    },
    /// Nothing that takes the method; these are taken.
    OtherMethods(Vec<&'a str>),
    /// Nothing.
    Nothing,
}

impl<T> Default for Node<T> {
    fn default() -> Self {
        Self {
            literals: HashMap::new(),
            parameter: None,
            ends: Vec::new(),
            wildcards: Vec::new(),
        }
    }
}

impl<T> Default for Tree<T> {
    fn default() -> Self {
        Self {
            root: Node::default(),
        }
    }
}

impl<T> Tree<T> {
    /// Adds a pattern. Of two that take the same request the first wins.
    pub(crate) fn insert(&mut self, pattern: Pattern, methods: Methods, target: T) {
        let mut node = &mut self.root;
        for part in &pattern.parts {
            node = match part {
                Part::Literal(text) => node.literals.entry(text.clone()).or_default(),
                Part::Parameter(_) => node.parameter.get_or_insert_default(),
            };
        }
        let leaves = match pattern.rest {
            Some(_) => &mut node.wildcards,
            None => &mut node.ends,
        };
        leaves.push(Leaf {
            pattern,
            methods,
            target,
        });
    }

    /// The most particular pattern that takes the path and the method: segment by segment, a literal comes before a
    /// parameter, and that before a wildcard.
    pub(crate) fn find(&self, method: &str, path: &Segments) -> Found<'_, T> {
        let mut search = Search {
            method,
            others: BTreeSet::new(),
        };
        if let Some(leaf) = search.below(&self.root, path.as_slice()) {
            return Found::Target {
                target: &leaf.target,
                params: leaf.pattern.values(path),
            };
        }
        match search.others.is_empty() {
            true => Found::Nothing,
            false => Found::OtherMethods(search.others.into_iter().collect()),
        }
    }
}

/// One lookup on its way.
struct Search<'m, 'a> {
    method: &'m str,
    /// What patterns take that the path fits.
    others: BTreeSet<&'a str>,
}

impl<'a> Search<'_, 'a> {
    /// The depth is that of the tree, which patterns bound.
    fn below<T>(&mut self, node: &'a Node<T>, rest: &[String]) -> Option<&'a Leaf<T>> {
        let Some((segment, after)) = rest.split_first() else {
            return self.choose(&node.ends);
        };
        if let Some(next) = node.literals.get(segment)
            && let Some(leaf) = self.below(next, after)
        {
            return Some(leaf);
        }
        if let Some(next) = node.parameter.as_deref().filter(|_| !segment.is_empty())
            && let Some(leaf) = self.below(next, after)
        {
            return Some(leaf);
        }
        self.choose(&node.wildcards)
    }

    fn choose<T>(&mut self, leaves: &'a [Leaf<T>]) -> Option<&'a Leaf<T>> {
        let chosen = leaves.iter().find(|leaf| leaf.methods.takes(self.method));
        if chosen.is_none() {
            let names = leaves.iter().flat_map(|leaf| leaf.methods.names());
            self.others.extend(names);
        }
        chosen
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Reverse;

    use proptest::prelude::*;

    use super::*;

    /// Whether a pattern takes a path, and how particular it is about each segment; no tree.
    fn naive(pattern: &Pattern, path: &[String]) -> Option<Vec<u8>> {
        let enough = match pattern.rest {
            Some(_) => path.len() > pattern.parts.len(),
            None => path.len() == pattern.parts.len(),
        };
        let mut kinds = Vec::new();
        for (part, segment) in pattern.parts.iter().zip(path) {
            match part {
                Part::Literal(text) if text == segment => kinds.push(2),
                Part::Parameter(_) if !segment.is_empty() => kinds.push(1),
                _ => return None,
            }
        }
        kinds.push(0);
        enough.then_some(kinds)
    }

    fn expected<'a>(
        all: &'a [(Pattern, Methods, usize)],
        method: &str,
        path: &Segments,
    ) -> Found<'a, usize> {
        let fitting = || {
            all.iter()
                .filter_map(|entry| Some((naive(&entry.0, path.as_slice())?, entry)))
        };
        let taking = fitting().filter(|(_, (_, methods, _))| methods.takes(method));
        // Of equals the first.
        let best = taking.max_by_key(|(kinds, (_, _, index))| (kinds.clone(), Reverse(*index)));
        if let Some((_, (pattern, _, index))) = best {
            return Found::Target {
                target: index,
                params: pattern.values(path),
            };
        }
        let others: BTreeSet<&str> = fitting()
            .flat_map(|(_, (_, methods, _))| methods.names())
            .collect();
        match others.is_empty() {
            true => Found::Nothing,
            false => Found::OtherMethods(others.into_iter().collect()),
        }
    }

    fn a_pattern() -> impl Strategy<Value = String> {
        let part = prop_oneof![
            4 => prop::sample::select(vec!["a", "b", "%61", "a%2Fb", ""]).prop_map(str::to_owned),
            2 => (0..3_u8).prop_map(|n| format!(":p{n}")),
        ];
        let end = prop_oneof![3 => Just(""), 1 => Just("/*"), 1 => Just("/*rest")];
        (prop::collection::vec(part, 1..5), end)
            .prop_map(|(parts, end)| format!("/{}{end}", parts.join("/")))
    }

    fn a_path() -> impl Strategy<Value = String> {
        let part = prop::sample::select(vec!["a", "b", "c", "%61", "a%2Fb", "%2561", ""]);
        prop::collection::vec(part, 1..7).prop_map(|parts| format!("/{}", parts.join("/")))
    }

    fn some_methods() -> impl Strategy<Value = Methods> {
        prop_oneof![
            Just(Methods::all()),
            prop::sample::subsequence(vec!["GET", "POST", "HEAD", "PUT"], 1..4)
                .prop_map(|names| Methods::parse(names).expect("methods")),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn the_tree_finds_what_a_list_finds(
            patterns in prop::collection::vec((a_pattern(), some_methods()), 0..12),
            paths in prop::collection::vec(a_path(), 1..12),
            method in prop::sample::select(vec!["GET", "HEAD", "POST", "PATCH", "TRACE"]),
        ) {
            let parsed = patterns.into_iter().filter_map(|(text, methods)| {
                Some((Pattern::parse(&text).ok()?, methods))
            });
            let all: Vec<(Pattern, Methods, usize)> = parsed
                .enumerate()
                .map(|(index, (pattern, methods))| (pattern, methods, index))
                .collect();
            let mut tree = Tree::default();
            for (pattern, methods, index) in all.clone() {
                tree.insert(pattern, methods, index);
            }
            for path in paths {
                let path = Segments::parse(&path).expect("a path");
                prop_assert_eq!(tree.find(method, &path), expected(&all, method, &path));
            }
        }

        #[test]
        fn nothing_that_is_no_text_panics(pattern in "\\PC*", path in "\\PC*") {
            let (pattern, path) = (Pattern::parse(&format!("/{pattern}")), Segments::parse(&format!("/{path}")));
            if let (Ok(pattern), Ok(path)) = (pattern, path) {
                let mut tree = Tree::default();
                tree.insert(pattern, Methods::all(), ());
                tree.find("GET", &path);
            }
        }
    }

    #[test]
    fn a_literal_comes_before_a_parameter_before_a_wildcard() {
        let mut tree = Tree::default();
        for (index, pattern) in [
            "/users/*",
            "/users/:id",
            "/users/me",
            "/users/:id/posts",
            "/*",
        ]
        .into_iter()
        .enumerate()
        {
            tree.insert(
                Pattern::parse(pattern).expect(pattern),
                Methods::all(),
                index,
            );
        }
        let cases = [
            ("/users/me", 2, vec![]),
            ("/users/7", 1, vec![("id", "7")]),
            ("/users/7%2F8", 1, vec![("id", "7/8")]),
            ("/users/me/posts", 3, vec![("id", "me")]),
            ("/users/me/x", 0, vec![("*", "me/x")]),
            ("/users/", 0, vec![("*", "")]),
            ("/users", 4, vec![("*", "users")]),
            ("/", 4, vec![("*", "")]),
        ];
        for (path, expected, values) in cases {
            let path = Segments::parse(path).expect(path);
            let Found::Target { target, params } = tree.find("GET", &path) else {
                panic!("{path:?}");
            };
            let own = values
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()));
            assert_eq!((*target, params), (expected, own.collect()), "{path:?}");
        }
    }
}
