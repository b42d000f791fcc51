//! How one record differs from another.

use std::fmt::Write;
use std::path::Path;

use anyhow::Result;

use super::numbers::{megabytes, milliseconds, per_second};
use crate::host;
use crate::record::Record;

/// Differences up to this share are what two runs of the same program differ by.
const NOISE: f64 = 0.10;

/// Shows the comparison.
pub(crate) fn print(before: &Path, after: &Path) -> Result<()> {
    let (before, after) = (Record::read(before)?, Record::read(after)?);
    host::answer(&table(&before, &after));
    Ok(())
}

fn table(before: &Record, after: &Record) -> String {
    let mut text = format!(
        "before: {} {}, after: {} {}\n",
        before.date, before.commit, after.date, after.commit
    );
    if before.machine.cpu != after.machine.cpu || before.machine.kernel != after.machine.kernel {
        text += "the machines differ: what follows compares machines, not commits\n";
    }
    if before.was_busy() || after.was_busy() {
        text += "at least one machine was busy with something else: differences may be its doing\n";
    }
    if before.quick || after.quick {
        text += "a quick run has few samples: only large differences mean anything\n";
    }
    text += "\n| figure | before | after | change | |\n|---|---|---|---|---|\n";
    for old in &before.series {
        let Some(new) = after.find(&old.id) else {
            continue;
        };
        row(
            &mut text,
            &format!("{} p50", old.id),
            old.latency_ms.p50,
            new.latency_ms.p50,
            false,
            milliseconds,
        );
        row(
            &mut text,
            &format!("{} p99", old.id),
            old.latency_ms.p99,
            new.latency_ms.p99,
            false,
            milliseconds,
        );
        if let (Some(old_rate), Some(new_rate)) = (old.per_second, new.per_second) {
            row(
                &mut text,
                &format!("{} rate", old.id),
                old_rate,
                new_rate,
                true,
                per_second,
            );
        }
    }
    for old in &before.memory {
        if let Some(new) = after.memory.iter().find(|row| row.id == old.id) {
            row(
                &mut text,
                &format!("{} PSS", old.id),
                old.pss,
                new.pss,
                false,
                megabytes,
            );
        }
    }
    text + &one_sided(before, after)
}

fn row(
    text: &mut String,
    name: &str,
    old: f64,
    new: f64,
    high_is_good: bool,
    show: fn(f64) -> String,
) {
    let change = new / old - 1.0;
    let word = match (change.abs() > NOISE, (change > 0.0) == high_is_good) {
        (false, _) => "",
        (true, true) => "better",
        (true, false) => "**worse**",
    };
    let _ = writeln!(
        text,
        "| {name} | {} | {} | {:+.0} % | {word} |",
        show(old),
        show(new),
        change * 100.0
    );
}

fn one_sided(before: &Record, after: &Record) -> String {
    let missing = |here: &Record, there: &Record| {
        let ids = here
            .series
            .iter()
            .map(|series| series.id.as_str())
            .filter(|id| there.find(id).is_none());
        ids.collect::<Vec<_>>().join(", ")
    };
    let mut text = String::new();
    for (where_, ids) in [
        ("before", missing(before, after)),
        ("after", missing(after, before)),
    ] {
        if !ids.is_empty() {
            let _ = writeln!(text, "\nonly {where_}: {ids}");
        }
    }
    text
}
