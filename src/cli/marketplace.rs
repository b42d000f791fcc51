//! `zygo marketplace`: look for a template, read it, make a function of it.

use clap::Subcommand;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::Context;
use super::change::{done, listed, pair};
use super::failure::Failure;
use super::output::{cell, plain};

#[derive(Debug, Clone, Subcommand)]
pub(super) enum MarketplaceCommand {
    /// List templates.
    #[command(visible_alias = "ls")]
    List {
        /// Only those in which these words occur.
        #[arg(value_name = "WORDS")]
        words: Vec<String>,
    },
    /// Show what a template does and asks for.
    Show {
        /// Its id, with or without `mp-`.
        template: String,
    },
    /// Make a function of a template.
    Install {
        /// Its id, with or without `mp-`.
        template: String,
        /// Name of the function; that of the template when absent.
        #[arg(short, long, value_name = "NAME")]
        function: Option<String>,
        /// Language; the template's first when absent.
        #[arg(long)]
        runtime: Option<String>,
        /// A parameter, `NAME=value`; may be repeated.
        #[arg(short, long = "set", value_name = "NAME=VALUE")]
        parameters: Vec<String>,
    },
}

pub(super) async fn marketplace(
    command: MarketplaceCommand,
    context: &Context,
) -> Result<(), Failure> {
    match command {
        MarketplaceCommand::List { words } => list(&words.join(" "), context).await,
        MarketplaceCommand::Show { template } => show(&template, context).await,
        MarketplaceCommand::Install {
            template,
            function,
            runtime,
            parameters,
        } => {
            let mut order = json!({ "templateId": template, "parameters": pairs(&parameters)? });
            for (field, value) in [("name", function), ("runtime", runtime)] {
                if let Some(value) = value {
                    order[field] = value.into();
                }
            }
            install(&template, &order, context).await
        }
    }
}

async fn list(words: &str, context: &Context) -> Result<(), Failure> {
    let request = context.client.request(Method::GET, &["marketplace"]);
    let answer = context.client.json(request.query(&[("q", words)])).await?;
    let fields = ["id", "name", "description", "category", "runtimes"];
    listed(context, answer, "templates", &fields);
    Ok(())
}

async fn show(template: &str, context: &Context) -> Result<(), Failure> {
    let answer = context.client.get(&["marketplace", template]).await?;
    if context.output.is_json {
        context.output.document(answer);
        return Ok(());
    }
    let template = &answer["template"];
    for line in template["readme"].as_str().unwrap_or_default().lines() {
        context.output.line(&plain(line));
    }
    let runtimes = cell(&template["runtimes"]);
    context
        .output
        .say(&format!("languages: {}", plain(&runtimes)));
    Ok(())
}

async fn install(template: &str, order: &Value, context: &Context) -> Result<(), Failure> {
    let spinner = context.output.spinner(&format!("installing {template}"));
    let path = ["marketplace", "deploy"];
    let answer = context.client.call(Method::POST, &path, order).await;
    spinner.finish_and_clear();
    let answer = answer?;
    let function = &answer["function"];
    let name = plain(function["name"].as_str().unwrap_or_default());
    let text = format!(
        "{name} is version {} of {}; try it: zygo invoke {name}",
        function["version"],
        plain(template)
    );
    done(context, answer, &text);
    Ok(())
}

fn pairs(parameters: &[String]) -> Result<Map<String, Value>, Failure> {
    let entry = |text: &String| {
        let (name, value) = pair("--set", text)?;
        Ok((name.to_owned(), value.into()))
    };
    parameters.iter().map(entry).collect()
}
