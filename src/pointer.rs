//! JSON pointers (RFC 6901) to the field that is to blame.

use serde_path_to_error::{Path, Segment};

/// `scaling.maxInstances` becomes `/scaling/maxInstances`.
pub(crate) fn of(path: &Path) -> String {
    let token = |segment: &Segment| match segment {
        Segment::Map { key } => Some(key.replace('~', "~0").replace('/', "~1")),
        Segment::Seq { index } => Some(index.to_string()),
        Segment::Enum { .. } | Segment::Unknown => None,
    };
    path.iter()
        .filter_map(token)
        .map(|token| format!("/{token}"))
        .collect()
}
