//! The built-in templates, and an operator's folder in all the states that it can be in.

use std::path::Path;

use super::*;

/// Folders of code that built-in templates have.
fn languages() -> &'static [&'static str] {
    let names = BuiltIn::iter().filter_map(|path| {
        let mut parts = path.split('/').skip(1);
        let name = parts.next()?.to_owned();
        parts.next().map(|_| &*name.leak())
    });
    let names: std::collections::BTreeSet<&str> = names.collect();
    Vec::leak(names.into_iter().collect())
}

/// A template that is whole.
fn write_template(folder: &Path, id: &str, description: &str) {
    write(folder, &format!("{id}/template.toml"), description);
    write(folder, &format!("{id}/{}/index", languages()[0]), "code");
}

const DESCRIPTION: &str = "name = \"Ours\"\ndescription = \"d\"\ncategory = \"c\"\n";

fn ids(shelf: &Shelf, text: &str) -> Vec<String> {
    let found = shelf.search(text);
    found.map(|template| template.id.clone()).collect()
}

fn write(folder: &Path, path: &str, text: &str) {
    let path = folder.join(path);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    std::fs::write(path, text).expect("written");
}

fn catalogue(folder: &Path) -> Catalogue {
    Catalogue::open(Some(folder.to_owned()), languages()).expect("whole")
}

#[test]
fn every_built_in_template_is_whole_and_found_by_its_words() {
    let shelf = Catalogue::open(None, languages()).expect("whole").now();
    let all = [
        "mp-api-proxy",
        "mp-data-transformer",
        "mp-email-sender",
        "mp-hello-world",
        "mp-image-resizer",
        "mp-webhook-handler",
    ];
    assert_eq!(ids(&shelf, ""), all);
    assert_eq!(ids(&shelf, "HELLO starter"), ["mp-hello-world"]);
    assert_eq!(ids(&shelf, "image"), ["mp-image-resizer"]);
    assert_eq!(ids(&shelf, "hello nothing-of-this"), [""; 0]);
    assert!(shelf.get("hello-world").is_some() && shelf.get("mp-hello-world").is_some());
    assert!(shelf.get("nowhere").is_none());
    for template in shelf.search("") {
        let readme = &template.readme;
        for parameter in &template.parameters {
            let row = format!("| `{}` |", parameter.name);
            assert!(readme.contains(&row), "{}: {row}", template.id);
        }
        assert!(template.event.is_object(), "{}", template.id);
    }
}

#[test]
fn an_operators_folder_adds_and_is_read_again_when_it_has_changed() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let catalogue = catalogue(folder);
    assert_eq!(ids(&catalogue.now(), "ours"), [""; 0]);
    write(folder, "README.md", "belongs to no template");
    write(folder, ".git/config", "belongs to none either");
    write_template(folder, "ours", DESCRIPTION);
    write(folder, "ours/LICENSE", "of all languages");
    let shelf = catalogue.now();
    assert_eq!(ids(&shelf, "ours"), ["ours"]);
    assert_eq!(shelf.problems, []);
    assert!(Arc::ptr_eq(&shelf, &catalogue.now()), "nothing has changed");
    let language = languages()[0];
    write(folder, &format!("ours/{language}/index"), "other");
    let again = catalogue.now();
    let code = &again.get("ours").expect("a template").code;
    assert_eq!(code[language]["index"], b"other");
    std::fs::remove_dir_all(folder.join("ours")).expect("removed");
    assert_eq!(ids(&catalogue.now(), "ours"), [""; 0]);
}

/// An id, a description, the file and field that are wrong, and a word of the reason.
type Wrong = (
    &'static str,
    String,
    &'static str,
    Option<&'static str>,
    &'static str,
);

fn wrong() -> Vec<Wrong> {
    let parameter = |text: &str| {
        format!("{DESCRIPTION}[[parameters]]\nname = 'A'\ndescription = 'd'\n{text}\n")
    };
    vec![
        (
            "a1",
            "name = 1\n".to_owned(),
            "a1/template.toml",
            Some("name"),
            "line 1",
        ),
        (
            "a2",
            format!("{DESCRIPTION}colour = 'red'\n"),
            "a2/template.toml",
            Some("colour"),
            "unknown field",
        ),
        (
            "a3",
            parameter("type = 'colour'"),
            "a3/template.toml",
            Some("parameters[0].type"),
            "integer",
        ),
        (
            "a4",
            parameter("type = 'integer'\ndefault = 'x'"),
            "a4/template.toml",
            Some("parameters[0].default"),
            "whole number",
        ),
        (
            "a5",
            format!("{DESCRIPTION}[settings]\nnetwork = 'lan'\n"),
            "a5/template.toml",
            Some("settings.network"),
            "internet",
        ),
        (
            "a6",
            "name = \"no end".to_owned(),
            "a6/template.toml",
            None,
            "line 1",
        ),
        (
            "hello-world",
            DESCRIPTION.to_owned(),
            "hello-world",
            None,
            "another template",
        ),
        (
            "mp-hello-world",
            DESCRIPTION.to_owned(),
            "mp-hello-world",
            None,
            "another template",
        ),
        ("Big", DESCRIPTION.to_owned(), "Big", None, "rename"),
    ]
}

#[test]
fn what_is_wrong_names_file_and_field_and_hides_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    write_template(folder, "good", DESCRIPTION);
    let cases = wrong();
    for (id, text, ..) in &cases {
        write_template(folder, id, text);
    }
    write(folder, "none/README.md", "# None");
    write(folder, "cobol/template.toml", DESCRIPTION);
    write(folder, "cobol/cobol/index.cob", "");
    write(folder, "event/template.toml", DESCRIPTION);
    write(folder, "event/event.json", "{");
    std::os::unix::fs::symlink("/etc/hostname", folder.join("event/link")).expect("a link");
    let shelf = catalogue(folder).now();
    assert_eq!(ids(&shelf, "ours"), ["good"]);
    for (id, _, file, field, words) in &cases {
        let found = shelf.problems.iter().find(|problem| problem.file == *file);
        let problem = found.unwrap_or_else(|| panic!("{id}: {:?}", shelf.problems));
        assert_eq!(problem.field.as_deref(), *field, "{problem}");
        assert!(problem.message.contains(words), "{problem}");
    }
    for file in ["none/template.toml", "cobol/cobol", "event/link"] {
        let found = shelf.problems.iter().any(|problem| problem.file == file);
        assert!(found, "{file}: {:?}", shelf.problems);
    }
    let name = &shelf.get("mp-hello-world").expect("the built-in one").name;
    assert_eq!(name, "Hello World");
}

#[test]
fn a_folder_that_is_not_there_is_a_problem_and_no_end() {
    let shelf = catalogue(Path::new("/nowhere/at/all")).now();
    assert_eq!(ids(&shelf, "hello"), ["mp-hello-world"]);
    assert_eq!(shelf.problems.len(), 1);
    assert!(
        shelf.problems[0]
            .to_string()
            .contains("the folder of templates")
    );
}
