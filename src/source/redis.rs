//! Redis streams: a consumer group, in which this platform is one consumer. An entry is acknowledged by its id, over any
//! connection. What a consumer had in hand when it was lost, others take over once it has been idle for a while; what this
//! one had, it takes up at once when it is back.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::streams::{StreamAutoClaimReply, StreamId, StreamReadReply};
use redis::{AsyncConnectionConfig, FromRedisValue, IntoConnectionInfo, Value};
use reqwest::Url;
use serde_json::Map;

use super::intake::Intake;
use super::message::{Data, Message, text};
use super::session::{ANSWER_TIMEOUT, IDLE_MAX, Receipt, Word};
use super::{Reach, Settings, SourceError};
use crate::trigger::queue::StartAt;

const PORT: u16 = 6_379;
/// How long the server waits for an entry before it answers that there is none.
const BLOCK: Duration = Duration::from_secs(2);
/// The most entries that are asked for at a time.
const READ_MAX: usize = 100;
/// The field that holds an entry's data, where there is one.
const DATA: &str = "data";

/// Two connections: one waits for entries, and nothing else could be said over it meanwhile.
pub(super) struct Session {
    reads: MultiplexedConnection,
    wire: Wire,
}

/// What acknowledges.
#[derive(Clone)]
pub(super) struct Wire {
    connection: MultiplexedConnection,
    stream: String,
    group: String,
    member: String,
}

fn refused(error: &redis::RedisError) -> SourceError {
    match error.is_io_error() {
        true => SourceError::Lost(error.to_string()),
        false => SourceError::Refused(error.to_string()),
    }
}

impl Session {
    pub(super) async fn connect(settings: &Settings, reach: &Reach) -> Result<Self, SourceError> {
        let trigger = &settings.trigger;
        let mut wire = Wire {
            connection: connect(settings, reach, ANSWER_TIMEOUT).await?,
            stream: trigger.name.clone(),
            group: settings.group.clone(),
            member: settings.member.clone(),
        };
        wire.make_group(trigger.start_at).await?;
        let reads = connect(settings, reach, BLOCK + ANSWER_TIMEOUT).await?;
        Ok(Self { reads, wire })
    }

    pub(super) fn wire(&self) -> Wire {
        self.wire.clone()
    }

    pub(super) async fn read(&mut self, intake: &Intake) -> Result<Infallible, SourceError> {
        self.take_up(intake).await?;
        let mut looked = Instant::now();
        loop {
            if looked.elapsed() >= IDLE_MAX {
                self.take_over(intake).await?;
                looked = Instant::now();
            }
            let room = intake.room().await.min(READ_MAX);
            for entry in self.entries(">", room).await? {
                self.wire.give(intake, entry, 0).await;
            }
        }
    }

    /// What this consumer had in hand when it was lost.
    async fn take_up(&mut self, intake: &Intake) -> Result<(), SourceError> {
        let mut after = "0".to_owned();
        loop {
            let room = intake.room().await.min(READ_MAX);
            let entries = self.entries(&after, room).await?;
            let Some(last) = entries.last() else {
                return Ok(());
            };
            after.clone_from(&last.id);
            for entry in entries {
                self.give_again(intake, entry).await?;
            }
        }
    }

    /// What any consumer has had in hand for so long without a word that it is lost.
    async fn take_over(&mut self, intake: &Intake) -> Result<(), SourceError> {
        let mut after = "0-0".to_owned();
        loop {
            let room = intake.room().await.min(READ_MAX);
            let mut command = redis::cmd("XAUTOCLAIM");
            command
                .arg(&self.wire.stream)
                .arg(&self.wire.group)
                .arg(&self.wire.member);
            command.arg(ms(IDLE_MAX)).arg(&after).arg("COUNT").arg(room);
            let claimed: StreamAutoClaimReply = self.wire.ask(&command).await?;
            for entry in claimed.claimed {
                self.give_again(intake, entry).await?;
            }
            after = claimed.next_stream_id;
            if after == "0-0" {
                return Ok(());
            }
        }
    }

    async fn entries(&mut self, after: &str, count: usize) -> Result<Vec<StreamId>, SourceError> {
        let mut command = redis::cmd("XREADGROUP");
        command
            .arg("GROUP")
            .arg(&self.wire.group)
            .arg(&self.wire.member);
        command.arg("COUNT").arg(count).arg("BLOCK").arg(ms(BLOCK));
        command.arg("STREAMS").arg(&self.wire.stream).arg(after);
        let reply = command
            .query_async::<Option<StreamReadReply>>(&mut self.reads)
            .await;
        let reply = reply.map_err(|error| refused(&error))?;
        let keys = reply.into_iter().flat_map(|reply| reply.keys);
        Ok(keys.flat_map(|key| key.ids).collect())
    }

    /// An entry that was delivered before; what was deleted meanwhile is acknowledged.
    async fn give_again(&mut self, intake: &Intake, entry: StreamId) -> Result<(), SourceError> {
        if entry.map.is_empty() {
            return self.wire.say(&entry.id, Word::Done).await;
        }
        let mut command = redis::cmd("XPENDING");
        command.arg(&self.wire.stream).arg(&self.wire.group);
        command.arg(&entry.id).arg(&entry.id).arg(1);
        let pending: Vec<(String, String, u64, u32)> = self.wire.ask(&command).await?;
        let delivered = pending.first().map_or(2, |(_, _, _, delivered)| *delivered);
        self.wire
            .give(intake, entry, delivered.saturating_sub(1))
            .await;
        Ok(())
    }
}

