//! Messages of a queue elsewhere: which server, what is read there, and for whom. Pure; knows neither connections nor
//! functions.

use reqwest::Url;
use serde_json::{Map, Value, json};

use super::{Wrong, choice, known, optional};

/// The longest name of anything at a server, and the longest address.
const NAME_LEN_MAX: usize = 255;
const URL_LEN_MAX: usize = 2_048;
/// The most messages that are handled at a time.
const CONCURRENCY_MAX: u64 = 1_000;

/// The kind of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Broker {
    /// Redis, and what speaks like it: a stream and a consumer group.
    Redis,
    /// NATS `JetStream`: a stream and a durable pull consumer.
    Nats,
    /// RabbitMQ, by AMQP 0-9-1: a queue.
    Rabbit,
}

/// Where the address stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    /// In the config, for all to see.
    Plain(String),
    /// In one of the function's secrets.
    Secret(String),
}

/// With which message a group begins that is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StartAt {
    /// The first that is there.
    Oldest,
    /// The first that comes.
    Newest,
}

/// The config of a trigger of the type `queue`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct QueueTrigger {
    pub(crate) broker: Broker,
    pub(crate) address: Address,
    /// The stream, or the queue.
    pub(crate) name: String,
    /// Subjects of the stream that are meant; all where there is none.
    pub(crate) subject: Option<String>,
    /// Who shares the messages; the function's name where there is none.
    pub(crate) group: Option<String>,
    pub(crate) start_at: StartAt,
    /// How many messages are handled at a time.
    pub(crate) concurrency: Option<usize>,
}

impl Broker {
    /// As configs, events and figures name it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Redis => "redis",
            Self::Nats => "nats",
            Self::Rabbit => "rabbitmq",
        }
    }

    /// What it calls where messages lie.
    pub(crate) fn place(self) -> &'static str {
        match self {
            Self::Redis | Self::Nats => "stream",
            Self::Rabbit => "queue",
        }
    }

    /// What its addresses begin with.
    fn schemes(self) -> &'static [&'static str] {
        match self {
            Self::Redis => &["redis", "rediss"],
            Self::Nats => &["nats", "tls"],
            Self::Rabbit => &["amqp", "amqps"],
        }
    }

    fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Redis => &[
                "source",
                "url",
                "urlSecret",
                "stream",
                "group",
                "startAt",
                "concurrency",
            ],
            Self::Nats => &[
                "source",
                "url",
                "urlSecret",
                "stream",
                "subject",
                "group",
                "startAt",
                "concurrency",
            ],
            Self::Rabbit => &["source", "url", "urlSecret", "queue", "concurrency"],
        }
    }

    /// What is wrong with an address. The address itself is not told: it may hold a password.
    pub(crate) fn check_url(self, url: &str) -> Result<(), String> {
        let schemes: Vec<String> = self
            .schemes()
            .iter()
            .map(|its| format!("{its}://"))
            .collect();
        let parsed = Url::parse(url).ok().filter(|_| url.len() <= URL_LEN_MAX);
        let is_good = parsed.is_some_and(|url| {
            let host = url.host_str().unwrap_or_default();
            self.schemes().contains(&url.scheme()) && !host.is_empty()
        });
        match is_good {
            true => Ok(()),
            false => Err(format!(
                "must be the address of a server that begins with {}",
                schemes.join(" or ")
            )),
        }
    }
}

impl QueueTrigger {
    pub(crate) fn parse(config: &Map<String, Value>) -> Result<Self, Wrong> {
        let brokers = [
            ("redis", Broker::Redis),
            ("nats", Broker::Nats),
            ("rabbitmq", Broker::Rabbit),
            ("amqp", Broker::Rabbit),
        ];
        let broker = choice(config, "source", &brokers)?
            .ok_or_else(|| Wrong::new("/source", "source is missing: redis, nats or rabbitmq"))?;
        known(config, broker.fields())?;
        let start_at = [("oldest", StartAt::Oldest), ("newest", StartAt::Newest)];
        let subject = name(config, "subject")?;
        let place = broker.place();
        let its_name = name(config, place)?.ok_or_else(|| {
            Wrong::new(
                format!("/{place}"),
                format!("{place} is missing: the name of one"),
            )
        })?;
        let group = name(config, "group")?;
        if broker == Broker::Nats {
            for (field, value) in [(place, Some(&its_name)), ("group", group.as_ref())] {
                check_nats_name(field, value)?;
            }
        }
        Ok(Self {
            address: address(config, broker)?,
            broker,
            name: its_name,
            subject,
            group,
            start_at: choice(config, "startAt", &start_at)?.unwrap_or(StartAt::Oldest),
            concurrency: concurrency(config)?,
        })
    }

    /// What handlers and people are told of it.
    pub(crate) fn told(&self, group: &str) -> Value {
        let mut told = json!({ "type": "queue", "source": self.broker.name() });
        told[self.broker.place()] = self.name.as_str().into();
        if self.broker != Broker::Rabbit {
            told["group"] = group.into();
        }
        told
    }
}

