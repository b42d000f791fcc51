//! Lines of `/proc/self/mountinfo` that are about control groups. Reads texts, and asks no machine.

use std::path::{Component, Path, PathBuf};

use super::backend::{Controller, Version};

/// A line of `/proc/self/mountinfo` that is about control groups.
#[derive(Debug)]
pub(crate) struct Mount {
    pub(crate) version: Version,
    /// Which folder of the hierarchy is seen at the mount point.
    pub(super) root: PathBuf,
    pub(crate) point: PathBuf,
    pub(super) is_writable: bool,
    /// Options of the file system, in version 1 with the names of its controllers.
    pub(super) options: String,
}

impl Mount {
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let (left, right) = line.split_once(" - ")?;
        let left: Vec<&str> = left.split(' ').collect();
        let right: Vec<&str> = right.split(' ').collect();
        let version = match *right.first()? {
            "cgroup" => Version::V1,
            "cgroup2" => Version::V2,
            _ => return None,
        };
        Some(Self {
            version,
            root: unescape(left.get(3)?).into(),
            point: unescape(left.get(4)?).into(),
            is_writable: !left.get(5)?.split(',').any(|option| option == "ro"),
            options: (*right.get(2)?).to_owned(),
        })
    }

    pub(super) fn has(&self, controller: Controller) -> bool {
        let is_it = |option| option == controller.name();
        self.version == Version::V1 && self.options.split(',').any(is_it)
    }

    /// The folder of this process's group; none when the mount does not show it.
    pub(super) fn own_folder(&self, own: &str) -> Option<PathBuf> {
        let path = own.lines().find_map(|line| {
            let (_, rest) = line.split_once(':')?;
            let (controllers, path) = rest.split_once(':')?;
            let is_ours = match self.version {
                Version::V2 => controllers.is_empty(),
                // The very set, because a line names all controllers of its hierarchy.
                Version::V1 => {
                    !controllers.is_empty()
                        && controllers
                            .split(',')
                            .all(|name| self.options.split(',').any(|option| option == name))
                }
            };
            is_ours.then_some(path)
        })?;
        let below = Path::new(path).strip_prefix(&self.root).ok()?;
        // Seen from inside a namespace, a group outside of it.
        let is_outside = below.components().any(|part| part == Component::ParentDir);
        (!is_outside).then(|| self.point.join(below))
    }
}

/// Blanks and the like are written as three octal digits.
fn unescape(text: &str) -> String {
    let mut parts = text.split('\\');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let code = part
            .get(..3)
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match code {
            Some(code) => {
                plain.push(char::from(code));
                plain.push_str(&part[3..]);
            }
            None => {
                plain.push('\\');
                plain.push_str(part);
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backslash_of_a_path_is_not_read_twice() {
        assert_eq!(unescape("/a\\134040b"), "/a\\040b");
    }

    #[test]
    fn blanks_in_mount_points_are_read() {
        assert_eq!(unescape(r"/a\040b\134c"), r"/a b\c");
        assert_eq!(unescape(r"/a\9"), r"/a\9");
    }
}
