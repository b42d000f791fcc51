// As much of Node's `process` as handlers and plain libraries ask for.
"use strict";

(function () {
const { core } = __bootstrap;
const { op_zygo_exit, op_zygo_pid } = core.ops;
const log = core.loadExtScript("ext:zygo/log.js");
const { performance } = core.loadExtScript("ext:deno_web/15_performance.js");

// Names and values are strings, whatever is assigned.
const env = new Proxy({}, {
  set(target, name, value) {
    target[name] = String(value);
    return true;
  },
  defineProperty(target, name, descriptor) {
    return Reflect.defineProperty(target, name, { ...descriptor, value: String(descriptor.value) });
  },
});

function hrtime(previous) {
  const now = performance.now();
  let seconds = Math.floor(now / 1000);
  let nanoseconds = Math.floor((now % 1000) * 1e6);
  if (previous) {
    seconds -= previous[0];
    nanoseconds -= previous[1];
    if (nanoseconds < 0) {
      seconds -= 1;
      nanoseconds += 1e9;
    }
  }
  return [seconds, nanoseconds];
}
hrtime.bigint = () => BigInt(Math.floor(performance.now() * 1e6));

const output = (level) => ({
  isTTY: false,
  write(text) {
    log.write(level, typeof text === "string" ? text : new TextDecoder().decode(text));
    return true;
  },
});

const process = {
  arch: core.build.arch === "aarch64" ? "arm64" : "x64",
  argv: [],
  env,
  execArgv: [],
  exitCode: undefined,
  platform: "linux",
  release: { name: "zygo" },
  stderr: output(3),
  stdout: output(1),
  title: "zygo",
  version: "v22.0.0",
  versions: { node: "22.0.0", zygo: "0.1.0" },
  get pid() {
    return op_zygo_pid();
  },
  cwd: () => "/",
  emitWarning: (warning) => globalThis.console.warn(warning?.message ?? warning),
  exit: (code) => op_zygo_exit(Number(code ?? process.exitCode ?? 0) | 0),
  hrtime,
  memoryUsage: () => core.memoryUsage(),
  nextTick: (callback, ...args) => queueMicrotask(() => callback(...args)),
  uptime: () => performance.now() / 1000,
};
// Libraries register for signals and exits that never come in here.
for (const name of ["addListener", "off", "on", "once", "removeAllListeners", "removeListener"]) {
  process[name] = () => process;
}

return { process };
})();
