//! What a node is called: made once, and kept in its data folder.

use std::fs;
use std::io;
use std::path::Path;

/// The file.
const FILE: &str = "node.id";
const HOST_NAME: &str = "/proc/sys/kernel/hostname";
const ID_LEN: usize = 12;

/// The node's id and its machine's name.
pub(super) fn of(data_dir: &Path) -> io::Result<(String, String)> {
    let file = data_dir.join(FILE);
    let host = fs::read_to_string(HOST_NAME).unwrap_or_default();
    let host = host.trim().to_owned();
    if let Ok(id) = fs::read_to_string(&file)
        && is_id(id.trim())
    {
        return Ok((id.trim().to_owned(), host));
    }
    let letters = (0..ID_LEN).map(|_| fastrand::alphanumeric().to_ascii_lowercase());
    let id = format!("node-{}", letters.collect::<String>());
    fs::write(&file, &id)?;
    Ok((id, host))
}

fn is_id(text: &str) -> bool {
    let letters = text.strip_prefix("node-").unwrap_or_default();
    letters.len() == ID_LEN && letters.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_keeps_its_id_and_gets_a_new_one_when_that_is_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let (first, host) = of(folder.path()).expect("an id");
        assert!(is_id(&first) && !host.is_empty(), "{first}");
        assert_eq!(of(folder.path()).expect("an id").0, first);
        fs::write(folder.path().join(FILE), "half").expect("written");
        assert!(is_id(&of(folder.path()).expect("an id").0));
    }
}
