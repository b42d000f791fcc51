//! Commands that only look: functions, versions, figures, costs.

use clap::Args;
use reqwest::Method;
use serde_json::Value;

use super::failure::Failure;
use super::output::{cell, ms};
use super::{Context, Target};

/// Whose figures, over which time.
#[derive(Debug, Clone, Args)]
pub(super) struct MetricsArgs {
    #[command(flatten)]
    target: Target,
    /// Only the last 1h, 24h, 7d …
    #[arg(long)]
    window: Option<String>,
}

/// Whose costs, since when.
#[derive(Debug, Clone, Args)]
pub(super) struct CostArgs {
    /// Name or id of a function; all functions when absent.
    #[arg(value_name = "FUNCTION")]
    name: Option<String>,
    /// The same as a flag.
    #[arg(short, long, value_name = "FUNCTION", conflicts_with = "name")]
    function: Option<String>,
    /// Since when: 7d, 30d, or a time.
    #[arg(long, default_value = "30d")]
    since: String,
}

pub(super) async fn list(context: &Context) -> Result<(), Failure> {
    let mut functions: Vec<Value> = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let mut request = context.client.request(Method::GET, &["functions"]);
        if let Some(cursor) = &cursor {
            request = request.query(&[("cursor", cursor)]);
        }
        let page = context.client.json(request).await?;
        functions.extend(page["functions"].as_array().cloned().unwrap_or_default());
        cursor = page["nextCursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    if context.output.is_json {
        context
            .output
            .document(serde_json::json!({ "functions": functions }));
        return Ok(());
    }
    if functions.is_empty() {
        context
            .output
            .say("no functions yet; `zygo init` writes one and `zygo deploy` deploys it");
        return Ok(());
    }
    let row = |function: &Value| {
        [
            "name",
            "runtime",
            "version",
            "memory",
            "circuitBreaker",
            "updatedAt",
            "id",
        ]
        .map(|field| cell(&function[field]))
        .to_vec()
    };
    let heading = [
        "name", "runtime", "version", "mb", "breaker", "updated", "id",
    ];
    context
        .output
        .table(&heading, functions.iter().map(row).collect());
    Ok(())
}

pub(super) async fn describe(target: &Target, context: &Context) -> Result<(), Failure> {
    let function = get(context, &target.name()?, &[]).await?;
    if context.output.is_json {
        context.output.document(function);
        return Ok(());
    }
    let fields = function["function"]
        .as_object()
        .cloned()
        .unwrap_or_default();
    let rows = fields
        .iter()
        .map(|(name, value)| vec![name.clone(), cell(value)]);
    context.output.table(&["field", "value"], rows.collect());
    Ok(())
}

pub(super) async fn versions(target: &Target, context: &Context) -> Result<(), Failure> {
    let page = get(context, &target.name()?, &["versions"]).await?;
    if context.output.is_json {
        context.output.document(page);
        return Ok(());
    }
    let row = |version: &Value| {
        let mark = if version["current"] == true { "*" } else { "" };
        let digest: String = cell(&version["digest"]).chars().take(12).collect();
        vec![
            format!("{}{mark}", version["version"]),
            digest,
            cell(&version["createdAt"]),
            cell(&version["createdBy"]),
            cell(&version["aliases"]),
        ]
    };
    let rows = page["versions"]
        .as_array()
        .into_iter()
        .flatten()
        .map(row)
        .collect();
    context
        .output
        .table(&["version", "digest", "created", "by", "aliases"], rows);
    Ok(())
}

pub(super) async fn metrics(args: &MetricsArgs, context: &Context) -> Result<(), Failure> {
    let name = args.target.name()?;
    let request = context
        .client
        .request(Method::GET, &["functions", &name, "metrics"]);
    let window = args.window.iter().map(|window| ("window", window));
    let answer = context
        .client
        .json(request.query(&window.collect::<Vec<_>>()))
        .await;
    let answer = match answer {
        Ok(answer) => answer,
        Err(failure) => return Err(context.client.explain(failure, &name).await),
    };
    if context.output.is_json {
        context.output.document(answer);
        return Ok(());
    }
    let figures = &answer["metrics"];
    let count = |label: &str, field: &str| vec![label.to_owned(), cell(&figures[field])];
    let percent =
        |label: &str, field: &str| vec![label.to_owned(), format!("{} %", cell(&figures[field]))];
    let time = |label: &str, field: &str| vec![label.to_owned(), ms(&figures[field])];
    let rows = vec![
        count("invocations", "invocations"),
        count("errors", "errors"),
        percent("error rate", "errorRate"),
        count("throttles", "throttles"),
        count("cold starts", "coldStarts"),
        percent("cold start rate", "coldStartRate"),
        time("average cold start", "avgColdStartDuration"),
        time("average", "avgDuration"),
        time("p50", "p50Duration"),
        time("p95", "p95Duration"),
        time("p99", "p99Duration"),
        count("memory, average MB", "avgMemoryMb"),
        vec!["cost".to_owned(), dollars(&figures["totalCost"])],
    ];
    context.output.table(&["metric", "value"], rows);
    Ok(())
}

pub(super) async fn cost(args: &CostArgs, context: &Context) -> Result<(), Failure> {
    let path = match args.name.as_ref().or(args.function.as_ref()) {
        Some(name) => vec!["functions", name.as_str(), "cost"],
        None => vec!["cost"],
    };
    let request = context.client.request(Method::GET, &path);
    let bill = context
        .client
        .json(request.query(&[("since", &args.since)]))
        .await?;
    if context.output.is_json {
        context.output.document(bill);
        return Ok(());
    }
    let row = |day: &Value| {
        vec![
            cell(&day["day"]),
            cell(&day["invocations"]),
            cell(&day["gbSeconds"]),
            dollars(&day["cost"]),
        ]
    };
    let mut rows: Vec<Vec<String>> = bill["days"]
        .as_array()
        .into_iter()
        .flatten()
        .map(row)
        .collect();
    rows.push(vec![
        "total".to_owned(),
        cell(&bill["invocations"]),
        cell(&bill["gbSeconds"]),
        dollars(&bill["total"]),
    ]);
    context
        .output
        .table(&["day", "invocations", "gb-seconds", "cost"], rows);
    Ok(())
}

/// What is below a function.
pub(super) async fn get(context: &Context, name: &str, rest: &[&str]) -> Result<Value, Failure> {
    let path: Vec<&str> = ["functions", name].iter().chain(rest).copied().collect();
    match context.client.get(&path).await {
        Ok(answer) => Ok(answer),
        Err(failure) => Err(context.client.explain(failure, name).await),
    }
}

fn dollars(value: &Value) -> String {
    value
        .as_f64()
        .map_or_else(|| "-".to_owned(), |dollars| format!("${dollars:.6}"))
}
