//! Curves and tables of what growth costs.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::apart;
use super::lines::{self, Frame, Line};
use super::numbers::{language, megabytes, milliseconds, per_second};
use super::plots::STROKES;
use super::svg::colour;
use crate::cli::Language;
use crate::record::{Memory, Record, Series};

/// Every picture that the record has figures for, with its name.
pub(crate) fn draw(record: &Record) -> Vec<(&'static str, String)> {
    let p50: fn(&Series) -> f64 = |series| series.latency_ms.p50;
    let p99: fn(&Series) -> f64 = |series| series.latency_ms.p99;
    let rate: fn(&Series) -> f64 = |series| series.per_second.unwrap_or_default();
    let starts = |group| {
        [
            by_language(record, group, ", p50", "", p50),
            by_language(record, group, ", p99", "5 4", p99),
        ]
        .concat()
    };
    let mut size = starts("size");
    size.extend(by_language(record, "size-warm", ", warm p50", "2 3", p50));
    let pictures = [
        ("growth-functions", FUNCTIONS, starts("functions")),
        ("growth-memory", MEMORY, memory(record, "functions")),
        (
            "growth-callers",
            CALLERS,
            by_language(record, "callers", "", "", rate),
        ),
        ("growth-latency", LATENCY, starts("callers")),
        ("growth-size", SIZE, size),
    ];
    pictures
        .into_iter()
        .filter_map(|(name, frame, lines)| Some((name, lines::draw(frame, &lines)?)))
        .collect()
}

const FUNCTIONS: Frame = Frame {
    title: "Forked starts by the number of functions",
    subtitle: "all deployed, each with its zygote; open loop; solid p50, dashed p99",
    amount: "functions",
    show: milliseconds,
};
const MEMORY: Frame = Frame {
    title: "Memory by the number of functions",
    subtitle: "proportional set size of the supervisor, and of one function zygote of each language",
    amount: "functions",
    show: megabytes,
};
const CALLERS: Frame = Frame {
    title: "Throughput by the number of callers",
    subtitle: "one function with two warm instances; closed loop",
    amount: "callers",
    show: per_second,
};
const LATENCY: Frame = Frame {
    title: "Latency by the number of callers",
    subtitle: "one function with two warm instances; closed loop; solid p50, dashed p99",
    amount: "callers",
    show: milliseconds,
};
const SIZE: Frame = Frame {
    title: "Starts by the memory of the zygote",
    subtitle: "memory that the module has written at load; forked starts solid p50, dashed p99; dotted: warm",
    amount: "MB that the module holds",
    show: milliseconds,
};

/// Of `growth/{group}/{amount}/{who}` the amount and whom it is about.
fn parts<'id>(id: &'id str, group: &str) -> Option<(u64, &'id str)> {
    let rest = id
        .strip_prefix("growth/")?
        .strip_prefix(group)?
        .strip_prefix('/')?;
    let (amount, who) = rest.split_once('/')?;
    Some((amount.parse().ok()?, who))
}

fn by_language(
    record: &Record,
    group: &str,
    suffix: &str,
    dash: &'static str,
    of: fn(&Series) -> f64,
) -> Vec<Line> {
    let of_language = |(name, stroke): (&str, &'static str)| {
        let points = record.series.iter().filter_map(|series| {
            let (amount, who) = parts(&series.id, group)?;
            (who == name).then(|| (amount as f64, of(series)))
        });
        line(
            format!("{}{suffix}", language(name)),
            points.collect(),
            stroke,
            dash,
        )
    };
    Language::ALL
        .map(Language::name)
        .into_iter()
        .zip(STROKES)
        .filter_map(of_language)
        .collect()
}

fn line(
    label: String,
    points: Vec<(f64, f64)>,
    stroke: &'static str,
    dash: &'static str,
) -> Option<Line> {
    (!points.is_empty()).then_some(Line {
        label,
        points,
        stroke,
        dash,
    })
}

fn memory(record: &Record, group: &str) -> Vec<Line> {
    let of = |(name, stroke): (&str, &'static str)| {
        let points = record.memory.iter().filter_map(|row| {
            let (amount, who) = parts(&row.id, group)?;
            (who == name).then_some((amount as f64, row.pss))
        });
        line(language(name).to_owned(), points.collect(), stroke, "")
    };
    let names = ["supervisor", "javascript", "python", "ruby"];
    let strokes = [colour::INK, STROKES[0], STROKES[1], STROKES[2]];
    names.into_iter().zip(strokes).filter_map(of).collect()
}

