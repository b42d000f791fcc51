//! The page: promises beside figures, peers, every series, and what to know of the run.

use std::fmt::Write;

use super::budgets::Verdict;
use super::numbers::{language, last, megabytes, milliseconds, per_second};
use super::{apart, growth, overload, workloads};
use crate::record::{Record, Series};

/// The whole page.
pub(crate) fn page(record: &Record, verdicts: &[Verdict], plots: &[String]) -> String {
    let mut page = head(record);
    page += "\n## Promises\n\n";
    page += &promises(verdicts);
    for plot in plots {
        page += &format!("\n![{}]({plot})\n", plot.trim_end_matches(".svg"));
    }
    page += &peers(record);
    page += &phases(record);
    page += &memory(record);
    page += &apart::tables(record);
    page += &overload::table(record);
    page += &workloads::table(record);
    page += &growth::tables(record);
    page += &all(record);
    page += &notes(record);
    page
}

fn head(record: &Record) -> String {
    let machine = &record.machine;
    let kind = if record.quick {
        " (quick run: few samples)"
    } else {
        ""
    };
    format!(
        "# Zygo benchmark, {}, commit {}{kind}\n\n\
         {} ({} cores, {} MB), Linux {}, {}. Cores: {}. Everything is on loopback and on this one machine, the generator \
         too. Latencies count from the moment at which a request was meant to start.\n\n{}",
        record.date,
        record.commit,
        machine.cpu,
        machine.cores,
        machine.memory_mb,
        machine.kernel,
        machine.system,
        record.cores,
        caveat(record),
    )
}

/// What the figures suffered from.
pub(crate) fn caveat(record: &Record) -> String {
    let (mean, max) = (record.others.mean * 100.0, record.others.max * 100.0);
    let text =
        format!("Other processes took {mean:.0} % of all cores on average and {max:.0} % at most");
    if record.was_busy() {
        format!(
            "**The machine was busy, so every figure is worse and less certain than it could be.** {text}.\n"
        )
    } else {
        format!("{text}.\n")
    }
}

/// The table of promises.
pub(crate) fn promises(verdicts: &[Verdict]) -> String {
    let mut table = "| what | language | promised | measured | | peers in the same run |\n|---|---|---|---|---|---|\n".to_owned();
    for verdict in verdicts {
        let kept = match verdict.kept {
            Some(true) => "kept",
            Some(false) => "**falls short**",
            None => "not measured",
        };
        let Verdict {
            what,
            language,
            promised,
            measured,
            peers,
            ..
        } = verdict;
        let _ = writeln!(
            table,
            "| {what} | {language} | {promised} | {measured} | {kept} | {peers} |"
        );
    }
    table
}

fn peers(record: &Record) -> String {
    let names: Vec<&str> = record
        .series
        .iter()
        .filter_map(|series| series.id.strip_prefix("peer/c1/"))
        .collect();
    if names.is_empty() {
        return String::new();
    }
    let mut text = "\n## Beside its peers\n\n\
        A start of Zygo is a forked one; of a peer, from spawn to the first 200. bun, deno, node, uvicorn, gunicorn, granian and \
        puma are bare HTTP servers without isolation, routing, logs or metrics; workerd and functions-framework run functions. \
        Memory of \
        Zygo is that of one idle instance; zygotes and supervisor come on top, and its nearest likeness to a peer's start from \
        nothing is a booted one.\n\n\
        | | start p50 / p99 (best) | 1 caller p50 / p99 | 32 callers | p50 / p99 | PSS |\n|---|---|---|---|---|---|\n"
        .to_owned();
    for name in ["javascript", "python", "ruby"] {
        let ids = [
            format!("start/forked/{name}/trivial"),
            format!("warm/c1/{name}"),
            format!("warm/c32/{name}"),
        ];
        text += &row(
            record,
            &format!("**Zygo, {}**", language(name)),
            &ids,
            &format!("idle instance/{name}"),
        );
    }
    for name in names {
        let ids = ["start", "c1", "c32"].map(|group| format!("peer/{group}/{name}"));
        text += &row(record, name, &ids, &format!("peer/{name}"));
    }
    text
}

