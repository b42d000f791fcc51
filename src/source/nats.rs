//! NATS `JetStream`: a stream that is there already, and a durable pull consumer, made where it is not. A message is
//! acknowledged by a message to its own reply subject, over any connection. The library's own reconnecting is not used: a
//! lost connection ends the session, and the source backs off as with every other server.

use std::convert::Infallible;
use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, PullConsumer, pull};
use async_nats::jetstream::{self, Context};
use async_nats::{Client, ConnectOptions, Event, ServerAddr, Subject};
use futures_util::StreamExt;
use percent_encoding::percent_decode_str;
use reqwest::Url;
use serde_json::{Map, Value};
use tokio::sync::watch;

use super::intake::Intake;
use super::message::{Data, Message};
use super::roots::no_connection;
use super::session::{ANSWER_TIMEOUT, IDLE_MAX, Receipt, Word};
use super::{Reach, Settings, SourceError};
use crate::trigger::queue::StartAt;

const PORT: u16 = 4_222;
/// How long the server waits for a message before it answers that there is none.
const PULL_WAIT: Duration = Duration::from_secs(5);
/// The most messages that are asked for at a time.
const PULL_MAX: usize = 100;
/// The most messages of a consumer that are in anybody's hands.
const ACK_PENDING_MAX: i64 = 10_000;

/// A connection, and the consumer over it.
pub(super) struct Session {
    client: Client,
    consumer: PullConsumer,
    /// Why the connection is no more.
    lost: watch::Receiver<Option<String>>,
}

/// What acknowledges.
#[derive(Clone)]
pub(super) struct Wire(Client);

fn refused(error: impl std::fmt::Display) -> SourceError {
    SourceError::Refused(error.to_string())
}

impl Session {
    pub(super) async fn connect(settings: &Settings, reach: &Reach) -> Result<Self, SourceError> {
        let (tell, lost) = watch::channel(None);
        let client = connect(settings, reach, tell).await?;
        let mut context = jetstream::new(client.clone());
        context.set_timeout(ANSWER_TIMEOUT);
        let consumer = consumer(&context, settings).await?;
        Ok(Self {
            client,
            consumer,
            lost,
        })
    }

    pub(super) fn wire(&self) -> Wire {
        Wire(self.client.clone())
    }

    pub(super) async fn read(&mut self, intake: &Intake) -> Result<Infallible, SourceError> {
        let mut lost = self.lost.clone();
        tokio::select! {
            read = self.pull(intake) => read,
            reason = lost.wait_for(Option::is_some) => {
                let reason = reason.ok().and_then(|reason| reason.clone());
                Err(SourceError::Lost(reason.unwrap_or_else(|| "closed".to_owned())))
            }
        }
    }

    /// What was asked for ends with its subscription, of which a task of the library tells the server.
    pub(super) async fn take_no_more(&self) {
        tokio::task::yield_now().await;
        // Without a connection there is nobody to tell.
        let _ = self.client.flush().await;
    }

    async fn pull(&self, intake: &Intake) -> Result<Infallible, SourceError> {
        loop {
            let room = intake.room().await.min(PULL_MAX);
            let batch = self.consumer.batch().max_messages(room).expires(PULL_WAIT);
            let mut batch = batch.messages().await.map_err(refused)?;
            while let Some(message) = batch.next().await {
                let message = message.map_err(refused)?;
                let Some((name, reply, message)) = read(message) else {
                    continue;
                };
                intake.take(Some(name), message, Receipt::Nats(reply)).await;
            }
        }
    }
}

impl Wire {
    pub(super) async fn say(&self, reply: &Subject, word: Word) -> Result<(), SourceError> {
        let payload: &'static [u8] = match word {
            // An end is answered, so it is known to be heard.
            Word::Done => {
                let said = self
                    .0
                    .request(reply.clone(), b"+ACK".as_slice().into())
                    .await;
                return said.map(drop).map_err(refused);
            }
            Word::Kept | Word::Again => b"+WPI",
            Word::Back => b"-NAK",
        };
        self.0
            .publish(reply.clone(), payload.into())
            .await
            .map_err(refused)?;
        self.0.flush().await.map_err(refused)
    }
}

