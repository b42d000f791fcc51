//! Traces in the format of the Azure Functions data set of 2019: one file per day, one line per function, its calls by
//! minute.
//!
//! ```text
//! HashOwner,HashApp,HashFunction,Trigger,1,2,…,1440
//! ```

use std::collections::BTreeMap;
use std::io::BufRead;
use std::path::PathBuf;

use crate::trace::{Calls, Function, Spread, Trigger, spread};

const MINUTES: usize = 1440;
/// The counts do not say how long calls take, nor how much memory they need; the data set's other files would.
const SECONDS: f64 = 0.5;
const MEGABYTES: f64 = 128.0;

#[derive(Debug, thiserror::Error)]
pub(crate) enum AzureError {
    #[error("cannot read {file}: {source}")]
    Read {
        file: String,
        source: std::io::Error,
    },
    #[error("{file}:{line}: {what}")]
    Line {
        file: String,
        line: usize,
        what: &'static str,
    },
}

#[derive(Debug)]
struct Row {
    trigger: Trigger,
    counts: Vec<(u64, u32)>,
}

/// All functions of the files, which are days in order.
pub(crate) fn functions(files: &[PathBuf], seed: u64) -> Result<Vec<Function>, AzureError> {
    let mut rows = BTreeMap::new();
    for (file, day) in files.iter().zip(0..) {
        let name = file.display().to_string();
        let opened = std::fs::File::open(file);
        let opened = opened.map_err(|source| AzureError::Read {
            file: name.clone(),
            source,
        })?;
        read_day(&name, std::io::BufReader::new(opened), day, &mut rows)?;
    }
    let mut random = fastrand::Rng::with_seed(seed);
    Ok(rows
        .into_values()
        .map(|row| function(&row, &mut random))
        .collect())
}

fn read_day(
    file: &str,
    text: impl BufRead,
    day: u64,
    rows: &mut BTreeMap<String, Row>,
) -> Result<(), AzureError> {
    for (line, number) in text.lines().zip(1..) {
        let line = line.map_err(|source| AzureError::Read {
            file: file.to_owned(),
            source,
        })?;
        if line.trim().is_empty() || line.starts_with("HashOwner") {
            continue;
        }
        read_line(line.trim(), day, rows).map_err(|what| AzureError::Line {
            file: file.to_owned(),
            line: number,
            what,
        })?;
    }
    Ok(())
}

fn read_line(line: &str, day: u64, rows: &mut BTreeMap<String, Row>) -> Result<(), &'static str> {
    let fields: Vec<&str> = line.split(',').collect();
    if fields.len() != 4 + MINUTES {
        return Err("a line has four names and 1440 counts");
    }
    let trigger = trigger(fields[3]);
    let row = rows.entry(fields[..4].join(",")).or_insert_with(|| Row {
        trigger,
        counts: Vec::new(),
    });
    for (field, minute) in fields[4..].iter().zip(day * 1440..) {
        let count = field.parse().map_err(|_| "a count is a whole number")?;
        if count > 0 {
            row.counts.push((minute, count));
        }
    }
    Ok(())
}

fn trigger(name: &str) -> Trigger {
    match name {
        "http" => Trigger::Http,
        "queue" => Trigger::Queue,
        "event" => Trigger::Event,
        "timer" => Trigger::Timer,
        "orchestration" => Trigger::Orchestration,
        _ => Trigger::Other,
    }
}

/// A timer fires at one second of its minutes; which one, the counts do not say.
fn function(row: &Row, random: &mut fastrand::Rng) -> Function {
    let second = (row.trigger == Trigger::Timer).then(|| random.u32(0..50));
    let how = Spread {
        second,
        within: 60.0,
        seconds: SECONDS,
    };
    let calls = row
        .counts
        .iter()
        .flat_map(|(minute, count)| spread(*minute, *count, how, random));
    let calls: Vec<Calls> = calls.collect();
    Function {
        trigger: row.trigger,
        megabytes: MEGABYTES,
        seconds: SECONDS,
        calls,
        ticks: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::START;

    /// A day in which a function is called at some minutes, numbered from one as in the files.
    fn line(name: &str, trigger: &str, calls: &[(usize, u32)]) -> String {
        let mut counts = vec![0; MINUTES];
        calls
            .iter()
            .for_each(|(minute, count)| counts[minute - 1] = *count);
        let counts: Vec<String> = counts.iter().map(u32::to_string).collect();
        format!("owner,app,{name},{trigger},{}\n", counts.join(","))
    }

    fn read(days: &[String]) -> Result<Vec<Function>, AzureError> {
        let mut rows = BTreeMap::new();
        for (day, number) in days.iter().zip(0..) {
            read_day("day", day.as_bytes(), number, &mut rows)?;
        }
        let mut random = fastrand::Rng::with_seed(1);
        Ok(rows
            .values()
            .map(|row| function(row, &mut random))
            .collect())
    }

    #[test]
    fn days_are_joined_by_function() {
        let header = "HashOwner,HashApp,HashFunction,Trigger,1,2\n";
        let first = format!(
            "{header}{}{}",
            line("a", "timer", &[(1, 1)]),
            line("b", "http", &[(1440, 5)])
        );
        let functions = read(&[first, line("a", "timer", &[(61, 1)])]).expect("two days");
        assert_eq!(functions.len(), 2);
        let minutes: Vec<u64> = functions[0]
            .calls
            .iter()
            .map(|calls| (calls.at.0 - START) / 60)
            .collect();
        assert_eq!(
            (functions[0].trigger, minutes),
            (Trigger::Timer, vec![0, 1440 + 60])
        );
        assert_eq!(
            functions[1]
                .calls
                .iter()
                .map(|calls| calls.count)
                .sum::<u32>(),
            5
        );
    }

    /// Two days of an hourly timer, of a pair of calls five minutes apart, and of one call in the last minute.
    #[test]
    fn files_of_two_days_have_the_outcome_that_one_can_count() {
        let file = |day: u32| {
            let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
            folder.join(format!("fixtures/day{day}.csv"))
        };
        let functions = functions(&[file(1), file(2)], 1).expect("the files");
        let outcome = |function: &Function| {
            let mut policy = zygo_forecast::baseline::Fixed::minutes(10);
            let outcome = crate::replay::replay(function, &mut policy, crate::synthetic::end(2));
            (outcome.calls, outcome.cold)
        };
        let outcomes: Vec<(u64, u64)> = functions.iter().map(outcome).collect();
        assert_eq!(outcomes, [(48, 48), (1, 1), (4, 2)]);
    }

    #[test]
    fn a_wrong_line_is_named() {
        let error = read(&["owner,app,a,http,1,2\n".to_owned()]).expect_err("too short");
        assert_eq!(
            error.to_string(),
            "day:1: a line has four names and 1440 counts"
        );
        let wrong = line("a", "http", &[]).replacen(",0,", ",-1,", 1);
        assert!(read(&[wrong]).is_err());
    }
}
