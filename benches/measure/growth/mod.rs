//! What growth costs: of the number of functions, of the callers of one, of the memory that a zygote holds.

mod callers;
mod functions;
mod size;

use std::path::Path;

use super::{Bench, on_platform};
use crate::subject::platform::Settings;

/// Open-loop starts: few enough that one does not wait for what another leaves behind.
const STARTS_PER_SECOND: f64 = 25.0;

/// All three.
pub(super) fn all(bench: &mut Bench<'_>, executable: &Path) {
    bench.attempt("growth of the number of functions", |bench| {
        on_platform(executable, functions::settings(), |platform| {
            functions::all(bench, platform)
        })
    });
    bench.attempt("growth of the number of callers", |bench| {
        on_platform(executable, Settings::new(), |platform| {
            callers::all(bench, platform)
        })
    });
    bench.attempt("growth of a zygote's memory", |bench| {
        on_platform(executable, size::settings(), |platform| {
            size::all(bench, platform);
            Ok(())
        })
    });
}
