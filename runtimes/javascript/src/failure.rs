//! Thrown values and engine errors as [`Failure`]s in the user's terms.

use deno_core::error::{CoreError, CoreErrorKind, JsError};
use deno_core::v8;
use runtime_core::wire::{Failure, FailureKind};

use crate::shim::{self, Shim};

/// A value that user code threw.
pub(crate) fn thrown(
    scope: &mut v8::PinScope<'_, '_>,
    shim: &Shim,
    kind: FailureKind,
    value: Option<v8::Local<'_, v8::Value>>,
) -> Failure {
    let Some(value) = value else {
        return Failure::new(kind, "Error", "execution was ended");
    };
    let value = v8::Local::new(scope, value);
    match shim::call(scope, &shim.describe, &[value]) {
        Ok(lines) => described(scope, kind, lines),
        // The description itself failed, for instance for want of stack.
        Err(_) => from_js_error(kind, "", &JsError::from_v8_exception(scope, value)),
    }
}

fn described(
    scope: &mut v8::PinScope<'_, '_>,
    kind: FailureKind,
    lines: v8::Local<'_, v8::Value>,
) -> Failure {
    let Ok(lines) = v8::Local::<v8::Array>::try_from(lines) else {
        return Failure::new(kind, "Error", "unknown");
    };
    let mut texts = (0..lines.length())
        .filter_map(|index| lines.get_index(scope, index))
        .map(|line| line.to_rust_string_lossy(scope))
        .collect::<Vec<_>>()
        .into_iter();
    let error_type = texts.next().unwrap_or_default();
    let message = texts.next().unwrap_or_default();
    let kind = match (error_type.as_str(), message.as_str()) {
        ("ResponseError", _) => FailureKind::Response,
        // V8 throws this when the system refuses memory, which is what the limit makes it do.
        ("RangeError", "Array buffer allocation failed") => FailureKind::OutOfMemory,
        _ => kind,
    };
    Failure {
        kind,
        error_type,
        message,
        stack: texts.collect(),
    }
}

/// An error of the engine, such as a module that does not parse. `root` is the bundle's address.
pub(crate) fn from_core(kind: FailureKind, root: &str, error: &CoreError) -> Failure {
    from_core_kind(kind, root, &error.0)
}

fn from_core_kind(kind: FailureKind, root: &str, error: &CoreErrorKind) -> Failure {
    match error {
        CoreErrorKind::Js(error) => from_js_error(kind, root, error),
        CoreErrorKind::CouldNotExecute { error, .. } => from_core_kind(kind, root, error),
        other => Failure::new(kind, "Error", strip(root, &other.to_string())),
    }
}

fn from_js_error(kind: FailureKind, root: &str, error: &JsError) -> Failure {
    let frames = error
        .stack
        .iter()
        .flat_map(|stack| stack.lines())
        .map(str::trim);
    let mut stack: Vec<String> = frames
        .filter(|line| line.starts_with("at ") && line.contains(root))
        .map(|line| strip(root, line))
        .collect();
    // A syntax error has no stack, but a place.
    if stack.is_empty() {
        stack.extend(error.frames.iter().filter_map(|frame| {
            let file = frame
                .file_name
                .as_ref()
                .filter(|file| file.starts_with(root))?;
            Some(format!(
                "at {}:{}:{}",
                strip(root, file),
                frame.line_number?,
                frame.column_number?
            ))
        }));
    }
    let error_type = error.name.clone().unwrap_or_else(|| "Error".to_owned());
    let message = error
        .message
        .clone()
        .unwrap_or_else(|| error.exception_message.clone());
    Failure {
        kind,
        error_type,
        message: strip(root, &message),
        stack,
    }
}

fn strip(root: &str, text: &str) -> String {
    if root.is_empty() {
        text.to_owned()
    } else {
        text.replace(root, "")
    }
}
