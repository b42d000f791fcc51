//! `zygo-bench instructions`: how many instructions pieces of the hot code take, by callgrind, and whether that is within
//! their budgets. Counts are the same on a busy machine, so this can be a test.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use crate::cli;
use crate::host;

/// More than this share above its budget fails; as much below it is worth a lower budget.
const TOLERATED: f64 = 0.05;
/// A piece is run so many times, and so many times more: the difference is without the start of the program.
const TIMES: u64 = 100;
const TIMES_MORE: u64 = 500;

/// What a piece may take.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Budget {
    piece: String,
    what: String,
    instructions: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    budget: Vec<Budget>,
}

/// What it takes.
#[derive(Debug, Serialize)]
struct Count {
    piece: String,
    what: String,
    budget: f64,
    instructions: f64,
}

/// Counts all pieces that have a budget, and shows them. Fails when one takes too many.
pub(crate) fn run(options: &cli::Instructions) -> Result<()> {
    let program = std::env::current_exe()?.with_file_name("zygo-instructions");
    ensure!(
        program.exists(),
        "there is no {}; build it",
        program.display()
    );
    let path = &options.budgets;
    let text =
        std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let file: File =
        toml::from_str(&text).with_context(|| format!("reading {}", path.display()))?;
    let counts = file
        .budget
        .into_iter()
        .map(|budget| count(&program, budget))
        .collect::<Result<Vec<_>>>()?;
    host::answer(&table(&counts));
    if let Some(out) = &options.out {
        write(out, &counts)?;
    }
    let beyond: Vec<String> = counts
        .iter()
        .filter(|count| count.change() > TOLERATED)
        .map(Count::words)
        .collect();
    ensure!(
        beyond.is_empty(),
        "more instructions than {} allows (of a release build): {}",
        path.display(),
        beyond.join("; ")
    );
    Ok(())
}

impl Count {
    fn change(&self) -> f64 {
        self.instructions / self.budget - 1.0
    }

    fn words(&self) -> String {
        format!(
            "{} takes {:.0}, which is {:+.1} %",
            self.piece,
            self.instructions,
            self.change() * 100.0
        )
    }
}

fn count(program: &Path, budget: Budget) -> Result<Count> {
    let Budget {
        piece,
        what,
        instructions,
    } = budget;
    let few = collected(program, &piece, TIMES)?;
    let many = collected(program, &piece, TIMES + TIMES_MORE)?;
    ensure!(
        many > few,
        "{piece}: {many} instructions for more turns, {few} for fewer"
    );
    let took = (many - few) as f64 / TIMES_MORE as f64;
    host::say(&format!("  {piece}: {took:.0} instructions"));
    Ok(Count {
        piece,
        what,
        budget: instructions,
        instructions: took,
    })
}

/// All instructions of one run of the program.
fn collected(program: &Path, piece: &str, times: u64) -> Result<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args([piece, &times.to_string()])
        .output()
        .context("starting valgrind (Debian: valgrind)")?;
    let told = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!("{piece}: {}: {}", output.status, told.trim());
    }
    parse(&told).with_context(|| format!("{piece}: valgrind told no count: {}", told.trim()))
}

fn parse(told: &str) -> Option<u64> {
    told.lines()
        .find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok())
}

fn table(counts: &[Count]) -> String {
    let mut text =
        "| piece | | instructions | budget | | |\n|---|---|---|---|---|---|\n".to_owned();
    for count in counts {
        let change = count.change();
        let word = match change {
            change if change > TOLERATED => "**too many**",
            change if change < -TOLERATED => "the budget can be lower",
            _ => "kept",
        };
        let Count {
            piece,
            what,
            budget,
            instructions,
        } = count;
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "| `{piece}` | {what} | {instructions:.0} | {budget:.0} | {:+.1} % | {word} |",
            change * 100.0
        );
    }
    text
}

fn write(out: &Path, counts: &[Count]) -> Result<()> {
    use crate::host::machine;
    std::fs::create_dir_all(out).with_context(|| format!("creating {}", out.display()))?;
    let name = format!(
        "{}-{}-instructions",
        machine::day(machine::now()),
        machine::commit()
    );
    let file = |extension: &str| -> PathBuf { out.join(&name).with_extension(extension) };
    std::fs::write(file("json"), serde_json::to_vec_pretty(counts)?)?;
    let head = format!(
        "# Instructions of the hot code, commit {}\n\n",
        machine::commit()
    );
    std::fs::write(file("md"), head + &table(counts))?;
    host::say(&format!("written: {}", file("md").display()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_found_among_what_valgrind_tells() {
        assert_eq!(
            parse("==9== Events    : Ir\n==9== Collected : 123456\n==9==\n"),
            Some(123_456)
        );
        assert_eq!(parse("==9== I am dead\n"), None);
    }

    #[test]
    fn five_percent_more_are_tolerated() {
        let count = |instructions| Count {
            piece: "a".to_owned(),
            what: String::new(),
            budget: 1000.0,
            instructions,
        };
        let text = table(&[count(1049.0), count(1051.0), count(900.0)]);
        let lines: Vec<&str> = text.lines().skip(2).collect();
        assert!(
            lines[0].contains("kept")
                && lines[1].contains("too many")
                && lines[2].contains("lower")
        );
    }
}
