//! RabbitMQ, by AMQP 0-9-1: a queue that is there already. A message is acknowledged over the channel that it came over;
//! when that is lost, its server gives the message to whoever asks next.

use std::convert::Infallible;

use futures_util::StreamExt;
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions,
    QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::uri::{AMQPScheme, AMQPUri};
use lapin::{Connection, ConnectionProperties, Consumer};
use reqwest::Url;
use serde_json::{Map, Value};

use super::intake::Intake;
use super::message::{Data, Message, text};
use super::session::{Receipt, Word};
use super::{Reach, Settings, SourceError, carrier};

const PORT: u16 = 5_672;
const PORT_ENCRYPTED: u16 = 5_671;
/// How often both sides say that they are there, in seconds.
const HEARTBEAT_S: u16 = 20;
/// How often a queue that counts deliveries has delivered a message before.
const DELIVERY_COUNT: &str = "x-delivery-count";

/// A connection, and what comes over it.
pub(super) struct Session {
    connection: Connection,
    // Closed when it is dropped.
    channel: lapin::Channel,
    queue: String,
    member: String,
}

fn refused(error: &lapin::Error) -> SourceError {
    SourceError::Refused(error.to_string())
}

fn lost(error: &lapin::Error) -> SourceError {
    SourceError::Lost(error.to_string())
}

impl Session {
    pub(super) async fn connect(settings: &Settings, reach: &Reach) -> Result<Self, SourceError> {
        let connection = connect(settings, reach).await?;
        let channel = connection
            .create_channel()
            .await
            .map_err(|error| refused(&error))?;
        let queue = settings.trigger.name.clone();
        // Only looks whether it is there.
        let options = QueueDeclareOptions {
            passive: true,
            ..QueueDeclareOptions::default()
        };
        let name = short(&queue)?;
        let declared = channel
            .queue_declare(name, options, FieldTable::default())
            .await;
        declared.map_err(|error| refused(&error))?;
        Ok(Self {
            connection,
            channel,
            queue,
            member: settings.member.clone(),
        })
    }

    pub(super) async fn read(&mut self, intake: &Intake) -> Result<Infallible, SourceError> {
        let mut consumer = self.consumer(intake.room_max()).await?;
        while let Some(delivery) = consumer.next().await {
            let mut delivery = delivery.map_err(|error| lost(&error))?;
            let message = message(&mut delivery);
            let receipt = Receipt::Rabbit(Box::new(delivery));
            intake.take(None, message, receipt).await;
        }
        Err(SourceError::Lost("the server has ended it".to_owned()))
    }

    async fn consumer(&self, room: usize) -> Result<Consumer, SourceError> {
        let room = u16::try_from(room).unwrap_or(u16::MAX);
        let qos = self
            .channel
            .basic_qos(room, BasicQosOptions::default())
            .await;
        qos.map_err(|error| refused(&error))?;
        let options = BasicConsumeOptions::default();
        let (queue, tag) = (short(&self.queue)?, short(&self.member)?);
        let consumer = self
            .channel
            .basic_consume(queue, tag, options, FieldTable::default())
            .await;
        consumer.map_err(|error| refused(&error))
    }

    pub(super) async fn take_no_more(&self) {
        if let Ok(tag) = short(&self.member) {
            // Without a connection there is nobody to tell.
            let _ = self
                .channel
                .basic_cancel(tag, BasicCancelOptions::default())
                .await;
        }
    }

    pub(super) async fn close(self) {
        // Whoever does not listen any more is told by the end of the connection.
        let _ = self.connection.close(200, ShortString::default()).await;
    }
}

/// Tells the server of a message.
pub(super) async fn say(delivery: &Delivery, word: Word) -> Result<(), SourceError> {
    let said = match word {
        // It waits as long as the connection lives.
        Word::Kept | Word::Again => return Ok(()),
        Word::Done => delivery.ack(BasicAckOptions::default()).await,
        Word::Back => {
            let options = BasicNackOptions {
                requeue: true,
                ..BasicNackOptions::default()
            };
            delivery.nack(options).await
        }
    };
    match said {
        Ok(true) => Ok(()),
        Ok(false) => Err(SourceError::Refused(
            "it was acknowledged before".to_owned(),
        )),
        Err(error) => Err(lost(&error)),
    }
}

