//! `zygo.toml`: a function's settings, by the API's names.

use std::path::Path;

use serde_json::{Map, Value};

use super::failure::Failure;

/// The file's name.
pub(super) const FILE: &str = "zygo.toml";

/// Settings that the file may hold: those of the API but for code and secrets.
const SETTINGS: [&str; 17] = [
    "name",
    "runtime",
    "handler",
    "memory",
    "timeout",
    "environment",
    "triggers",
    "async",
    "rateLimit",
    "customDomain",
    "scaling",
    "isolation",
    "concurrency",
    "network",
    "subprocess",
    "public",
    "entry",
];

/// A project's file.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Project {
    pub(super) name: Option<String>,
    pub(super) settings: Map<String, Value>,
}

impl Project {
    /// The file of a folder, if there is one.
    pub(super) fn read(folder: &Path) -> Result<Option<Self>, Failure> {
        let path = folder.join(FILE);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Failure::Files(format!("{}: {error}", path.display()))),
        };
        Self::parse(&text)
            .map(Some)
            .map_err(|reason| Failure::usage(format!("{}: {reason}", path.display())))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let mut settings: Map<String, Value> =
            toml::from_str(text).map_err(|error| error.to_string())?;
        if let Some(unknown) = settings
            .keys()
            .find(|key| !SETTINGS.contains(&key.as_str()))
        {
            let likeness = |known: &&str| strsim::jaro_winkler(unknown, known);
            let nearest = SETTINGS
                .into_iter()
                .max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
            let hint = nearest.filter(|near| likeness(near) > 0.7);
            let hint = hint
                .map(|near| format!("; did you mean `{near}`?"))
                .unwrap_or_default();
            return Err(format!("unknown setting `{unknown}`{hint}"));
        }
        settings.remove("entry");
        let name = settings
            .get("name")
            .and_then(Value::as_str)
            .map(str::to_owned);
        Ok(Self { name, settings })
    }
}

/// A function's name made of a folder's or a file's; `None` when nothing is left of it.
pub(super) fn name_from(name: &str) -> Option<String> {
    let allowed = |character: char| match character {
        character if character.is_ascii_alphanumeric() || character == '_' => character,
        _ => '-',
    };
    let name: String = name.chars().map(allowed).collect();
    let name = name.trim_matches('-').chars().take(64).collect::<String>();
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use utoipa::PartialSchema;

    use super::*;
    use crate::api::FunctionInput;

    #[test]
    fn folders_give_names_that_the_platform_takes() {
        assert_eq!(name_from(".tmp Ab_1.x").as_deref(), Some("tmp-Ab_1-x"));
        assert_eq!(name_from("..."), None);
    }

    #[test]
    fn the_file_holds_what_the_api_takes_but_for_code_and_secrets() {
        let input = serde_json::to_value(FunctionInput::schema()).expect("JSON");
        let fields = input["properties"].as_object().expect("an object");
        let mut of_api: Vec<&str> = fields.keys().map(String::as_str).collect();
        of_api.retain(|name| !["code", "files", "archive", "secrets"].contains(name));
        let mut own = SETTINGS.to_vec();
        // Of the file alone, and nothing to the platform.
        own.retain(|name| *name != "entry");
        of_api.sort_unstable();
        own.sort_unstable();
        assert_eq!(own, of_api);
    }

    #[test]
    fn settings_are_read_and_slips_are_named() {
        let project = Project::parse(
            "name = \"a\"\nmemory = 128\n[rateLimit]\nmaxRequests = 5\nwindowMs = 1000\n",
        );
        let project = project.expect("a project");
        assert_eq!(project.name.as_deref(), Some("a"));
        assert_eq!(project.settings["rateLimit"]["maxRequests"], 5);
        let wrong = Project::parse("memroy = 128").expect_err("a slip");
        assert_eq!(wrong, "unknown setting `memroy`; did you mean `memory`?");
    }
}
