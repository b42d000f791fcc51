//! Commands of operators: API keys, circuit breakers, nodes.

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::json;

use super::change::{done, listed, or_explain};
use super::failure::Failure;
use super::output::{cell, plain};
use super::{Context, Target};

/// Which breaker, and how it is to stand.
#[derive(Debug, Clone, Args)]
pub(super) struct BreakerArgs {
    #[command(flatten)]
    target: Target,
    /// open, closed or auto; shown when absent.
    #[arg(long)]
    set: Option<String>,
}

#[derive(Debug, Clone, Subcommand)]
pub(super) enum KeyCommand {
    /// List keys.
    Ls,
    /// Make a key; it is shown once.
    Create {
        /// What it is for.
        name: String,
        /// admin, deploy, invoke or read.
        #[arg(long)]
        role: String,
        /// Only for these functions.
        #[arg(long, value_delimiter = ',')]
        functions: Option<Vec<String>>,
    },
    /// Revoke a key.
    Rm {
        /// Its id.
        id: String,
    },
}

pub(super) async fn keys(command: KeyCommand, context: &Context) -> Result<(), Failure> {
    let client = &context.client;
    match command {
        KeyCommand::Ls => {
            let answer = client.get(&["keys"]).await?;
            listed(
                context,
                answer,
                "keys",
                &["id", "name", "role", "createdAt", "createdBy"],
            );
        }
        KeyCommand::Create {
            name,
            role,
            functions,
        } => {
            let mut body = json!({ "name": name, "role": role });
            if let Some(functions) = functions {
                body["functions"] = functions.into();
            }
            let answer = client.call(Method::POST, &["keys"], &body).await?;
            if context.output.is_json {
                context.output.document(answer);
                return Ok(());
            }
            context.output.say("keep it: it is not shown again");
            context
                .output
                .line(&plain(answer["key"].as_str().unwrap_or_default()));
        }
        KeyCommand::Rm { id } => {
            let request = client.request(Method::DELETE, &["keys", &id]);
            let answer = client.json(request).await?;
            done(context, answer, &format!("{} is revoked", plain(&id)));
        }
    }
    Ok(())
}

pub(super) async fn nodes(context: &Context) -> Result<(), Failure> {
    let answer = context.client.get(&["nodes"]).await?;
    let answers = answer["node"].as_str().map(plain);
    match &answers {
        Some(node) => context.output.say(&format!("answered by {node}")),
        None => context
            .output
            .say("this platform shares its database with no other"),
    }
    if answers.is_some() || context.output.is_json {
        let fields = [
            "id",
            "host",
            "version",
            "status",
            "leads",
            "startedAt",
            "lastSeenAt",
        ];
        listed(context, answer, "nodes", &fields);
    }
    Ok(())
}

pub(super) async fn breaker(args: &BreakerArgs, context: &Context) -> Result<(), Failure> {
    let name = args.target.name()?;
    let path = ["functions", name.as_str(), "circuit-breaker"];
    let answer = match &args.set {
        Some(state) => {
            context
                .client
                .call(Method::PUT, &path, &json!({ "state": state }))
                .await
        }
        None => context.client.get(&path).await,
    };
    let answer = or_explain(context, answer, &name).await?;
    if context.output.is_json {
        context.output.document(answer);
        return Ok(());
    }
    let fields = answer.as_object().cloned().unwrap_or_default();
    let rows = fields
        .iter()
        .map(|(name, value)| vec![name.clone(), cell(value)]);
    context.output.table(&["field", "value"], rows.collect());
    Ok(())
}
