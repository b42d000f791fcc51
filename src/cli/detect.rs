//! Finds out what a folder's function is: its language and its handler. Looks at names and at text, runs nothing.

use std::path::{Path, PathBuf};

use super::failure::Failure;

/// Files that a function may be in, in the order of preference, with their language.
const CANDIDATES: [(&str, &str); 26] = [
    ("index.ts", "typescript"),
    ("src/index.ts", "typescript"),
    ("handler.ts", "typescript"),
    ("main.ts", "typescript"),
    ("app.ts", "typescript"),
    ("index.mjs", "javascript"),
    ("index.js", "javascript"),
    ("index.cjs", "javascript"),
    ("src/index.js", "javascript"),
    ("handler.mjs", "javascript"),
    ("handler.js", "javascript"),
    ("main.js", "javascript"),
    ("app.js", "javascript"),
    ("index.py", "python"),
    ("handler.py", "python"),
    ("lambda_function.py", "python"),
    ("main.py", "python"),
    ("app.py", "python"),
    ("function.py", "python"),
    ("src/main.py", "python"),
    ("index.rb", "ruby"),
    ("handler.rb", "ruby"),
    ("lambda_function.rb", "ruby"),
    ("main.rb", "ruby"),
    ("app.rb", "ruby"),
    ("function.rb", "ruby"),
];

/// Names that handlers have.
const HANDLERS: [&str; 3] = ["handler", "lambda_handler", "main"];

/// What a folder's function is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) runtime: &'static str,
    /// `file.function`.
    pub(super) handler: String,
    pub(super) file: String,
}

/// The language of a file, by its name.
pub(super) fn runtime_of(path: &Path) -> Option<&'static str> {
    match path.extension()?.to_str()? {
        "ts" | "mts" | "tsx" => Some("typescript"),
        "js" | "mjs" | "cjs" => Some("javascript"),
        "py" => Some("python"),
        "rb" => Some("ruby"),
        _ => None,
    }
}

/// What a single file's function is.
pub(super) fn in_file(path: &Path) -> Result<Found, Failure> {
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let runtime = runtime_of(path).ok_or_else(|| {
        Failure::usage(format!(
            "{name} is no function: its name must end in .ts, .js, .mjs, .py or .rb"
        ))
    })?;
    let text = std::fs::read_to_string(path)?;
    Ok(found(&name, runtime, &text))
}

/// What a folder's function is. `runtime` is what the project's file says, if it does.
pub(super) fn in_folder(folder: &Path, runtime: Option<&str>) -> Result<Found, Failure> {
    let main = main_of_package(folder);
    let named = main.iter().map(|file| (file.as_str(), "javascript"));
    let fits = |language: &str| {
        let family = |name: &str| {
            if name == "typescript" {
                "javascript".to_owned()
            } else {
                name.to_owned()
            }
        };
        runtime.is_none_or(|wanted| family(wanted) == family(language))
    };
    let mut there = Vec::new();
    for (file, language) in CANDIDATES
        .into_iter()
        .map(|(f, l)| (f.to_owned(), l))
        .chain(named.map(|(f, l)| (f.to_owned(), l)))
    {
        let language = runtime_of(Path::new(&file)).unwrap_or(language);
        if let Ok(text) = std::fs::read_to_string(folder.join(&file))
            && fits(language)
        {
            there.push(found(&file, language, &text));
        }
    }
    there.into_iter().next().ok_or_else(|| {
        let names = "index, handler, main, app, src/index or lambda_function with .ts, .js, .py or .rb";
        Failure::usage(format!(
            "{} has no function: none of {names} is there; name the file, or write a zygo.toml with runtime and handler",
            folder.display()
        ))
    })
}

fn found(file: &str, runtime: &'static str, text: &str) -> Found {
    let stem = PathBuf::from(file)
        .with_extension("")
        .to_string_lossy()
        .into_owned();
    let names = HANDLERS
        .into_iter()
        .find(|name| defines(runtime, text, name));
    Found {
        runtime,
        handler: format!("{stem}.{}", names.unwrap_or("handler")),
        file: file.to_owned(),
    }
}

fn defines(runtime: &str, text: &str, name: &str) -> bool {
    let starts: &[String] = &match runtime {
        "python" | "ruby" => [
            format!("def {name}"),
            format!("async def {name}"),
            format!("{name} ="),
        ],
        _ => [
            format!("{name} ="),
            format!("function {name}"),
            format!("{name}:"),
        ],
    };
    text.lines().any(|line| {
        let line = line.trim_start();
        let line = line.strip_prefix("export ").unwrap_or(line);
        let line = line.strip_prefix("async ").unwrap_or(line);
        let line = ["const ", "let ", "var ", "exports.", "module.exports."]
            .iter()
            .find_map(|prefix| line.strip_prefix(prefix))
            .unwrap_or(line);
        starts.iter().any(|start| line.starts_with(start.as_str()))
    })
}

/// What package.json says is the way in.
fn main_of_package(folder: &Path) -> Option<String> {
    let text = std::fs::read_to_string(folder.join("package.json")).ok()?;
    let package: serde_json::Value = serde_json::from_str(&text).ok()?;
    Some(
        package["main"]
            .as_str()?
            .trim_start_matches("./")
            .to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files, language, handler.
    type Case = (
        &'static [(&'static str, &'static str)],
        &'static str,
        &'static str,
    );

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            std::fs::write(path, text).expect("written");
        }
        folder
    }

    #[test]
    fn language_and_handler_are_found() {
        let cases: [Case; 6] = [
            (
                &[("index.ts", "export const handler = async () => 1")],
                "typescript",
                "index.handler",
            ),
            (
                &[
                    ("package.json", r#"{"main": "./lib/go.js"}"#),
                    ("lib/go.js", "exports.handler = () => 1"),
                ],
                "javascript",
                "lib/go.handler",
            ),
            (
                &[(
                    "lambda_function.py",
                    "def lambda_handler(event, context): pass",
                )],
                "python",
                "lambda_function.lambda_handler",
            ),
            (
                &[("app.py", "import x\nasync def main(event, context): pass")],
                "python",
                "app.main",
            ),
            (
                &[("main.rb", "def handler(event:, context:)\nend")],
                "ruby",
                "main.handler",
            ),
            (
                &[("src/index.ts", "export default { fetch() {} }")],
                "typescript",
                "src/index.handler",
            ),
        ];
        for (files, runtime, handler) in cases {
            let found = in_folder(folder(files).path(), None).expect("found");
            assert_eq!((found.runtime, found.handler.as_str()), (runtime, handler));
        }
    }

    #[test]
    fn the_project_decides_between_languages_and_nothing_is_said_to_be_nothing() {
        let both = folder(&[("index.ts", ""), ("main.rb", "")]);
        assert_eq!(
            in_folder(both.path(), Some("ruby")).expect("found").file,
            "main.rb"
        );
        let none = in_folder(folder(&[("readme.md", "")]).path(), None).expect_err("nothing");
        assert_eq!(none.code(), 2);
    }
}
