//! One template: what its folder must hold, and what it says of itself. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::parameter::{Parameter, Written};
use super::{Files, Problem};

/// What describes a template.
const DESCRIPTION: &str = "template.toml";
/// Longer ids are refused.
const ID_LEN_MAX: usize = 64;

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
    parameters: Vec<Written>,
}

/// Settings of the functions that are made from it, where they differ from the defaults.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TemplateSettings)]
pub(crate) struct Settings {
    /// As `file.function`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) handler: Option<String>,
    /// MB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) memory: Option<u32>,
    /// ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) timeout: Option<u64>,
    /// What it may reach.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) network: Option<Reach>,
    /// Whether everyone may invoke it, without a credential.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) public: Option<bool>,
    /// As in a function's settings.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<BTreeMap<String, serde_json::Value>>>)]
    pub(crate) triggers: Option<Vec<serde_json::Value>>,
}

/// What a function may reach, as in a function's settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = TemplateNetwork)]
pub(crate) enum Reach {
    /// Public addresses.
    Internet,
    /// Nothing.
    None,
    /// Everything.
    All,
}

/// Who brought a template along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TemplateSource)]
pub(crate) enum Source {
    /// The platform.
    BuiltIn,
    /// The operator's folder.
    Folder,
}

/// A function to be.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    pub(crate) id: String,
    pub(crate) source: Source,
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
    pub(super) fn read(
        id: &str,
        source: Source,
        languages: &[&str],
        mut files: Files,
    ) -> Result<Self, Problem> {
        check_id(id)?;
        let said = describe(id, files.remove(DESCRIPTION))?;
        let parameters = parameters(id, said.parameters)?;
        let readme = files.remove("README.md").unwrap_or_default();
        let event = event(id, files.remove("event.json"))?;
        let mut code: BTreeMap<String, Files> = BTreeMap::new();
        for (path, content) in files {
            // Files beside the languages, such as a licence, belong to no function.
            if let Some((language, file)) = path.split_once('/') {
                if !languages.contains(&language) {
                    let rule = format!("is no language; there are {}", languages.join(", "));
                    return Err(Problem::new(format!("{id}/{language}"), rule));
                }
                let files = code.entry(language.to_owned()).or_default();
                files.insert(file.to_owned(), content);
            }
        }
        if code.is_empty() {
            let rule = format!(
                "has no folder with code: make one of {}",
                languages.join(", ")
            );
            return Err(Problem::new(id, rule));
        }
        Ok(Self {
            id: id.to_owned(),
            source,
            name: said.name,
            description: said.description,
            category: said.category,
            tags: said.tags,
            settings: said.settings,
            parameters,
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

fn check_id(id: &str) -> Result<(), Problem> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if id.len() <= ID_LEN_MAX && id.bytes().all(allowed) {
        return Ok(());
    }
    let rule =
        format!("is no id: rename the folder to small letters, digits and -, at most {ID_LEN_MAX}");
    Err(Problem::new(id, rule))
}

fn describe(id: &str, content: Option<Vec<u8>>) -> Result<Description, Problem> {
    let file = format!("{id}/{DESCRIPTION}");
    let wrong = |rule: &str| Problem::new(file.clone(), rule);
    let content =
        content.ok_or_else(|| wrong("is missing: it says name, description and category"))?;
    let text = String::from_utf8(content).map_err(|_| wrong("is not UTF-8"))?;
    let read = serde_path_to_error::deserialize(toml::Deserializer::new(&text));
    read.map_err(|error: serde_path_to_error::Error<toml::de::Error>| {
        let line = error.inner().span().map(|span| {
            let before = text.as_bytes().iter().take(span.start);
            1 + before.filter(|byte| **byte == b'\n').count()
        });
        let message = error.inner().message();
        let rule = match line {
            Some(line) => format!("line {line}: {message}"),
            None => message.to_owned(),
        };
        let field = error.path().to_string();
        let problem = wrong(&rule);
        match field.as_str() {
            "." => problem,
            _ => problem.at(field),
        }
    })
}

fn parameters(id: &str, written: Vec<Written>) -> Result<Vec<Parameter>, Problem> {
    let mut names = BTreeSet::new();
    let mut parameters = Vec::with_capacity(written.len());
    for (index, written) in written.into_iter().enumerate() {
        let wrong = |(field, rule): (&str, String)| {
            Problem::new(format!("{id}/{DESCRIPTION}"), rule)
                .at(format!("parameters[{index}].{field}"))
        };
        let parameter = written.read().map_err(wrong)?;
        if !names.insert(parameter.name.clone()) {
            return Err(wrong((
                "name",
                "is there already: give each parameter its own".to_owned(),
            )));
        }
        parameters.push(parameter);
    }
    Ok(parameters)
}

fn event(id: &str, content: Option<Vec<u8>>) -> Result<serde_json::Value, Problem> {
    let Some(content) = content else {
        return Ok(serde_json::Value::Object(serde_json::Map::new()));
    };
    let wrong = |error| Problem::new(format!("{id}/event.json"), format!("is not JSON: {error}"));
    serde_json::from_slice(&content).map_err(wrong)
}
