//! JSON pointers (RFC 6901) to the field that is to blame.

use serde_path_to_error::{Path, Segment};

/// `scaling.maxInstances` becomes `/scaling/maxInstances`.
pub(crate) fn of(path: &Path) -> String {
    let part = |segment: &Segment| match segment {
        Segment::Map { key } => Some(token(key)),
        Segment::Seq { index } => Some(index.to_string()),
        Segment::Enum { .. } | Segment::Unknown => None,
    };
    path.iter()
        .filter_map(part)
        .map(|part| format!("/{part}"))
        .collect()
}

/// A name as one part of a pointer.
pub(crate) fn token(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
