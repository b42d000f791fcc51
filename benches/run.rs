//! One run: everything that was asked for, in order, then the record and its reports.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use crate::cli::{self, Part};
use crate::host::{self, machine};
use crate::measure::{self, Bench};
use crate::record::Record;
use crate::report;
use crate::subject::platform::Platform;

/// Measures and reports.
pub(crate) fn run(options: &cli::Run) -> Result<()> {
    let begun = Instant::now();
    let mut bench = Bench::new(options, blank(options));
    measure_platform(&mut bench);
    measure_apart(&mut bench);
    if options.wants(Part::Peers) {
        measure::peers::all(&mut bench);
    }
    ensure!(
        !bench.record.series.is_empty()
            || !bench.record.memory.is_empty()
            || !bench.record.overload.is_empty(),
        "nothing could be measured"
    );
    std::fs::create_dir_all(&options.out)
        .with_context(|| format!("creating {}", options.out.display()))?;
    let name = format!(
        "{}-{}{}.json",
        bench.record.date,
        bench.record.commit,
        if options.quick { "-quick" } else { "" }
    );
    let path = options.out.join(name);
    bench.record.write(&path)?;
    host::say(&format!(
        "{} s; written: {}",
        begun.elapsed().as_secs(),
        path.display()
    ));
    report::rewrite(&path, &options.budgets)?;
    check_bill(&bench)
}

/// Figures that differ are no slowness to be looked at later, but an error.
fn check_bill(bench: &Bench<'_>) -> Result<()> {
    if !bench.options.wants(Part::Bill) {
        return Ok(());
    }
    let bill = bench.record.bill.as_ref();
    let differences = &bill.context("the bill could not be checked")?.differences;
    ensure!(
        differences.is_empty(),
        "the bill is wrong: {}",
        differences.join("; ")
    );
    Ok(())
}

fn blank(options: &cli::Run) -> Record {
    let started = machine::now();
    Record {
        schema: 1,
        date: machine::day(started),
        started,
        commit: machine::commit(),
        quick: options.quick,
        cores: match options.pin {
            cli::Pin::Split => {
                "throughput: the generator has the last core, the server all others".to_owned()
            }
            cli::Pin::None => "generator and server share all cores".to_owned(),
        },
        machine: machine::look(),
        others: crate::record::Others::default(),
        series: Vec::new(),
        memory: Vec::new(),
        lines: Vec::new(),
        bill: None,
        traced: Vec::new(),
        overload: Vec::new(),
        workloads: Vec::new(),
        notes: Vec::new(),
    }
}

fn measure_platform(bench: &mut Bench<'_>) {
    let parts = [
        Part::Cold,
        Part::Heavy,
        Part::Warm,
        Part::Fresh,
        Part::Burst,
        Part::Memory,
        Part::Streams,
    ];
    if !parts.into_iter().any(|part| bench.options.wants(part)) {
        return;
    }
    match executable(bench.options).and_then(|path| start(&path, bench.options)) {
        Ok(platform) => measure_running(bench, platform),
        Err(error) => bench.note(format!("zygo was not measured: {error:#}")),
    }
}

fn measure_apart(bench: &mut Bench<'_>) {
    let parts = [
        Part::Logs,
        Part::Reload,
        Part::Bill,
        Part::Isolation,
        Part::Traces,
        Part::Sockets,
        Part::Overload,
        Part::Goodput,
        Part::Many,
        Part::Bursts,
        Part::Workloads,
        Part::Growth,
    ];
    if !parts.into_iter().any(|part| bench.options.wants(part)) {
        return;
    }
    match executable(bench.options) {
        Ok(path) => measure::apart(bench, &path),
        Err(error) => bench.note(format!("zygo was not measured: {error:#}")),
    }
}

fn executable(options: &cli::Run) -> Result<PathBuf> {
    if let Some(path) = &options.zygo {
        return path
            .canonicalize()
            .with_context(|| format!("looking for {}", path.display()));
    }
    let path = std::env::current_exe()?.with_file_name("zygo");
    ensure!(
        path.exists(),
        "there is no {}; build it or give --zygo",
        path.display()
    );
    Ok(path)
}

fn start(executable: &Path, options: &cli::Run) -> Result<Platform> {
    let port = options.port.map_or_else(host::free_port, Ok)?;
    Platform::start(executable, port)
}

fn measure_running(bench: &mut Bench<'_>, mut platform: Platform) {
    host::say(&format!(
        "zygo is ready after {} ms",
        platform.start_took.as_millis()
    ));
    measure::platform(bench, &mut platform);
    let log = platform.log_tail();
    if let Err(error) = platform.stop() {
        bench.note(format!("{error:#}; its log ended with:\n{log}"));
    }
}
