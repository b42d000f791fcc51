//! `zygo deploy`: a folder or a file becomes a function, or the next version of one. Needs no configuration.

use std::path::{Path, PathBuf};
use std::time::Instant;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use clap::Args;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::Context;
use super::change::{or_explain, pair};
use super::detect::{self, Found};
use super::failure::Failure;
use super::output::{FAINT, GOOD, cell, plain};
use super::pack;
use super::project::{self, Project};

/// What to deploy.
#[derive(Debug, Clone, Args)]
pub(super) struct DeployArgs {
    /// A folder or a file; this folder when absent.
    #[arg(value_name = "PATH")]
    path: Option<PathBuf>,
    /// Name of the function; that of the project, the folder or the file when absent.
    #[arg(short, long, value_name = "NAME")]
    function: Option<String>,
    /// Language, when it cannot be seen: typescript, javascript, python or ruby.
    #[arg(long)]
    runtime: Option<String>,
    /// Handler, as `file.function`.
    #[arg(long)]
    handler: Option<String>,
    /// Memory limit of an instance, in MB.
    #[arg(long, value_name = "MB")]
    memory: Option<u32>,
    /// How long one invocation may take, in ms.
    #[arg(long, value_name = "MS")]
    timeout: Option<u64>,
    /// An environment variable, `NAME=value`; may be repeated. Secrets have a command of their own.
    #[arg(short, long, value_name = "NAME=VALUE")]
    env: Vec<String>,
}

/// What to deploy, and whether it is to serve.
#[derive(Debug, Clone, Args)]
pub(super) struct DeployCommand {
    #[command(flatten)]
    args: DeployArgs,
    /// Make a version that does not serve yet, for `zygo rollout` or callers who name it.
    #[arg(long)]
    stage: bool,
}

impl DeployArgs {
    /// The folder or file that was named.
    pub(super) fn path(&self) -> Option<PathBuf> {
        self.path.clone()
    }
}

/// A function ready to be sent.
#[derive(Debug)]
pub(super) struct Parcel {
    pub(super) name: String,
    pub(super) body: Map<String, Value>,
}

pub(super) async fn deploy(command: &DeployCommand, context: &Context) -> Result<(), Failure> {
    let started = Instant::now();
    let parcel = parcel(&command.args)?;
    let spinner = context
        .output
        .spinner(&format!("deploying {}", parcel.name));
    let answer = match command.stage {
        true => stage(context, &parcel).await,
        false => send(context, &parcel).await,
    };
    spinner.finish_and_clear();
    let answer = answer?;
    if context.output.is_json {
        context.output.document(answer);
        return Ok(());
    }
    if command.stage {
        let version = cell(&answer["version"]["version"]);
        let said = format!("{} is staged as version {version}", plain(&parcel.name));
        context.output.say(&format!("{GOOD}{said}{GOOD:#}"));
        return Ok(());
    }
    let function = &answer["function"];
    let verb = match answer["unchanged"] == true {
        true => "is unchanged at",
        false => "deployed as",
    };
    let name = plain(&parcel.name);
    let (version, took) = (&function["version"], started.elapsed().as_millis());
    context.output.say(&format!(
        "{GOOD}{name} {verb} version {version}{GOOD:#} {FAINT}in {took} ms{FAINT:#}"
    ));
    let endpoint = function["endpoint"].as_str().unwrap_or_default();
    context
        .output
        .line(&format!("{}{endpoint}", context.client.base()));
    Ok(())
}

/// Creates the function, or makes its next version.
pub(super) async fn send(context: &Context, parcel: &Parcel) -> Result<Value, Failure> {
    let client = &context.client;
    let path = ["functions", parcel.name.as_str()];
    let body = Value::Object(parcel.body.clone());
    match client.get(&path).await {
        Ok(_) => client.call(Method::PUT, &path, &body).await,
        Err(Failure::Refused { status: 404, .. }) => {
            client.call(Method::POST, &["functions"], &body).await
        }
        Err(failure) => Err(failure),
    }
}

