//! The table of loads that are more than can be served.

use std::fmt::Write;

use super::apart;
use super::numbers::{milliseconds, per_second};
use crate::record::{Overload, Record};

/// The table, or nothing.
pub(crate) fn table(record: &Record) -> String {
    let mut rows = String::new();
    for row in &record.overload {
        let failed: u64 = row.failed.values().sum();
        let _ = writeln!(
            rows,
            "| {} | {} | {} | {} | {} | {} / {} | {} | {} / {} | {} | {failed} | {} |",
            row.what,
            row.load,
            per_second(row.offered_per_second),
            per_second(row.goodput_per_second),
            of_peak(row),
            milliseconds(row.served_ms.p50),
            milliseconds(row.served_ms.p99),
            row.refused,
            milliseconds(row.refused_ms.p50),
            milliseconds(row.refused_ms.p99),
            row.not_told_when,
            row.remark,
        );
    }
    let words = "Open loops: callers come at their moments whatever becomes of those before them. Those who are not served are \
        refused with 429 or 503. The first seconds of each load, in which the platform finds out what comes, have rows of their \
        own.";
    let columns = [
        "",
        "load",
        "offered",
        "served",
        "of peak",
        "served p50 / p99",
        "refused",
        "refused p50 / p99",
        "not told when",
        "failed",
        "",
    ];
    apart::table("Overload", words, &columns, &rows)
}

fn of_peak(row: &Overload) -> String {
    row.peak_per_second.map_or_else(
        || "–".to_owned(),
        |peak| format!("{:.0} %", row.goodput_per_second / peak * 100.0),
    )
}
