//! What the figures were measured on.

use std::fs;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// A machine and what it was busy with.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    pub(crate) memory_mb: u64,
    pub(crate) kernel: String,
    pub(crate) system: String,
    /// Average number of runnable tasks in the minute before the run: more than a little means noisy figures.
    pub(crate) load_before: f64,
}

/// Looks at this machine.
pub(crate) fn look() -> Machine {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, key: &str| {
        let line = text
            .lines()
            .find(|line| line.starts_with(key))
            .unwrap_or_default();
        line.split_once([':', '='])
            .map_or("", |(_, value)| value)
            .trim()
            .trim_matches('"')
            .to_owned()
    };
    let memory = field(&read("/proc/meminfo"), "MemTotal");
    Machine {
        cpu: field(&read("/proc/cpuinfo"), "model name"),
        cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        memory_mb: memory
            .trim_end_matches(" kB")
            .parse::<u64>()
            .unwrap_or_default()
            / 1024,
        kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
        system: field(&read("/etc/os-release"), "PRETTY_NAME"),
        load_before: read("/proc/loadavg")
            .split(' ')
            .next()
            .and_then(|one| one.parse().ok())
            .unwrap_or_default(),
    }
}

/// The short commit id of the working folder's repository, `-dirty` appended when it has changes; `none` without one.
pub(crate) fn commit() -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok()?;
        output
            .status
            .success()
            .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    match git(&["rev-parse", "--short=10", "HEAD"]) {
        Some(id)
            if git(&["status", "--porcelain", "--untracked-files=no"])
                .is_some_and(|text| !text.is_empty()) =>
        {
            format!("{id}-dirty")
        }
        Some(id) => id,
        None => "none".to_owned(),
    }
}

/// Which share of all cores was not idle during the time that follows, the hypervisor's share included.
pub(crate) fn busy_for(time: std::time::Duration) -> f64 {
    let before = ticks();
    std::thread::sleep(time);
    let after = ticks();
    let (total, idle) = (
        after.0.saturating_sub(before.0),
        after.1.saturating_sub(before.1),
    );
    if total == 0 {
        0.0
    } else {
        total.saturating_sub(idle) as f64 / total as f64
    }
}

/// Ticks of all cores since boot: all, and idle ones.
fn ticks() -> (u64, u64) {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    let first = text.lines().next().unwrap_or_default();
    // user nice system idle iowait irq softirq steal; guest time is in user time already.
    let fields: Vec<u64> = first
        .split_whitespace()
        .skip(1)
        .take(8)
        .filter_map(|field| field.parse().ok())
        .collect();
    (fields.iter().sum(), fields.iter().skip(3).take(2).sum())
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

/// The UTC day of a moment, as `2026-01-31`.
pub(crate) fn day(seconds: u64) -> String {
    // Days since 0000-03-01 in a calendar that repeats every 400 years: the usual civil-from-days rule.
    let days = seconds / 86_400 + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{:02}",
        of_year - (153 * shifted + 2) / 5 + 1
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn days_are_those_of_the_calendar() {
        assert_eq!(super::day(0), "1970-01-01");
        assert_eq!(super::day(951_782_400), "2000-02-29");
        assert_eq!(super::day(1_795_392_000), "2026-11-23");
    }
}
