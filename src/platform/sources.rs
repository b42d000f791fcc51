//! Queues elsewhere as sources of events: which sources there are to be, and what becomes of a message. One thread has all
//! of them, with a reactor of its own, as deliveries have.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures_util::future::join_all;

use super::{Platform, messages};
use crate::config::Config;
use crate::function::Function;
use crate::function::digest;
use crate::function::manifest::{Manifest, TriggerKind};
use crate::secret::Secret;
use crate::source::{Board, Handle, Message, Reach, RootsError, Settings, Source, Try, Verdict};
use crate::trigger::QueueTrigger;
use crate::trigger::queue::{Address, Broker};

/// What a source that is replaced has, besides the function's time limit, to end what is in hand.
const GRACE: Duration = Duration::from_secs(2);
const HOST_NAME: &str = "/proc/sys/kernel/hostname";

/// A function's id, and the place of the trigger among its triggers.
type SourceId = (String, usize);

/// All sources.
#[derive(Debug)]
pub(crate) struct Sources {
    reach: Arc<Reach>,
    /// This platform among those that share a server.
    place: String,
    running: Mutex<Running>,
}

#[derive(Debug, Default)]
struct Running {
    ended: bool,
    sources: BTreeMap<SourceId, Source>,
}

/// A source as it is told of.
#[derive(Debug)]
pub(crate) struct SourceState {
    pub(crate) trigger: usize,
    pub(crate) broker: Broker,
    pub(crate) board: Arc<Board>,
}

