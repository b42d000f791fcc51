//! How settings are read from a file and from variables. What is wrong is named by key and place; no line of the file and
//! no secret is shown.

use figment::providers::{Env, Format};
use figment::value::{Dict, Map, Value};
use figment::{Error, Metadata, Profile, Provider};
use serde::de::{DeserializeOwned, Error as _};

use super::{Config, TlsSettings};

/// Tables of the file; variables for their keys begin with the table's name.
const TABLES: [&str; 6] = [
    "artifacts",
    "events",
    "overload",
    "scaling",
    "tls",
    "websockets",
];

/// The key that a variable stands for, without `ZYGO_`: `table.key` for one in a table.
pub(super) fn key(variable: &str) -> String {
    let name = variable.to_ascii_lowercase();
    let in_table = |table: &&str| {
        let key = name.strip_prefix(table)?.strip_prefix('_')?;
        Some(format!("{table}.{key}"))
    };
    TABLES.iter().find_map(in_table).unwrap_or(name)
}

/// The defaults, with a value also where there is none: what looks like a number is one for a key that takes numbers.
pub(super) fn kinds() -> Result<Dict, Box<Error>> {
    let tls = TlsSettings {
        port: Some(0),
        ..TlsSettings::default()
    };
    let config = Config {
        tls,
        idle_timeout_ms: Some(0),
        ..Config::default()
    };
    let config = Value::serialize(config).map_err(Box::new)?;
    Ok(config.into_dict().unwrap_or_default())
}

/// TOML. The library's own messages show the whole line, which may hold a secret.
#[derive(Debug)]
pub(super) struct Toml;

impl Format for Toml {
    type Error = toml::de::Error;

    const NAME: &'static str = "TOML";

    fn from_str<T: DeserializeOwned>(text: &str) -> Result<T, Self::Error> {
        toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start));
            let line = before.unwrap_or_default().matches('\n').count() + 1;
            Self::Error::custom(format!("line {line}: {}", error.message().trim_end()))
        })
    }
}

/// Variables. Whether one is a text, its key says, and not what it looks like: a secret may be all digits.
#[derive(Debug)]
pub(super) struct Variables {
    variables: Env,
    defaults: Dict,
}

impl Variables {
    pub(super) fn new(variables: Env, defaults: Dict) -> Self {
        Self {
            variables,
            defaults,
        }
    }

    /// The library's own reading is not used: it shatters at `"é\n"`, and follows brackets deeper than the stack reaches.
    fn value(&self, key: &str, text: &str) -> Value {
        let text = text.trim();
        let value = match default_of(&self.defaults, key) {
            Some(Value::Bool(..)) => text.parse::<bool>().ok().map(Value::from),
            Some(Value::Num(..)) => number(text),
            _ => None,
        };
        value.unwrap_or_else(|| Value::from(unquoted(text)))
    }
}

/// The default of a key, which is `table.key` for one in a table.
fn default_of<'a>(defaults: &'a Dict, key: &str) -> Option<&'a Value> {
    match key.split_once('.') {
        Some((table, key)) => defaults.get(table)?.as_dict()?.get(key),
        None => defaults.get(key),
    }
}

fn number(text: &str) -> Option<Value> {
    let whole = text.parse::<u64>().map(Value::from);
    let whole = whole.or_else(|_| text.parse::<i64>().map(Value::from));
    whole.or_else(|_| text.parse::<f64>().map(Value::from)).ok()
}

/// Quotes may stand around a text, with the escapes of JSON between them.
fn unquoted(text: &str) -> String {
    serde_json::from_str(text).unwrap_or_else(|_| text.to_owned())
}

/// Puts a value into a table of the tables.
fn put(all: &mut Dict, table: &str, key: &str, value: Value) {
    let entry = all
        .entry(table.to_owned())
        .or_insert_with(|| Value::from(Dict::new()));
    if let Value::Dict(_, table) = entry {
        table.insert(key.to_owned(), value);
    }
}

impl Provider for Variables {
    fn metadata(&self) -> Metadata {
        self.variables.metadata()
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        let mut all = Dict::new();
        for (key, text) in self.variables.iter() {
            let key = key.into_string();
            let value = self.value(&key, &text);
            match key.split_once('.') {
                Some((table, key)) => put(&mut all, table, key, value),
                None => drop(all.insert(key, value)),
            }
        }
        Ok(Profile::Default.collect(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn variables() -> Variables {
        Variables::new(Env::raw(), kinds().expect("kinds"))
    }

    #[test]
    fn a_text_is_a_text_whatever_it_looks_like() {
        let nested = "[".repeat(1_000_000);
        let cases = [
            "1234567890123456",
            "true",
            "0.5",
            "'c'",
            "{a secret}",
            "[1, 2]",
            &nested,
        ];
        for text in cases {
            let value = variables().value("admin_key", text);
            assert_eq!(value.as_str(), Some(text));
        }
        for (text, meant) in [(r#" "/a b" "#, "/a b"), (r#""é\u0041\n""#, "éA\n")] {
            assert_eq!(variables().value("data_dir", text).as_str(), Some(meant));
        }
        assert_eq!(variables().value("port", " 80 ").to_u128(), Some(80));
        let attempts = variables().value("events.attempts_max", "7");
        assert_eq!(attempts.to_u128(), Some(7));
        let port = variables().value("tls.port", "8443");
        assert_eq!(port.to_u128(), Some(8443));
        let ratio = variables().value("trace_sample_ratio", "0.5");
        assert_eq!(ratio.to_f64(), Some(0.5));
        assert_eq!(variables().value("verbose", "true").to_bool(), Some(true));
        assert_eq!(variables().value("port", &nested).as_str(), Some(&*nested));
    }

    #[test]
    fn a_variable_may_lead_into_a_table() {
        let cases = [
            ("PORT", "port"),
            ("TLS_PORT", "tls.port"),
            ("EVENTS_ROWS_MAX", "events.rows_max"),
            ("TLSPORT", "tlsport"),
            ("EVENTS", "events"),
        ];
        for (variable, meant) in cases {
            assert_eq!(key(variable), meant);
        }
    }

    #[test]
    fn no_complaint_shows_a_secret() {
        for file in [
            "port = 1\nadmin_key = \"a secret of some length\n",
            "port = 1\nadmin_key = a secret of some length\n",
            "port = 1\nadmin_key = \"a secret of some length\" \\\n",
        ] {
            let error = Toml::from_str::<Dict>(file).expect_err("malformed");
            let told = format!("{error} {error:?}");
            assert!(told.contains("line 2"), "{told}");
            assert!(!told.contains("secret of"), "{told}");
        }
        for json in ["1234567890", "-1234567890", "12345678.90", "[1234567890]"] {
            let error = serde_json::from_str::<Secret>(json).expect_err("no text");
            let told = error.to_string();
            assert!(told.contains("expected a string"), "{told}");
            assert!(!told.contains("12345678"), "{told}");
        }
    }
}
