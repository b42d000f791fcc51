//! The dashboard for Grafana and the rules for Prometheus name only figures that a platform really shows, and labels that
//! these really have.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::exposition::Exposition;
use crate::language::Language;
use crate::platform::Platform;

const DASHBOARD: &str = include_str!("../../packaging/grafana/zygo.json");
const RULES: &str = include_str!("../../packaging/prometheus/alerts.yml");

/// Labels that whoever scrapes adds, or that belong to histograms.
const ADDED: [&str; 3] = ["instance", "job", "le"];

/// Labels by names of series, of a platform that has seen a bit of everything.
fn shown() -> BTreeMap<String, BTreeSet<String>> {
    let platform = Platform::start(&[]);
    let code = "def handler(event, context):\n    if event['body'] == 'bad': raise ValueError()\n    return 1";
    let limit = json!({"rateLimit": {"maxRequests": 2, "windowMs": 60_000}});
    let function = platform.deploy(Language::Python, code, &limit);
    platform.invoke(&function, &json!("good")).expect(200);
    platform.invoke(&function, &json!("bad")).expect(502);
    platform.invoke(&function, &json!("good")).expect(429);
    let text = platform.get("/metrics/prometheus").expect(200).text();
    let read = Exposition::read(&text);
    let mut shown: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    // Buckets are kept apart from samples by the reader, and are there for each histogram.
    let series = text.lines().filter(|line| !line.starts_with('#'));
    for line in series {
        let (name, labels) = line.split_once('{').unwrap_or((line, ""));
        let name = name.split(' ').next().unwrap_or_default();
        let labels = labels.split('}').next().unwrap_or_default();
        let names = labels
            .split(',')
            .filter_map(|label| Some(label.split_once('=')?.0.to_owned()));
        shown.entry(name.to_owned()).or_default().extend(names);
    }
    // What nothing has happened to yet has no samples.
    for (family, kind) in read.types {
        let suffixes: &[&str] = match kind.as_str() {
            "counter" => &["_total"],
            "histogram" => &["_bucket", "_sum", "_count"],
            _ => &[""],
        };
        for suffix in suffixes {
            shown.entry(format!("{family}{suffix}")).or_default();
        }
    }
    shown
}

/// All expressions, with where they stand.
fn expressions() -> Vec<(String, String)> {
    let dashboard: Value = serde_json::from_str(DASHBOARD).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    let mut found = Vec::new();
    let mut ids = BTreeSet::new();
    for panel in panels {
        assert!(ids.insert(panel["id"].as_u64()), "an id is there twice");
        for target in panel["targets"].as_array().into_iter().flatten() {
            let title = panel["title"].as_str().expect("a title").to_owned();
            found.push((
                title,
                target["expr"].as_str().expect("an expression").to_owned(),
            ));
        }
    }
    for variable in dashboard["templating"]["list"]
        .as_array()
        .expect("variables")
    {
        let query = variable["query"].as_str().expect("a query").to_owned();
        found.push((variable["name"].to_string(), query));
    }
    let rules = RULES.split("      - alert: ").skip(1);
    for rule in rules {
        let (name, rest) = rule.split_once('\n').expect("a name");
        let until =
            ["        for:", "        labels:"].map(|end| rest.find(end).unwrap_or(rest.len()));
        let end = until.into_iter().min().expect("an end");
        found.push((name.to_owned(), rest[..end].replace("expr:", "")));
    }
    found
}

/// The series of an expression, with the labels that it asks for by them.
fn series(expression: &str) -> Vec<(String, Vec<String>)> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut found = Vec::new();
    for (at, _) in expression.match_indices("zygo_") {
        let rest = &expression[at..];
        let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
        let selector = rest[end..]
            .strip_prefix('{')
            .and_then(|rest| rest.split_once('}'));
        let labels = selector.map_or("", |(labels, _)| labels).split(',');
        let labels = labels.filter_map(|label| label.split(['=', '!']).next());
        let labels = labels.filter(|label| !label.is_empty()).map(str::to_owned);
        found.push((rest[..end].to_owned(), labels.collect()));
    }
    found
}

#[test]
fn dashboard_and_rules_ask_for_what_there_is() {
    let shown = shown();
    let expressions = expressions();
    assert!(expressions.len() > 35, "{}", expressions.len());
    let mut asked = BTreeSet::new();
    for (place, expression) in &expressions {
        for (name, labels) in series(expression) {
            let there = shown.get(&name);
            let there = there.unwrap_or_else(|| panic!("{place}: there is no {name}"));
            for label in labels
                .iter()
                .filter(|label| !ADDED.contains(&label.as_str()))
            {
                assert!(there.contains(label), "{place}: {name} has no {label}");
            }
            for label in by(expression).filter(|label| !ADDED.contains(&label.as_str())) {
                assert!(there.contains(&label), "{place}: {name} has no {label}");
            }
            asked.insert(name);
        }
    }
    assert!(asked.len() > 20, "{asked:?}");
}

/// What an expression sums by.
fn by(expression: &str) -> impl Iterator<Item = String> {
    let groups = expression.split("by (").skip(1);
    let names = groups.flat_map(|rest| rest.split(')').next().unwrap_or_default().split(','));
    names.map(|name| name.trim().to_owned())
}
