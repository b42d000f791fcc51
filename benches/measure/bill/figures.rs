//! Reads what the platform says of one function: all its records, its figures of now, its costs.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::Value;

use crate::record::Sums;
use crate::subject::platform::Platform;

/// Records and sums of everything that was answered are written by then.
const WRITTEN_WITHIN: Duration = Duration::from_secs(120);

/// Figures of now and stored costs, once these do not grow any more towards those.
pub(super) fn settled(platform: &Platform, id: &str) -> Result<(Sums, Sums)> {
    let deadline = Instant::now() + WRITTEN_WITHIN;
    loop {
        let metrics = platform.get(&format!("/functions/{id}/metrics"))?;
        let metrics = sums(&metrics["metrics"])?;
        let cost = sums(&platform.get(&format!("/functions/{id}/cost"))?)?;
        if metrics.invocations <= cost.invocations || Instant::now() > deadline {
            return Ok((metrics, cost));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn sums(figures: &Value) -> Result<Sums> {
    let field = |name: &str| {
        let value = figures[name].as_u64();
        value.with_context(|| format!("no {name} in {figures}"))
    };
    Ok(Sums {
        invocations: field("invocations")?,
        billed_ms: field("billedMs")?,
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    invocations: Vec<Row>,
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    billed_ms: u64,
    count: u64,
}

/// All records of a function, page by page: how many rows, and their sums.
pub(super) fn read_all(platform: &Platform, id: &str) -> Result<(u64, Sums)> {
    let path = format!("/functions/{id}/invocations?limit=1000");
    let (mut rows, mut sums) = (0, Sums::default());
    platform.pages(&path, |page: Page| {
        rows += page.invocations.len() as u64;
        for row in page.invocations {
            sums.invocations += row.count;
            sums.billed_ms += row.billed_ms;
        }
        page.next_cursor
    })?;
    Ok((rows, sums))
}
