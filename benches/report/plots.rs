//! Which figures go into which picture.
use super::bars::{self, Bar, Group, Scale};
use super::curves::{self, Curve};
use super::numbers::{language, megabytes, milliseconds, per_second};
use super::svg::colour;
use crate::record::{Record, Series};

const LANGUAGES: [&str; 3] = ["javascript", "python", "ruby"];
pub(super) const PLATFORMS: [&str; 3] = [
    "workerd",
    "functions-framework-node",
    "functions-framework-python",
];

/// Every picture that the record has figures for, with its name.
pub(crate) fn draw(record: &Record) -> Vec<(&'static str, String)> {
    let pictures = [
        (
            "starts",
            starts(
                record,
                "trivial",
                "peer/start/",
                "Cold start, trivial handler",
            ),
        ),
        (
            "starts-heavy",
            starts(
                record,
                "heavy",
                "peer/start-heavy/",
                "Cold start, heavy imports",
            ),
        ),
        ("latency-starts", start_curves(record)),
        ("latency-warm", warm_curves(record)),
        ("throughput", throughput(record)),
        ("memory", memory(record)),
    ];
    pictures
        .into_iter()
        .filter_map(|(name, picture)| Some((name, picture?)))
        .collect()
}

fn starts(record: &Record, weight: &str, peers: &str, title: &str) -> Option<String> {
    let mut groups = Vec::new();
    for (kind, heading) in [
        ("parked", "Zygo, parked: forked ahead, never used before"),
        ("forked", "Zygo, forked on demand"),
        ("booted", "Zygo, booted: the very first start of a function"),
    ] {
        let bars = LANGUAGES.iter().filter_map(|name| {
            let series = record.find(&format!("start/{kind}/{name}/{weight}"))?;
            Some(start_bar(
                language(name),
                series,
                if kind == "booted" {
                    colour::ZYGO_LIGHT
                } else {
                    colour::ZYGO
                },
            ))
        });
        groups.push(Group {
            heading: heading.to_owned(),
            bars: bars.collect(),
        });
    }
    groups.extend(peer_groups(record, peers, start_bar));
    let subtitle = "request to answer over HTTP (peers: spawn to first 200); bar p50, line to p99; logarithmic";
    bars::draw(
        title,
        subtitle,
        &groups,
        Scale::Logarithmic,
        axis_milliseconds,
    )
}

fn start_bar(label: &str, series: &Series, fill: &'static str) -> Bar {
    let latency = &series.latency_ms;
    let text = milliseconds(latency.p50);
    Bar {
        label: label.to_owned(),
        value: latency.p50,
        further: Some(latency.p99),
        text,
        fill,
    }
}