fn row(record: &Record, name: &str, [start, c1, c32]: &[String; 3], memory: &str) -> String {
    let find = |id: &String| record.find(id);
    let two = |series: Option<&Series>| {
        series.map_or_else(
            || "–".to_owned(),
            |series| {
                format!(
                    "{} / {}",
                    milliseconds(series.latency_ms.p50),
                    milliseconds(series.latency_ms.p99)
                )
            },
        )
    };
    let best = find(start).map_or_else(String::new, |series| {
        format!(" ({})", milliseconds(series.latency_ms.min))
    });
    let rate = find(c32)
        .and_then(|series| series.per_second)
        .map_or_else(|| "–".to_owned(), per_second);
    let pss = record
        .memory
        .iter()
        .find(|row| row.id == memory)
        .map_or_else(|| "–".to_owned(), |row| megabytes(row.pss));
    format!(
        "| {name} | {}{best} | {} | {rate} | {} | {pss} |\n",
        two(find(start)),
        two(find(c1)),
        two(find(c32))
    )
}

fn phases(record: &Record) -> String {
    let told: Vec<&Series> = record
        .series
        .iter()
        .filter(|series| !series.phases_p50_ms.is_empty())
        .collect();
    if told.is_empty() {
        return String::new();
    }
    let mut text = "\n## Where a start's time goes (medians that the platform told, in ms)\n\n\
        | series | queue | fork | load | handler | total | seen by the caller |\n|---|---|---|---|---|---|---|\n"
        .to_owned();
    for series in told {
        let _ = write!(text, "| `{}` |", series.id);
        for phase in ["queue", "fork", "load", "handler", "total"] {
            let time = series
                .phases_p50_ms
                .get(phase)
                .map_or_else(|| "–".to_owned(), |time| format!("{time:.3}"));
            let _ = write!(text, " {time} |");
        }
        let _ = writeln!(text, " {:.3} |", series.latency_ms.p50);
    }
    text
}

fn memory(record: &Record) -> String {
    if record.memory.is_empty() {
        return String::new();
    }
    let mut text = "\n## Memory in MB\n\nOne more: how much the PSS of the whole platform grows with one more of them.\n\n\
        | | processes | PSS | one more | private dirty | RSS |\n|---|---|---|---|---|---|\n"
        .to_owned();
    for row in &record.memory {
        let one_more = row
            .one_more
            .map_or_else(|| "–".to_owned(), |value| format!("{value:.1}"));
        let (id, pss, dirty, rss) = (&row.id, row.pss, row.private_dirty, row.rss);
        let _ = writeln!(
            text,
            "| {id} | {} | {pss:.1} | {one_more} | {dirty:.1} | {rss:.1} |",
            row.processes
        );
    }
    text
}

fn all(record: &Record) -> String {
    let mut text = "\n## All series (ms)\n\n\
        | series | load | n | failed | other kinds | min | p50 | p90 | p99 | p99.9 | max | per second | generator late |\n\
        |---|---|---|---|---|---|---|---|---|---|---|---|---|\n"
        .to_owned();
    for series in &record.series {
        let latency = &series.latency_ms;
        let rate = series
            .per_second
            .map_or_else(String::new, |rate| format!("{rate:.0}"));
        let failed: u64 = series.errors.values().sum();
        let others: u64 = series.kinds.values().sum::<u64>().saturating_sub(series.n);
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {failed} | {others} | {:.3} | {:.3} | {:.3} | {:.3} | {:.3} | {:.3} | {rate} | {:.2} |",
            series.id,
            series.load,
            series.n,
            latency.min,
            latency.p50,
            latency.p90,
            latency.p99,
            latency.p999,
            latency.max,
            series.generator_late_max_ms,
        );
    }
    text
}

fn notes(record: &Record) -> String {
    let late = record.series.iter().max_by(|one, two| {
        one.generator_late_max_ms
            .total_cmp(&two.generator_late_max_ms)
    });
    let mut text = "\n## Notes\n\n".to_owned();
    if let Some(series) = late {
        let (name, late) = (last(&series.id), milliseconds(series.generator_late_max_ms));
        let _ = writeln!(
            text,
            "- The generator was at most {late} late (`{}`, {name}).",
            series.id
        );
    }
    for note in &record.notes {
        let _ = writeln!(text, "- {}", note.replace('\n', " "));
    }
    text
}
