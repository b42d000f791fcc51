//! The settings of an HTTP trigger, read and checked once: which requests it takes, who may send them, and how its handler
//! sees them. Pure.

use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::Wrong;
use crate::pointer;
use crate::route::{Methods, Pattern};

/// What an HTTP trigger says.
#[derive(Debug, Clone)]
pub(crate) struct HttpTrigger {
    /// Without one it takes every path, and only where paths are the function's own.
    pub(crate) path: Option<Pattern>,
    pub(crate) methods: Methods,
    pub(crate) auth: Option<TriggerAuth>,
    pub(crate) format: EventFormat,
    pub(crate) cors: Option<Arc<Cors>>,
}

/// Who may send requests to a trigger. What a trigger leaves out, the function's `public` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TriggerAuth {
    /// Everyone.
    None,
    /// Whoever may invoke the function.
    Key,
}

/// What the event looks like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum EventFormat {
    /// The platform's own, with a body that is read by its type.
    #[default]
    Zygo,
    /// AWS Lambda's payload format 2.0.
    LambdaV2,
}

/// Which pages of other origins may read answers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Cors {
    /// `*` or origins such as `https://example.com`; all when left out.
    pub(crate) origins: Vec<String>,
    /// Those of the trigger when left out.
    pub(crate) methods: Vec<String>,
    /// Whichever the page asks for when left out.
    pub(crate) headers: Vec<String>,
    pub(crate) expose_headers: Vec<String>,
    pub(crate) credentials: bool,
    /// For how long a browser may remember the answer to its question, in seconds.
    pub(crate) max_age: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Written {
    methods: Option<Vec<String>>,
    path: Option<String>,
    auth: Option<TriggerAuth>,
    #[serde(default)]
    event_format: EventFormat,
    cors: Option<Value>,
}

impl HttpTrigger {
    /// All requests, as the function's own settings say.
    pub(crate) fn of_domain() -> Self {
        Self {
            path: None,
            methods: Methods::all(),
            auth: None,
            format: EventFormat::default(),
            cors: None,
        }
    }

    pub(crate) fn parse(config: &Map<String, Value>) -> Result<Self, Wrong> {
        let written: Written = read(Value::Object(config.clone()))?;
        let path = written.path.map(|path| Pattern::parse(&path)).transpose();
        let methods = match &written.methods {
            Some(names) => Methods::parse(names.iter().map(String::as_str)),
            None => Ok(Methods::all()),
        };
        let cors = match written.cors {
            None | Some(Value::Bool(false)) => None,
            Some(Value::Bool(true)) => Some(Cors::default()),
            Some(cors) => Some(
                read(cors)
                    .and_then(Cors::checked)
                    .map_err(|wrong| wrong.below("cors"))?,
            ),
        };
        Ok(Self {
            path: path.map_err(|error| Wrong::new("/path", error.to_string()))?,
            methods: methods.map_err(|error| Wrong::new("/methods", error.to_string()))?,
            auth: written.auth,
            format: written.event_format,
            cors: cors.map(Arc::new),
        })
    }
}

fn read<T: DeserializeOwned>(value: Value) -> Result<T, Wrong> {
    serde_path_to_error::deserialize(value)
        .map_err(|error| Wrong::new(pointer::of(error.path()), error.inner().to_string()))
}

impl Cors {
    fn checked(self) -> Result<Self, Wrong> {
        let wrong = |field: &str, message: &str| Err(Wrong::new(format!("/{field}"), message));
        let any = |list: &[String]| list.is_empty() || list.iter().any(|one| one == "*");
        let is_token = |one: &String| {
            !one.is_empty()
                && one
                    .bytes()
                    .all(|byte| byte.is_ascii_graphic() && !b",;\"".contains(&byte))
        };
        if !self
            .origins
            .iter()
            .all(|origin| origin == "*" || is_origin(origin))
        {
            return wrong(
                "origins",
                "an origin is `*`, or scheme and host such as https://example.com",
            );
        }
        if self.credentials && any(&self.origins) {
            return wrong(
                "origins",
                "with credentials, name the origins: browsers take no `*` then",
            );
        }
        let lists = [
            ("methods", &self.methods),
            ("headers", &self.headers),
            ("exposeHeaders", &self.expose_headers),
        ];
        for (field, list) in lists {
            if !list.iter().all(is_token) {
                return wrong(field, "a list of names without commas or spaces");
            }
        }
        Ok(self)
    }
}

/// Scheme and host, with no path: what browsers send.
fn is_origin(origin: &str) -> bool {
    let host = origin.split_once("://").map(|(_, host)| host);
    host.is_some_and(|host| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
        !host.is_empty() && host.bytes().all(allowed)
    })
}
