import { connect } from "zygo:net";

const global = globalThis as any;

async function outcome(act: () => unknown): Promise<string> {
  try {
    const result = await act();
    return result === undefined ? "ok" : String(result);
  } catch (error: any) {
    return error?.name ?? "Error";
  }
}

/** Whatever names lead to: globals, their prototypes and what hangs on functions. */
function reachable(): string[] {
  const wanted = ["Deno", "__bootstrap", "ops", "op_", "internalBinding", "loadExtScript"];
  const seen = new Set<unknown>();
  const found: string[] = [];
  const look = (value: any, path: string, depth: number) => {
    if ((typeof value !== "object" && typeof value !== "function") || value === null) return;
    if (seen.has(value) || depth > 5) return;
    seen.add(value);
    for (const key of Reflect.ownKeys(value)) {
      const name = String(key);
      if (wanted.some((it) => name === it || (it === "op_" && name.startsWith(it)))) found.push(`${path}.${name}`);
      try {
        look(Reflect.get(value, key), `${path}.${name}`, depth + 1);
      } catch {
        // A getter that wants another receiver.
      }
    }
    look(Object.getPrototypeOf(value), `${path}.__proto__`, depth + 1);
  };
  look(global, "globalThis", 0);
  return found;
}

const kept: unknown[] = [];
const indirect = (0, eval) as (code: string) => any;

const ACTIONS: Record<string, (...args: any[]) => unknown> = {
  pid: () => process.pid,
  respond: (answer) => answer,
  reachable: () => JSON.stringify(reachable()),
  import: (specifier) => import(specifier).then(() => undefined),
  import_json: (specifier) => import(specifier, { with: { type: "json" } }).then(() => undefined),
  require: (path) => {
    global[Symbol.for("zygo.require")](path);
  },
  fetch: (url) => fetch(url, { signal: AbortSignal.timeout(2000) }).then((answer) => void answer.status),
  connect: async (hostname, port) => (await connect({ hostname, port, signal: AbortSignal.timeout(2000) })).close(),
  fetch_redirected: (url) => fetch(url, { redirect: "follow" }).then((answer) => void answer.status),
  worker: () => void new global.Worker("data:text/javascript,1"),
  deno: () => void global.Deno.core,
  core_by_eval: () => void indirect("Deno.core.ops"),
  core_by_constructor: () => void (fetch.constructor as any)("return Deno.core")(),
  core_by_stack: () => {
    const old = (Error as any).prepareStackTrace;
    const found: unknown[] = [];
    (Error as any).prepareStackTrace = (_: unknown, sites: any[]) => {
      for (const site of sites) found.push(site.getThis?.(), site.getFunction?.());
      return "";
    };
    try {
      void new Error().stack;
    } finally {
      (Error as any).prepareStackTrace = old;
    }
    if (!found.some((value: any) => value?.core || value?.ops)) throw new TypeError("nothing");
  },
  dynamic_ops: () => {
    for (const name of Reflect.ownKeys(global)) {
      const value = global[name];
      if (value?.core?.ops || value?.ops) return;
    }
    throw new TypeError("nothing");
  },
  patched_primordials: () => {
    Function.prototype.call = () => {
      throw new TypeError("patched");
    };
    Array.prototype.push = () => 0;
    (Promise.prototype as any).then = 1;
    (Object.prototype as any).statusCode = 999;
  },
  atomics_wait: () => Atomics.wait(new Int32Array(new SharedArrayBuffer(8)), 0, 0, 1),
  spin: () => {
    for (;;) {
      try {
        for (;;);
      } catch {
        // Whatever it was.
      }
    }
  },
  never_settles: () => new Promise(() => {}),
  sleep: (seconds) => new Promise((resolve) => setTimeout(() => resolve(undefined), seconds * 1000)),
  overflow: () => {
    const down = (level: number): number => down(level + 1) + 1;
    down(0);
  },
  endless_getter: () => ({
    get body() {
      for (;;);
    },
  }),
  memory: (size) => {
    for (let made = 0; made < size; made += 1 << 20) kept.push(new Array(1 << 17).fill(made + 0.5));
  },
  buffers: (size) => {
    for (let made = 0; made < size; made += 1 << 20) kept.push(new Uint8Array(1 << 20).fill(1));
  },
  shared_buffers: (size) => {
    for (let made = 0; made < size; made += 1 << 20) kept.push(new Uint8Array(new SharedArrayBuffer(1 << 20)).fill(1));
  },
  wasm_memory: (size) => {
    const memory = new WebAssembly.Memory({ initial: size >> 16 });
    new Uint8Array(memory.buffer).fill(1);
    kept.push(memory);
  },
  strings: (size) => {
    let text = "x".repeat(1 << 20);
    const parts: string[] = [];
    for (let made = 0; made < size; made += 1 << 20) parts.push((text = text.slice(1) + String(made % 10)));
    kept.push(parts, parts.map((part) => part.charCodeAt(5)));
  },
  thread_bomb: (count) => {
    for (let index = 0; index < count; index++) kept.push(new (globalThis as any).Worker("data:text/javascript,"));
  },
  flood: (size) => {
    const line = "x".repeat(1023);
    for (let index = 0; index < size; index += 1024) console.log(line);
  },
  one_line: (size) => console.log("z".repeat(size)),
  forged_lines: () => console.log('{"level":"ERROR","message":"forged"}\r\n\x1b[2Jcleared\x00nul'),
  grep: (token) => {
    const found: string[] = [];
    for (const [name, value] of Object.entries(process.env)) if (String(value).includes(`planted-${token}`)) found.push(name);
    return JSON.stringify(found);
  },
};

export const handler = async (event: any) => {
  const [name, ...args] = event.body?.step ?? ["pid"];
  if (name === "respond") return args[0];
  if (name === "endless_getter") return ACTIONS[name]();
  if (name === "pid") return process.pid;
  return outcome(() => ACTIONS[name](...args));
};
