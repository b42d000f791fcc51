//! Fires schedules: one task sleeps until the next tick, or until functions change. A tick is claimed in the transaction
//! that queues what it fires.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use serde_json::{Value, json};

use super::Platform;
use crate::function::Function;
use crate::invocation::new_request_id;
use crate::queue::{
    Accepted, Batch, Kind, LastTick, NewDelivery, Payload, QueueError, ScheduleId, Tick,
};
use crate::time::now_unix_ms;
use crate::time::rfc3339;
use crate::trigger::Schedule;
use crate::trigger::schedule::{Firing, Overlap};

/// The longest sleep, in case the clock is set.
const SLEEP_MAX: Duration = Duration::from_secs(60);
/// How long to wait when the database cannot be used.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// A schedule that ticks.
#[derive(Debug)]
struct Ticking {
    function: Arc<Function>,
    schedule: Schedule,
    last_unix_ms: i64,
    next_unix_ms: Option<i64>,
}

/// All of them.
#[derive(Debug, Default)]
struct Book {
    ticking: HashMap<ScheduleId, Ticking>,
}

/// Runs until the platform is gone.
pub(super) async fn run(platform: Weak<Platform>) {
    let Some(mut changes) = platform
        .upgrade()
        .map(|platform| platform.registry.changes())
    else {
        return;
    };
    let (mut book, mut is_read) = (Book::default(), false);
    loop {
        let Some(platform) = platform.upgrade() else {
            return;
        };
        let has_changed = changes.has_changed().unwrap_or_default();
        changes.mark_unchanged();
        let done = async {
            if has_changed || !is_read {
                book.read(&platform).await?;
            }
            book.fire(&platform).await
        };
        let pause = match done.await {
            Ok(()) => {
                is_read = true;
                book.pause()
            }
            Err(error) => {
                is_read = false;
                tracing::warn!(%error, "schedules cannot be fired");
                RETRY_PAUSE
            }
        };
        drop(platform);
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            changed = changes.changed() => {
                if changed.is_err() {
                    return;
                }
                changes.mark_changed();
            }
        }
    }
}

impl Book {
    /// Looks which schedules there are; what is new, or ticks otherwise than before, begins now.
    async fn read(&mut self, platform: &Platform) -> Result<(), QueueError> {
        let known = platform.queue.schedules().await?;
        let mut ticking = HashMap::new();
        for function in platform.registry.list() {
            let version = function.current();
            for (index, trigger) in version.manifest().triggers.iter().enumerate() {
                let Some(schedule) = trigger.schedule() else {
                    continue;
                };
                let number = i64::try_from(index).unwrap_or(i64::MAX);
                let id = (function.id().to_owned(), number);
                let last = known
                    .get(&id)
                    .filter(|last| last.definition == schedule.definition());
                let last_unix_ms = match last {
                    Some(last) => last.unix_ms,
                    None => begin(platform, &id, &schedule).await?,
                };
                let next_unix_ms = schedule.next(last_unix_ms);
                let function = Arc::clone(&function);
                ticking.insert(
                    id,
                    Ticking {
                        function,
                        schedule,
                        last_unix_ms,
                        next_unix_ms,
                    },
                );
            }
        }
        self.ticking = ticking;
        Ok(())
    }

    /// Fires what is due.
    async fn fire(&mut self, platform: &Platform) -> Result<(), QueueError> {
        let now = now_unix_ms();
        for (id, ticking) in &mut self.ticking {
            if ticking.next_unix_ms.is_none_or(|next| next > now) {
                continue;
            }
            for firing in ticking.schedule.due(ticking.last_unix_ms, now) {
                let tick = Tick {
                    function_id: id.0.clone(),
                    trigger: id.1,
                    definition: ticking.schedule.definition(),
                    unix_ms: firing.unix_ms,
                    skips_overlap: ticking.schedule.overlap == Overlap::Skip,
                };
                let delivery = delivery(
                    platform,
                    &ticking.function,
                    &ticking.schedule,
                    &tick,
                    &firing,
                );
                let batch = Batch {
                    deliveries: vec![delivery],
                    once: None,
                    tick: Some(tick),
                };
                if platform.queue.accept(batch).await? == Accepted::Passed {
                    tracing::debug!(function = ticking.function.name(), "a tick was passed over");
                }
            }
            // What was missed and is not made up for is over.
            ticking.last_unix_ms = now;
            ticking.next_unix_ms = ticking.schedule.next(now);
        }
        Ok(())
    }

    fn pause(&self) -> Duration {
        let next = self
            .ticking
            .values()
            .filter_map(|ticking| ticking.next_unix_ms)
            .min();
        let until = |next: i64| {
            let ms = next.saturating_sub(now_unix_ms());
            Duration::from_millis(u64::try_from(ms).unwrap_or_default())
        };
        next.map_or(SLEEP_MAX, |next| until(next).min(SLEEP_MAX))
    }
}

async fn begin(
    platform: &Platform,
    id: &ScheduleId,
    schedule: &Schedule,
) -> Result<i64, QueueError> {
    let last = LastTick {
        definition: schedule.definition(),
        unix_ms: now_unix_ms(),
    };
    platform.queue.begin_schedule(id, &last).await?;
    Ok(last.unix_ms)
}

/// What a tick fires.
fn delivery(
    platform: &Platform,
    function: &Function,
    schedule: &Schedule,
    tick: &Tick,
    firing: &Firing,
) -> NewDelivery {
    let request_id = new_request_id();
    let event = json!({
        "trigger": { "type": "cron", "number": tick.trigger, "schedule": schedule.written, "timezone": schedule.zone },
        "scheduledTime": rfc3339(firing.unix_ms),
        "missed": firing.is_missed,
        "data": schedule.data.clone().unwrap_or(Value::Null),
        "requestId": request_id,
    });
    let jitter = fastrand::u64(0..=schedule.jitter_ms);
    NewDelivery {
        request_id,
        function_id: tick.function_id.clone(),
        qualifier: String::new(),
        kind: Kind::Cron,
        origin: tick.origin(),
        payload: Payload::of_event(&event),
        ordering_key: match schedule.overlap {
            Overlap::Queue => tick.origin(),
            Overlap::Allow | Overlap::Skip => String::new(),
        },
        depth: 0,
        traceparent: String::new(),
        retry: function.current().manifest().retry(&platform.config.events),
        due_unix_ms: now_unix_ms().saturating_add(i64::try_from(jitter).unwrap_or_default()),
    }
}

impl Platform {
    /// Fires a schedule now, by hand; its own ticks come all the same. The request's id.
    pub(crate) async fn fire(
        &self,
        function: &Function,
        number: i64,
        schedule: &Schedule,
    ) -> Result<String, QueueError> {
        let now = now_unix_ms();
        let tick = Tick {
            function_id: function.id().to_owned(),
            trigger: number,
            definition: schedule.definition(),
            unix_ms: now,
            skips_overlap: false,
        };
        let firing = Firing {
            unix_ms: now,
            is_missed: false,
        };
        let delivery = delivery(self, function, schedule, &tick, &firing);
        let request_id = delivery.request_id.clone();
        let batch = Batch {
            deliveries: vec![delivery],
            once: None,
            tick: None,
        };
        self.queue.accept(batch).await?;
        Ok(request_id)
    }
}
