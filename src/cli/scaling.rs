//! What a function has ready, and why.

use serde_json::Value;

use super::failure::Failure;
use super::output::cell;
use super::show::get;
use super::{Context, Target};

pub(super) async fn scaling(target: &Target, context: &Context) -> Result<(), Failure> {
    let state = get(context, &target.name()?, &["scaling"]).await?;
    if context.output.is_json {
        context.output.document(state);
        return Ok(());
    }
    let fields = [
        "ready",
        "cause",
        "instances",
        "load",
        "forecast",
        "settings",
    ];
    let rows = fields.map(|name| vec![name.to_owned(), shown(&state[name])]);
    context.output.table(&["field", "value"], rows.to_vec());
    let decisions = state["decisions"].as_array().cloned().unwrap_or_default();
    if decisions.is_empty() {
        context.output.say("nothing was changed yet");
        return Ok(());
    }
    let row = |decision: &Value| {
        ["at", "from", "to", "cause", "reason"]
            .map(|field| cell(&decision[field]))
            .to_vec()
    };
    let heading = ["at", "from", "to", "cause", "reason"];
    context
        .output
        .table(&heading, decisions.iter().map(row).collect());
    Ok(())
}

/// Only a forecast may be missing.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "calls are coming in".to_owned(),
        known => cell(known),
    }
}
