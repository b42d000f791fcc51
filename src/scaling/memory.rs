//! How much of the machine's memory is available.

use crate::cost::float;

/// The part of the machine's memory that is available, in percent; `None` where the system does not say.
pub(crate) fn available_percent() -> Option<f64> {
    percent(&std::fs::read_to_string("/proc/meminfo").ok()?)
}

fn percent(meminfo: &str) -> Option<f64> {
    let of = |name: &str| {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(name))?;
        let kib = line.trim_start_matches(':').split_whitespace().next()?;
        kib.parse::<u64>().ok()
    };
    let total = of("MemTotal").filter(|total| *total > 0)?;
    Some(float(of("MemAvailable")?) / float(total) * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_figures_are_read() {
        let text = "MemTotal:       24000000 kB\nMemFree: 1 kB\nMemAvailable:   6000000 kB\n";
        assert_eq!(percent(text), Some(25.0));
        assert_eq!(percent("MemFree: 1 kB\n"), None);
        assert!(available_percent().is_some_and(|percent| percent > 0.0 && percent <= 100.0));
    }
}
