// Runs once, in the language zygote: puts the web's global names in place, removes the engine's own, and hands the
// functions that Rust calls to `globalThis.__zygo`, from where Rust takes them. Knows no function and no tenant.
"use strict";

(function () {
const { core, internals } = globalThis.__bootstrap;
const { ops } = core;
const load = (name) => core.loadExtScript(`ext:${name}`);

// fetch asks for telemetry; there is none in here, the supervisor measures.
internals.__telemetry = {
  TRACING_ENABLED: false,
  PROPAGATORS: [],
  ContextManager: {},
  DID_NOT_ENTER: Symbol("did not enter"),
  builtinTracer() {},
  enterSpan() {},
  exitSpan() {},
};
internals.__telemetryUtil = {
  updateSpanFromClientResponse() {},
  updateSpanFromError() {},
  updateSpanFromRequest() {},
};

const hidden = (value) => ({ value, writable: true, enumerable: false, configurable: true });
const visible = (value) => ({ value, writable: true, enumerable: true, configurable: true });
const define = (names, from, as = hidden) => {
  for (const name of names) Object.defineProperty(globalThis, name, as(from[name]));
};

const event = load("deno_web/02_event.js");
const exception = load("deno_web/01_dom_exception.js");
const streams = load("deno_web/06_streams.js");
const performance = load("deno_web/15_performance.js");
const crypto = load("deno_crypto/00_crypto.js");
event.saveGlobalThisReference(globalThis);

load("zygo/exceptions.js");
const log = load("zygo/log.js");
const timers = load("zygo/timers.js");
const { process } = load("zygo/process.js");
const hooks = load("zygo/hooks.js");
const webhooks = load("zygo/webhooks.js");
const handler = load("zygo/handler.js");
const response = load("zygo/response.js");
const stream = load("zygo/stream.js");
const error = load("zygo/error.js");
const commonjs = load("zygo/commonjs.js");
const rehearsal = load("zygo/rehearsal.js");

define(["URL", "URLSearchParams"], load("deno_web/00_url.js"));
define(["URLPattern"], load("deno_web/01_urlpattern.js"));
define(["DOMException", "QuotaExceededError"], exception);
define([
  "CloseEvent", "CustomEvent", "ErrorEvent", "Event", "EventTarget", "MessageEvent", "ProgressEvent",
  "PromiseRejectionEvent",
], event);
define(["reportError"], event, visible);
define(["AbortController", "AbortSignal"], load("deno_web/03_abort_signal.js"));
define([
  "ByteLengthQueuingStrategy", "CountQueuingStrategy", "ReadableByteStreamController", "ReadableStream",
  "ReadableStreamBYOBReader", "ReadableStreamBYOBRequest", "ReadableStreamDefaultController",
  "ReadableStreamDefaultReader", "TransformStream", "TransformStreamDefaultController", "WritableStream",
  "WritableStreamDefaultController", "WritableStreamDefaultWriter",
], streams);
define(["TextDecoder", "TextDecoderStream", "TextEncoder", "TextEncoderStream"], load("deno_web/08_text_encoding.js"));
define(["Blob", "File"], load("deno_web/09_file.js"));
define(["FileReader"], load("deno_web/10_filereader.js"));
define(["MessageChannel", "MessagePort"], load("deno_web/13_message_port.js"));
define(["structuredClone"], load("deno_web/02_structured_clone.js"), visible);
define(["CompressionStream", "DecompressionStream"], load("deno_web/14_compression.js"));
define(["BroadcastChannel"], load("deno_web/01_broadcast_channel.js"));
define(["atob", "btoa"], load("deno_web/05_base64.js"), visible);
define([
  "Performance", "PerformanceEntry", "PerformanceMark", "PerformanceMeasure", "PerformanceObserver",
  "PerformanceObserverEntryList",
], performance);
define(["Headers"], load("deno_fetch/20_headers.js"));
define(["FormData"], load("deno_fetch/21_formdata.js"));
define(["Request"], load("deno_fetch/23_request.js"));
define(["Response"], load("deno_fetch/23_response.js"));
define(["fetch"], timers, visible);
define(["EventSource"], load("deno_fetch/27_eventsource.js"));
define(["Crypto", "CryptoKey", "SubtleCrypto"], crypto);
define([
  "clearImmediate", "clearInterval", "clearTimeout", "setImmediate", "setInterval", "setTimeout",
], timers, visible);
core.setWasmStreamingCallback(load("deno_fetch/26_fetch.js").handleWasmStreaming);

performance.setTimeOrigin();
define(["crypto", "performance"], { crypto: crypto.crypto, performance: performance.performance }, visible);
define(["console", "global", "process", "self"], {
  console: log.console,
  global: globalThis,
  process,
  self: globalThis,
});
Object.defineProperty(globalThis, Symbol.for("zygo.require"), { value: commonjs.requireFile });
// Sockets cost memory only where somebody imports them.
Object.defineProperty(globalThis, Symbol.for("zygo.net"), { value: () => load("zygo/net.js") });
define(["Zygo"], {
  Zygo: Object.freeze({ beforeSnapshot: hooks.beforeSnapshot, afterRestore: hooks.afterRestore, ...webhooks }),
});

class Navigator {
  get hardwareConcurrency() {
    return 1;
  }
  get language() {
    return "en-US";
  }
  get languages() {
    return ["en-US"];
  }
  get userAgent() {
    return "Zygo";
  }
}
define(["Navigator", "navigator"], { Navigator, navigator: new Navigator() });

// The engine's generator is part of the heap, so forked siblings would draw the same numbers.
const random = ops.op_zygo_random;
Object.defineProperty(random, "name", { value: "random", configurable: true });
Object.defineProperty(Math, "random", hidden(random));

core.setReportExceptionCallback((thrown) => ops.op_zygo_uncaught(thrown));

delete globalThis.Deno;
delete globalThis.__bootstrap;
globalThis.__zygo = {
  afterRestore: hooks.runAfterRestore,
  beforeSnapshot: hooks.runBeforeSnapshot,
  bind: handler.bind,
  describe: error.describe,
  dispatch: handler.dispatch,
  beginLoad(loadsBeforeFork) {
    // Once for the module and all its instances, or its clock would go back at a fork.
    performance.setTimeOrigin();
    timers.beginLoad(loadsBeforeFork);
  },
  endLoad: timers.endLoad,
  beginRehearsal: rehearsal.begin,
  endRehearsal: handler.release,
  rehearsals: () => rehearsal.names,
  rehearse: rehearsal.rehearse,
  respond: response.respond,
  serveSeveral() {
    log.serveSeveral();
    stream.serveSeveral();
  },
  setRoot: error.setRoot,
  taken: stream.taken,
  reset(inNewLoop) {
    if (inNewLoop) timers.restart();
  },
  setEnvironment: (entries) => Object.assign(process.env, Object.fromEntries(entries)),
};
})();
