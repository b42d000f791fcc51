//! The pages of `docs/`: their snippets are run as a reader would run them, their links followed, and what they list is
//! compared with the code. `docs/README.md` says how a page tells what a block is.

mod compare;
mod page;
mod reader;
mod truth;

use std::path::{Path, PathBuf};

use page::{Page, is_written};
use reader::Reader;

/// A test for each page that is written by hand.
macro_rules! pages {
    ($($test:ident: $name:literal,)*) => {
        const PAGES: &[&str] = &[$($name),*];

        $(
            #[test]
            fn $test() {
                read($name);
            }
        )*
    };
}

pages! {
    contents: "README.md",
    errors: "errors.md",
    functions: "functions.md",
    lambda: "lambda.md",
    limits: "limits.md",
    nodes: "nodes.md",
    operations: "operations.md",
    python: "python.md",
    quick_start: "quick-start.md",
    ruby: "ruby.md",
    scaling: "scaling.md",
    security: "security.md",
    triggers: "triggers.md",
    typescript: "typescript.md",
}

/// Does what a page says, from its beginning to its end.
fn read(name: &str) {
    let page = Page::parse(name, &text_of(name));
    Reader::of(&page).follow(&page);
}

/// The folder of the pages.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")
}

/// The text of a page.
fn text_of(name: &str) -> String {
    let path = folder().join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Names of all pages.
fn names() -> Vec<String> {
    let entries = std::fs::read_dir(folder()).expect("the folder of the pages");
    let names = entries.flatten().map(|entry| entry.file_name());
    let mut names: Vec<String> = names
        .map(|name| name.to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".md"))
        .collect();
    names.sort();
    names
}

#[test]
fn every_page_is_read() {
    let mut by_hand = names();
    by_hand.retain(|name| !is_written(&text_of(name)));
    assert_eq!(
        by_hand, PAGES,
        "a page that no test reads, or a test without a page"
    );
}
