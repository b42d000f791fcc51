//! The functions that are deployed to be measured: trivial ones and ones with heavy imports, in each language.

use serde_json::{Value, json};

use super::code;
use crate::cli::Language;

/// How much a function loads before it can answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    /// Nothing.
    Trivial,
    /// numpy and pandas; a bundle of 2 MB; sinatra.
    Heavy,
    /// Nothing, but the answer takes [`WAITS_MS`] without using the processor: concurrent invocations overlap for sure.
    Waiting,
    /// Nothing, but it writes as many lines, or computes as long, as the invocation says.
    Writing,
    /// Nothing, but it answers in as many pieces as the invocation says.
    Streaming,
    /// So many MB of memory, every byte of it written.
    Ballast(u32),
}

/// What each line of a writing function begins with.
pub(crate) const LINE: &str = "line ";

/// How long a waiting function waits.
pub(crate) const WAITS_MS: u32 = 100;

impl Weight {
    /// The name that the record uses.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Trivial => "trivial",
            Self::Heavy => "heavy",
            Self::Waiting => "waiting",
            Self::Writing => "writing",
            Self::Streaming => "streaming",
            Self::Ballast(_) => "ballast",
        }
    }
}

/// A function and how its instances live.
#[derive(Debug, Clone)]
pub(crate) struct Function {
    pub(crate) language: Language,
    pub(crate) weight: Weight,
    /// `instance` or `request`.
    pub(crate) isolation: &'static str,
    pub(crate) min_instances: u32,
    pub(crate) max_instances: u32,
    pub(crate) parked: u32,
    /// How many invocations a process serves at once.
    pub(crate) concurrency: u32,
}

impl Function {
    /// Every invocation gets a fresh process, `parked` of them forked ahead.
    pub(crate) fn fresh(language: Language, weight: Weight, parked: u32) -> Self {
        Self {
            language,
            weight,
            isolation: "request",
            min_instances: 0,
            max_instances: 128,
            parked,
            concurrency: 1,
        }
    }

    /// Instances serve one invocation after the other; `instances` of them stay.
    pub(crate) fn warm(language: Language, weight: Weight, instances: u32) -> Self {
        Self {
            language,
            weight,
            isolation: "instance",
            min_instances: instances,
            max_instances: instances,
            parked: 0,
            concurrency: 1,
        }
    }

    /// The same, but none is there before somebody calls.
    pub(crate) fn cold(language: Language, weight: Weight, instances: u32) -> Self {
        Self {
            min_instances: 0,
            ..Self::warm(language, weight, instances)
        }
    }

    /// The body of the deploy request. Code of different names is different, so nothing of another deploy can be used.
    pub(crate) fn body(&self, name: &str) -> Value {
        json!({
            "name": name,
            "runtime": self.language.name(),
            "code": self.code(name),
            "handler": "handler",
            "memory": self.memory(),
            "timeout": 10_000,
            "isolation": self.isolation,
            "concurrency": self.concurrency,
            "scaling": {
                "minInstances": self.min_instances,
                "maxInstances": self.max_instances,
                "parked": self.parked,
            },
        })
    }

    /// What an instance may have: room beside what it was born with.
    fn memory(&self) -> u32 {
        match self.weight {
            Weight::Ballast(megabytes) => 256 + megabytes,
            _ => 256,
        }
    }

    fn code(&self, name: &str) -> String {
        let handler = code::handler(self.language, self.weight);
        let comment = if self.language == Language::Javascript {
            "//"
        } else {
            "#"
        };
        format!("{comment} {name}\n{handler}")
    }
}
