//! The tables of what is measured on platforms of its own: lines of logs, reloads, the bill, traces.

use std::fmt::Write;

use super::numbers::{language, milliseconds, per_second};
use crate::cli::Language;
use crate::record::{Account, Latency, Record};

/// All of them that there is something to say of.
pub(crate) fn tables(record: &Record) -> String {
    logs(record)
        + &lines(record)
        + &reloads(record)
        + &bill(record)
        + &isolation(record)
        + &traces(record)
}

/// A table, or nothing when it has no rows.
pub(super) fn table(title: &str, words: &str, columns: &[&str], rows: &str) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let head = columns.join(" | ");
    let rule = "---|".repeat(columns.len());
    format!("\n## {title}\n\n{words}\n\n| {head} |\n|{rule}\n{rows}")
}

fn latency(record: &Record, id: &str) -> Option<Latency> {
    record.find(id).map(|series| series.latency_ms)
}

fn two(latency: Latency) -> String {
    let show = milliseconds;
    format!("{} / {}", show(latency.p50), show(latency.p99))
}

fn logs(record: &Record) -> String {
    let mut rows = String::new();
    for name in Language::ALL.map(Language::name) {
        let way = |way: &str| latency(record, &format!("logs/{way}/{name}"));
        let (Some(idle), Some(writing), Some(computing)) =
            (way("idle"), way("writing"), way("computing"))
        else {
            continue;
        };
        let times = |one: Latency, other: Latency| {
            format!("{:.2} / {:.2}", one.p50 / other.p50, one.p99 / other.p99)
        };
        let _ = writeln!(
            rows,
            "| {} | {} | {} | {} | {} | {} |",
            language(name),
            two(idle),
            two(writing),
            two(computing),
            times(writing, idle),
            times(writing, computing),
        );
    }
    let words = "p50 / p99 of warm invocations of a function that only answers: with nothing else on the machine, while \
        others write lines, and while those compute as long as the lines took them. What the third way costs is owed to busy \
        processors; what writing costs beyond it is owed to the lines.";
    let columns = [
        "",
        "idle",
        "lines are written",
        "others compute",
        "lines : idle",
        "lines : computing",
    ];
    table("Lines of logs", words, &columns, &rows)
}

fn lines(record: &Record) -> String {
    let mut rows = String::new();
    for row in &record.lines {
        let _ = writeln!(
            rows,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            language(&row.language),
            per_second(row.asked_per_second),
            per_second(row.per_second),
            row.written,
            row.stored,
            row.dropped,
            row.dropped_told,
            row.missing(),
            milliseconds(row.writing_cpu_ms),
            milliseconds(row.computing_cpu_ms),
        );
    }
    let words = "What became of the lines. Processor time is that of one invocation.";
    let columns = [
        "written by",
        "asked",
        "reached",
        "written",
        "stored",
        "dropped, counted",
        "dropped, told in the log",
        "missing",
        "CPU writing",
        "CPU computing",
    ];
    table("Lines that were written", words, &columns, &rows)
}

fn reloads(record: &Record) -> String {
    let mut rows = String::new();
    for name in Language::ALL.map(Language::name) {
        let Some(series) = record.find(&format!("reload/{name}")) else {
            continue;
        };
        let latency = series.latency_ms;
        let [min, p50, p99, max] =
            [latency.min, latency.p50, latency.p99, latency.max].map(milliseconds);
        let _ = writeln!(
            rows,
            "| {} | {} | {min} | {p50} | {p99} | {max} |",
            language(name),
            series.n
        );
    }
    let words = "From a save until `zygo dev` serves what was saved.";
    let columns = ["", "saves", "min", "p50", "p99", "max"];
    table("Reloads", words, &columns, &rows)
}

fn bill(record: &Record) -> String {
    let Some(bill) = &record.bill else {
        return String::new();
    };
    let rows: String = bill.functions.iter().map(account).collect();
    let verdict = if bill.differences.is_empty() {
        "Records, figures and costs agree.".to_owned()
    } else {
        format!("**They do not agree:** {}.", bill.differences.join("; "))
    };
    let words = format!(
        "{} invocations were answered, {}; the platform was killed after {} and was ready {} later, leaving {} processes; the \
         kill lost the last {:.2} s. Reading all records took {:.1} s. {verdict}",
        bill.answered,
        per_second(bill.per_second),
        bill.answered_before_kill,
        milliseconds(bill.restart_ms),
        bill.left_behind,
        bill.lost_s,
        bill.paging_s,
    );
    let columns = [
        "",
        "answered",
        "unanswered",
        "recorded",
        "lost by the kill",
        "rows",
        "billed ms: records",
        "metrics",
        "cost",
    ];
    table("The bill", &words, &columns, &rows)
}

fn account(account: &Account) -> String {
    format!(
        "| {} | {} | {} | {} | {} | {} | {} | {} | {} |\n",
        language(&account.language),
        account.answered,
        account.unanswered,
        account.records.invocations,
        account.lost(),
        account.rows,
        account.records.billed_ms,
        account.metrics.billed_ms,
        account.cost.billed_ms,
    )
}

fn isolation(record: &Record) -> String {
    let mut rows = String::new();
    for name in Language::ALL.map(Language::name) {
        let Some(free) = latency(record, &format!("isolation/free/{name}")) else {
            continue;
        };
        for cell in ["free", "free-again", "held", "held-again"] {
            if let Some(one) = latency(record, &format!("isolation/{cell}/{name}")) {
                rows += &traced(name, cell, one, free);
            }
        }
    }
    let words = "Forked starts of functions that all layers hold, and of functions that none holds, in turns. What `free-again` \
        differs by is what two platforms that do the same differ by.";
    let columns = [
        "",
        "functions are",
        "p10",
        "p50",
        "p99",
        "p10 +",
        "p50 +",
        "p99 +",
    ];
    table("Isolation", words, &columns, &rows)
}

fn traces(record: &Record) -> String {
    let mut rows = String::new();
    for name in Language::ALL.map(Language::name) {
        let Some(off) = latency(record, &format!("traces/off/{name}")) else {
            continue;
        };
        for cell in ["off", "off-again", "hundredth", "all"] {
            if let Some(on) = latency(record, &format!("traces/{cell}/{name}")) {
                rows += &traced(name, cell, on, off);
            }
        }
    }
    let mut words = "Latency of warm invocations, and how much more it is than without traces. What the second platform without \
        traces differs by is what two platforms that do the same differ by."
        .to_owned();
    for row in &record.traced {
        let _ = write!(
            words,
            " Of {} invocations of `{}`, {} were exported, {} failed and {} were dropped; the collector got {} batches, \
             {:.1} MB.",
            row.invocations,
            row.cell,
            row.exported,
            row.failed,
            row.dropped,
            row.batches,
            row.bytes as f64 / 1e6,
        );
    }
    let columns = ["", "traces", "p10", "p50", "p99", "p10 +", "p50 +", "p99 +"];
    table("Traces", &words, &columns, &rows)
}

fn traced(name: &str, cell: &str, on: Latency, off: Latency) -> String {
    let more = |on: f64, off: f64| format!("{:+.1} µs", (on - off) * 1e3);
    let [p10, p50, p99] = [on.p10, on.p50, on.p99].map(milliseconds);
    format!(
        "| {} | {cell} | {p10} | {p50} | {p99} | {} | {} | {} |\n",
        language(name),
        more(on.p10, off.p10),
        more(on.p50, off.p50),
        more(on.p99, off.p99),
    )
}
