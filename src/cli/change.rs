//! Commands that change something that is there.

use std::io::{BufRead, IsTerminal, Read};

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use super::failure::Failure;
use super::output::{GOOD, cell, plain};
use super::show::get;
use super::{Context, Target};

/// Which function, to which version.
#[derive(Debug, Clone, Args)]
#[command(disable_version_flag = true)]
pub(super) struct RollbackArgs {
    #[command(flatten)]
    target: Target,
    /// The version to go to.
    #[arg(long)]
    version: u32,
}

/// Which function to delete.
#[derive(Debug, Clone, Args)]
pub(super) struct RemoveArgs {
    #[command(flatten)]
    target: Target,
    /// Ask nothing.
    #[arg(short, long)]
    yes: bool,
}

#[derive(Debug, Clone, Subcommand)]
pub(super) enum AliasCommand {
    /// List aliases.
    Ls(Target),
    /// Point an alias to a version.
    #[command(disable_version_flag = true)]
    Set {
        /// The alias.
        alias: String,
        /// The version.
        #[arg(long)]
        version: u32,
        /// Another version, for a part of the calls.
        #[arg(long, value_name = "VERSION", requires = "percent")]
        other: Option<u32>,
        /// So many calls of a hundred go to the other version.
        #[arg(long, requires = "other")]
        percent: Option<f64>,
        #[command(flatten)]
        target: Target,
    },
    /// Remove an alias.
    Rm {
        /// The alias.
        alias: String,
        #[command(flatten)]
        target: Target,
    },
}

#[derive(Debug, Clone, Subcommand)]
pub(super) enum VariableCommand {
    /// List names. Values are never shown.
    Ls(Target),
    /// Set a value, read from the terminal or from standard input.
    Set {
        /// The variable.
        variable: String,
        #[command(flatten)]
        target: Target,
    },
    /// Remove a value.
    Rm {
        /// The variable.
        variable: String,
        #[command(flatten)]
        target: Target,
    },
}

pub(super) async fn rollback(args: &RollbackArgs, context: &Context) -> Result<(), Failure> {
    let name = args.target.name()?;
    let body = json!({ "version": args.version });
    let answer = context
        .client
        .call(Method::POST, &["functions", &name, "rollback"], &body)
        .await;
    let answer = or_explain(context, answer, &name).await?;
    done(
        context,
        answer,
        &format!("{} serves version {}", plain(&name), args.version),
    );
    Ok(())
}

pub(super) async fn aliases(command: AliasCommand, context: &Context) -> Result<(), Failure> {
    let client = &context.client;
    match command {
        AliasCommand::Ls(target) => {
            let answer = get(context, &target.name()?, &["aliases"]).await?;
            listed(
                context,
                answer,
                "aliases",
                &["name", "version", "split", "updatedAt"],
            );
        }
        AliasCommand::Set {
            alias,
            version,
            other,
            percent,
            target,
        } => {
            let name = target.name()?;
            let path = ["functions", name.as_str(), "aliases", alias.as_str()];
            let split = other.map(|other| json!({ "version": other, "percent": percent }));
            let body = json!({ "version": version, "split": split });
            let answer = client.call(Method::PUT, &path, &body).await?;
            done(
                context,
                answer,
                &format!("{} leads to version {version}", plain(&alias)),
            );
        }
        AliasCommand::Rm { alias, target } => {
            let name = target.name()?;
            let path = ["functions", name.as_str(), "aliases", alias.as_str()];
            let answer = client.json(client.request(Method::DELETE, &path)).await?;
            done(context, answer, &format!("{} is removed", plain(&alias)));
        }
    }
    Ok(())
}

