//! Removes what a platform that is no more has left, with the processes that may be in it.

use std::time::{Duration, Instant};

use super::kill::kill_all;
use super::node::Node;
use super::owner::{Owner, lock};

/// For all of them together, so that a start is never held up for long. What is left then is left for the next start.
const TIME: Duration = Duration::from_secs(2);

/// Looks at the folders beside the platform's own; tells what was done.
pub(super) fn remove(place: &Node, prefix: &str) -> Vec<String> {
    let end = Instant::now() + TIME;
    let groups = place.children().unwrap_or_default().into_iter();
    let is_left =
        |node: &Node| Owner::of_folder(prefix, &name(node)).is_some_and(|it| !it.is_alive());
    groups
        .filter(is_left)
        .map(|node| remove_one(&node, end))
        .collect()
}

fn remove_one(node: &Node, end: Instant) -> String {
    let name = name(node);
    // An owner in another namespace cannot be seen, but it holds the lock. Folders of other hierarchies have none; the
    // first that is there decides.
    let folders = node.backend.folders(&node.path);
    let lock = folders.iter().find_map(|folder| lock(folder).ok());
    if matches!(lock, Some(None)) {
        return format!("{name} is used by a platform that cannot be seen from here");
    }
    let left = || end.saturating_duration_since(Instant::now());
    let ended = kill_all(node, left()).map_err(|error| error.to_string());
    let removed = ended.and_then(|()| node.remove(left()).map_err(|error| error.to_string()));
    match removed {
        Ok(()) => format!("{name}, left by a platform that is no more, was removed"),
        Err(error) => {
            format!("{name}, left by a platform that is no more, is still there: {error}")
        }
    }
}

fn name(node: &Node) -> String {
    let name = node.path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}
