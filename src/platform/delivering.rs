//! Runs what the queue hands out: one attempt at a delivery, and what becomes of it.

use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc::UnboundedReceiver;
use zygo_wire::clock;

use super::{Platform, destinations};
use crate::alert::Call;
use crate::error::Origin;
use crate::function::deployment::DeployError;
use crate::function::{Function, Version};
use crate::instance::InstanceError;
use crate::invocation::{Answer, Invocation, Trigger};
use crate::invoke::InvokeError;
use crate::queue::{Change, Delivery, Ending, Finish, Kind, LastError, Limits, Next, Queue, Retry};
use crate::time::now_unix_ms;
use crate::trace::Caller;
use crate::websocket::Closing;

/// Instances of a function that says nothing of its bound.
const CONCURRENCY_UNKNOWN: usize = 1;

/// How one attempt ended.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) ending: Ending,
    pub(super) status: Option<u16>,
    pub(super) error: Option<LastError>,
    /// What the handler answered.
    pub(super) answer: Option<Answer>,
    /// Why it did not.
    pub(super) failure: Option<InvokeError>,
    /// Whose code ran.
    pub(super) ran: Option<(Arc<Function>, Arc<Version>)>,
}

impl Attempt {
    pub(super) fn failed(ending: Ending, code: &str, message: impl Into<String>) -> Self {
        Self {
            ending,
            status: None,
            error: Some(LastError {
                code: code.to_owned(),
                message: message.into(),
            }),
            answer: None,
            failure: None,
            ran: None,
        }
    }
}

impl Platform {
    /// What is invoked later.
    pub(crate) fn queue(&self) -> &Queue {
        &self.queue
    }

    /// Forgets what a function that is gone was to be given, and ends its connections.
    pub(crate) async fn forget(&self, function_id: &str) {
        self.connections
            .close_function(function_id, Closing::FUNCTION_GONE);
        let change = Change::Forget {
            function_id: function_id.to_owned(),
        };
        if let Err(error) = self.queue.change(change).await {
            tracing::warn!(%error, "deliveries of a deleted function stay until they are due");
        }
    }
}

/// How many deliveries of a function run at a time: as the function says, and as many as it may have instances.
pub(super) fn limits(
    config: &Arc<crate::config::Config>,
    registry: &Arc<crate::function::Registry>,
) -> Limits {
    let (config, registry) = (Arc::clone(config), Arc::clone(registry));
    Limits(Arc::new(move |id| {
        let Some(function) = registry.get(id) else {
            return CONCURRENCY_UNKNOWN;
        };
        let version = function.current();
        let manifest = version.manifest();
        let own = manifest
            .asynchronous
            .as_ref()
            .and_then(|own| own.concurrency);
        let own = own.and_then(|own| usize::try_from(own).ok());
        let most = own.unwrap_or(config.events.concurrency);
        most.min(manifest.instances_max(&config))
    }))
}

/// Starts the thread that runs deliveries. It has a reactor of its own, as those of the gateway have: an instance's socket
/// is at home on one thread, and threads that share a reactor cannot hand it to each other.
pub(super) fn start(
    platform: Weak<Platform>,
    claimed: UnboundedReceiver<Delivery>,
) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let thread = std::thread::Builder::new().name("deliveries".to_owned());
    thread.spawn(move || {
        runtime.block_on(run(platform, claimed));
        runtime.shutdown_background();
    })?;
    Ok(())
}

/// Runs until the platform is gone, or its queue.
async fn run(platform: Weak<Platform>, mut claimed: UnboundedReceiver<Delivery>) {
    while let Some(delivery) = claimed.recv().await {
        let Some(platform) = platform.upgrade() else {
            return;
        };
        tokio::spawn(async move {
            let attempt = attempt(&platform, &delivery).await;
            fail::fail_point!("queue::attempted");
            let finish = conclude(&platform, delivery, attempt);
            platform.queue.finish(finish).await;
        });
    }
}

async fn attempt(platform: &Platform, delivery: &Delivery) -> Attempt {
    if age(delivery) >= delivery.new.retry.age_max {
        let error = delivery.error.clone();
        let error = error.unwrap_or_else(|| LastError {
            code: "too_old".to_owned(),
            message: "it waited too long to be tried".to_owned(),
        });
        return Attempt::failed(Ending::Refused(None), &error.code, error.message);
    }
    match delivery.new.kind {
        Kind::Webhook => call(platform, delivery).await,
        Kind::Async => invoke(platform, delivery, Trigger::Async).await,
        Kind::Event => invoke(platform, delivery, Trigger::Event).await,
        Kind::Cron => invoke(platform, delivery, Trigger::Cron).await,
        Kind::Queue => invoke(platform, delivery, Trigger::Queue).await,
    }
}

