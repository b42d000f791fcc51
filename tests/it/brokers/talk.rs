//! What tests say to servers: make, send, and count what is left.

use async_nats::jetstream;
use lapin::options::{BasicPublishOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{BasicProperties, Confirmation};

use super::{Broker, Kind, PASSWORD};

impl Broker {
    pub(super) fn answers(&self) -> bool {
        match self.kind {
            Kind::Redis => self.redis::<String>(&redis::cmd("PING")).is_ok(),
            Kind::Nats => run(async { self.nats().await.is_ok() }),
            Kind::Rabbit => run(async { self.rabbit().await.is_ok() }),
        }
    }

    fn redis<T: redis::FromRedisValue>(&self, command: &redis::Cmd) -> redis::RedisResult<T> {
        command.query(&mut redis::Client::open(self.url())?.get_connection()?)
    }

    async fn nats(&self) -> Result<jetstream::Context, async_nats::ConnectError> {
        let address = format!("127.0.0.1:{}", self.port);
        let (user, password) = ("zygo".to_owned(), PASSWORD.to_owned());
        let options = async_nats::ConnectOptions::with_user_and_password(user, password);
        Ok(jetstream::new(options.connect(address).await?))
    }

    async fn rabbit(&self) -> lapin::Result<(lapin::Connection, lapin::Channel)> {
        let connection =
            lapin::Connection::connect(&self.url(), lapin::ConnectionProperties::default()).await?;
        let channel = connection.create_channel().await?;
        Ok((connection, channel))
    }

    /// Makes a stream or a queue.
    pub(crate) fn make(&self, name: &str) {
        match self.kind {
            // The first message makes it, or the consumer.
            Kind::Redis => {}
            Kind::Nats => run(async {
                let context = self.nats().await.expect("a connection");
                let config = jetstream::stream::Config {
                    name: name.to_owned(),
                    subjects: vec![name.to_owned(), format!("{name}.>")],
                    ..jetstream::stream::Config::default()
                };
                context.create_stream(config).await.expect("a stream");
            }),
            Kind::Rabbit => run(async {
                let (connection, channel) = self.rabbit().await.expect("a connection");
                let options = QueueDeclareOptions {
                    durable: true,
                    ..QueueDeclareOptions::default()
                };
                let made = channel
                    .queue_declare(name.into(), options, FieldTable::default())
                    .await;
                made.expect("a queue");
                connection.close(200, "".into()).await.expect("a farewell");
            }),
        }
    }

    /// Sends a message with one header, and returns once the server has it.
    pub(crate) fn send(&self, name: &str, data: &[u8]) {
        match self.kind {
            Kind::Redis => {
                let mut command = redis::cmd("XADD");
                command
                    .arg(name)
                    .arg("*")
                    .arg("data")
                    .arg(data)
                    .arg("colour")
                    .arg("blue");
                self.redis::<String>(&command).expect("an entry");
            }
            Kind::Nats => run(async {
                let context = self.nats().await.expect("a connection");
                let mut headers = async_nats::HeaderMap::new();
                headers.insert("colour", "blue");
                let sent = context
                    .publish_with_headers(name.to_owned(), headers, data.to_vec().into())
                    .await;
                sent.expect("a connection")
                    .await
                    .expect("a message that is stored");
            }),
            Kind::Rabbit => run(async {
                let (connection, channel) = self.rabbit().await.expect("a connection");
                channel
                    .confirm_select(Default::default())
                    .await
                    .expect("confirmations");
                let mut headers = FieldTable::default();
                headers.insert(
                    ShortString::from("colour"),
                    AMQPValue::LongString("blue".into()),
                );
                let properties = BasicProperties::default()
                    .with_delivery_mode(2)
                    .with_headers(headers);
                let options = BasicPublishOptions::default();
                let sent = channel
                    .basic_publish("".into(), name.into(), options, data, properties)
                    .await;
                let confirmed = sent.expect("a connection").await.expect("an answer");
                assert!(matches!(confirmed, Confirmation::Ack(_)), "{confirmed:?}");
                connection.close(200, "".into()).await.expect("a farewell");
            }),
        }
    }

    /// How many messages a group has not acknowledged. RabbitMQ counts only those that are in nobody's hands.
    pub(crate) fn left(&self, name: &str, group: &str) -> u64 {
        match self.kind {
            Kind::Redis => {
                let mut command = redis::cmd("XINFO");
                command.arg("GROUPS").arg(name);
                let groups: Vec<std::collections::HashMap<String, redis::Value>> =
                    self.redis(&command).expect("groups");
                let number = |value: &redis::Value| match value {
                    redis::Value::Int(number) => u64::try_from(*number).expect("a count"),
                    _ => 0,
                };
                let is_it = |its: &&std::collections::HashMap<String, redis::Value>| {
                    its["name"] == redis::Value::BulkString(group.as_bytes().to_vec())
                };
                let its = groups.iter().find(is_it).expect("the group");
                number(&its["pending"]) + number(&its["lag"])
            }
            Kind::Nats => run(async {
                let context = self.nats().await.expect("a connection");
                let stream = context.get_stream(name).await.expect("the stream");
                let info = stream.consumer_info(group).await.expect("the consumer");
                info.num_pending + info.num_ack_pending as u64
            }),
            Kind::Rabbit => run(async {
                let (connection, channel) = self.rabbit().await.expect("a connection");
                let options = QueueDeclareOptions {
                    passive: true,
                    ..QueueDeclareOptions::default()
                };
                let queue = channel
                    .queue_declare(name.into(), options, FieldTable::default())
                    .await;
                let count = queue.expect("the queue").message_count();
                connection.close(200, "".into()).await.expect("a farewell");
                count.into()
            }),
        }
    }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a reactor").block_on(future)
}