/// The durable consumer, as it is, or as it has to be.
async fn consumer(context: &Context, settings: &Settings) -> Result<PullConsumer, SourceError> {
    let trigger = &settings.trigger;
    let stream = context.get_stream(&trigger.name).await.map_err(refused)?;
    let subject = trigger.subject.clone().unwrap_or_default();
    let config = pull::Config {
        durable_name: Some(settings.group.clone()),
        deliver_policy: match trigger.start_at {
            StartAt::Oldest => DeliverPolicy::All,
            StartAt::Newest => DeliverPolicy::New,
        },
        ack_policy: AckPolicy::Explicit,
        ack_wait: IDLE_MAX,
        max_ack_pending: ACK_PENDING_MAX,
        filter_subject: subject.clone(),
        ..pull::Config::default()
    };
    let consumer = stream.get_or_create_consumer(&settings.group, config).await;
    let consumer: PullConsumer = consumer.map_err(refused)?;
    let its = &consumer.cached_info().config;
    if its.filter_subject != subject {
        return Err(SourceError::Refused(format!(
            "the consumer {} is there already, for other subjects: name another group, or delete it",
            settings.group
        )));
    }
    if its.ack_policy != AckPolicy::Explicit {
        return Err(SourceError::Refused(format!(
            "the consumer {} is there already, and its messages are not acknowledged one by one: name another group",
            settings.group
        )));
    }
    Ok(consumer)
}

/// What a message's server knows it by, where it is acknowledged, and what it holds.
fn read(message: jetstream::Message) -> Option<(String, Subject, Message)> {
    let info = message.info().ok()?;
    let name = info.stream_sequence.to_string();
    let earlier = u32::try_from(info.delivered - 1).unwrap_or_default();
    let nanoseconds = info.published.unix_timestamp_nanos();
    let unix_ms = i64::try_from(nanoseconds / 1_000_000).ok();
    let mut headers = Map::new();
    for (header, values) in message.headers.iter().flat_map(|headers| headers.iter()) {
        let mut values: Vec<Value> = values.iter().map(|value| value.as_str().into()).collect();
        let value = match values.len() {
            1 => values.remove(0),
            _ => Value::Array(values),
        };
        headers.insert(header.to_string(), value);
    }
    let kind = ["eventType", "ce-type"]
        .iter()
        .find_map(|name| headers.get(*name)?.as_str());
    let reply = message.reply.clone()?;
    let read = Message {
        id: name.clone(),
        kind: kind.map(str::to_owned),
        data: Data::Bytes(message.payload.to_vec()),
        subject: Some(message.subject.to_string()),
        headers,
        unix_ms,
        earlier,
    };
    Some((name, reply, read))
}

async fn connect(
    settings: &Settings,
    reach: &Reach,
    lost: watch::Sender<Option<String>>,
) -> Result<Client, SourceError> {
    let url = Url::parse(settings.url.expose());
    let url = url.map_err(|_| SourceError::Connect("no address".to_owned()))?;
    let address = reach.find(&url, PORT).await?;
    let is_encrypted = url.scheme() == "tls";
    // A certificate is for a name; where there is none, what is connected to is what was judged.
    let server = match (is_encrypted, url.host_str()) {
        (true, Some(host)) => format!("tls://{host}:{}", address.port()),
        _ => format!("nats://{address}"),
    };
    let server = server.parse::<ServerAddr>();
    let server = server.map_err(|error| SourceError::Connect(error.to_string()))?;
    let options = with_user(ConnectOptions::new(), &url)
        .name(&settings.member)
        .ignore_discovered_servers()
        .max_reconnects(1)
        .request_timeout(Some(ANSWER_TIMEOUT))
        .require_tls(is_encrypted)
        .tls_client_config(reach.encryption()?)
        .event_callback(move |event| {
            let reason = match event {
                Event::Disconnected | Event::Closed => Some(event.to_string()),
                Event::LameDuckMode => Some("the server ends".to_owned()),
                _ => None,
            };
            if reason.is_some() {
                lost.send_replace(reason);
            }
            async {}
        });
    let client = options.connect(server).await;
    client.map_err(|error| no_connection(&error))
}

/// A name and a password, or a token alone.
fn with_user(options: ConnectOptions, url: &Url) -> ConnectOptions {
    let text = |written: &str| percent_decode_str(written).decode_utf8_lossy().into_owned();
    match (url.username(), url.password()) {
        ("", None) => options,
        (user, Some(password)) => options.user_and_password(text(user), text(password)),
        (token, None) => options.token(text(token)),
    }
}