/// Invokes a function with what it is to be given.
pub(super) async fn invoke(platform: &Platform, delivery: &Delivery, trigger: Trigger) -> Attempt {
    let new = &delivery.new;
    let Some(function) = platform.registry.get(&new.function_id) else {
        return Attempt::failed(Ending::Impossible, "function_gone", "the function is gone");
    };
    let version = match new.qualifier.as_str() {
        "" => None,
        qualifier => match platform
            .deployer
            .qualified(&function, qualifier, &|_| None)
            .await
        {
            Ok(version) => Some(version),
            Err(error @ (DeployError::NoVersion(_) | DeployError::NoAlias(_))) => {
                return Attempt::failed(Ending::Impossible, "version_gone", error.to_string());
            }
            Err(error) => {
                return Attempt::failed(Ending::Refused(None), "storage_failed", error.to_string());
            }
        },
    };
    let caller = Caller::parse(new.traceparent.as_bytes(), std::iter::empty());
    let invocation = Invocation {
        request_id: new.request_id.as_str().into(),
        event: with_delivery(delivery),
        body_kind: new.payload.body_kind,
        body: new.payload.body.clone(),
        received_ns: clock::monotonic_ns(),
        trigger,
        trace: platform.tracer.begin(caller),
    };
    let (version, outcome) = platform.invoke(&function, version, &invocation).await;
    let ran = Some((function, version));
    match outcome.result {
        Ok(answer) => Attempt {
            ending: Ending::Answered,
            status: Some(answer.status_code),
            error: None,
            answer: Some(answer),
            failure: None,
            ran,
        },
        Err(error) => Attempt {
            failure: Some(error.clone()),
            ran,
            ..Attempt::failed(ending(&error), error.code(), error.to_string())
        },
    }
}

/// What an error means for the next attempt: what never reached a handler is not the handler's failure.
fn ending(error: &InvokeError) -> Ending {
    match error {
        InvokeError::Refused(refusal) => Ending::Refused(Some(refusal.retry_after())),
        InvokeError::Pool(_) | InvokeError::Instance(InstanceError::NotStarted) => {
            Ending::Refused(None)
        }
        InvokeError::Zygote(error) if error.origin() == Origin::Platform => Ending::Refused(None),
        InvokeError::Zygote(_) | InvokeError::Instance(_) => Ending::Failed,
    }
}

/// The event, with which attempt this is.
fn with_delivery(delivery: &Delivery) -> Bytes {
    let event = delivery.new.payload.event.trim_ascii_end();
    let Some(open) = event.strip_suffix(b"}") else {
        return delivery.new.payload.event.clone();
    };
    let comma = if open.trim_ascii() == b"{" { "" } else { "," };
    let (attempt, most) = (delivery.attempts + 1, delivery.new.retry.attempts_max);
    let mut event = open.to_vec();
    event.extend(
        format!("{comma}\"delivery\":{{\"attempt\":{attempt},\"maxAttempts\":{most}}}}}").bytes(),
    );
    event.into()
}

async fn call(platform: &Platform, delivery: &Delivery) -> Attempt {
    let target = destinations::Target::of(&delivery.new.payload.event);
    let function = platform.registry.get(&delivery.new.function_id);
    let version = function.map(|function| function.current());
    let secrets = version.as_ref().map(|version| &version.manifest().secrets);
    let secret = secrets.and_then(|secrets| secrets.get(&target.secret));
    if secret.is_none() && !target.secret.is_empty() {
        return Attempt::failed(
            Ending::Failed,
            "secret_gone",
            "the secret to sign with is gone",
        );
    }
    let name = delivery.name();
    let call = Call {
        url: &target.url,
        secret,
        event: &target.event,
        delivery: &name,
        body: std::str::from_utf8(&delivery.new.payload.body).unwrap_or_default(),
    };
    match platform.outlet.call(&call, now_unix_ms() / 1_000).await {
        Ok(status) if (200..300).contains(&status) => Attempt {
            ending: Ending::Answered,
            status: Some(status),
            error: None,
            answer: None,
            failure: None,
            ran: None,
        },
        Ok(status) => Attempt {
            status: Some(status),
            ..Attempt::failed(
                Ending::Failed,
                "webhook_refused",
                format!("answered {status}"),
            )
        },
        Err(reason) => Attempt::failed(Ending::Failed, "webhook_unreachable", reason),
    }
}

/// What becomes of a delivery after an attempt, and who is told.
fn conclude(platform: &Platform, delivery: Delivery, attempt: Attempt) -> Finish {
    let refused = matches!(attempt.ending, Ending::Refused(_) | Ending::Impossible);
    let attempts = delivery.attempts + u32::from(!refused);
    let retry = delivery.new.retry;
    let next = retry.after(attempt.ending, attempts, age(&delivery), fastrand::f64());
    let lane_pause = match attempt.ending {
        Ending::Refused(wait) => Some(Retry::refused(wait)),
        _ => None,
    };
    let followers = match next {
        Next::Again(_) => Vec::new(),
        Next::Succeeded | Next::Dead(_) => {
            destinations::followers(platform, &delivery, &attempt, next, attempts)
        }
    };
    Finish {
        delivery,
        next,
        attempts,
        status: attempt.status,
        error: attempt.error,
        followers,
        lane_pause,
    }
}

pub(super) fn age(delivery: &Delivery) -> Duration {
    let ms = now_unix_ms().saturating_sub(delivery.created_unix_ms);
    Duration::from_millis(u64::try_from(ms).unwrap_or_default())
}
