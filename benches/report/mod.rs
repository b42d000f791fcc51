//! What people read: tables and plots made of a record. Knows nothing of how it was measured.

mod apart;
mod axes;
mod bars;
mod budgets;
pub(crate) mod compare;
mod curves;
mod growth;
mod lines;
mod markdown;
mod numbers;
mod overload;
mod plots;
mod svg;
mod workloads;

use std::path::Path;

use anyhow::{Context, Result};

use crate::host;
use crate::record::Record;

/// Writes the table and the plots beside a record, and shows the table of promises.
pub(crate) fn rewrite(path: &Path, budgets: &Path) -> Result<()> {
    let record = Record::read(path)?;
    let verdicts = budgets::check(&budgets::read(budgets)?, &record);
    let stem = path
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let plots = [
        plots::draw(&record),
        workloads::draw(&record),
        growth::draw(&record),
    ]
    .concat();
    for (name, svg) in &plots {
        write(&path.with_file_name(format!("{stem}-{name}.svg")), svg)?;
    }
    let names: Vec<_> = plots
        .iter()
        .map(|(name, _)| format!("{stem}-{name}.svg"))
        .collect();
    write(
        &path.with_extension("md"),
        &markdown::page(&record, &verdicts, &names),
    )?;
    host::answer(&(markdown::caveat(&record) + "\n" + &markdown::promises(&verdicts)));
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}
