//! The extensions that make up the web's API, with their scripts inside this binary.

use std::borrow::Cow;
use std::sync::Arc;

use deno_core::{Extension, ExtensionFileSource, FastStaticString, ascii_str_include};
use deno_permissions::{PermissionsContainer, RuntimePermissionDescriptorParser};

use crate::{net, ops};

/// Scripts of the extension crates, found by the build script.
static CRATE_SCRIPTS: &[(&str, FastStaticString)] =
    include!(concat!(env!("OUT_DIR"), "/sources.rs"));

macro_rules! shim {
    ($name:literal) => {
        ExtensionFileSource::new(
            concat!("ext:zygo/", $name),
            ascii_str_include!(concat!("../../../shims/javascript/", $name)),
        )
    };
}

static SHIM_BOOTSTRAP: [ExtensionFileSource; 1] = [shim!("bootstrap.js")];
static SHIM_SCRIPTS: [ExtensionFileSource; 15] = [
    shim!("commonjs.js"),
    shim!("context.js"),
    shim!("error.js"),
    shim!("event.js"),
    shim!("handler.js"),
    shim!("exceptions.js"),
    shim!("hooks.js"),
    shim!("webhooks.js"),
    shim!("log.js"),
    shim!("net.js"),
    shim!("process.js"),
    shim!("rehearsal.js"),
    shim!("response.js"),
    shim!("stream.js"),
    shim!("timers.js"),
];

/// All extensions, in the order of their dependencies; the last one runs the bootstrap.
pub(crate) fn all() -> Vec<Extension> {
    let mut zygo = ops::zygo::init();
    zygo.js_files = Cow::Borrowed(&SHIM_BOOTSTRAP);
    zygo.lazy_loaded_js_files = Cow::Borrowed(&SHIM_SCRIPTS);
    zygo.op_state_fn = Some(Box::new(|state| {
        let parser = Arc::new(RuntimePermissionDescriptorParser::new(
            sys_traits::impls::RealSys,
        ));
        // The sandbox decides what a function may reach, not the engine.
        state.put(PermissionsContainer::allow_all(parser));
    }));
    let blobs = deno_web::BlobStore::default_arc();
    let broadcast = deno_web::InMemoryBroadcastChannel::default();
    let fetch = deno_fetch::Options {
        user_agent: "Zygo".to_owned(),
        ..Default::default()
    };
    let mut extensions = vec![
        embedded(deno_webidl::deno_webidl::init()),
        embedded(deno_web::deno_web::init(blobs, None, false, broadcast)),
        net::extension(script),
        embedded(deno_fetch::deno_fetch::init(fetch)),
        // A seed makes the extension draw single UUIDs from a generator that `fork_hooks` replaces after each fork,
        // instead of a batch that siblings would share.
        embedded(deno_crypto::deno_crypto::init(Some(0))),
    ];
    extensions.push(zygo);
    extensions
}

/// The same extension with its scripts from this binary instead of cargo's registry folder.
fn embedded(mut extension: Extension) -> Extension {
    let from_binary = |files: &[ExtensionFileSource]| -> Vec<ExtensionFileSource> {
        files
            .iter()
            .filter_map(|file| script(file.specifier))
            .collect()
    };
    extension.lazy_loaded_js_files = Cow::Owned(from_binary(&extension.lazy_loaded_js_files));
    extension.lazy_loaded_esm_files = Cow::Owned(from_binary(&extension.lazy_loaded_esm_files));
    extension
}

fn script(specifier: &str) -> Option<ExtensionFileSource> {
    let found = CRATE_SCRIPTS.iter().find(|(name, _)| *name == specifier)?;
    Some(ExtensionFileSource::new(found.0, found.1))
}
