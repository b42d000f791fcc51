//! What a function has ready, and why.

use serde_json::Value;

use super::change::listed;
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
    if state["decisions"].as_array().is_none_or(Vec::is_empty) {
        context.output.say("nothing was changed yet");
        return Ok(());
    }
    let fields = ["at", "from", "to", "cause", "reason"];
    listed(context, state, "decisions", &fields);
    Ok(())
}

/// Only a forecast may be missing.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "calls are coming in".to_owned(),
        known => cell(known),
    }
}
