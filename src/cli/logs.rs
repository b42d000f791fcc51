//! `zygo logs`: lines that were written, and those that come.

use std::time::Duration;

use clap::Args;
use reqwest::{Method, Response};
use serde_json::Value;

use super::failure::Failure;
use super::output::{BAD, FAINT, ODD, Output, plain};
use super::{Context, Target};

/// After a lost connection, how long to wait before the next.
const RECONNECT_PAUSE: Duration = Duration::from_secs(1);
/// A platform that cannot be reached so often in a row is gone.
const RECONNECTS_MAX: u32 = 30;

/// Which lines.
#[derive(Debug, Clone, Args)]
pub(super) struct LogsArgs {
    #[command(flatten)]
    target: Target,
    /// Go on with the lines that come.
    #[arg(short, long, visible_alias = "follow")]
    tail: bool,
    /// Lines since then: 30m, 1h, 2d, or a time.
    #[arg(long)]
    since: Option<String>,
    /// Lines until then.
    #[arg(long)]
    until: Option<String>,
    /// This level and worse: debug, info, warn or error.
    #[arg(long)]
    level: Option<String>,
    /// Lines with this text.
    #[arg(short = 'q', long, visible_alias = "q")]
    search: Option<String>,
    /// Lines of this request.
    #[arg(long, visible_alias = "invocation")]
    request_id: Option<String>,
    /// How many lines.
    #[arg(short = 'n', long, default_value_t = 100)]
    limit: u32,
}

pub(super) async fn logs(args: &LogsArgs, context: &Context) -> Result<(), Failure> {
    let name = args.target.name()?;
    if args.tail {
        return tail(args, &name, context).await;
    }
    let request = context
        .client
        .request(Method::GET, &["functions", &name, "logs"]);
    let page = match context.client.json(request.query(&query(args))).await {
        Ok(page) => page,
        Err(failure) => return Err(context.client.explain(failure, &name).await),
    };
    if context.output.is_json {
        context.output.document(page);
        return Ok(());
    }
    for line in page["logs"].as_array().into_iter().flatten() {
        print(line, context.output);
    }
    Ok(())
}

/// Follows everything that a function writes from now on.
pub(super) async fn follow(name: &str, context: &Context) -> Result<(), Failure> {
    let args = LogsArgs {
        target: Target {
            name: Some(name.to_owned()),
            function: None,
        },
        tail: true,
        since: None,
        until: None,
        level: None,
        search: None,
        request_id: None,
        limit: 1,
    };
    tail(&args, name, context).await
}

fn query(args: &LogsArgs) -> Vec<(&'static str, String)> {
    let optional = [
        ("since", &args.since),
        ("until", &args.until),
        ("level", &args.level),
        ("q", &args.search),
        ("requestId", &args.request_id),
    ];
    let given = optional
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.clone()?)));
    given.chain([("limit", args.limit.to_string())]).collect()
}

/// Follows for ever. A lost connection is taken up again after the last line that was seen.
async fn tail(args: &LogsArgs, name: &str, context: &Context) -> Result<(), Failure> {
    let (mut last, mut failures) = (None, 0);
    loop {
        let mut request = context
            .client
            .request(Method::GET, &["functions", name, "logs"])
            .header("accept", "text/event-stream")
            .query(&query(args));
        if let Some(last) = &last {
            request = request.header("last-event-id", String::clone(last));
        }
        match context.client.send(request).await {
            Ok(stream) => {
                failures = 0;
                read(stream, &mut last, context.output).await;
            }
            Err(failure @ Failure::Refused { .. }) => {
                return Err(context.client.explain(failure, name).await);
            }
            Err(failure) if failures >= RECONNECTS_MAX || last.is_none() => return Err(failure),
            Err(_) => failures += 1,
        }
        tokio::time::sleep(RECONNECT_PAUSE).await;
    }
}

/// Prints events until the stream ends.
async fn read(mut stream: Response, last: &mut Option<String>, output: Output) {
    let mut pending = Vec::new();
    while let Ok(Some(chunk)) = stream.chunk().await {
        pending.extend_from_slice(&chunk);
        while let Some(end) = pending.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = pending.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            if let Some(id) = line.strip_prefix("id: ") {
                *last = Some(id.trim().to_owned());
            } else if let Some(data) = line.strip_prefix("data: ")
                && let Ok(line) = serde_json::from_str::<Value>(data)
            {
                match output.is_json {
                    true => output.line(data.trim()),
                    false => print(&line, output),
                }
            }
        }
    }
}

fn print(line: &Value, output: Output) {
    let text = |field: &str| plain(line[field].as_str().unwrap_or_default());
    let style = match line["level"].as_str() {
        Some("error") => BAD,
        Some("warn") => ODD,
        _ => anstyle::Style::new(),
    };
    let (time, level, message) = (text("time"), text("level"), text("message"));
    let request = line["requestId"]
        .as_str()
        .map(plain)
        .unwrap_or_else(|| "-".to_owned());
    output.line(&format!(
        "{FAINT}{time} {request}{FAINT:#} {style}{level:5}{style:#} {message}"
    ));
}
