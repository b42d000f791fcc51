// Finds the user's handler in their module, whatever its manner, and calls it.
"use strict";

(function () {
const { core } = __bootstrap;
const { Context, setFunction } = core.loadExtScript("ext:zygo/context.js");
const { requestOf } = core.loadExtScript("ext:zygo/event.js");
const { Response } = core.loadExtScript("ext:deno_fetch/23_response.js");
const { afterwards, isStreamed } = core.loadExtScript("ext:zygo/stream.js");

// Called as `(event, context)`; set by `bind`.
let call = null;

function byPath(from, path) {
  return path.split(".").reduce((value, name) => value?.[name], from);
}

function find(namespace, name) {
  const fallback = namespace.default;
  const named = byPath(namespace, name) ?? byPath(fallback, name);
  if (named !== undefined) return named;
  return typeof fallback === "function" || typeof fallback?.fetch === "function" ? fallback : undefined;
}

function withCallback(handler) {
  return (event, context) =>
    new Promise((resolve, reject) => {
      const done = (error, value) => (error === null || error === undefined ? resolve(value) : reject(error));
      context.done = done;
      context.succeed = resolve;
      context.fail = reject;
      const result = handler(event, context, done);
      if (typeof result?.then === "function") result.then(resolve, reject);
    });
}

async function settle(background) {
  for (const outcome of await Promise.allSettled(background)) {
    if (outcome.status === "rejected") console.error(outcome.reason);
  }
}

function withFetch(object) {
  return async (event, { traceparent, tracestate }) => {
    const background = [];
    const context = {
      traceparent,
      tracestate,
      passThroughOnException() {},
      waitUntil(promise) {
        background.push(promise);
      },
    };
    const response = await object.fetch(requestOf(event), globalThis.process.env, context);
    // An instance is frozen once it has answered, so what the handler wants done comes first; unless that is what makes
    // the pieces of the answer.
    if (response instanceof Response && isStreamed(response)) {
      afterwards.set(response, () => settle(background));
    } else {
      await settle(background);
    }
    return response;
  };
}

// Returns what is wrong; or, when nothing is, whether the handler is an application, which reads JSON itself.
function bind(namespace, name, file, settings) {
  setFunction(settings.name, settings.version, settings.memoryLimitMb);
  const found = find(namespace, name);
  if (found === undefined) {
    const exports = [...new Set([...Object.keys(namespace), ...Object.keys(Object(namespace.default))])];
    const list = exports.length === 0 ? "exports nothing" : `exports ${exports.slice(0, 20).join(", ")}`;
    return `${file} has no export \`${name}\`; it ${list}`;
  }
  if (typeof found === "function") {
    call = found.length >= 3 ? withCallback(found) : found;
    return false;
  }
  if (typeof found?.fetch === "function") {
    call = withFetch(found);
    return true;
  }
  return `\`${name}\` in ${file} is no function but ${found === null ? "null" : typeof found}`;
}

function dispatch(event, requestId, deadline, traceparent, tracestate) {
  return call(event, new Context(requestId, deadline, traceparent, tracestate));
}

// Puts another handler in place of the user's until `release`, for a rehearsal in an instance.
let held = null;

function hold(handler) {
  held = call;
  call = handler;
}

function release() {
  call = held;
  held = null;
}

return { bind, dispatch, hold, release };
})();