impl Sources {
    pub(super) fn new(config: &Config) -> Result<Self, RootsError> {
        let host = std::fs::read_to_string(HOST_NAME).unwrap_or_default();
        let folder = std::fs::canonicalize(&config.data_dir);
        let folder = folder.unwrap_or_else(|_| config.data_dir.clone());
        let events = &config.events;
        let reach = Reach::new(events.private_sources, events.source_root_file.as_deref())?;
        Ok(Self {
            reach: Arc::new(reach),
            place: format!("{}:{}", host.trim(), folder.display()),
            running: Mutex::default(),
        })
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sources of a function.
    pub(crate) fn of(&self, function_id: &str) -> Vec<SourceState> {
        let running = self.running();
        let its = running
            .sources
            .iter()
            .filter(|((id, _), _)| id == function_id);
        let its = its.map(|((_, trigger), source)| SourceState {
            trigger: *trigger,
            broker: source.settings().trigger.broker,
            board: Arc::clone(source.board()),
        });
        its.collect()
    }

    /// Ends all of them.
    pub(super) async fn stop(&self, patience: Duration) {
        let sources = {
            let mut running = self.running();
            running.ended = true;
            std::mem::take(&mut running.sources)
        };
        join_all(sources.into_values().map(|source| source.stop(patience))).await;
    }

    /// What the platform is known by at a server, for one source: the same after a restart.
    fn member(&self, (function_id, trigger): &SourceId) -> String {
        let parts = [self.place.as_str(), function_id, &trigger.to_string()];
        let digest = digest::of_parts(parts.iter().map(|part| part.as_bytes()));
        format!("zygo-{}", &hex::encode(digest)[..16])
    }

    /// Starts what is to be and is not, and ends what is no more.
    fn reconcile(&self, platform: &Arc<Platform>) {
        let mut running = self.running();
        if running.ended {
            return;
        }
        let mut before = std::mem::take(&mut running.sources);
        for function in platform.registry.list() {
            for (id, settings) in self.wanted(&function, &platform.config) {
                let earlier = before.remove(&id);
                let source = match earlier {
                    Some(source) if *source.settings() == settings => source,
                    earlier => self.start(platform, &function, settings, earlier),
                };
                running.sources.insert(id, source);
            }
        }
        for source in before.into_values() {
            tokio::spawn(source.stop(platform.config.drain_timeout()));
        }
    }

    fn start(
        &self,
        platform: &Arc<Platform>,
        function: &Arc<Function>,
        settings: Settings,
        earlier: Option<Source>,
    ) -> Source {
        let handler = Handler {
            platform: Arc::downgrade(platform),
            function: Arc::clone(function),
            told: settings.trigger.told(&settings.group),
        };
        let timeout = Duration::from_millis(function.current().manifest().timeout);
        let after = earlier.map(|earlier| (earlier, timeout + GRACE));
        Source::start(settings, Arc::clone(&self.reach), Arc::new(handler), after)
    }

    /// The sources that a function asks for now.
    fn wanted(&self, function: &Function, config: &Config) -> Vec<(SourceId, Settings)> {
        let version = function.current();
        let manifest = version.manifest();
        let triggers = manifest.triggers.iter().enumerate();
        let queues = triggers.filter(|(_, trigger)| trigger.kind == TriggerKind::Queue);
        let settings = queues.filter_map(|(number, trigger)| {
            // What an earlier release let through is no source.
            let trigger = QueueTrigger::parse(&trigger.config).ok()?;
            let id = (function.id().to_owned(), number);
            let settings = Settings {
                url: url(&trigger, manifest)?,
                group: trigger
                    .group
                    .clone()
                    .unwrap_or_else(|| function.name().to_owned()),
                member: self.member(&id),
                concurrency: concurrency(&trigger, manifest, config),
                trigger,
            };
            Some((id, settings))
        });
        settings.collect()
    }
}

fn url(trigger: &QueueTrigger, manifest: &Manifest) -> Option<Secret> {
    match &trigger.address {
        Address::Plain(url) => Some(Secret::new(url.clone())),
        Address::Secret(name) => manifest.secrets.get(name).cloned(),
    }
}

/// As the trigger says, or as the function does of all that nobody waits for; and no more than there may be instances.
fn concurrency(trigger: &QueueTrigger, manifest: &Manifest, config: &Config) -> usize {
    let asynchronous = manifest
        .asynchronous
        .as_ref()
        .and_then(|own| own.concurrency);
    let asynchronous = asynchronous.and_then(|own| usize::try_from(own).ok());
    let own = trigger.concurrency.or(asynchronous);
    let most = own.unwrap_or(config.events.concurrency);
    most.min(manifest.instances_max(config)).max(1)
}

/// A function that handles messages.
struct Handler {
    platform: Weak<Platform>,
    function: Arc<Function>,
    /// What handlers are told of the trigger.
    told: serde_json::Value,
}

impl Handle for Handler {
    fn attempt<'a>(
        &'a self,
        message: &'a Message,
        its: &'a Try,
    ) -> Pin<Box<dyn Future<Output = Verdict> + Send + 'a>> {
        Box::pin(async move {
            let Some(platform) = self.platform.upgrade() else {
                return Verdict::Gone;
            };
            if platform.registry.get(self.function.id()).is_none() {
                return Verdict::Gone;
            }
            messages::attempt(&platform, &self.function, &self.told, message, its).await
        })
    }
}

impl Platform {
    /// Queues elsewhere that functions are invoked from.
    pub(crate) fn sources(&self) -> &Sources {
        &self.sources
    }
}

/// Starts the thread that has all sources.
pub(super) fn start(platform: Weak<Platform>) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let thread = std::thread::Builder::new().name("sources".to_owned());
    thread.spawn(move || {
        runtime.block_on(run(platform));
        runtime.shutdown_background();
    })?;
    Ok(())
}

/// Runs until the platform is gone.
async fn run(platform: Weak<Platform>) {
    let Some(mut changes) = platform
        .upgrade()
        .map(|platform| platform.registry.changes())
    else {
        return;
    };
    loop {
        changes.mark_unchanged();
        let Some(platform) = platform.upgrade() else {
            return;
        };
        platform.sources.reconcile(&platform);
        drop(platform);
        if changes.changed().await.is_err() {
            return;
        }
    }
}
