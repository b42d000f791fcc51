//! `zygo alerts`: what is wrong with functions, what is watched, and who is told.

use std::time::{Duration, Instant};

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::Context;
use super::change::{done, listed, or_explain, value};
use super::failure::Failure;
use super::output::{cell, plain};

/// How long to wait for the first attempt of a test: a little more than the platform gives the receiver.
const TEST_TIMEOUT: Duration = Duration::from_secs(8);
/// How often its delivery is looked at.
const TEST_PAUSE: Duration = Duration::from_millis(100);

/// Which alerts, or what else about them.
#[derive(Debug, Clone, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct AlertArgs {
    #[command(subcommand)]
    command: Option<AlertCommand>,
    /// firing or resolved; both when absent.
    #[arg(long)]
    state: Option<String>,
    /// Only those of one function.
    #[arg(short, long)]
    function: Option<String>,
    /// How many, the newest first.
    #[arg(short = 'n', long, default_value_t = 20)]
    limit: u32,
}

#[derive(Debug, Clone, Subcommand)]
enum AlertCommand {
    /// Show or set the rules of the platform, or of a function.
    Rules(RuleArgs),
    /// Where alerts are sent.
    Webhooks {
        #[command(subcommand)]
        command: Option<WebhookCommand>,
    },
}

/// Whose rules, and what is to be done with them.
#[derive(Debug, Clone, Args)]
struct RuleArgs {
    /// Name or id of a function; the platform when absent.
    #[arg(short, long, global = true)]
    function: Option<String>,
    #[command(subcommand)]
    command: Option<RuleCommand>,
}

#[derive(Debug, Clone, Subcommand)]
enum RuleCommand {
    /// Set fields: errorRate.thresholdPercent=10 coldStartRate.enabled=false; null unsets one.
    Set {
        /// rule.field=value.
        #[arg(required = true, value_name = "KEY=VALUE")]
        fields: Vec<String>,
    },
    /// Unset every field.
    Reset,
}

#[derive(Debug, Clone, Subcommand)]
enum WebhookCommand {
    /// List webhooks.
    Ls,
    /// Send alerts to an address.
    Add {
        /// http or https.
        #[arg(value_name = "URL")]
        address: String,
        /// Sign what is sent with a secret, read from the terminal or from standard input.
        #[arg(long)]
        secret_stdin: bool,
    },
    /// Send no more to an address.
    Rm {
        /// Its id.
        id: String,
    },
    /// Send a notice of nothing and say whether it arrives.
    Test {
        /// Its id.
        id: String,
    },
    /// Show what was sent, and what came of it.
    Deliveries {
        /// Its id.
        id: String,
    },
}

pub(super) async fn alerts(args: AlertArgs, context: &Context) -> Result<(), Failure> {
    match args.command {
        Some(AlertCommand::Rules(args)) => rules(&args, context).await,
        Some(AlertCommand::Webhooks { command }) => {
            webhooks(command.unwrap_or(WebhookCommand::Ls), context).await
        }
        None => list(&args, context).await,
    }
}

async fn list(args: &AlertArgs, context: &Context) -> Result<(), Failure> {
    let mut query = vec![("limit", args.limit.to_string())];
    let filters = [("state", &args.state), ("function", &args.function)];
    query.extend(
        filters
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.clone()?))),
    );
    let request = context
        .client
        .request(Method::GET, &["alerts"])
        .query(&query);
    let answer = context.client.json(request).await?;
    if context.output.is_json {
        context.output.document(answer);
        return Ok(());
    }
    let alerts = answer["alerts"].as_array().cloned().unwrap_or_default();
    if alerts.is_empty() {
        context.output.say("no alerts");
        return Ok(());
    }
    let row = |alert: &Value| {
        vec![
            cell(&alert["state"]),
            cell(&alert["rule"]),
            cell(&alert["function"]),
            amount(alert, "value"),
            amount(alert, "threshold"),
            cell(&alert["since"]),
            cell(&alert["until"]),
            cell(&alert["id"]),
        ]
    };
    let heading = [
        "state",
        "rule",
        "function",
        "value",
        "threshold",
        "since",
        "until",
        "id",
    ];
    context
        .output
        .table(&heading, alerts.iter().map(row).collect());
    Ok(())
}

/// A value with what it is counted in.
fn amount(alert: &Value, field: &str) -> String {
    let number = alert[field].as_f64().unwrap_or_default();
    match alert["unit"].as_str().unwrap_or_default() {
        "percent" => format!("{number:.1} %"),
        "usd" => format!("${number:.6}"),
        unit => format!("{number:.1} {unit}"),
    }
}

