//! `zygo rollout`: a part of a function's calls on another version.

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::change::{done, listed, or_explain};
use super::failure::Failure;
use super::output::{cell, plain};
use super::show::get;
use super::{Context, Target};

#[derive(Debug, Clone, Subcommand)]
pub(super) enum RolloutCommand {
    /// Send a part of the calls to another version, or another part.
    #[command(disable_version_flag = true)]
    Start(Box<StartArgs>),
    /// Show how both versions do.
    Show(Target),
    /// Let the other version serve all calls.
    Promote(Target),
    /// Let the current version serve all calls.
    End(Target),
}

/// Which version, and which calls.
#[derive(Debug, Clone, Args)]
pub(super) struct StartArgs {
    #[command(flatten)]
    target: Target,
    /// The other version; `zygo deploy --stage` makes one.
    #[arg(long)]
    version: u32,
    /// So many calls of a hundred go to it.
    #[arg(long)]
    percent: f64,
    /// Keep callers with one version by what this header says.
    #[arg(long, value_name = "HEADER", conflicts_with = "by_cookie")]
    by_header: Option<String>,
    /// Keep callers with one version by what this cookie says.
    #[arg(long, value_name = "COOKIE")]
    by_cookie: Option<String>,
    /// Repeat so many calls of a hundred on the other version, and compare the answers.
    #[arg(long, value_name = "PERCENT")]
    shadow_percent: Option<f64>,
    /// Take the other version back when a larger part of its invocations fails, 0 to 1.
    #[arg(long, value_name = "RATE")]
    error_rate: Option<f64>,
    /// Take it back when 95 of 100 of its invocations take longer.
    #[arg(long, value_name = "MS")]
    p95_ms: Option<u64>,
    /// Wait for so many of its invocations before that.
    #[arg(long, value_name = "COUNT")]
    invocations: Option<u64>,
}

impl StartArgs {
    fn body(&self) -> Value {
        let mut body = Map::from_iter([
            ("version".to_owned(), json!(self.version)),
            ("percent".to_owned(), json!(self.percent)),
        ]);
        if let Some(name) = &self.by_header {
            body.insert("stickiness".to_owned(), json!({ "header": name }));
        }
        if let Some(name) = &self.by_cookie {
            body.insert("stickiness".to_owned(), json!({ "cookie": name }));
        }
        if let Some(percent) = self.shadow_percent {
            body.insert("shadowPercent".to_owned(), json!(percent));
        }
        let guard = [
            ("errorRate", self.error_rate.map(Value::from)),
            ("p95Ms", self.p95_ms.map(Value::from)),
            ("invocations", self.invocations.map(Value::from)),
        ];
        let guard: Map<String, Value> = guard
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)))
            .collect();
        if !guard.is_empty() {
            body.insert("rollback".to_owned(), guard.into());
        }
        body.into()
    }
}

pub(super) async fn rollout(command: RolloutCommand, context: &Context) -> Result<(), Failure> {
    match command {
        RolloutCommand::Start(args) => {
            let said = format!(
                "{} % of the calls go to version {}",
                args.percent, args.version
            );
            let body = Some(args.body());
            act(context, &args.target, Method::PUT, &[], body, &said).await
        }
        RolloutCommand::Show(target) => show(&target, context).await,
        RolloutCommand::Promote(target) => {
            let said = "the other version serves now";
            let body = Some(json!({}));
            act(context, &target, Method::POST, &["promote"], body, said).await
        }
        RolloutCommand::End(target) => {
            let said = "the current version serves all calls";
            act(context, &target, Method::DELETE, &[], None, said).await
        }
    }
}

async fn act(
    context: &Context,
    target: &Target,
    method: Method,
    rest: &[&str],
    body: Option<Value>,
    said: &str,
) -> Result<(), Failure> {
    let name = target.name()?;
    let path = [&["functions", name.as_str(), "rollout"], rest].concat();
    let client = &context.client;
    let answer = match body {
        Some(body) => client.call(method, &path, &body).await,
        None => client.json(client.request(method, &path)).await,
    };
    let answer = or_explain(context, answer, &name).await?;
    done(context, answer, &format!("{}: {said}", plain(&name)));
    Ok(())
}

async fn show(target: &Target, context: &Context) -> Result<(), Failure> {
    let answer = get(context, &target.name()?, &["rollout"]).await?;
    if context.output.is_json {
        context.output.document(answer);
        return Ok(());
    }
    let rollout = &answer["rollout"];
    let fields = ["version", "invocations", "errors", "errorRate", "p95Ms"];
    let row = |which: &str| {
        let side = &rollout[which];
        let cells = fields.iter().map(|field| cell(&side[*field]));
        std::iter::once(which.to_owned()).chain(cells).collect()
    };
    let heading = [
        "",
        "version",
        "invocations",
        "errors",
        "error rate",
        "p95 ms",
    ];
    context
        .output
        .table(&heading, vec![row("current"), row("candidate")]);
    let percent = cell(&rollout["settings"]["percent"]);
    let state = match rollout["reason"].as_str() {
        Some(reason) => format!("rolled back: {}", plain(reason)),
        None => format!("running, {percent} % of the calls go to the candidate"),
    };
    context.output.say(&state);
    let shadows = &rollout["shadows"];
    if shadows["same"] != 0 || shadows["different"] != 0 {
        let (same, different) = (cell(&shadows["same"]), cell(&shadows["different"]));
        let said = format!("repeated calls: {same} answered alike, {different} otherwise");
        context.output.say(&said);
        let fields = ["requestId", "field", "current", "candidate"];
        listed(context, shadows.clone(), "differences", &fields);
    }
    Ok(())
}
