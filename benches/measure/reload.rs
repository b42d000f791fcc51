//! How long it takes from a save until `zygo dev` serves what was saved.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use super::Bench;
use crate::cli::Language;
use crate::load::{Outcome, Sample};
use crate::subject::dev::Dev;

/// After an answer, so that nothing that the reload left to do meets the next save.
const PAUSE: Duration = Duration::from_millis(150);

/// Every language.
pub(crate) fn all(bench: &mut Bench<'_>, executable: &Path) {
    for language in bench.options.languages() {
        bench.attempt(&format!("reloads, {}", language.name()), |bench| {
            let mut dev = Dev::start(executable, language)?;
            let measured = one(bench, &mut dev, language)
                .with_context(|| format!("`zygo dev` said: {}", dev.log()));
            let stopped = dev.stop();
            measured.and(stopped)
        });
    }
}

fn one(bench: &mut Bench<'_>, dev: &mut Dev, language: Language) -> Result<()> {
    let (mut sample, mut run) = (Sample::default(), Outcome::default());
    for _ in 0..bench.pick(100, 10) {
        std::thread::sleep(PAUSE);
        let reload = dev.save()?;
        sample.record(reload.took);
        for _ in 0..reload.refused {
            run.error("no version answered while the file was reloaded".to_owned());
        }
    }
    let id = format!("reload/{}", language.name());
    bench.add_sample(id, "one save after the other", &sample, &run, false);
    Ok(())
}
