//! A manifest on its way into the database and out of it: values of variables lie there sealed, each bound to its
//! function and name, so that one cannot be put in another's place.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::function::manifest::Manifest;
use crate::seal::Sealer;
use crate::secret::Secret;
use crate::store::StoreError;

/// The groups of a manifest's variables.
const GROUPS: [&str; 2] = ["environment", "secrets"];

/// The manifest as JSON with sealed values.
pub(super) fn to_json(
    sealer: &Sealer,
    id: &str,
    manifest: &Manifest,
) -> Result<String, StoreError> {
    let mut json = match serde_json::to_value(manifest) {
        Ok(Value::Object(json)) => json,
        _ => Map::new(),
    };
    for (group, variables) in GROUPS
        .into_iter()
        .zip([&manifest.environment, &manifest.secrets])
    {
        let mut sealed = Map::new();
        for (name, value) in variables {
            let value = value.expose().as_bytes();
            let value = sealer.seal(&context(id, group, name), value)?;
            sealed.insert(name.clone(), Value::String(value));
        }
        json.insert(group.to_owned(), Value::Object(sealed));
    }
    Ok(Value::Object(json).to_string())
}

/// The manifest that [`to_json`] wrote.
pub(super) fn from_json(sealer: &Sealer, id: &str, json: &str) -> Result<Manifest, StoreError> {
    let broken =
        |error: serde_json::Error| StoreError::Corrupt(format!("a manifest of {id}: {error}"));
    let mut json: Map<String, Value> = serde_json::from_str(json).map_err(broken)?;
    let mut opened = Vec::new();
    for group in GROUPS {
        opened.push(open_group(sealer, id, group, json.remove(group))?);
    }
    let mut manifest: Manifest = serde_json::from_value(Value::Object(json)).map_err(broken)?;
    [manifest.environment, manifest.secrets] = opened
        .try_into()
        .unwrap_or_else(|_| [BTreeMap::new(), BTreeMap::new()]);
    Ok(manifest)
}

/// The same JSON, every value sealed under the newest key; `None` when that is so already.
pub(super) fn resealed(
    sealer: &Sealer,
    id: &str,
    json: &str,
) -> Result<Option<String>, StoreError> {
    let is_current = |value: &Value| value.as_str().is_some_and(|text| sealer.is_current(text));
    let parsed: Map<String, Value> = serde_json::from_str(json)
        .map_err(|error| StoreError::Corrupt(format!("a manifest of {id}: {error}")))?;
    let values = GROUPS
        .iter()
        .filter_map(|group| parsed.get(*group)?.as_object());
    if values.flat_map(Map::values).all(is_current) {
        return Ok(None);
    }
    let manifest = from_json(sealer, id, json)?;
    to_json(sealer, id, &manifest).map(Some)
}

fn open_group(
    sealer: &Sealer,
    id: &str,
    group: &str,
    sealed: Option<Value>,
) -> Result<BTreeMap<String, Secret>, StoreError> {
    let Some(Value::Object(sealed)) = sealed else {
        return Ok(BTreeMap::new());
    };
    let open = |(name, value): (String, Value)| {
        let opened = sealer.unseal(
            &context(id, group, &name),
            value.as_str().unwrap_or_default(),
        );
        let plain = opened
            .map_err(|error| StoreError::Corrupt(format!("{group}/{name} of {id}: {error}")))?;
        let text = String::from_utf8_lossy(&plain).into_owned();
        Ok((name, Secret::new(text)))
    };
    sealed.into_iter().map(open).collect()
}

fn context(id: &str, group: &str, name: &str) -> String {
    format!("function/{id}/{group}/{name}")
}
