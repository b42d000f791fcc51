//! `zygo marketplace`: look for a template, read it, make a function of it.

use clap::Subcommand;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::Context;
use super::change::{done, listed, pair};
use super::failure::Failure;
use super::output::{ODD, cell, plain};

#[derive(Debug, Clone, Subcommand)]
pub(super) enum MarketplaceCommand {
    /// List templates.
    #[command(visible_alias = "ls")]
    List {
        /// Only those in which these words occur.
        #[arg(value_name = "WORDS")]
        words: Vec<String>,
    },
    /// Look for templates by words that must all occur in them.
    Search {
        /// Words of id, name, description, category, tags and languages.
        #[arg(value_name = "WORDS", required = true)]
        words: Vec<String>,
    },
    /// Show what a template does and asks for.
    Show {
        /// Its id, with or without `mp-`.
        template: String,
    },
    /// Make a function of a template.
    #[command(visible_alias = "deploy")]
    Install {
        /// Its id, with or without `mp-`.
        template: String,
        /// Name of the function; that of the template when absent.
        #[arg(short, long, value_name = "NAME")]
        function: Option<String>,
        /// Language; the template's first when absent.
        #[arg(long)]
        runtime: Option<String>,
        /// What the function may reach: internet, none or all; as the template says when absent.
        #[arg(long)]
        network: Option<String>,
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
        MarketplaceCommand::List { words } | MarketplaceCommand::Search { words } => {
            list(&words.join(" "), context).await
        }
        MarketplaceCommand::Show { template } => show(&template, context).await,
        MarketplaceCommand::Install {
            template,
            function,
            runtime,
            network,
            parameters,
        } => {
            let mut order = json!({ "templateId": template, "parameters": pairs(&parameters)? });
            for (field, value) in [
                ("name", function),
                ("runtime", runtime),
                ("network", network),
            ] {
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
    let problems = answer["problems"].as_array().cloned().unwrap_or_default();
    listed(context, answer, "templates", &fields);
    for problem in problems {
        context
            .output
            .say(&format!("{ODD}warning:{ODD:#} {}", plain(&told(&problem))));
    }
    Ok(())
}

/// What of the operator's folder cannot be used, and why.
fn told(problem: &Value) -> String {
    let text = |field: &str| problem[field].as_str().unwrap_or_default();
    let field = match text("field") {
        "" => String::new(),
        field => format!(" ({field})"),
    };
    format!("{}{field}: {}", text("file"), text("message"))
}

async fn show(template: &str, context: &Context) -> Result<(), Failure> {
    let answer = context.client.get(&["marketplace", template]).await?;
    if context.output.is_json {
        context.output.document(answer);
        return Ok(());
    }
    let template = &answer["template"];
    if template["readme"].as_str().is_none_or(str::is_empty) {
        let fields = ["name", "type", "required", "default", "description"];
        listed(context, template.clone(), "parameters", &fields);
    }
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
