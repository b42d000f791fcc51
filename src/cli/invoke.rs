//! `zygo invoke`: the handler's answer on standard output, everything else on standard error.

use std::io::Read;
use std::time::Duration;

use clap::Args;
use reqwest::Method;
use serde_json::Value;

use super::failure::Failure;
use super::output::{BAD, FAINT, GOOD, ms, plain};
use super::{Context, Target};

/// The longest invocation there can be, and a little.
const TIMEOUT: Duration = Duration::from_secs(960);

/// What to invoke, and with what.
#[derive(Debug, Clone, Args)]
pub(super) struct InvokeArgs {
    #[command(flatten)]
    target: Target,
    /// The event's body as JSON; `-` reads it from standard input, `@file` from a file.
    #[arg(short, long, default_value = "{}")]
    data: String,
    /// A version's number, or an alias.
    #[arg(long)]
    qualifier: Option<String>,
    /// Wait for no answer; `zygo status` shows what comes of it.
    #[arg(long = "async")]
    later: bool,
}

pub(super) async fn invoke(args: &InvokeArgs, context: &Context) -> Result<(), Failure> {
    let name = args.target.name()?;
    let body = data(&args.data)?;
    let client = &context.client;
    let mut request = client
        .request(Method::POST, &["functions", &name, "invoke"])
        .header("content-type", "application/json")
        .timeout(TIMEOUT)
        .body(body);
    if let Some(qualifier) = &args.qualifier {
        request = request.query(&[("qualifier", qualifier)]);
    }
    if args.later {
        request = request.header("x-zygo-invocation", "event");
    }
    let envelope = match client.json(request).await {
        Ok(envelope) => envelope,
        Err(failure) => return Err(client.explain(failure, &name).await),
    };
    if context.output.is_json {
        context.output.document(envelope);
        return Ok(());
    }
    if args.later {
        let id = plain(envelope["requestId"].as_str().unwrap_or_default());
        context
            .output
            .say(&format!("{GOOD}queued{GOOD:#}: zygo status {id}"));
        context.output.line(&id);
        return Ok(());
    }
    for line in envelope["logs"].as_array().into_iter().flatten() {
        let line = plain(line.as_str().unwrap_or_default());
        context.output.say(&format!("{FAINT}| {line}{FAINT:#}"));
    }
    let style = if envelope["statusCode"]
        .as_u64()
        .is_some_and(|status| status >= 400)
    {
        BAD
    } else {
        GOOD
    };
    context.output.say(&format!(
        "{style}{}{style:#} in {} {FAINT}({} start, version {}, {} MB, {}){FAINT:#}",
        envelope["statusCode"],
        ms(&envelope["duration"]),
        envelope["startKind"].as_str().unwrap_or_default(),
        envelope["version"],
        envelope["memoryUsed"],
        plain(envelope["requestId"].as_str().unwrap_or_default()),
    ));
    context.output.line(&match &envelope["body"] {
        Value::String(text) => plain_lines(text),
        body => serde_json::to_string_pretty(body).unwrap_or_default(),
    });
    Ok(())
}

/// A text of several lines keeps them.
fn plain_lines(text: &str) -> String {
    text.lines().map(plain).collect::<Vec<_>>().join("\n")
}

pub(super) fn data(text: &str) -> Result<String, Failure> {
    let text = match text.strip_prefix('@') {
        _ if text == "-" => {
            let mut read = String::new();
            std::io::stdin().read_to_string(&mut read)?;
            read
        }
        Some(file) => std::fs::read_to_string(file)
            .map_err(|error| Failure::usage(format!("{file}: {error}")))?,
        None => text.to_owned(),
    };
    serde_json::from_str::<&serde_json::value::RawValue>(&text)
        .map_err(|error| Failure::usage(format!("--data is no JSON: {error}")))?;
    Ok(text)
}
