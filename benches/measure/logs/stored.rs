//! Finds the lines of a function again, and the markers that tell of lines that were dropped.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde::Deserialize;

use crate::subject::functions::LINE;
use crate::subject::platform::Platform;

/// Lines that wait are stored by then.
const STORED_WITHIN: Duration = Duration::from_secs(60);
/// What the writer has taken is stored so long after.
const LAST_BATCH: Duration = Duration::from_millis(1_000);

/// What a function's log holds.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) stored: u64,
    /// Lines that the markers tell of.
    pub(super) dropped: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    logs: Vec<Line>,
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
struct Line {
    message: String,
}

/// Reads a function's whole log.
pub(super) fn count(platform: &Platform, id: &str) -> Result<Found> {
    let mut found = Found::default();
    let path = format!("/functions/{id}/logs?limit=1000");
    platform.pages(&path, |page: Page| {
        page.logs.iter().for_each(|line| found.add(&line.message));
        page.next_cursor
    })?;
    Ok(found)
}

impl Found {
    fn add(&mut self, message: &str) {
        if message.starts_with(LINE) {
            self.stored += 1;
        } else if let Some(rest) = message.strip_prefix("… ") {
            let count = rest.split(' ').next().and_then(|count| count.parse().ok());
            self.dropped += count.unwrap_or(0);
        }
    }
}

/// Waits until no line waits to be stored, so that what follows is not disturbed by what was before.
pub(super) fn settle(platform: &Platform) -> Result<()> {
    let deadline = Instant::now() + STORED_WITHIN;
    while platform.metric("zygo_log_queue_lines", "")? > 0.0 {
        if Instant::now() > deadline {
            bail!("lines still wait to be stored after {STORED_WITHIN:?}");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(LAST_BATCH);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_markers_are_told_apart() {
        let mut found = Found::default();
        let marker = "… 12 lines were dropped: the function writes too much";
        for message in ["line 1 of many", marker, "something else"] {
            found.add(message);
        }
        assert_eq!((found.stored, found.dropped), (1, 12));
    }
}
