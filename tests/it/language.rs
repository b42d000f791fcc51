//! The languages, so that every test can be a loop over them. A language that is missing on this machine fails.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a handler is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    TypeScript,
    Python,
    Ruby,
}

/// All of them.
pub(crate) const LANGUAGES: [Language; 3] =
    [Language::TypeScript, Language::Python, Language::Ruby];

impl Language {
    /// What `runtime` says in a deployment.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::TypeScript => "typescript",
            Self::Python => "python",
            Self::Ruby => "ruby",
        }
    }

    /// The runtime that runs it.
    pub(crate) fn runtime(self) -> &'static str {
        match self {
            Self::TypeScript => "javascript",
            other => other.name(),
        }
    }

    /// The extension of its files.
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::TypeScript => "ts",
            Self::Python => "py",
            Self::Ruby => "rb",
        }
    }

    /// The one of three that is for this language.
    pub(crate) fn pick<T>(self, typescript: T, python: T, ruby: T) -> T {
        match self {
            Self::TypeScript => typescript,
            Self::Python => python,
            Self::Ruby => ruby,
        }
    }

    /// The code of `tests/handlers/<behaviour>/handler.<extension>`.
    pub(crate) fn handler(self, behaviour: &str) -> String {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/handlers");
        let path = format!("{folder}/{behaviour}/handler.{}", self.extension());
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
    }
}

/// Runs a test once in each language, all of them even if one fails.
#[track_caller]
pub(crate) fn in_every_language(test: impl Fn(Language)) {
    in_these(&LANGUAGES, test);
}

/// The same for some of them.
#[track_caller]
pub(crate) fn in_these(languages: &[Language], test: impl Fn(Language)) {
    let fails = |language: &Language| {
        let panic = catch_unwind(AssertUnwindSafe(|| test(*language))).err()?;
        Some(format!("{language:?}: {}", reason(&*panic)))
    };
    let failed: Vec<String> = languages.iter().filter_map(fails).collect();
    // Once more and at the end, where whoever sees little of the output sees it.
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// What a panic says.
fn reason(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic without words")
}
