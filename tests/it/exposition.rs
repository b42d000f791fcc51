//! Reads OpenMetrics text as strictly as a scraper may. Knows the format, and none of the figures.

use std::collections::{BTreeMap, BTreeSet};

/// Labels without `le`, as written.
type Labels = String;

/// All samples by their name and labels, as written.
#[derive(Debug, Default)]
pub(crate) struct Exposition {
    pub(crate) samples: BTreeMap<String, f64>,
    /// Families with their types.
    pub(crate) types: BTreeMap<String, String>,
}

impl Exposition {
    /// Reads a whole text.
    ///
    /// # Panics
    /// When it breaks a rule of the format.
    #[track_caller]
    pub(crate) fn read(text: &str) -> Self {
        let lines = text.strip_suffix("# EOF\n").expect("an end");
        let mut read = Self::default();
        let (mut family, mut has_help) = (String::new(), BTreeSet::new());
        for line in lines.lines() {
            match line.strip_prefix("# ") {
                Some(about) => {
                    let mut words = about.splitn(3, ' ');
                    let [what, name, rest] = [(); 3].map(|()| words.next().expect("three words"));
                    assert_name(name, line);
                    match what {
                        "HELP" => assert!(has_help.insert(name.to_owned()), "twice: {line}"),
                        "TYPE" => {
                            let before = read.types.insert(name.to_owned(), rest.to_owned());
                            assert_eq!(before, None, "families lie together: {line}");
                            name.clone_into(&mut family);
                        }
                        "UNIT" => assert!(name.ends_with(&format!("_{rest}")), "{line}"),
                        _ => panic!("{line}"),
                    }
                }
                None => read.sample(line, &family),
            }
        }
        assert_eq!(
            has_help,
            read.types.keys().cloned().collect(),
            "help for each"
        );
        read.check_histograms();
        read
    }

    /// One sample, which must belong to the family above it.
    fn sample(&mut self, line: &str, family: &str) {
        let (series, value) = line.rsplit_once(' ').expect("a value");
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        let suffix = name
            .strip_prefix(family)
            .unwrap_or_else(|| panic!("not of {family}: {line}"));
        let allowed: &[&str] = match self.types[family].as_str() {
            "counter" => &["_total"],
            "histogram" => &["_bucket", "_sum", "_count"],
            "gauge" => &[""],
            other => panic!("{other} in {line}"),
        };
        assert!(allowed.contains(&suffix), "{line}");
        let labels = labels.strip_suffix('}').expect("the labels' end");
        for label in labels.split_terminator("\",") {
            let (label, _) = label.split_once("=\"").unwrap_or_else(|| panic!("{line}"));
            assert_name(label, line);
        }
        let value: f64 = value
            .parse()
            .unwrap_or_else(|_| panic!("no number: {line}"));
        assert!(suffix.is_empty() || value >= 0.0, "{line}");
        let before = self.samples.insert(series.to_owned(), value);
        assert_eq!(before, None, "twice: {line}");
    }

    /// Buckets rise to the count, and each histogram has a sum.
    fn check_histograms(&self) {
        let mut buckets: BTreeMap<(String, Labels), Vec<(f64, f64)>> = BTreeMap::new();
        for (series, value) in &self.samples {
            if let Some((name, labels)) = series.split_once("_bucket{le=\"") {
                let (bound, rest) = labels.split_once('"').expect("a bound");
                let bound = bound.parse().expect("a number");
                let labels = rest
                    .trim_start_matches(',')
                    .trim_end_matches('}')
                    .to_owned();
                let key = (name.to_owned(), labels);
                buckets.entry(key).or_default().push((bound, *value));
            }
        }
        for ((name, labels), mut buckets) in buckets {
            buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
            assert!(
                buckets.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1),
                "{name} {buckets:?}"
            );
            let (last, all) = *buckets.last().expect("a bucket");
            assert!(last.is_infinite(), "{name}");
            assert!((self.value(&format!("{name}_count"), &labels) - all).abs() < 0.5);
            self.value(&format!("{name}_sum"), &labels);
        }
        let histograms = self.types.values().filter(|kind| *kind == "histogram");
        assert!(histograms.count() > 0);
    }

    /// A sample's value.
    ///
    /// # Panics
    /// When it is not there.
    #[track_caller]
    pub(crate) fn value(&self, name: &str, labels: &str) -> f64 {
        let series = format!("{name}{{{labels}}}");
        let found = self.samples.get(&series).or_else(|| self.samples.get(name));
        *found.unwrap_or_else(|| panic!("{series} in {:#?}", self.samples.keys()))
    }
}

fn assert_name(name: &str, line: &str) {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic());
    assert!(begins && name.chars().all(allowed), "{line}");
}