/// Makes a version of a function that is there.
async fn stage(context: &Context, parcel: &Parcel) -> Result<Value, Failure> {
    let path = ["functions", parcel.name.as_str(), "versions"];
    let body = Value::Object(parcel.body.clone());
    let answer = context.client.call(Method::POST, &path, &body).await;
    or_explain(context, answer, &parcel.name).await
}

/// Finds out everything that was not said, and packs the files.
pub(super) fn parcel(args: &DeployArgs) -> Result<Parcel, Failure> {
    let path = locate(args)?;
    let project = match path.is_dir() {
        true => Project::read(&path)?.unwrap_or_default(),
        false => Project::default(),
    };
    let stated = |key: &str| project.settings.get(key).and_then(Value::as_str);
    let runtime = args.runtime.as_deref().or_else(|| stated("runtime"));
    let handler = args.handler.as_deref().or_else(|| stated("handler"));
    let found = match (runtime, handler) {
        (Some(_), Some(_)) => None,
        _ if path.is_dir() => Some(detect::in_folder(&path, runtime)?),
        _ => Some(detect::in_file(&path)?),
    };
    let archive = match path.is_dir() {
        true => pack::folder(&path)?,
        false => pack::file(&path)?,
    };
    let mut body = project.settings.clone();
    let name = name(args, &project, &path)?;
    body.insert("name".to_owned(), name.clone().into());
    fill(&mut body, args, runtime, handler, found.as_ref())?;
    body.insert("archive".to_owned(), BASE64.encode(archive).into());
    Ok(Parcel { name, body })
}

fn fill(
    body: &mut Map<String, Value>,
    args: &DeployArgs,
    runtime: Option<&str>,
    handler: Option<&str>,
    found: Option<&Found>,
) -> Result<(), Failure> {
    let runtime = runtime.or_else(|| found.map(|found| found.runtime));
    let handler = handler.or_else(|| found.map(|found| found.handler.as_str()));
    body.insert("runtime".to_owned(), json!(runtime));
    body.insert("handler".to_owned(), json!(handler));
    if let Some(memory) = args.memory {
        body.insert("memory".to_owned(), memory.into());
    }
    if let Some(timeout) = args.timeout {
        body.insert("timeout".to_owned(), timeout.into());
    }
    if !args.env.is_empty() {
        let mut environment = match body.remove("environment") {
            Some(Value::Object(environment)) => environment,
            _ => Map::new(),
        };
        for text in &args.env {
            let (name, value) = pair("--env", text)?;
            environment.insert(name.to_owned(), value.into());
        }
        body.insert("environment".to_owned(), environment.into());
    }
    Ok(())
}

/// Where the files are: as said, or a file or folder that is called like the function, or this folder.
fn locate(args: &DeployArgs) -> Result<PathBuf, Failure> {
    if let Some(path) = &args.path {
        return match path.exists() {
            true => Ok(path.clone()),
            false => Err(Failure::usage(format!("{} is not there", path.display()))),
        };
    }
    let here = PathBuf::from(".");
    let named = args
        .function
        .as_deref()
        .filter(|_| !here.join(project::FILE).exists());
    let files = named.into_iter().flat_map(|name| {
        ["ts", "js", "mjs", "py", "rb"].map(|extension| here.join(format!("{name}.{extension}")))
    });
    let folder = named
        .map(|name| here.join(name))
        .filter(|path| path.is_dir());
    Ok(files
        .filter(|path| path.is_file())
        .chain(folder)
        .next()
        .unwrap_or(here))
}

fn name(args: &DeployArgs, project: &Project, path: &Path) -> Result<String, Failure> {
    let stated = args.function.clone().or_else(|| project.name.clone());
    let own = || {
        let path = std::fs::canonicalize(path).ok()?;
        let stem = if path.is_dir() {
            path.file_name()
        } else {
            path.file_stem()
        };
        project::name_from(&stem?.to_string_lossy())
    };
    stated
        .or_else(own)
        .ok_or_else(|| Failure::usage("what is the function called? Say --function NAME"))
}