pub(super) async fn variables(
    group: &str,
    command: VariableCommand,
    context: &Context,
) -> Result<(), Failure> {
    let client = &context.client;
    match command {
        VariableCommand::Ls(target) => {
            let answer = get(context, &target.name()?, &[group]).await?;
            listed(context, answer, group, &["name"]);
        }
        VariableCommand::Set { variable, target } => {
            let name = target.name()?;
            let body = json!({ "value": value(&variable, context)? });
            let path = ["functions", name.as_str(), group, variable.as_str()];
            let answer = client.call(Method::PUT, &path, &body).await;
            let answer = or_explain(context, answer, &name).await?;
            let version = answer["function"]["version"].clone();
            done(
                context,
                answer,
                &format!("{} is set; version {version} serves it", plain(&variable)),
            );
        }
        VariableCommand::Rm { variable, target } => {
            let name = target.name()?;
            let path = ["functions", name.as_str(), group, variable.as_str()];
            let answer = client.json(client.request(Method::DELETE, &path)).await;
            let answer = or_explain(context, answer, &name).await?;
            done(context, answer, &format!("{} is removed", plain(&variable)));
        }
    }
    Ok(())
}

pub(super) async fn remove(args: &RemoveArgs, context: &Context) -> Result<(), Failure> {
    let name = args.target.name()?;
    if !args.yes && std::io::stdin().is_terminal() {
        context.output.say(&format!(
            "delete {} with all its versions? Type its name:",
            plain(&name)
        ));
        let mut typed = String::new();
        std::io::stdin().lock().read_line(&mut typed)?;
        if typed.trim() != name {
            return Err(Failure::usage("nothing is deleted"));
        }
    }
    let request = context
        .client
        .request(Method::DELETE, &["functions", &name]);
    let answer = context.client.json(request).await;
    let answer = or_explain(context, answer, &name).await?;
    done(context, answer, &format!("{} is deleted", plain(&name)));
    Ok(())
}

/// A value is typed or piped: arguments are seen by everyone on the machine.
pub(super) fn value(variable: &str, context: &Context) -> Result<String, Failure> {
    let mut text = String::new();
    if std::io::stdin().is_terminal() {
        context
            .output
            .say(&format!("value of {}:", plain(variable)));
        std::io::stdin().lock().read_line(&mut text)?;
    } else {
        std::io::stdin().read_to_string(&mut text)?;
    }
    Ok(text.strip_suffix('\n').unwrap_or(&text).to_owned())
}

/// A missing function is explained.
pub(super) async fn or_explain(
    context: &Context,
    answer: Result<Value, Failure>,
    name: &str,
) -> Result<Value, Failure> {
    match answer {
        Ok(answer) => Ok(answer),
        Err(failure) => Err(context.client.explain(failure, name).await),
    }
}

/// What a flag such as `--env NAME=value` says.
pub(super) fn pair<'a>(flag: &str, text: &'a str) -> Result<(&'a str, &'a str), Failure> {
    let wrong = || Failure::usage(format!("{flag} {text} must be NAME=value"));
    text.split_once('=').ok_or_else(wrong)
}

/// Says that it is done, or shows the answer.
pub(super) fn done(context: &Context, answer: Value, text: &str) {
    match context.output.is_json {
        true => context.output.document(answer),
        false => context.output.say(&format!("{GOOD}{text}{GOOD:#}")),
    }
}

/// `createdAt` as people write it: `created at`.
fn words(field: &str) -> String {
    let mut words = String::new();
    for letter in field.chars() {
        if letter.is_uppercase() {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
    }
    words
}

/// Shows a list.
pub(super) fn listed(context: &Context, answer: Value, word: &str, fields: &[&str]) {
    if context.output.is_json {
        context.output.document(answer);
        return;
    }
    let row = |item: &Value| fields.iter().map(|field| cell(&item[*field])).collect();
    let rows = answer[word]
        .as_array()
        .into_iter()
        .flatten()
        .map(row)
        .collect();
    let heading: Vec<String> = fields.iter().map(|field| words(field)).collect();
    let heading: Vec<&str> = heading.iter().map(String::as_str).collect();
    context.output.table(&heading, rows);
}