fn short(text: &str) -> Result<ShortString, SourceError> {
    ShortString::try_new(text).map_err(|error| SourceError::Refused(error.to_string()))
}

/// Over a connection of our own making: the library asks no resolver, and nobody about certificates.
async fn connect(settings: &Settings, reach: &Reach) -> Result<Connection, SourceError> {
    let written = settings.url.expose();
    let url = Url::parse(written).map_err(|_| SourceError::Connect("no address".to_owned()))?;
    let uri = written.parse::<AMQPUri>();
    // What is wrong may be a part of the address that is a secret.
    let mut uri = uri.map_err(|_| SourceError::Connect("the address cannot be read".to_owned()))?;
    uri.query.heartbeat.get_or_insert(HEARTBEAT_S);
    let options =
        ConnectionProperties::default().with_connection_name(settings.member.clone().into());
    let (port, is_encrypted) = match uri.scheme {
        AMQPScheme::AMQP => (PORT, false),
        AMQPScheme::AMQPS => (PORT_ENCRYPTED, true),
    };
    let stream = reach.connect(&url, port, is_encrypted).await?;
    let connection = carrier::connect(uri, options, stream).await;
    connection.map_err(|error| SourceError::Connect(error.to_string()))
}

/// What a delivery holds; the rest of it acknowledges.
fn message(delivery: &mut Delivery) -> Message {
    let data = std::mem::take(&mut delivery.data);
    let properties = &delivery.properties;
    let mut headers = Map::new();
    for (name, value) in properties.headers().iter().flat_map(|table| table.inner()) {
        headers.insert(name.to_string(), json(value));
    }
    let counted = headers.get(DELIVERY_COUNT).and_then(Value::as_u64);
    let counted = counted.and_then(|count| u32::try_from(count).ok());
    let named = |name: &Option<ShortString>| name.as_ref().map(ToString::to_string);
    if let Some(kind) = named(properties.content_type()) {
        headers.entry("content-type").or_insert_with(|| kind.into());
    }
    let id = named(properties.message_id());
    let seconds = properties
        .timestamp()
        .and_then(|seconds| i64::try_from(seconds).ok());
    Message {
        id: id.unwrap_or_else(|| delivery.delivery_tag.to_string()),
        kind: named(properties.kind()),
        subject: Some(delivery.routing_key.to_string()),
        unix_ms: seconds.map(|seconds| seconds.saturating_mul(1_000)),
        earlier: counted.unwrap_or_else(|| u32::from(delivery.redelivered)),
        headers,
        data: Data::Bytes(data),
    }
}

fn json(value: &AMQPValue) -> Value {
    match value {
        AMQPValue::Boolean(value) => (*value).into(),
        AMQPValue::ShortShortInt(value) => (*value).into(),
        AMQPValue::ShortShortUInt(value) => (*value).into(),
        AMQPValue::ShortInt(value) => (*value).into(),
        AMQPValue::ShortUInt(value) => (*value).into(),
        AMQPValue::LongInt(value) => (*value).into(),
        AMQPValue::LongUInt(value) => (*value).into(),
        AMQPValue::LongLongInt(value) => (*value).into(),
        AMQPValue::Timestamp(value) => (*value).into(),
        AMQPValue::Float(value) => (*value).into(),
        AMQPValue::Double(value) => (*value).into(),
        AMQPValue::ShortString(value) => value.to_string().into(),
        AMQPValue::LongString(value) => text(value.as_bytes()),
        AMQPValue::ByteArray(value) => text(value.as_slice()),
        AMQPValue::FieldArray(values) => values.as_slice().iter().map(json).collect(),
        AMQPValue::FieldTable(table) => {
            let fields = table.inner().iter();
            fields
                .map(|(name, value)| (name.to_string(), json(value)))
                .collect()
        }
        AMQPValue::DecimalValue(_) | AMQPValue::Void => Value::Null,
    }
}
