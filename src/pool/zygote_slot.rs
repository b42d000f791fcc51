//! The one function zygote of a version: made when first needed, by one caller for all, and again when it died.

use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use tokio::sync::Mutex;
use zygo_wire::Function;

use crate::zygote::{BackOff, FunctionZygote, LanguageZygote, Output, ZygoteError};

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
    language: Arc<LanguageZygote>,
    function: Function,
    bundle: Box<dyn Bundle>,
    output: Output,
    load_limit: Duration,
    current: ArcSwapOption<FunctionZygote>,
    /// Held while a zygote is made, so that one caller makes it and the others wait.
    making: Mutex<Making>,
}

#[derive(Debug, Default)]
struct Making {
    back_off: BackOff,
    born: Option<Instant>,
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
        load_limit: Duration,
    ) -> Self {
        let (current, making) = (ArcSwapOption::empty(), Mutex::default());
        Self {
            language,
            function,
            bundle,
            output,
            load_limit,
            current,
            making,
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
        let mut making = self.making.lock().await;
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

    /// Ends the zygote; the next caller makes a new one.
    pub(crate) fn stop(&self) {
        if let Some(zygote) = self.current.swap(None) {
            zygote.stop();
        }
    }

    async fn make(&self, making: &mut Making) -> Result<Arc<FunctionZygote>, ZygoteError> {
        if let Some(born) = making.born.take() {
            tokio::time::sleep(making.back_off.after_death(born.elapsed())).await;
        }
        self.bundle.ensure().await?;
        let mut attempt = 1;
        loop {
            let booted = FunctionZygote::boot(
                &self.language,
                self.function.clone(),
                &self.output,
                self.load_limit,
            );
            match booted.await {
                Ok(zygote) => {
                    making.born = Some(Instant::now());
                    self.current.store(Some(Arc::clone(&zygote)));
                    return Ok(zygote);
                }
                Err(ZygoteError::Gone) if attempt < BOOT_ATTEMPTS => attempt += 1,
                Err(error) => return Err(error),
            }
        }
    }
}
