//! Templates of functions: those of the binary, and those of an operator's folder.
//!
//! ```text
//!  mp-hello-world/template.toml          name, description, category, tags, [settings], [[parameters]]
//!  mp-hello-world/README.md, event.json  what to read, and an event to try it with
//!  mp-hello-world/python/index.py …      the function's files, a folder for each language
//! ```
//! Both have the same form. The operator's folder is looked at whenever somebody asks, and read again when it has changed;
//! a template of it that cannot be used is a problem that is told, and no more. None takes the place of a built-in one. Knows
//! neither HTTP nor how a function is deployed; the names of languages are folders to it.

mod folder;
mod parameter;
mod template;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rust_embed::Embed;
use serde::Serialize;

use folder::Listing;
pub(crate) use parameter::Parameter;
pub(crate) use template::{Reach, Settings, Source, Template};

/// What the binary brings along.
#[derive(Debug, Embed)]
#[folder = "src/marketplace/templates"]
struct BuiltIn;

/// Files by their path, as the embedded and the operator's folder both give them.
type Files = BTreeMap<String, Vec<u8>>;

/// Why a template of the operator's folder is not there.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, utoipa::ToSchema, thiserror::Error,
)]
#[error("{file}{}: {message}", .field.as_ref().map_or_else(String::new, |field| format!(" ({field})")))]
#[schema(as = TemplateProblem)]
pub struct Problem {
    /// Below the operator's folder.
    pub file: String,
    /// Which field of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What is wrong and what would be right.
    pub message: String,
}

impl Problem {
    fn new(file: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            field: None,
            message: message.into(),
        }
    }

    fn at(self, field: String) -> Self {
        Self {
            field: Some(field),
            ..self
        }
    }
}

/// Where all templates come from.
#[derive(Debug)]
pub(crate) struct Catalogue {
    languages: &'static [&'static str],
    built_in: Arc<Shelf>,
    folder: Option<PathBuf>,
    /// What the folder held, and what came of it.
    last: Mutex<Option<(Listing, Arc<Shelf>)>>,
}

/// All templates at one time, by id.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shelf {
    templates: BTreeMap<String, Arc<Template>>,
    pub(crate) problems: Vec<Problem>,
}

impl Catalogue {
    /// Reads the templates of the binary. Those of the folder are read when somebody asks.
    pub(crate) fn open(
        folder: Option<PathBuf>,
        languages: &'static [&'static str],
    ) -> Result<Self, Problem> {
        let mut templates: BTreeMap<String, Files> = BTreeMap::new();
        for path in BuiltIn::iter() {
            let (Some(file), Some((id, rest))) = (BuiltIn::get(&path), path.split_once('/')) else {
                continue;
            };
            let files = templates.entry(id.to_owned()).or_default();
            files.insert(rest.to_owned(), file.data.into_owned());
        }
        let mut built_in = Shelf::default();
        for (id, files) in templates {
            let template = Template::read(&id, Source::BuiltIn, languages, files)?;
            built_in.templates.insert(id, Arc::new(template));
        }
        Ok(Self {
            languages,
            built_in: Arc::new(built_in),
            folder,
            last: Mutex::default(),
        })
    }

    /// All templates as they are now. Waits for the disk.
    pub(crate) fn now(&self) -> Arc<Shelf> {
        let Some(folder) = &self.folder else {
            return Arc::clone(&self.built_in);
        };
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let listing = Listing::of(folder);
        if let Some((read, shelf)) = &*last
            && *read == listing
        {
            return Arc::clone(shelf);
        }
        let mut reading = listing.clone();
        let files = reading.read(folder);
        let mut shelf = Shelf::clone(&self.built_in);
        for (id, files) in files {
            shelf.add(&id, files, &reading, self.languages);
        }
        shelf.problems.append(&mut reading.problems);
        for problem in &shelf.problems {
            tracing::warn!(%problem, "a template of the marketplace cannot be used");
        }
        let shelf = Arc::new(shelf);
        *last = Some((listing, Arc::clone(&shelf)));
        shelf
    }
}

impl Shelf {
    fn add(&mut self, id: &str, files: Files, listing: &Listing, languages: &[&str]) {
        // Of one that is not whole, the reason is known.
        if listing.refuses(id) {
            return;
        }
        // Each is found with and without its `mp-`, so neither may stand for another one.
        if self
            .get(id)
            .or_else(|| self.get(id.trim_start_matches("mp-")))
            .is_some()
        {
            let rule = "is the id of another template: rename the folder";
            self.problems.push(Problem::new(id, rule));
            return;
        }
        match Template::read(id, Source::Folder, languages, files) {
            Ok(template) => drop(self.templates.insert(id.to_owned(), Arc::new(template))),
            Err(problem) => self.problems.push(problem),
        }
    }

    /// The templates in which every word of the text occurs, by id.
    pub(crate) fn search(&self, text: &str) -> impl Iterator<Item = &Template> {
        let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
        let templates = self.templates.values().map(|template| &**template);
        templates.filter(move |template| words.iter().all(|word| template.mentions(word)))
    }

    /// The template with this id, with or without its `mp-`.
    pub(crate) fn get(&self, id: &str) -> Option<&Arc<Template>> {
        let full = || self.templates.get(&format!("mp-{id}"));
        self.templates.get(id).or_else(full)
    }
}

#[cfg(test)]
mod tests;
