//! Deliveries as they lie in the table.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, AnyConnection, AssertSqlSafe, Row};
use zygo_wire::data::BodyKind;

use super::delivery::{Delivery, Kind, LastError, NewDelivery, Payload, State};
use super::retry::Retry;
use crate::store::{StoreError, text};

/// What is read of a delivery, in the order of [`read`].
pub(super) const COLUMNS: &str = "id, request_id, function_id, qualifier, kind, origin, event, body_kind, body, ordering_key, depth, \
     traceparent, attempts_max, first_pause_ms, age_max_ms, due_unix_ms, state, attempts, created_unix_ms, \
     ended_unix_ms, status, error_code, error";

/// What is written of a new one, in the order of [`bind`].
const WRITTEN: &str = "id, request_id, function_id, qualifier, kind, origin, lane, event, body_kind, body, ordering_key, depth, \
     traceparent, attempts_max, first_pause_ms, age_max_ms, state, created_unix_ms, due_unix_ms, bytes, attempts, owner";
/// How many of those are parameters; the others are the same for all.
const PARAMETERS: usize = 20;

/// One statement stores so many: each number is a statement that the database prepares once.
const CHUNKS: [usize; 3] = [64, 8, 1];

/// A new delivery with the id and the state that it is stored under.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) id: i64,
    pub(super) new: NewDelivery,
    pub(super) state: State,
}

/// Stores new deliveries.
pub(super) async fn insert(
    connection: &mut AnyConnection,
    mut entries: &[Entry],
    now_unix_ms: i64,
) -> Result<(), StoreError> {
    while let Some(size) = CHUNKS.into_iter().find(|size| *size <= entries.len()) {
        let (chunk, rest) = entries.split_at(size);
        let mut query = sqlx::query(AssertSqlSafe(statement(size)));
        for entry in chunk {
            query = bind(query, entry, now_unix_ms);
        }
        query.execute(&mut *connection).await?;
        entries = rest;
    }
    Ok(())
}

fn statement(rows: usize) -> String {
    let row = |row: usize| {
        let parameters = (1..=PARAMETERS).map(|at| format!("${}", row * PARAMETERS + at));
        let parameters: Vec<String> = parameters.collect();
        format!("({}, 0, '')", parameters.join(", "))
    };
    let rows: Vec<String> = (0..rows).map(row).collect();
    format!(
        "INSERT INTO deliveries ({WRITTEN}) VALUES {}",
        rows.join(", ")
    )
}

fn bind<'q>(
    query: Query<'q, Any, AnyArguments>,
    entry: &Entry,
    now_unix_ms: i64,
) -> Query<'q, Any, AnyArguments> {
    let Entry { id, new, state } = entry;
    let (body_kind, body) = encode(&new.payload);
    query
        .bind(*id)
        .bind(new.request_id.clone())
        .bind(new.function_id.clone())
        .bind(new.qualifier.clone())
        .bind(new.kind.name())
        .bind(text(&new.origin).into_owned())
        .bind(new.lane())
        .bind(text(&String::from_utf8_lossy(&new.payload.event)).into_owned())
        .bind(body_kind)
        .bind(body)
        .bind(text(&new.ordering_key).into_owned())
        .bind(i64::from(new.depth))
        .bind(new.traceparent.clone())
        .bind(i64::from(new.retry.attempts_max))
        .bind(ms(new.retry.first_pause))
        .bind(ms(new.retry.age_max))
        .bind(state.name())
        .bind(now_unix_ms)
        .bind(new.due_unix_ms)
        .bind(i64::try_from(new.payload.len()).unwrap_or(i64::MAX))
}

pub(super) fn ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// A column holds text, and one database no NUL in it.
fn encode(payload: &Payload) -> (&'static str, String) {
    let plain = std::str::from_utf8(&payload.body).ok();
    let plain = plain.filter(|text| !text.contains('\0'));
    match (payload.body_kind, plain) {
        (BodyKind::None, _) => ("none", String::new()),
        (BodyKind::Json, Some(text)) => ("json", text.to_owned()),
        (BodyKind::Text, Some(text)) => ("text", text.to_owned()),
        (BodyKind::Text, None) => ("text64", BASE64.encode(&payload.body)),
        (BodyKind::Json | BodyKind::Binary, _) => ("binary", BASE64.encode(&payload.body)),
    }
}

fn decode(kind: &str, body: String) -> Result<(BodyKind, Bytes), StoreError> {
    let broken = || StoreError::Corrupt(format!("a delivery's body of the kind `{kind}`"));
    let bytes = |body: String| BASE64.decode(body).map(Bytes::from).map_err(|_| broken());
    Ok(match kind {
        "none" => (BodyKind::None, Bytes::new()),
        "json" => (BodyKind::Json, body.into()),
        "text" => (BodyKind::Text, body.into()),
        "text64" => (BodyKind::Text, bytes(body)?),
        "binary" => (BodyKind::Binary, bytes(body)?),
        _ => return Err(broken()),
    })
}

/// A delivery out of a row of [`COLUMNS`].
pub(super) fn read(row: &AnyRow) -> Result<Delivery, StoreError> {
    let (kind, state): (String, String) = (row.try_get(4)?, row.try_get(16)?);
    let (body_kind, event): (String, String) = (row.try_get(7)?, row.try_get(6)?);
    let corrupt = |what: &str| StoreError::Corrupt(format!("a delivery has no known {what}"));
    let (body_kind, body) = decode(&body_kind, row.try_get(8)?)?;
    let number = |at: usize| -> Result<i64, StoreError> { Ok(row.try_get(at)?) };
    let small = |at: usize| Ok::<_, StoreError>(u32::try_from(number(at)?).unwrap_or(u32::MAX));
    let length = |at: usize| {
        let ms = u64::try_from(number(at)?).unwrap_or_default();
        Ok::<_, StoreError>(Duration::from_millis(ms))
    };
    let (code, message): (Option<String>, Option<String>) = (row.try_get(21)?, row.try_get(22)?);
    let status: Option<i64> = row.try_get(20)?;
    Ok(Delivery {
        id: row.try_get(0)?,
        new: NewDelivery {
            request_id: row.try_get(1)?,
            function_id: row.try_get(2)?,
            qualifier: row.try_get(3)?,
            kind: Kind::named(&kind).ok_or_else(|| corrupt("kind"))?,
            origin: row.try_get(5)?,
            payload: Payload {
                event: event.into(),
                body_kind,
                body,
            },
            ordering_key: row.try_get(9)?,
            depth: small(10)?,
            traceparent: row.try_get(11)?,
            retry: Retry {
                attempts_max: small(12)?,
                first_pause: length(13)?,
                age_max: length(14)?,
            },
            due_unix_ms: row.try_get(15)?,
        },
        state: State::named(&state).ok_or_else(|| corrupt("state"))?,
        attempts: small(17)?,
        created_unix_ms: row.try_get(18)?,
        ended_unix_ms: row.try_get(19)?,
        status: status.and_then(|status| u16::try_from(status).ok()),
        error: code.map(|code| LastError {
            code,
            message: message.unwrap_or_default(),
        }),
        claim: 0,
    })
}