async fn rules(args: &RuleArgs, context: &Context) -> Result<(), Failure> {
    let path = match &args.function {
        Some(name) => vec!["functions", name.as_str(), "alerts"],
        None => vec!["alerts", "rules"],
    };
    let client = &context.client;
    let answer = match &args.command {
        None => client.get(&path).await,
        Some(RuleCommand::Reset) => client.json(client.request(Method::DELETE, &path)).await,
        Some(RuleCommand::Set { fields }) => {
            client.call(Method::PUT, &path, &change(fields)?).await
        }
    };
    let name = args.function.as_deref().unwrap_or_default();
    let answer = or_explain(context, answer, name).await?;
    if context.output.is_json {
        context.output.document(answer);
        return Ok(());
    }
    let mut rows = Vec::new();
    for (rule, fields) in answer["rules"].as_object().into_iter().flatten() {
        for (field, value) in fields.as_object().into_iter().flatten() {
            let is_set = answer["overrides"][rule].get(field).is_some();
            let mark = if is_set { "*" } else { "" };
            rows.push(vec![
                format!("{rule}.{field}"),
                format!("{}{mark}", cell(value)),
            ]);
        }
    }
    context.output.table(&["rule", "value (*: set here)"], rows);
    Ok(())
}

/// `errorRate.windowMs=60000` as the API takes it.
fn change(fields: &[String]) -> Result<Value, Failure> {
    let mut rules: Map<String, Value> = Map::new();
    for text in fields {
        let parts = text
            .split_once('=')
            .and_then(|(key, value)| Some((key.split_once('.')?, value)));
        let Some(((rule, field), value)) = parts else {
            let example = "such as errorRate.thresholdPercent=10";
            return Err(Failure::usage(format!(
                "`{text}` is no rule.field=value {example}"
            )));
        };
        let value = serde_json::from_str(value).unwrap_or_else(|_| value.into());
        let fields = rules.entry(rule).or_insert_with(|| json!({}));
        fields[field] = value;
    }
    Ok(rules.into())
}

async fn webhooks(command: WebhookCommand, context: &Context) -> Result<(), Failure> {
    let client = &context.client;
    match command {
        WebhookCommand::Ls => {
            let answer = client.get(&["alerts", "webhooks"]).await?;
            let fields = ["id", "url", "signed", "waiting", "createdAt"];
            listed(context, answer, "webhooks", &fields);
        }
        WebhookCommand::Add {
            address,
            secret_stdin,
        } => {
            let mut body = json!({ "url": address });
            if secret_stdin {
                body["secret"] = value("the secret", context)?.into();
            }
            let path = ["alerts", "webhooks"];
            let answer = client.call(Method::POST, &path, &body).await?;
            match context.output.is_json {
                true => context.output.document(answer),
                false => context.output.line(&plain(&cell(&answer["id"]))),
            }
        }
        WebhookCommand::Rm { id } => {
            let request = client.request(Method::DELETE, &["alerts", "webhooks", &id]);
            let answer = client.json(request).await?;
            done(context, answer, &format!("{} is removed", plain(&id)));
        }
        WebhookCommand::Test { id } => return test(&id, context).await,
        WebhookCommand::Deliveries { id } => {
            let answer = client
                .get(&["alerts", "webhooks", &id, "deliveries"])
                .await?;
            let fields = [
                "id",
                "event",
                "alertId",
                "state",
                "attempts",
                "status",
                "error",
                "attemptedAt",
            ];
            listed(context, answer, "deliveries", &fields);
        }
    }
    Ok(())
}

/// Sends a test and waits for what comes of its first attempt.
async fn test(id: &str, context: &Context) -> Result<(), Failure> {
    let client = &context.client;
    let path = ["alerts", "webhooks", id, "test"];
    let sent = client.call(Method::POST, &path, &json!({})).await?;
    let sent = &sent["delivery"]["id"];
    let started = Instant::now();
    while started.elapsed() < TEST_TIMEOUT {
        tokio::time::sleep(TEST_PAUSE).await;
        let page = client
            .get(&["alerts", "webhooks", id, "deliveries"])
            .await?;
        let mut deliveries = page["deliveries"].as_array().into_iter().flatten();
        let ours = deliveries.find(|delivery| delivery["id"] == *sent);
        let Some(delivery) = ours.filter(|delivery| delivery["attempts"] != 0) else {
            continue;
        };
        if delivery["state"] != "delivered" {
            let reason = plain(&cell(&delivery["error"]));
            return Err(Failure::Unwell(format!(
                "the notice did not arrive: {reason}"
            )));
        }
        let text = format!("it arrived: {}", cell(&delivery["status"]));
        done(context, json!({ "delivery": delivery }), &text);
        return Ok(());
    }
    Err(Failure::TooSlow)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_become_what_the_api_takes() {
        let words = [
            "errorRate.thresholdPercent=7.5",
            "errorRate.enabled=true",
            "p95Duration.windowMs=null",
        ];
        let change = change(&words.map(str::to_owned)).expect("good");
        let expected = json!({
            "errorRate": {"thresholdPercent": 7.5, "enabled": true}, "p95Duration": {"windowMs": null},
        });
        assert_eq!(change, expected);
        for wrong in ["errorRate", "errorRate=1", "errorRate.enabled", "=", ""] {
            assert!(super::change(&[wrong.to_owned()]).is_err(), "{wrong}");
        }
    }
}
