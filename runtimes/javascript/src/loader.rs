//! Gives V8 the modules of the loaded bundle. Reads files; resolution and transpilation live elsewhere.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use deno_core::{
    ModuleLoadOptions, ModuleLoadReferrer, ModuleLoadResponse, ModuleLoader, ModuleResolveResponse,
    ModuleSource, ModuleSourceCode, ModuleSpecifier, ModuleType, RequestedModuleType,
    ResolutionKind,
};
use deno_error::JsErrorBox;

use crate::engine::Engine;
use crate::resolve::{self, Asked};
use crate::{bundle, commonjs, transpile};

/// The module behind `import … from "zygo"`.
const HOOKS: &str = "export const { beforeSnapshot, afterRestore, verifyWebhook, WebhookError } = globalThis.Zygo;\nexport default globalThis.Zygo;";

/// The module behind `import … from "zygo:net"`.
const NET: &str = "const net = globalThis[Symbol.for(\"zygo.net\")]();\nexport const { connect, connectTls, startTls, errors } = net;\nexport default net;";

/// How many bytes of source are compiled as a whole.
const EAGER_LEN_MAX: usize = 256 * 1024;

/// Loads modules from one folder, which is known only when a function is loaded.
#[derive(Debug, Default)]
pub(crate) struct Loader {
    root: RefCell<PathBuf>,
    /// Bytes of source so far.
    loaded: Cell<usize>,
}

impl Loader {
    /// Sets the folder of the bundle.
    pub(crate) fn set_root(&self, root: &Path) {
        root.clone_into(&mut self.root.borrow_mut());
    }

    /// Of a large bundle, most functions are never called; compiling them all would cost more than it saves.
    fn count(&self, bytes: usize) {
        self.loaded.set(self.loaded.get() + bytes);
        if self.loaded.get() > EAGER_LEN_MAX {
            Engine::compile_eagerly(false);
        }
    }

    fn source(
        &self,
        specifier: &ModuleSpecifier,
        asked: &RequestedModuleType,
    ) -> Result<ModuleSource, JsErrorBox> {
        let (kind, text) = match specifier.scheme() {
            "zygo" => (ModuleType::JavaScript, built_in(specifier.path())?),
            _ => self.file_source(specifier, asked)?,
        };
        Ok(ModuleSource::new(
            kind,
            ModuleSourceCode::String(text.into()),
            specifier,
            None,
        ))
    }

    fn file_source(
        &self,
        specifier: &ModuleSpecifier,
        asked: &RequestedModuleType,
    ) -> Result<(ModuleType, String), JsErrorBox> {
        let file = path_of(specifier)?;
        let root = self.root.borrow();
        let shown = file
            .strip_prefix(&*root)
            .unwrap_or(&file)
            .display()
            .to_string();
        let unreadable = |error| JsErrorBox::generic(format!("cannot read {shown}: {error}"));
        if file
            .extension()
            .is_some_and(|extension| extension == "wasm")
        {
            let bytes = std::fs::read(&file).map_err(unreadable)?;
            return Ok((ModuleType::JavaScript, web_assembly(&bytes)));
        }
        let text = bundle::read_source(&file).map_err(unreadable)?;
        self.count(text.len());
        if file
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            if *asked == RequestedModuleType::Json {
                return Ok((ModuleType::Json, text));
            }
            // Bundlers and TypeScript let people import JSON without saying so.
            return Ok((ModuleType::JavaScript, format!("export default {text};")));
        }
        if commonjs::is_commonjs(&root, &file, &text) {
            return Ok((ModuleType::JavaScript, commonjs::facade(&file, &text)));
        }
        Ok((ModuleType::JavaScript, text))
    }
}

/// A module that exports the compiled code, as bundlers and other platforms have it. Compiled when it is loaded, it is shared by
/// all forks.
fn web_assembly(bytes: &[u8]) -> String {
    let text = BASE64.encode(bytes);
    format!(
        "export default new WebAssembly.Module(Uint8Array.from(atob(\"{text}\"), (one) => one.charCodeAt(0)));"
    )
}

fn built_in(path: &str) -> Result<String, JsErrorBox> {
    match path.strip_prefix("helpers/") {
        None if path == "net" => Ok(NET.to_owned()),
        None => Ok(HOOKS.to_owned()),
        Some(name) => transpile::helper(name)
            .map(str::to_owned)
            .ok_or_else(|| JsErrorBox::generic(format!("there is no helper `{name}`"))),
    }
}

fn path_of(specifier: &ModuleSpecifier) -> Result<PathBuf, JsErrorBox> {
    let not_a_file = || JsErrorBox::generic(format!("`{specifier}` is no file of the bundle"));
    if specifier.scheme() != "file" {
        return Err(not_a_file());
    }
    specifier.to_file_path().map_err(|()| not_a_file())
}

impl ModuleLoader for Loader {
    fn resolve(&self, specifier: &str, referrer: &str, _: ResolutionKind) -> ModuleResolveResponse {
        let url = |text: &str| ModuleSpecifier::parse(text).map_err(JsErrorBox::from_err);
        if specifier == "zygo" || specifier == "zygo:hooks" {
            return url("zygo:hooks");
        }
        if specifier == "zygo:net" {
            return url(specifier);
        }
        if let Some(helper) = specifier.strip_prefix("zygo/") {
            return url(&format!("zygo:{helper}"));
        }
        let root = self.root.borrow();
        let from = url(referrer)
            .and_then(|referrer| path_of(&referrer))
            .unwrap_or_else(|_| root.join("index"));
        let found = resolve::resolve(&root, specifier, &from, Asked::Import)
            .map_err(|message| JsErrorBox::new("Error", message))?;
        ModuleSpecifier::from_file_path(&found)
            .map_err(|()| JsErrorBox::generic("no address for this path"))
    }

    fn load(
        &self,
        specifier: &ModuleSpecifier,
        _: Option<&ModuleLoadReferrer>,
        options: ModuleLoadOptions,
    ) -> ModuleLoadResponse {
        ModuleLoadResponse::Sync(self.source(specifier, &options.requested_module_type))
    }

    fn get_source_map(&self, file_name: &str) -> Option<Cow<'_, [u8]>> {
        let file = path_of(&ModuleSpecifier::parse(file_name).ok()?).ok()?;
        bundle::read_source_map(&file).map(Cow::Owned)
    }
}