impl Wire {
    async fn make_group(&mut self, start_at: StartAt) -> Result<(), SourceError> {
        let first = match start_at {
            StartAt::Oldest => "0",
            StartAt::Newest => "$",
        };
        let mut command = redis::cmd("XGROUP");
        command
            .arg("CREATE")
            .arg(&self.stream)
            .arg(&self.group)
            .arg(first)
            .arg("MKSTREAM");
        match command.query_async::<Value>(&mut self.connection).await {
            Err(error) if error.code() != Some("BUSYGROUP") => Err(refused(&error)),
            // It was there already, and stands where it stood.
            _ => Ok(()),
        }
    }

    async fn ask<T: FromRedisValue>(&self, command: &redis::Cmd) -> Result<T, SourceError> {
        let mut connection = self.connection.clone();
        let answer = command.query_async(&mut connection).await;
        answer.map_err(|error| refused(&error))
    }

    pub(super) async fn say(&self, id: &str, word: Word) -> Result<(), SourceError> {
        let mut claim = redis::cmd("XCLAIM");
        claim
            .arg(&self.stream)
            .arg(&self.group)
            .arg(&self.member)
            .arg(0)
            .arg(id);
        let command = match word {
            // It stays this consumer's, which takes it up when it is back.
            Word::Back => return Ok(()),
            Word::Again => claim,
            // Counts no delivery.
            Word::Kept => claim.arg("JUSTID").clone(),
            Word::Done => redis::cmd("XACK")
                .arg(&self.stream)
                .arg(&self.group)
                .arg(id)
                .clone(),
        };
        self.ask::<Value>(&command).await.map(drop)
    }

    async fn give(&self, intake: &Intake, entry: StreamId, earlier: u32) {
        let id = entry.id.clone();
        let message = message(entry, earlier);
        intake
            .take(Some(id.clone()), message, Receipt::Redis(id))
            .await;
    }
}

/// One field holds the data and the others are headers; or all are the data.
fn message(entry: StreamId, earlier: u32) -> Message {
    let mut headers = Map::new();
    let mut data = None;
    for (name, value) in entry.map {
        let Ok(bytes) = Vec::<u8>::from_redis_value(value) else {
            continue;
        };
        match name == DATA {
            true => data = Some(bytes),
            false => drop(headers.insert(name, text(&bytes))),
        }
    }
    let data = match data {
        Some(bytes) => Data::Bytes(bytes),
        None => Data::Fields(std::mem::take(&mut headers)),
    };
    let unix_ms = entry.id.split('-').next().and_then(|ms| ms.parse().ok());
    let kind = headers.get("eventType").and_then(serde_json::Value::as_str);
    Message {
        kind: kind.map(str::to_owned),
        id: entry.id,
        data,
        headers,
        subject: None,
        unix_ms,
        earlier,
    }
}

async fn connect(
    settings: &Settings,
    reach: &Reach,
    timeout: Duration,
) -> Result<MultiplexedConnection, SourceError> {
    let wrong =
        |_: redis::RedisError| SourceError::Connect("the address cannot be read".to_owned());
    let written = settings.url.expose();
    let url = Url::parse(written).map_err(|_| SourceError::Connect("no address".to_owned()))?;
    // The library reads names, passwords and numbers of databases; it knows no encrypted addresses here.
    let is_encrypted = url.scheme() == "rediss";
    let plain = written.replacen("rediss://", "redis://", 1);
    let info = plain.into_connection_info().map_err(wrong)?;
    let stream = reach.connect(&url, PORT, is_encrypted).await?;
    let config = AsyncConnectionConfig::new().set_response_timeout(Some(timeout));
    let made = MultiplexedConnection::new_with_config(info.redis_settings(), stream, config).await;
    let (connection, driver) = made.map_err(|error| refused(&error))?;
    // Ends with the last handle of the connection.
    tokio::spawn(driver);
    Ok(connection)
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn entry(fields: &[(&str, &str)]) -> StreamId {
        let value = |text: &str| Value::BulkString(text.as_bytes().to_vec());
        let fields = fields
            .iter()
            .map(|(name, text)| ((*name).to_owned(), value(text)));
        StreamId {
            id: "1500-3".to_owned(),
            map: fields.collect(),
            ..StreamId::default()
        }
    }

    #[test]
    fn one_field_is_the_data_or_all_are() {
        let named = message(entry(&[("data", "[1]"), ("eventType", "a")]), 2);
        assert_eq!(named.data, Data::Bytes(b"[1]".to_vec()));
        assert_eq!(
            (named.kind.as_deref(), named.headers["eventType"].as_str()),
            (Some("a"), Some("a"))
        );
        assert_eq!((named.unix_ms, named.earlier), (Some(1_500), 2));
        let all = message(entry(&[("a", "1"), ("b", "2")]), 0);
        let fields = json!({ "a": "1", "b": "2" })
            .as_object()
            .cloned()
            .expect("an object");
        assert_eq!(all.data, Data::Fields(fields));
        assert!(all.headers.is_empty());
    }
}
