//! What a function says of its connections. Pure.

use serde_json::{Map, Value};

use super::{Wrong, known};

/// The config of a trigger of the type `websocket`. What the operator allows is the most in any case.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sockets {
    /// How long a connection may be without messages.
    pub(crate) idle_timeout_ms: Option<u64>,
    /// How long a message may be.
    pub(crate) message_bytes_max: Option<usize>,
    /// How many connections there may be.
    pub(crate) connections_max: Option<usize>,
}

impl Sockets {
    pub(crate) fn parse(config: &Map<String, Value>) -> Result<Self, Wrong> {
        known(
            config,
            &["idleTimeout", "maxMessageBytes", "maxConnections"],
        )?;
        let size = |name| {
            let count = count(config, name)?;
            Ok(count.map(|count| usize::try_from(count).unwrap_or(usize::MAX)))
        };
        Ok(Self {
            idle_timeout_ms: count(config, "idleTimeout")?,
            message_bytes_max: size("maxMessageBytes")?,
            connections_max: size("maxConnections")?,
        })
    }
}

/// A whole number from 1 on, if there is one.
fn count(config: &Map<String, Value>, name: &str) -> Result<Option<u64>, Wrong> {
    match config.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_u64().filter(|count| *count > 0) {
            Some(count) => Ok(Some(count)),
            None => {
                let rule = format!("{name} must be a whole number from 1 on");
                Err(Wrong::new(format!("/{name}"), rule))
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parse(config: Value) -> Result<Sockets, Wrong> {
        Sockets::parse(config.as_object().expect("an object"))
    }

    #[test]
    fn a_function_may_want_less_than_there_is() {
        assert_eq!(parse(json!({})), Ok(Sockets::default()));
        let all = json!({ "idleTimeout": 1_000, "maxMessageBytes": 64, "maxConnections": 2 });
        let sockets = Sockets {
            idle_timeout_ms: Some(1_000),
            message_bytes_max: Some(64),
            connections_max: Some(2),
        };
        assert_eq!(parse(all), Ok(sockets));
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_place() {
        for (config, pointer) in [
            (json!({ "idle": 1 }), "/idle"),
            (json!({ "idleTimeout": 0 }), "/idleTimeout"),
            (json!({ "maxMessageBytes": "many" }), "/maxMessageBytes"),
            (json!({ "maxConnections": 1.5 }), "/maxConnections"),
        ] {
            assert_eq!(parse(config).expect_err("wrong").pointer, pointer);
        }
    }
}
