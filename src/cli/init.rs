//! `zygo init`: the files of a small function that works.

use std::path::PathBuf;

use clap::Args;

use super::failure::Failure;
use super::output::{GOOD, Output};
use super::project;

/// What to write, and where.
#[derive(Debug, Clone, Args)]
pub(super) struct InitArgs {
    /// Name of the function and of its folder; this folder when absent.
    name: Option<String>,
    /// typescript, javascript, python or ruby.
    #[arg(long, default_value = "typescript")]
    runtime: String,
}

const TYPESCRIPT: &str = r#"export const handler = async (event: any, context: any) => {
  const name = event.body?.name ?? "World";
  console.log(`greeting ${name}`);
  return { statusCode: 200, body: { message: `Hello, ${name}!` } };
};
"#;
const JAVASCRIPT: &str = r#"export const handler = async (event, context) => {
  const name = event.body?.name ?? "World";
  console.log(`greeting ${name}`);
  return { statusCode: 200, body: { message: `Hello, ${name}!` } };
};
"#;
const PYTHON: &str = r#"def handler(event, context):
    name = (event.get("body") or {}).get("name", "World")
    print(f"greeting {name}")
    return {"statusCode": 200, "body": {"message": f"Hello, {name}!"}}
"#;
const RUBY: &str = r#"def handler(event, context)
  name = event.dig("body", "name") || "World"
  puts "greeting #{name}"
  { statusCode: 200, body: { message: "Hello, #{name}!" } }
end
"#;

pub(super) fn init(args: &InitArgs, output: Output) -> Result<(), Failure> {
    let (file, code) = match args.runtime.as_str() {
        "typescript" => ("index.ts", TYPESCRIPT),
        "javascript" => ("index.js", JAVASCRIPT),
        "python" => ("index.py", PYTHON),
        "ruby" => ("index.rb", RUBY),
        other => {
            let text =
                format!("--runtime {other} is unknown: typescript, javascript, python or ruby");
            return Err(Failure::usage(text));
        }
    };
    let folder = args
        .name
        .as_ref()
        .map_or_else(|| PathBuf::from("."), PathBuf::from);
    std::fs::create_dir_all(&folder)?;
    let absolute = std::fs::canonicalize(&folder)?;
    let name = absolute.file_name().unwrap_or_default().to_string_lossy();
    let name = project::name_from(&name).unwrap_or_else(|| "my-function".to_owned());
    let settings = format!(
        "name = \"{name}\"\nruntime = \"{}\"\nhandler = \"index.handler\"\n",
        args.runtime
    );
    let files = [
        (project::FILE, settings.as_str()),
        (file, code),
        ("event.json", "{ \"name\": \"Developer\" }\n"),
    ];
    if let Some((there, _)) = files.iter().find(|(file, _)| folder.join(file).exists()) {
        return Err(Failure::usage(format!(
            "{} is there already",
            folder.join(there).display()
        )));
    }
    for (file, text) in files {
        std::fs::write(folder.join(file), text)?;
    }
    output.say(&format!("{GOOD}{name} is written{GOOD:#}"));
    let enter = args
        .name
        .as_ref()
        .map(|name| format!("cd {name} && "))
        .unwrap_or_default();
    output.say(&format!(
        "next: {enter}zygo deploy && zygo invoke --data @event.json"
    ));
    Ok(())
}
