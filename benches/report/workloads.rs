//! The picture and the table of what real functions do.

use std::fmt::Write;

use super::apart;
use super::bars::{self, Bar, Group, Scale};
use super::numbers::{language, megabytes, milliseconds};
use super::plots::PLATFORMS;
use super::svg::colour;
use crate::record::{Record, Series, Worked};

/// The pictures, with their names.
pub(crate) fn draw(record: &Record) -> Vec<(&'static str, String)> {
    let pictures = [
        (
            "workloads-warm",
            picture(
                record,
                "Workloads, warm",
                "request to answer; bar p50, line to p99; logarithmic",
                &["warm"],
            ),
        ),
        (
            "workloads-starts",
            picture(
                record,
                "Workloads, the first answer of a process",
                "forked on demand (peers: spawn to first right answer); bar p50, line to p99; logarithmic",
                &["forked", "started"],
            ),
        ),
    ];
    pictures
        .into_iter()
        .filter_map(|(name, picture)| Some((name, picture?)))
        .collect()
}

fn picture(record: &Record, title: &str, subtitle: &str, kinds: &[&str]) -> Option<String> {
    let mut groups: Vec<Group> = Vec::new();
    for worked in ordered(record) {
        let heading = format!("{}: {}", worked.workload, worked.what);
        let found = kinds.iter().find_map(|kind| find(record, worked, kind));
        let Some(series) = found else { continue };
        let bar = bar(worked, series);
        match groups.iter_mut().find(|group| group.heading == heading) {
            Some(group) => group.bars.push(bar),
            None => groups.push(Group {
                heading,
                bars: vec![bar],
            }),
        }
    }
    bars::draw(title, subtitle, &groups, Scale::Logarithmic, milliseconds)
}

fn bar(worked: &Worked, series: &Series) -> Bar {
    let fill = match &worked.peer {
        None => colour::ZYGO,
        Some(peer) if PLATFORMS.contains(&peer.as_str()) => colour::PLATFORM,
        Some(_) => colour::BARE,
    };
    Bar {
        label: who(worked),
        value: series.latency_ms.p50,
        further: Some(series.latency_ms.p99),
        text: milliseconds(series.latency_ms.p50),
        fill,
    }
}

/// Peers were measured later; here they stand beside the language that they run.
fn ordered(record: &Record) -> Vec<&Worked> {
    let place = |worked: &Worked| {
        record
            .workloads
            .iter()
            .position(|one| one.workload == worked.workload)
    };
    let mut all: Vec<&Worked> = record.workloads.iter().collect();
    all.sort_by_key(|worked| (place(worked), worked.language.clone()));
    all
}

/// The peer, or the platform with a language.
fn who(worked: &Worked) -> String {
    let zygo = || format!("Zygo, {}", language(&worked.language));
    worked.peer.clone().unwrap_or_else(zygo)
}

fn find<'record>(record: &'record Record, worked: &Worked, kind: &str) -> Option<&'record Series> {
    let name = worked.peer.as_ref().unwrap_or(&worked.language);
    record.find(&format!("workload/{}/{kind}/{name}", worked.workload))
}

/// The table, or nothing.
pub(crate) fn table(record: &Record) -> String {
    let mut rows = String::new();
    for worked in ordered(record) {
        let cell = |kind: &str| {
            let two = |series: &Series| {
                format!(
                    "{} / {}",
                    milliseconds(series.latency_ms.p50),
                    milliseconds(series.latency_ms.p99)
                )
            };
            find(record, worked, kind).map_or_else(|| "–".to_owned(), two)
        };
        let first = if worked.peer.is_some() {
            cell("started")
        } else {
            cell("booted")
        };
        let _ = writeln!(
            rows,
            "| {} | {} | {first} | {} | {} | {} | {} | {} | {} | {} |",
            worked.workload,
            who(worked),
            cell("forked"),
            cell("parked"),
            cell("warm"),
            worked
                .handler_ms
                .map_or_else(|| "–".to_owned(), milliseconds),
            worked
                .billed_ms
                .map_or_else(|| "–".to_owned(), |ms| format!("{ms} ms")),
            worked.memory_mb.map_or_else(|| "–".to_owned(), megabytes),
            megabytes(worked.pss_mb),
        );
    }
    let mut words = "p50 / p99 of whole requests, the work included. A peer runs the very same handler; its start is from spawn \
        to the first right answer. Memory is the most that an \
        instance had by the platform's account, with all that it shares with its zygote; PSS is that of one instance, or of all \
        processes of a peer. All answers that were looked at were right."
        .to_owned();
    for (index, worked) in record.workloads.iter().enumerate() {
        if record.workloads[..index]
            .iter()
            .all(|one| one.workload != worked.workload)
        {
            let _ = write!(words, "\n- `{}`: {}.", worked.workload, worked.what);
        }
    }
    let columns = [
        "",
        "",
        "booted",
        "forked",
        "parked",
        "warm",
        "in the handler",
        "billed",
        "memory",
        "PSS",
    ];
    apart::table("Workloads", &words, &columns, &rows)
}
