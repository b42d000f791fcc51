//! An order of a function: what of the template, and what was asked for.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::json;

use super::super::object::Object;
use crate::function::bundle::Bundle;
use crate::function::manifest::{ManifestError, Network, RuntimeName, Trigger};
use crate::marketplace::{Reach, Template};
use crate::pointer;
use crate::secret::Secret;

/// The language that was asked for, if the template has it.
pub(super) fn runtime(
    template: &Template,
    asked: Option<RuntimeName>,
) -> Result<RuntimeName, ManifestError> {
    let known = |name: &String| serde_json::from_value(json!(name)).ok();
    let has: Vec<RuntimeName> = template.code.keys().filter_map(known).collect();
    let names = || template.code.keys().map(String::as_str).collect::<Vec<_>>();
    let chosen = match asked {
        Some(asked) => has.iter().find(|has| **has == asked),
        None => has.first(),
    };
    chosen.copied().ok_or_else(|| {
        let rule = format!("{} comes in {}", template.id, names().join(", "));
        ManifestError::new("/runtime", rule)
    })
}

/// The triggers of a template, which an operator may have written.
pub(super) fn triggers(template: &Template) -> Result<Option<Vec<Object<Trigger>>>, ManifestError> {
    let Some(triggers) = &template.settings.triggers else {
        return Ok(None);
    };
    let read = triggers.iter().cloned().map(serde_json::from_value);
    let read: Result<_, _> = read.collect();
    let wrong = |error: serde_json::Error| {
        let rule = format!("{}/template.toml: {error}", template.id);
        ManifestError::new("/triggers", rule)
    };
    read.map(Some).map_err(wrong)
}

pub(super) type Variables = BTreeMap<String, Secret>;

/// Environment and secrets: what was given, and the defaults of what was not.
pub(super) fn values(
    template: &Template,
    mut given: Variables,
) -> Result<(Variables, Variables), ManifestError> {
    let (mut environment, mut secrets) = (Variables::new(), Variables::new());
    for parameter in &template.parameters {
        let name = &parameter.name;
        let wrong = |rule: String| ManifestError::new(format!("/parameters/{name}"), rule);
        let default = || parameter.default.clone().map(Secret::new);
        let value = match given.remove(name).or_else(default) {
            Some(value) => value,
            None if !parameter.required => continue,
            None => {
                return Err(wrong(format!(
                    "{name} is missing: {}",
                    parameter.description
                )));
            }
        };
        let checked = parameter.check(value.expose());
        checked.map_err(|rule| wrong(format!("{name} {rule}: {}", parameter.description)))?;
        let group = match parameter.secret {
            true => &mut secrets,
            false => &mut environment,
        };
        group.insert(name.clone(), value);
    }
    match given.into_keys().next() {
        Some(name) => Err(ManifestError::new(
            format!("/parameters/{}", pointer::token(&name)),
            format!(
                "{} has no parameter `{name}`; {}",
                template.id,
                known(template)
            ),
        )),
        None => Ok((environment, secrets)),
    }
}

fn known(template: &Template) -> String {
    let names = template.parameters.iter().map(|known| known.name.as_str());
    match names.collect::<Vec<_>>() {
        names if names.is_empty() => "it has none".to_owned(),
        names => format!("it has {}", names.join(", ")),
    }
}

/// What the function may reach: as was asked for, or as the template says.
pub(super) fn network(template: &Template, asked: Option<Network>) -> Option<Network> {
    let own = template.settings.network.map(|reach| match reach {
        Reach::Internet => Network::Internet,
        Reach::None => Network::None,
        Reach::All => Network::All,
    });
    asked.or(own)
}

pub(super) fn bundle(template: &Template, runtime: RuntimeName) -> Result<Bundle, ManifestError> {
    let files = template.code.get(runtime.name());
    let mut bundle = Bundle::default();
    for (path, content) in files.into_iter().flatten() {
        bundle.add("/templateId", path, Bytes::from(content.clone()))?;
    }
    Ok(bundle)
}
