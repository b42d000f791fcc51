//! Sockets: the engine's own extension with the operations of connections alone, for `import … from "zygo:net"`. Its scripts
//! wait in this binary until somebody wants them.

use std::borrow::Cow;

use deno_core::{Extension, ExtensionFileSource, OpState};
use deno_net::{DefaultTlsOptions, ops, ops_tls};

/// What there is of TLS before anybody asks for sockets: `fetch` can be given a client certificate through this module, and nobody
/// in here gives one.
static TLS_STUB: ExtensionFileSource = ExtensionFileSource::new(
    "ext:deno_net/02_tls.js",
    deno_core::ascii_str!("(function () { return { loadTlsKeyPair() {} }; })();"),
);

/// The script behind the stub's name, as `net.js` loads it.
const TLS: &str = "ext:deno_net/tls.js";

/// The extension, with scripts as `script` finds them.
pub(crate) fn extension(script: impl Fn(&str) -> Option<ExtensionFileSource>) -> Extension {
    let connections = script("ext:deno_net/01_net.js");
    let mut tls = script(TLS_STUB.specifier);
    if let Some(tls) = &mut tls {
        tls.specifier = TLS;
    }
    let scripts = [Some(TLS_STUB.clone()), connections, tls];
    Extension {
        name: "deno_net",
        deps: &["deno_web"],
        lazy_loaded_js_files: scripts.into_iter().flatten().collect(),
        // No others: functions do not listen, nor speak QUIC.
        ops: Cow::Owned(vec![
            ops::op_net_connect_tcp(),
            ops::op_set_keepalive(),
            ops::op_set_nodelay(),
            ops_tls::op_net_connect_tls(),
            ops_tls::op_tls_handshake(),
            ops_tls::op_tls_key_null(),
            ops_tls::op_tls_key_static(),
            ops_tls::op_tls_start(),
        ]),
        op_state_fn: Some(Box::new(trust_the_same_as_fetch)),
        ..Extension::default()
    }
}

/// Without a store of their own, both trust the authorities that Mozilla does.
fn trust_the_same_as_fetch(state: &mut OpState) {
    state.put(DefaultTlsOptions {
        root_cert_store_provider: None,
    });
}
