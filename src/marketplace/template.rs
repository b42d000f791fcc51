//! One template: what its folder must hold, and what it says of itself. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Files;

/// What describes a template.
const DESCRIPTION: &str = "template.toml";

/// A folder that is no template.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// It cannot be read.
    #[error("the folder of templates {path} cannot be read")]
    Folder {
        /// Which folder.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// There is more than can be served from memory.
    #[error("{path} is too large for a template, or there are too many files")]
    TooLarge {
        /// Which file.
        path: String,
    },
    /// Its description is missing, or wrong.
    #[error("{id}/template.toml: {reason}")]
    Description {
        /// Which template.
        id: String,
        /// What is wrong.
        reason: String,
    },
    /// It has code in no language.
    #[error("{id} has no folder with code, named after its language")]
    NoCode {
        /// Which template.
        id: String,
    },
}

/// What `template.toml` says.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    name: String,
    description: String,
    category: String,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    settings: Settings,
    #[serde(default)]
    parameters: Vec<Parameter>,
}

/// Settings of the functions that are made from it, where they differ from the defaults.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// As `file.function`.
    pub(crate) handler: Option<String>,
    /// MB.
    pub(crate) memory: Option<u32>,
    /// ms.
    pub(crate) timeout: Option<u64>,
    /// Whether everyone may invoke it, without a credential.
    pub(crate) public: Option<bool>,
    /// As in a function's settings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) triggers: Option<Vec<serde_json::Value>>,
}

/// A value that the template asks for; it becomes an environment variable, or a secret.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TemplateParameter)]
pub(crate) struct Parameter {
    /// The variable's name.
    pub(crate) name: String,
    pub(crate) description: String,
    /// The value when none is given. A parameter without one must be given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) default: Option<String>,
    /// Whether it is kept as a secret.
    #[serde(default)]
    pub(crate) secret: bool,
}

/// A function to be.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) category: String,
    pub(crate) tags: Vec<String>,
    pub(crate) settings: Settings,
    pub(crate) parameters: Vec<Parameter>,
    /// Markdown.
    pub(crate) readme: String,
    /// An event's body to try it with.
    pub(crate) event: serde_json::Value,
    /// Files by language and path.
    pub(crate) code: BTreeMap<String, Files>,
}

impl Template {
    /// Reads the files of a template's folder.
    pub(super) fn read(id: &str, mut files: Files) -> Result<Self, TemplateError> {
        let wrong = |reason: String| TemplateError::Description {
            id: id.to_owned(),
            reason,
        };
        let text = files.remove(DESCRIPTION);
        let text = text.ok_or_else(|| wrong("it is missing".to_owned()))?;
        let text = String::from_utf8(text).map_err(|error| wrong(error.to_string()))?;
        let said: Description =
            toml::from_str(&text).map_err(|error| wrong(error.message().to_owned()))?;
        let readme = files.remove("README.md").unwrap_or_default();
        let event = match files.remove("event.json") {
            Some(event) => serde_json::from_slice(&event)
                .map_err(|error| wrong(format!("event.json is not JSON: {error}")))?,
            None => serde_json::Value::Object(serde_json::Map::new()),
        };
        let mut code: BTreeMap<String, Files> = BTreeMap::new();
        for (path, content) in files {
            if let Some((language, file)) = path.split_once('/') {
                let files = code.entry(language.to_owned()).or_default();
                files.insert(file.to_owned(), content);
            }
        }
        if code.is_empty() {
            return Err(TemplateError::NoCode { id: id.to_owned() });
        }
        Ok(Self {
            id: id.to_owned(),
            name: said.name,
            description: said.description,
            category: said.category,
            tags: said.tags,
            settings: said.settings,
            parameters: said.parameters,
            readme: String::from_utf8_lossy(&readme).into_owned(),
            event,
            code,
        })
    }

    /// Whether a word, in lower case, occurs in what the template says of itself in a line.
    pub(super) fn mentions(&self, word: &str) -> bool {
        let texts = [&self.id, &self.name, &self.description, &self.category];
        let texts = texts.into_iter().chain(&self.tags).chain(self.code.keys());
        texts
            .into_iter()
            .any(|text| text.to_lowercase().contains(word))
    }
}
