//! What a template asks for, and whether a value is what it asks for. Pure.

use http::Uri;
use serde::{Deserialize, Serialize};

/// What a value is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = TemplateParameterType)]
pub(crate) enum Kind {
    /// Any text, or one of `choices`.
    #[default]
    String,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// An absolute address with `http` or `https`.
    Url,
}

/// A value that the template asks for; it becomes an environment variable, or a secret.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = TemplateParameter)]
pub(crate) struct Parameter {
    /// The variable's name.
    pub(crate) name: String,
    pub(crate) description: String,
    #[serde(rename = "type")]
    pub(crate) kind: Kind,
    /// Whether it must be given.
    pub(crate) required: bool,
    /// The value when none is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) default: Option<String>,
    /// Whether it is kept as a secret.
    pub(crate) secret: bool,
    /// The only values there are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) choices: Vec<String>,
    /// The least number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) minimum: Option<f64>,
    /// The greatest number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) maximum: Option<f64>,
}

/// The same as `template.toml` has it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    name: String,
    description: String,
    #[serde(default, rename = "type")]
    kind: Kind,
    required: Option<bool>,
    default: Option<Scalar>,
    #[serde(default)]
    secret: bool,
    #[serde(default)]
    choices: Vec<String>,
    minimum: Option<f64>,
    maximum: Option<f64>,
}

/// Values are text in the end; people may write them as what they are.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Scalar {
    Text(String),
    Boolean(bool),
    Integer(i64),
    Number(f64),
}

impl Scalar {
    fn text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Boolean(value) => value.to_string(),
            Self::Integer(value) => value.to_string(),
            Self::Number(value) => value.to_string(),
        }
    }
}

