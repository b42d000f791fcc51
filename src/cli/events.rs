//! Commands for what is invoked later: events, schedules, dead letters.

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use super::change::{done, listed, or_explain};
use super::failure::Failure;
use super::invoke::data;
use super::output::{cell, plain};
use super::{Context, Target};

#[derive(Debug, Clone, Subcommand)]
pub(super) enum EventCommand {
    /// Publish an event.
    Publish(PublishArgs),
}

/// Which event.
#[derive(Debug, Clone, Args)]
pub(super) struct PublishArgs {
    /// Such as order.placed.
    #[arg(value_name = "TYPE")]
    event_type: String,
    /// What subscribers are given, as JSON; `-` reads it from standard input, `@file` from a file.
    #[arg(short, long, default_value = "null")]
    data: String,
    /// The same id is the same event, and is not done again within a day.
    #[arg(long)]
    id: Option<String>,
    /// Where it comes from.
    #[arg(long)]
    source: Option<String>,
    /// What it is about.
    #[arg(long)]
    subject: Option<String>,
}

#[derive(Debug, Clone, Subcommand)]
pub(super) enum CronCommand {
    /// List a function's triggers, schedules with their next ticks.
    Ls(Target),
    /// Fire a schedule now.
    Fire {
        /// Its number, as `ls` shows it.
        number: u32,
        #[command(flatten)]
        target: Target,
    },
}

#[derive(Debug, Clone, Subcommand)]
pub(super) enum LetterCommand {
    /// List dead letters.
    Ls(Target),
    /// Show a dead letter with what the handler was given.
    Show {
        /// Its id.
        letter: String,
        #[command(flatten)]
        target: Target,
    },
    /// Try dead letters again: one, or all of a function.
    Redrive(LetterArgs),
    /// Forget dead letters: one, or all of a function.
    Rm(LetterArgs),
}

/// Which dead letters.
#[derive(Debug, Clone, Args)]
pub(super) struct LetterArgs {
    /// Its id.
    #[arg(required_unless_present = "all")]
    letter: Option<String>,
    /// All of the function.
    #[arg(long, conflicts_with = "letter")]
    all: bool,
    #[command(flatten)]
    target: Target,
}

/// Which invocation.
#[derive(Debug, Clone, Args)]
pub(super) struct StatusArgs {
    /// The request's id, as `invoke --async` shows it.
    request: String,
}

pub(super) async fn events(command: EventCommand, context: &Context) -> Result<(), Failure> {
    let EventCommand::Publish(args) = command;
    let value: Value = serde_json::from_str(&data(&args.data)?)
        .map_err(|error| Failure::usage(format!("--data is no JSON: {error}")))?;
    let mut body = json!({ "eventType": args.event_type, "data": value });
    for (name, value) in [
        ("id", args.id),
        ("source", args.source),
        ("subject", args.subject),
    ] {
        if let Some(value) = value {
            body[name] = value.into();
        }
    }
    let answer = context
        .client
        .call(Method::POST, &["events"], &body)
        .await?;
    if !context.output.is_json {
        let count = answer["subscriptions"].as_array().map_or(0, Vec::len);
        let before = if answer["duplicate"] == true {
            ", which was published before"
        } else {
            ""
        };
        let id = plain(answer["eventId"].as_str().unwrap_or_default());
        context
            .output
            .say(&format!("{id}{before}: {count} functions get it"));
    }
    let fields = ["function", "pattern", "requestId"];
    listed(context, answer, "subscriptions", &fields);
    Ok(())
}

pub(super) async fn cron(command: CronCommand, context: &Context) -> Result<(), Failure> {
    match command {
        CronCommand::Ls(target) => {
            let name = target.name()?;
            let answer = context.client.get(&["functions", &name, "triggers"]).await;
            let mut answer = or_explain(context, answer, &name).await?;
            if !context.output.is_json {
                answer["triggers"]
                    .as_array_mut()
                    .into_iter()
                    .flatten()
                    .for_each(flatten);
            }
            let fields = ["number", "type", "schedule", "timezone", "nextRun"];
            listed(context, answer, "triggers", &fields);
        }
        CronCommand::Fire { number, target } => {
            let name = target.name()?;
            let number = number.to_string();
            let path = ["functions", name.as_str(), "triggers", &number, "fire"];
            let answer = context
                .client
                .json(context.client.request(Method::POST, &path))
                .await;
            let answer = or_explain(context, answer, &name).await?;
            let id = plain(answer["requestId"].as_str().unwrap_or_default());
            done(context, answer, &format!("fired: zygo status {id}"));
        }
    }
    Ok(())
}

/// What a line of the table needs, at the top.
fn flatten(trigger: &mut Value) {
    let config = trigger["config"].clone();
    trigger["schedule"] = match &config["schedule"] {
        Value::Null => config["eventType"]
            .as_str()
            .or_else(|| config["pattern"].as_str())
            .into(),
        schedule => schedule.clone(),
    };
    trigger["timezone"] = config["timezone"].clone();
    trigger["nextRun"] = trigger["nextRuns"][0].clone();
}

pub(super) async fn letters(command: LetterCommand, context: &Context) -> Result<(), Failure> {
    match command {
        LetterCommand::Ls(target) => {
            let name = target.name()?;
            let answer = context
                .client
                .get(&["functions", &name, "dead-letters"])
                .await;
            let mut answer = or_explain(context, answer, &name).await?;
            if !context.output.is_json {
                let letters = answer["deadLetters"].as_array_mut();
                for letter in letters.into_iter().flatten() {
                    letter["why"] = letter["error"]["code"].clone();
                }
            }
            let fields = ["id", "trigger", "attempts", "why", "createdAt", "diedAt"];
            listed(context, answer, "deadLetters", &fields);
        }
        LetterCommand::Show { letter, target } => {
            let name = target.name()?;
            let path = ["functions", name.as_str(), "dead-letters", &letter];
            let answer = context.client.get(&path).await;
            fields(context, or_explain(context, answer, &name).await?);
        }
        LetterCommand::Redrive(args) => {
            change(&args, Method::POST, Some("redrive"), "tried again", context).await?;
        }
        LetterCommand::Rm(args) => {
            change(&args, Method::DELETE, None, "forgotten", context).await?
        }
    }
    Ok(())
}

async fn change(
    args: &LetterArgs,
    method: Method,
    verb: Option<&str>,
    what: &str,
    context: &Context,
) -> Result<(), Failure> {
    let name = args.target.name()?;
    let mut path = vec!["functions", name.as_str(), "dead-letters"];
    path.extend(args.letter.as_deref());
    path.extend(verb);
    let answer = context
        .client
        .json(context.client.request(method, &path))
        .await;
    let answer = or_explain(context, answer, &name).await?;
    let count = answer["count"].as_u64().unwrap_or_default();
    done(context, answer, &format!("{count} {what}"));
    Ok(())
}

pub(super) async fn status(args: &StatusArgs, context: &Context) -> Result<(), Failure> {
    fields(
        context,
        context.client.get(&["invocations", &args.request]).await?,
    );
    Ok(())
}

/// Shows each field of an answer on a line of its own.
fn fields(context: &Context, answer: Value) {
    if context.output.is_json {
        context.output.document(answer);
        return;
    }
    let fields = answer.as_object().cloned().unwrap_or_default();
    let rows = fields
        .iter()
        .map(|(name, value)| vec![name.clone(), cell(value)]);
    context.output.table(&["field", "value"], rows.collect());
}