/// The address, from one of the two places where it may be.
fn address(config: &Map<String, Value>, broker: Broker) -> Result<Address, Wrong> {
    match (optional(config, "url")?, optional(config, "urlSecret")?) {
        (Some(_), Some(_)) => Err(Wrong::new(
            "/urlSecret",
            "url and urlSecret say the same; give one",
        )),
        (None, None) => Err(Wrong::new(
            "/url",
            "url is missing: the address of the server, or urlSecret: the name of the secret that holds it",
        )),
        (None, Some(secret)) => Ok(Address::Secret(secret.to_owned())),
        (Some(url), None) => {
            let wrong = |rule| Wrong::new("/url", format!("url {rule}"));
            broker.check_url(url).map_err(wrong)?;
            let has_user = Url::parse(url)
                .is_ok_and(|url| !url.username().is_empty() || url.password().is_some());
            match has_user {
                true => Err(Wrong::new(
                    "/url",
                    "url must not hold a user name or a password: put the address into one of the function's secrets, \
                     and name that in urlSecret",
                )),
                false => Ok(Address::Plain(url.to_owned())),
            }
        }
    }
}

fn name(config: &Map<String, Value>, field: &str) -> Result<Option<String>, Wrong> {
    let Some(text) = optional(config, field)? else {
        return Ok(None);
    };
    let is_good = !text.is_empty() && text.len() <= NAME_LEN_MAX;
    match is_good && !text.contains(char::is_control) {
        true => Ok(Some(text.to_owned())),
        false => Err(Wrong::new(
            format!("/{field}"),
            format!("{field} has 1 to {NAME_LEN_MAX} bytes, and no control characters"),
        )),
    }
}

/// Names of streams and consumers are parts of subjects there.
fn check_nats_name(field: &str, name: Option<&String>) -> Result<(), Wrong> {
    let is_bad = |character: char| character.is_whitespace() || ".*>/\\".contains(character);
    match name.is_some_and(|name| name.contains(is_bad)) {
        true => Err(Wrong::new(
            format!("/{field}"),
            format!("{field} must not contain spaces, nor any of . * > / \\"),
        )),
        false => Ok(()),
    }
}

fn concurrency(config: &Map<String, Value>) -> Result<Option<usize>, Wrong> {
    let value = match config.get("concurrency") {
        None | Some(Value::Null) => return Ok(None),
        Some(value) => value,
    };
    let number = value
        .as_u64()
        .filter(|number| (1..=CONCURRENCY_MAX).contains(number));
    let number = number.and_then(|number| usize::try_from(number).ok());
    number.map(Some).ok_or_else(|| {
        Wrong::new(
            "/concurrency",
            format!("concurrency is a number between 1 and {CONCURRENCY_MAX}"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(config: &Value) -> Result<QueueTrigger, Wrong> {
        QueueTrigger::parse(config.as_object().expect("an object"))
    }

    #[test]
    fn each_server_is_named_in_its_own_words() {
        let redis = json!({ "source": "redis", "url": "redis://h:1/2", "stream": "s", "group": "g", "concurrency": 3 });
        let redis = parse(&redis).expect("a trigger");
        assert_eq!((redis.broker, redis.concurrency), (Broker::Redis, Some(3)));
        assert_eq!(
            redis.told("g"),
            json!({ "type": "queue", "source": "redis", "stream": "s", "group": "g" })
        );
        let nats = json!({ "source": "nats", "urlSecret": "U", "stream": "S", "subject": "a.>", "startAt": "newest" });
        let nats = parse(&nats).expect("a trigger");
        assert_eq!(nats.address, Address::Secret("U".to_owned()));
        assert_eq!(
            (nats.start_at, nats.subject.as_deref()),
            (StartAt::Newest, Some("a.>"))
        );
        for source in ["rabbitmq", "amqp"] {
            let rabbit = json!({ "source": source, "url": "amqp://h/%2f", "queue": "q" });
            let rabbit = parse(&rabbit).expect("a trigger");
            assert_eq!(
                rabbit.told(""),
                json!({ "type": "queue", "source": "rabbitmq", "queue": "q" })
            );
        }
    }

    #[test]
    fn what_is_no_queue_is_refused_with_its_place() {
        let good = json!({ "source": "redis", "url": "redis://h", "stream": "s" });
        let with = |name: &str, value: Value| {
            let mut config = good.clone();
            config[name] = value;
            config
        };
        let nats = json!({ "source": "nats", "url": "nats://h", "stream": "a.b" });
        let cases = [
            (json!({}), "/source"),
            (json!({ "source": "kafka" }), "/source"),
            (json!({ "source": "redis", "stream": "s" }), "/url"),
            (json!({ "source": "redis", "url": "redis://h" }), "/stream"),
            (json!({ "source": "rabbitmq", "url": "amqp://h" }), "/queue"),
            (with("urlSecret", json!("U")), "/urlSecret"),
            (with("url", json!("http://h")), "/url"),
            (with("url", json!("redis:///1")), "/url"),
            (with("url", json!("redis://:pass@h")), "/url"),
            (with("url", json!(1)), "/url"),
            (with("stream", json!("")), "/stream"),
            (with("queue", json!("q")), "/queue"),
            (with("subject", json!("a")), "/subject"),
            (with("startAt", json!("now")), "/startAt"),
            (with("concurrency", json!(0)), "/concurrency"),
            (with("concurrency", json!("1")), "/concurrency"),
            (nats, "/stream"),
        ];
        for (config, pointer) in cases {
            let wrong = parse(&config).expect_err("no queue");
            assert_eq!(wrong.pointer, pointer, "{config}");
            assert!(!wrong.message.contains("pass@"), "{}", wrong.message);
        }
        assert!(parse(&good).is_ok());
    }
}
