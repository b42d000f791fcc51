// Timers, fetch and sockets, with a record of who called them while the module loads: what is still open when the load ends
// would not survive a fork, and its caller is named to the user.
"use strict";

(function () {
const { core } = __bootstrap;
const { op_timer_schedule } = core.ops;
const {
  clearTimeout: webClearTimeout,
  setInterval: webSetInterval,
  setTimeout: webSetTimeout,
} = core.loadExtScript("ext:deno_web/02_timers.js");
const { fetch: webFetch } = core.loadExtScript("ext:deno_fetch/26_fetch.js");
const { callerOf } = core.loadExtScript("ext:zygo/error.js");

// `null` unless a module is being loaded: then what is open, by timer id or as an object of its own.
let open = null;
let beforeFork = false;
let everUsedBeforeFork = false;

function tracked(name, start, callback, rest, self) {
  if (open === null || typeof callback !== "function") return start(callback, ...rest);
  const record = open;
  everUsedBeforeFork ||= beforeFork;
  const once = start === webSetTimeout;
  let id = 0;
  const fire = (...args) => {
    if (once) record.delete(id);
    return callback.apply(globalThis, args);
  };
  id = start(fire, ...rest);
  record.set(id, `${name} at ${callerOf(self)}`);
  return id;
}

function setTimeout(callback, ...rest) {
  return tracked("setTimeout", webSetTimeout, callback, rest, setTimeout);
}

function setInterval(callback, ...rest) {
  return tracked("setInterval", webSetInterval, callback, rest, setInterval);
}

function setImmediate(callback, ...args) {
  return tracked("setImmediate", webSetTimeout, callback, [0, ...args], setImmediate);
}

function clearTimeout(id) {
  if (open !== null) open.delete(id);
  return webClearTimeout(id);
}

function fetch(input, init) {
  return beforeFork ? early("fetch", fetch) : webFetch(input, init);
}
Object.defineProperty(fetch, "length", { value: 1, configurable: true });

// There is no network before the fork, and siblings would share what was opened. While the module is loaded, that is noted:
// it is loaded again after the fork, so nobody waits for this promise. Later, whoever asks is told.
function early(name, self) {
  if (open === null) return Promise.reject(new Error(`there is no network before the snapshot: ${name} belongs in afterRestore`));
  open.set({}, `${name} at ${callerOf(self)}`);
  return new Promise(() => {});
}

// A function that needs the network, so that it is treated as `fetch` is.
function networked(name, start) {
  const self = (options) => (beforeFork ? early(name, self) : start(options));
  return Object.defineProperty(self, "name", { value: name, configurable: true });
}

function beginLoad(loadsBeforeFork) {
  open = new Map();
  beforeFork = loadsBeforeFork;
}

// What is still open, one text each.
function endLoad() {
  const left = open === null ? [] : [...open.values()];
  open = null;
  return left;
}

// A cancelled timer leaves its deadline behind in the zygote's event loop, which instances do not have. An early
// wake-up in the new loop puts the queue in order; without it, a later timer could wait for ever.
function restart() {
  beforeFork = false;
  if (everUsedBeforeFork) op_timer_schedule(1);
}

return {
  beginLoad,
  clearImmediate: clearTimeout,
  clearInterval: clearTimeout,
  clearTimeout,
  endLoad,
  fetch,
  networked,
  restart,
  setImmediate,
  setInterval,
  setTimeout,
};
})();
