//! The one function zygote of a version: made when first needed, by one caller for all, and again when it died. Made anew
//! while it serves, see `refresh.rs`.

use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use tokio::sync::{Mutex, Semaphore};
use zygo_wire::Function;

use super::refresh::Refreshing;
use crate::zygote::{
    BackOff, Crashes, FunctionZygote, LanguageZygote, Life, Making, Output, ZygoteError,
};

/// How often a boot is tried when the zygote it is forked from dies underneath it.
const BOOT_ATTEMPTS: u32 = 3;

/// What [`Bundle::ensure`] ends with.
pub(crate) type Ensured<'a> = Pin<Box<dyn Future<Output = Result<(), ZygoteError>> + Send + 'a>>;

/// The files that a zygote loads.
pub(crate) trait Bundle: Send + Sync {
    /// Sees to it that they lie where the zygote looks for them.
    fn ensure(&self) -> Ensured<'_>;
}

/// Holds the zygote of a version.
pub(crate) struct ZygoteSlot {
    pub(super) language: Arc<LanguageZygote>,
    pub(super) function: Function,
    bundle: Box<dyn Bundle>,
    output: Output,
    times: Times,
    /// Turns to make a zygote, shared by all functions.
    boots: Arc<Semaphore>,
    pub(super) current: ArcSwapOption<FunctionZygote>,
    /// Held while a zygote is made, so that one caller makes it and the others wait.
    pub(super) making: Mutex<Births>,
    /// Of its instances, whichever zygote forked them.
    pub(super) crashes: Arc<Crashes>,
    pub(super) refreshing: Refreshing,
}

/// How long things may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    /// Loading the code.
    pub(crate) load: Duration,
    /// The end of what a replaced zygote's instances have begun.
    pub(crate) end: Duration,
}

impl Times {
    /// How long a zygote waits for its turn to be made: long enough for some that never end to be given up before it.
    fn turn(self) -> Duration {
        3 * self.load
    }
}

/// What is known of the zygotes before.
#[derive(Debug, Default)]
pub(super) struct Births {
    back_off: BackOff,
    pub(super) born: Option<Instant>,
}

/// A zygote to fork from, and how long the caller had to wait for it to be made.
#[derive(Debug)]
pub(crate) struct Found {
    /// The zygote.
    pub(crate) zygote: Arc<FunctionZygote>,
    /// Set when it was not there.
    pub(crate) booted: Option<Duration>,
}

impl std::fmt::Debug for ZygoteSlot {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ZygoteSlot")
            .field("function", &self.function.name)
            .finish_non_exhaustive()
    }
}

impl ZygoteSlot {
    /// An empty slot.
    pub(crate) fn new(
        language: Arc<LanguageZygote>,
        function: Function,
        bundle: Box<dyn Bundle>,
        output: Output,
        times: Times,
        boots: Arc<Semaphore>,
    ) -> Self {
        let (current, making) = (ArcSwapOption::empty(), Mutex::default());
        let crashes = Arc::new(Crashes::new(language.limits()));
        let refreshing = Refreshing::new(times.end);
        Self {
            language,
            function,
            bundle,
            output,
            times,
            boots,
            current,
            making,
            crashes,
            refreshing,
        }
    }

    /// The zygote, made now if there is none.
    pub(crate) async fn get(&self) -> Result<Found, ZygoteError> {
        if let Some(zygote) = self.present() {
            return Ok(Found {
                zygote,
                booted: None,
            });
        }
        let started = Instant::now();
        // As long as another caller's making may take: then it is the platform that has too much to do.
        let patience = self.times.turn().saturating_add(self.times.load);
        let making = tokio::time::timeout(patience, self.making.lock()).await;
        let mut making = making.map_err(|_| ZygoteError::Busy(patience))?;
        if let Some(zygote) = self.present() {
            return Ok(Found {
                zygote,
                booted: Some(started.elapsed()),
            });
        }
        let zygote = self.make(&mut making).await?;
        Ok(Found {
            zygote,
            booted: Some(started.elapsed()),
        })
    }

    /// The zygote, if there is one that can fork.
    pub(crate) fn present(&self) -> Option<Arc<FunctionZygote>> {
        self.current
            .load_full()
            .filter(|zygote| !zygote.has_ended())
    }

    /// How long loading may take.
    pub(super) fn load_limit(&self) -> Duration {
        self.times.load
    }

    /// Waits until the function may fork, where its instances crash again and again.
    pub(crate) async fn admit(&self) -> Result<(), ZygoteError> {
        match self.crashes.admit(Instant::now()) {
            Ok(Duration::ZERO) => {}
            Ok(wait) => tokio::time::sleep(wait).await,
            Err(wait) => return Err(ZygoteError::Crashing(wait)),
        }
        Ok(())
    }

    /// Whether forks have to wait.
    pub(super) fn is_slowed(&self) -> bool {
        self.crashes.is_troubled(Instant::now())
    }

    /// Ends the zygote, and those before it; the next caller makes a new one.
    pub(crate) fn stop(&self) {
        self.refreshing.stop();
        if let Some(zygote) = self.current.swap(None) {
            zygote.stop();
        }
    }

    /// Ends the zygote because nobody needs it, unless one is being made. That is no death to be careful after.
    pub(super) fn rest(&self) {
        if let Ok(mut births) = self.making.try_lock() {
            births.born = None;
            self.stop();
        }
    }

    async fn make(&self, births: &mut Births) -> Result<Arc<FunctionZygote>, ZygoteError> {
        if let Some(born) = births.born.take() {
            tokio::time::sleep(births.back_off.after_death(born.elapsed())).await;
        }
        let zygote = self.boot(None).await?;
        births.born = Some(Instant::now());
        self.current.store(Some(Arc::clone(&zygote)));
        Ok(zygote)
    }

    /// Makes a zygote, from a language zygote's process that nobody else uses or from the one that all use.
    pub(super) async fn boot(
        &self,
        single: Option<&Life>,
    ) -> Result<Arc<FunctionZygote>, ZygoteError> {
        self.bundle.ensure().await?;
        let patience = self.times.turn();
        // It is never closed; without a turn it would be made all the same.
        let turn = tokio::time::timeout(patience, self.boots.acquire()).await;
        let _turn = turn.map_err(|_| ZygoteError::Busy(patience))?;
        let mut attempt = 1;
        loop {
            match self.boot_once(single).await {
                Err(ZygoteError::Gone) if attempt < BOOT_ATTEMPTS => attempt += 1,
                booted => return booted,
            }
        }
    }

    async fn boot_once(&self, single: Option<&Life>) -> Result<Arc<FunctionZygote>, ZygoteError> {
        let making = Making {
            language: &self.language,
            function: &self.function,
            output: &self.output,
            crashes: &self.crashes,
            limit: self.times.load,
        };
        match single {
            Some(life) => FunctionZygote::boot(life, making).await,
            // Held until the code is loaded: until then, the zygote dies with it.
            None => FunctionZygote::boot(&*self.language.life().await?, making).await,
        }
    }
}