/// What is wrong, and with which field of the parameter.
pub(super) type Wrong = (&'static str, String);

impl Written {
    /// The parameter, if what it says of itself fits together.
    pub(super) fn read(self) -> Result<Parameter, Wrong> {
        let default = self.default.map(Scalar::text);
        let parameter = Parameter {
            required: self.required.unwrap_or_else(|| default.is_none()),
            name: self.name,
            description: self.description,
            kind: self.kind,
            default,
            secret: self.secret,
            choices: self.choices,
            minimum: self.minimum,
            maximum: self.maximum,
        };
        parameter.fits_together()?;
        Ok(parameter)
    }
}

impl Parameter {
    fn fits_together(&self) -> Result<(), Wrong> {
        let wrong = |field, rule: &str| Err((field, rule.to_owned()));
        let first = |first: char| first.is_ascii_alphabetic() || first == '_';
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if !self.name.starts_with(first) || !self.name.bytes().all(allowed) {
            return wrong(
                "name",
                "has letters, digits and _, and begins with no digit",
            );
        }
        if self.description.trim().is_empty() {
            return wrong(
                "description",
                "says what the value is for, and is not empty",
            );
        }
        if self.required && self.default.is_some() {
            return wrong("required", "is false where there is a default");
        }
        let is_number = matches!(self.kind, Kind::Integer | Kind::Number);
        if (self.minimum.is_some() || self.maximum.is_some()) && !is_number {
            return wrong(
                "type",
                "is integer or number where there is a minimum or maximum",
            );
        }
        if !self.choices.is_empty() && self.kind != Kind::String {
            return wrong("type", "is string where there are choices");
        }
        match self.default.as_deref().map(|value| self.check(value)) {
            Some(Err(rule)) => Err(("default", rule)),
            _ => Ok(()),
        }
    }

    /// What a value must be and is not. The value itself may be a secret, and is not told.
    pub(crate) fn check(&self, value: &str) -> Result<(), String> {
        // An empty value is none, which only those may have that need none.
        let default = self.default.as_deref().unwrap_or_default();
        if value.is_empty() && !self.required && default.is_empty() {
            return Ok(());
        }
        let is_right = match self.kind {
            Kind::String => !value.is_empty(),
            Kind::Integer => value.parse::<i64>().is_ok() && self.is_within(value),
            Kind::Number => self.is_within(value),
            Kind::Boolean => matches!(value, "true" | "false"),
            Kind::Url => is_url(value),
        };
        let is_chosen = self.choices.is_empty() || self.choices.iter().any(|one| one == value);
        match is_right && is_chosen {
            true => Ok(()),
            false => Err(format!("must be {}", self.expected())),
        }
    }

    fn is_within(&self, value: &str) -> bool {
        value.parse::<f64>().is_ok_and(|number| {
            number.is_finite()
                && self.minimum.is_none_or(|least| least <= number)
                && self.maximum.is_none_or(|most| number <= most)
        })
    }

    fn expected(&self) -> String {
        let range = match (self.minimum, self.maximum) {
            (Some(least), Some(most)) => format!(" from {least} to {most}"),
            (Some(least), None) => format!(" of at least {least}"),
            (None, Some(most)) => format!(" of at most {most}"),
            (None, None) => String::new(),
        };
        match self.kind {
            Kind::String if self.choices.is_empty() => "a text that is not empty".to_owned(),
            Kind::String => format!("one of {}", self.choices.join(", ")),
            Kind::Integer => format!("a whole number{range}"),
            Kind::Number => format!("a number{range}"),
            Kind::Boolean => "true or false".to_owned(),
            Kind::Url => "an address such as https://api.example.com/v1, without a user, a query or a fragment".to_owned(),
        }
    }
}

fn is_url(value: &str) -> bool {
    let has_end = value.contains(['#', '?', '\\']);
    !has_end
        && value.parse::<Uri>().is_ok_and(|uri| {
            let scheme = uri.scheme_str();
            let authority = uri.authority().map_or("", |authority| authority.as_str());
            matches!(scheme, Some("http" | "https"))
                && !authority.contains('@')
                && uri.host().is_some_and(|host| !host.is_empty())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Parameter, Wrong> {
        let text = format!("name = 'A'\ndescription = 'd'\n{text}");
        toml::from_str::<Written>(&text)
            .expect("a parameter")
            .read()
    }

    #[test]
    fn a_value_is_what_its_parameter_says() {
        let cases = [
            ("", &["text"][..], &[""][..]),
            ("default = 'x'", &["y"], &[""]),
            ("default = ''", &["", "y"], &[]),
            ("required = false", &["", "text"], &[]),
            (
                "type = 'integer'\nminimum = 1\nmaximum = 9",
                &["1", "9"],
                &["", "0", "10", "1.5", "x"],
            ),
            (
                "type = 'number'\nmaximum = 1",
                &["-3", "0.5"],
                &["2", "nan", "inf", "one"],
            ),
            ("type = 'boolean'", &["true", "false"], &["yes", "TRUE", ""]),
            ("choices = ['a', 'b']", &["a", "b"], &["c", "", "A"]),
            (
                "type = 'url'",
                &["http://127.0.0.1:80", "https://api.example.com/v1/"],
                &[
                    "api.example.com",
                    "ftp://a",
                    "https://u:p@a",
                    "https://a?b",
                    "https://a#b",
                    "/v1",
                    "http://",
                ],
            ),
        ];
        for (text, right, wrong) in cases {
            let parameter = read(text).expect("a parameter");
            for value in right {
                assert_eq!(parameter.check(value), Ok(()), "{text}: {value}");
            }
            for value in wrong {
                assert!(parameter.check(value).is_err(), "{text}: {value}");
            }
        }
    }

    #[test]
    fn a_parameter_that_contradicts_itself_names_the_field() {
        let cases = [
            ("default = 1\nrequired = true", "required"),
            ("default = 'x'\ntype = 'integer'", "default"),
            ("default = 10\ntype = 'integer'\nmaximum = 9", "default"),
            ("minimum = 1", "type"),
            ("choices = ['1']\ntype = 'integer'", "type"),
            ("choices = ['1']\ndefault = '2'", "default"),
        ];
        for (text, field) in cases {
            assert_eq!(read(text).expect_err(text).0, field, "{text}");
        }
        let default = read("type = 'integer'\ndefault = 5").expect("a parameter");
        assert_eq!(default.default.as_deref(), Some("5"));
        assert!(!default.required);
    }
}