/// Peers that run functions, then bare servers, the better ones first.
fn peer_groups(
    record: &Record,
    prefix: &str,
    bar: fn(&str, &Series, &'static str) -> Bar,
) -> [Group; 2] {
    let (mut platforms, mut bare) = (Vec::new(), Vec::new());
    for series in &record.series {
        let Some(name) = series.id.strip_prefix(prefix) else {
            continue;
        };
        if PLATFORMS.contains(&name) {
            platforms.push(bar(name, series, colour::PLATFORM));
        } else {
            bare.push(bar(name, series, colour::BARE));
        }
    }
    let best_is_high = prefix.contains("c32");
    for bars in [&mut platforms, &mut bare] {
        bars.sort_by(|one, two| one.value.total_cmp(&two.value));
        if best_is_high {
            bars.reverse();
        }
    }
    [
        Group {
            heading: "Peers that run functions".to_owned(),
            bars: platforms,
        },
        Group {
            heading: "Bare HTTP servers (no isolation, routing, logs, metrics)".to_owned(),
            bars: bare,
        },
    ]
}

fn throughput(record: &Record) -> Option<String> {
    let own = |heading: &str, prefix: &str, fill| Group {
        heading: heading.to_owned(),
        bars: LANGUAGES
            .iter()
            .filter_map(|name| {
                Some(rate_bar(
                    language(name),
                    record.find(&format!("{prefix}{name}"))?,
                    fill,
                ))
            })
            .collect(),
    };
    let mut groups = vec![
        own("Zygo, warm instances", "warm/c32/", colour::ZYGO),
        own(
            "Zygo, a fresh process for every request",
            "fresh/",
            colour::ZYGO_LIGHT,
        ),
    ];
    groups.extend(peer_groups(record, "peer/c32/", rate_bar));
    let subtitle = format!(
        "requests per second, 32 callers on keep-alive connections; {}",
        record.cores.trim_start_matches("throughput: ")
    );
    bars::draw("Throughput", &subtitle, &groups, Scale::Linear, axis_rate)
}

fn rate_bar(label: &str, series: &Series, fill: &'static str) -> Bar {
    let rate = series.per_second.unwrap_or_default();
    let text = format!(
        "{}, p99 {}",
        per_second(rate),
        milliseconds(series.latency_ms.p99)
    );
    Bar {
        label: label.to_owned(),
        value: rate,
        further: None,
        text,
        fill,
    }
}

fn memory(record: &Record) -> Option<String> {
    let group = |heading: &str, prefix: &str, fill| Group {
        heading: heading.to_owned(),
        bars: record
            .memory
            .iter()
            .filter_map(|row| {
                let label = language(row.id.strip_prefix(prefix)?).to_owned();
                Some(Bar {
                    label,
                    value: row.pss,
                    further: None,
                    text: megabytes(row.pss),
                    fill,
                })
            })
            .collect(),
    };
    let groups = [
        group("Zygo, one idle instance", "idle instance/", colour::ZYGO),
        group(
            "Zygo, one parked function zygote",
            "function zygote/",
            colour::ZYGO_LIGHT,
        ),
        group("Peers, one server each", "peer/", colour::BARE),
    ];
    bars::draw(
        "Memory",
        "proportional set size; eight of each kind of Zygo's processes were alive",
        &groups,
        Scale::Linear,
        megabytes,
    )
}

fn start_curves(record: &Record) -> Option<String> {
    let mut curves = Vec::new();
    for (name, stroke) in LANGUAGES.into_iter().zip(STROKES) {
        for (kind, dash) in [("forked", ""), ("parked", "5 4")] {
            let id = format!("start/{kind}/{name}/trivial");
            curves.extend(curve(
                record,
                &id,
                format!("{}, {kind}", language(name)),
                stroke,
                dash,
            ));
        }
    }
    curves::draw(
        "Starts by percentile",
        "trivial handler, open loop at a fixed rate",
        &curves,
    )
}

fn warm_curves(record: &Record) -> Option<String> {
    let mut curves = Vec::new();
    for (name, stroke) in LANGUAGES.into_iter().zip(STROKES) {
        curves.extend(curve(
            record,
            &format!("warm/c1/{name}"),
            format!("Zygo, {}", language(name)),
            stroke,
            "",
        ));
    }
    curves.extend(curve(
        record,
        "warm/c1/healthz",
        "Zygo's server alone".to_owned(),
        colour::FAINT,
        "2 3",
    ));
    for (name, stroke) in PLATFORMS.into_iter().zip(["#1d4ed8", "#d97706", "#0f766e"]) {
        curves.extend(curve(
            record,
            &format!("peer/c1/{name}"),
            name.to_owned(),
            stroke,
            "5 4",
        ));
    }
    curves::draw(
        "Warm latency by percentile",
        "closed loop, one caller; dashed: peers that run functions",
        &curves,
    )
}

/// JavaScript, Python, Ruby.
pub(super) const STROKES: [&str; 3] = ["#d97706", "#0f766e", "#be123c"];

fn curve(
    record: &Record,
    id: &str,
    label: String,
    stroke: &'static str,
    dash: &'static str,
) -> Option<Curve> {
    let nanoseconds = record.find(id)?.histogram()?;
    Some(Curve {
        label,
        nanoseconds,
        stroke,
        dash,
    })
}

fn axis_milliseconds(value: f64) -> String {
    match value {
        value if value < 1.0 => format!("{value} ms"),
        value if value < 1_000.0 => format!("{value:.0} ms"),
        value => format!("{:.0} s", value / 1_000.0),
    }
}

fn axis_rate(value: f64) -> String {
    if value == 0.0 {
        "0".to_owned()
    } else {
        format!("{:.0}k", value / 1_000.0)
    }
}
