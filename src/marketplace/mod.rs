//! Templates of functions: those of the binary, and those of an operator's folder.
//!
//! ```text
//!  mp-hello-world/template.toml          name, description, category, tags, [settings], [[parameters]]
//!  mp-hello-world/README.md, event.json  what to read, and an event to try it with
//!  mp-hello-world/python/index.py …      the function's files, a folder for each language
//! ```
//! A folder's template takes the place of a built-in one with the same id. All of them are read once, at the start. Knows
//! neither HTTP nor how a function is deployed; the names of languages are folders to it.

mod template;

use std::collections::BTreeMap;
use std::path::Path;

use rust_embed::Embed;

pub(crate) use template::TemplateError;
pub(crate) use template::{Parameter, Template};

/// Longer files of a template are refused.
const FILE_LEN_MAX: u64 = 10 * 1024 * 1024;
/// More files in the operator's folder are refused.
const FILES_MAX: usize = 10_000;

/// What the binary brings along.
#[derive(Debug, Embed)]
#[folder = "src/marketplace/templates"]
struct BuiltIn;

/// All templates, by id.
#[derive(Debug, Default)]
pub(crate) struct Catalogue {
    templates: BTreeMap<String, Template>,
}

/// Files by their path, as the embedded and the operator's folder both give them.
type Files = BTreeMap<String, Vec<u8>>;

impl Catalogue {
    /// Reads the templates of the binary and of the operator's folder.
    pub(crate) fn open(folder: Option<&Path>) -> Result<Self, TemplateError> {
        let mut catalogue = Self::default();
        let built_in = BuiltIn::iter().filter_map(|path| {
            let file = BuiltIn::get(&path)?;
            Some((path.into_owned(), file.data.into_owned()))
        });
        catalogue.add(built_in.collect())?;
        if let Some(folder) = folder {
            catalogue.add(read_folder(folder)?)?;
        }
        Ok(catalogue)
    }

    fn add(&mut self, files: Files) -> Result<(), TemplateError> {
        let mut templates: BTreeMap<String, Files> = BTreeMap::new();
        for (path, content) in files {
            // A file beside the templates, such as the folder's own README, belongs to none.
            if let Some((id, rest)) = path.split_once('/') {
                let files = templates.entry(id.to_owned()).or_default();
                files.insert(rest.to_owned(), content);
            }
        }
        for (id, files) in templates {
            let template = Template::read(&id, files)?;
            self.templates.insert(id, template);
        }
        Ok(())
    }

    /// The templates in which every word of the text occurs, by id.
    pub(crate) fn search(&self, text: &str) -> impl Iterator<Item = &Template> {
        let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
        let templates = self.templates.values();
        templates.filter(move |template| words.iter().all(|word| template.mentions(word)))
    }

    /// The template with this id, with or without its `mp-`.
    pub(crate) fn get(&self, id: &str) -> Option<&Template> {
        let full = || self.templates.get(&format!("mp-{id}"));
        self.templates.get(id).or_else(full)
    }
}

/// All files below a folder. Links are not followed: a template is what lies in its folder.
fn read_folder(folder: &Path) -> Result<Files, TemplateError> {
    let mut files = Files::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        let failed = |source| TemplateError::Folder {
            path: next.display().to_string(),
            source,
        };
        for entry in std::fs::read_dir(&next).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let (kind, path) = (entry.file_type().map_err(failed)?, entry.path());
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() {
                let name = relative(folder, &path);
                let size = entry.metadata().map_err(failed)?.len();
                if size > FILE_LEN_MAX || files.len() >= FILES_MAX {
                    return Err(TemplateError::TooLarge { path: name });
                }
                files.insert(name, std::fs::read(&path).map_err(failed)?);
            }
        }
    }
    Ok(files)
}

fn relative(folder: &Path, path: &Path) -> String {
    let relative = path.strip_prefix(folder).unwrap_or(path);
    relative.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(catalogue: &Catalogue, text: &str) -> Vec<String> {
        let found = catalogue.search(text);
        found.map(|template| template.id.clone()).collect()
    }

    #[test]
    fn every_built_in_template_is_whole_and_found_by_its_words() {
        let catalogue = Catalogue::open(None).expect("whole");
        assert!(ids(&catalogue, "").contains(&"mp-hello-world".to_owned()));
        assert_eq!(ids(&catalogue, "HELLO starter"), ["mp-hello-world"]);
        assert_eq!(ids(&catalogue, "hello nothing-of-this"), [""; 0]);
        assert!(catalogue.get("hello-world").is_some());
        assert!(catalogue.get("mp-hello-world").is_some());
        assert!(catalogue.get("nowhere").is_none());
    }

    #[test]
    fn an_operators_folder_adds_and_replaces() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            std::fs::write(path, text).expect("written");
        };
        write("README.md", "belongs to no template");
        write(
            "mp-ours/template.toml",
            "name = \"Ours\"\ndescription = \"d\"\ncategory = \"c\"\n",
        );
        write(
            "mp-ours/python/index.py",
            "def handler(event, context): return 1",
        );
        let catalogue = Catalogue::open(Some(folder.path())).expect("whole");
        assert_eq!(ids(&catalogue, "ours"), ["mp-ours"]);
        write("mp-ours/template.toml", "name = 1\n");
        let error = Catalogue::open(Some(folder.path())).expect_err("a number is no name");
        assert!(
            error.to_string().contains("mp-ours/template.toml"),
            "{error}"
        );
    }
}