/// All tables that there is something to say of.
pub(crate) fn tables(record: &Record) -> String {
    functions(record) + &callers(record) + &size(record)
}

/// Rows of a group by amount, each with what was measured of whom.
fn rows<'record, T>(
    all: &'record [T],
    group: &str,
    id: fn(&T) -> &str,
) -> BTreeMap<u64, BTreeMap<&'record str, &'record T>> {
    let mut rows: BTreeMap<u64, BTreeMap<&str, &T>> = BTreeMap::new();
    for one in all {
        if let Some((amount, who)) = parts(id(one), group) {
            rows.entry(amount).or_default().insert(who, one);
        }
    }
    rows
}

fn cells<T>(found: Option<&BTreeMap<&str, &T>>, names: &[&str], show: fn(&T) -> String) -> String {
    names.iter().fold(String::new(), |text, name| {
        let cell = found
            .and_then(|found| found.get(name))
            .map_or_else(|| "–".to_owned(), |one| show(one));
        format!("{text} {cell} |")
    })
}

fn two(series: &Series) -> String {
    format!(
        "{} / {}",
        milliseconds(series.latency_ms.p50),
        milliseconds(series.latency_ms.p99)
    )
}

fn pss(row: &Memory) -> String {
    megabytes(row.pss)
}

fn series_id(series: &Series) -> &str {
    &series.id
}

fn memory_id(row: &Memory) -> &str {
    &row.id
}

fn functions(record: &Record) -> String {
    let memory = rows(&record.memory, "functions", memory_id);
    let mut text = String::new();
    for (count, starts) in rows(&record.series, "functions", series_id) {
        let names = Language::ALL.map(Language::name);
        let starts = cells(Some(&starts), &names, two);
        let held = cells(
            memory.get(&count),
            &["supervisor", "javascript", "python", "ruby"],
            pss,
        );
        let _ = writeln!(text, "| {count} |{starts}{held}");
    }
    let words = "Forked starts p50 / p99 with so many functions deployed, all with a zygote, of all languages in turn (of one \
        function there is one for each language); PSS of the supervisor and of one function zygote.";
    let columns = [
        "functions",
        "JavaScript",
        "Python",
        "Ruby",
        "supervisor",
        "zygote, JavaScript",
        "Python",
        "Ruby",
    ];
    apart::table("Growth: functions", words, &columns, &text)
}

fn callers(record: &Record) -> String {
    let show = |series: &Series| {
        format!(
            "{}, {}",
            per_second(series.per_second.unwrap_or_default()),
            two(series)
        )
    };
    let mut text = String::new();
    for (count, found) in rows(&record.series, "callers", series_id) {
        let _ = writeln!(
            text,
            "| {count} |{}",
            cells(Some(&found), &Language::ALL.map(Language::name), show)
        );
    }
    let words = "Answers per second and p50 / p99 of one warm function with two instances, by how many callers there are.";
    apart::table(
        "Growth: callers",
        words,
        &["callers", "JavaScript", "Python", "Ruby"],
        &text,
    )
}

fn size(record: &Record) -> String {
    let (warm, memory) = (
        rows(&record.series, "size-warm", series_id),
        rows(&record.memory, "size", memory_id),
    );
    let p50 = |series: &Series| milliseconds(series.latency_ms.p50);
    let names = Language::ALL.map(Language::name);
    let mut text = String::new();
    for (amount, found) in rows(&record.series, "size", series_id) {
        let (forked, warm) = (
            cells(Some(&found), &names, two),
            cells(warm.get(&amount), &names, p50),
        );
        let held = cells(memory.get(&amount), &names, pss);
        let _ = writeln!(text, "| {amount} MB |{forked}{warm}{held}");
    }
    let words = "Forked starts p50 / p99 and warm p50 of a function whose module has written so much memory; PSS of its zygote.";
    let columns = [
        "module holds",
        "forked, JavaScript",
        "Python",
        "Ruby",
        "warm, JavaScript",
        "Python",
        "Ruby",
        "zygote, JavaScript",
        "Python",
        "Ruby",
    ];
    apart::table("Growth: memory of a zygote", words, &columns, &text)
}
