//! Sees to it that a dashboard that was built, or built anew, gets into the binary. Without one the binary says how to get it.

use std::path::Path;

/// Where `npm run build` puts the dashboard.
const DASHBOARD: &str = "dashboard/dist";

fn main() {
    // A folder that is missing could not be watched. Where it cannot be made, nobody can build a dashboard either.
    if !Path::new(DASHBOARD).is_dir() {
        let _ = std::fs::create_dir_all(DASHBOARD);
    }
    println!("cargo::rerun-if-changed={DASHBOARD}");
}
