const atLoad = new TextEncoder().encode("at load").length;

async function streamed(): Promise<string> {
  const stream = new ReadableStream({
    start(controller) {
      controller.enqueue("str");
      controller.enqueue("eam");
      controller.close();
    },
  });
  let text = "";
  for await (const part of stream as any) text += part;
  return text;
}

async function aborted(): Promise<string> {
  const controller = new AbortController();
  const waiting = new Promise((_, reject) => controller.signal.addEventListener("abort", () => reject(controller.signal.reason)));
  controller.abort(new Error("stop"));
  return await waiting.then(() => "no", (error) => error.message);
}

function dispatched(): number {
  const target = new EventTarget();
  let count = 0;
  target.addEventListener("ping", () => count++);
  target.dispatchEvent(new Event("ping"));
  target.dispatchEvent(new CustomEvent("ping", { detail: 1 }));
  return count;
}

const checks: Record<string, () => unknown> = {
  atLoad: () => atLoad,
  url: () => new URL("../b?x=1#h", "https://example.com/a/c").href,
  searchParams: () => [...new URLSearchParams("a=1&b=2&a=3").getAll("a")],
  encoding: () => new TextDecoder("utf-16le").decode(new Uint8Array([0x3d, 0xd8, 0x00, 0xde])),
  base64: () => [btoa("hello"), atob("aGVsbG8=")],
  clone: () => structuredClone({ date: new Date(0), map: new Map([[1, new Set([2])]]) }).map.get(1)?.has(2),
  streamed,
  aborted,
  dispatched,
  timeout: async () => {
    const reason = await new Promise<Error>((resolve) => {
      const signal = AbortSignal.timeout(5);
      signal.addEventListener("abort", () => resolve(signal.reason));
    });
    return reason.name;
  },
  blob: async () => await new Blob(["a", new Uint8Array([98])]).text(),
  headers: () => [...new Headers({ B: "2", a: "1" })],
  request: async () => await new Request("http://x/", { method: "POST", body: "body" }).text(),
  response: async () => (await new Response(JSON.stringify({ a: 1 })).json()).a,
  formData: async () => {
    const form = new FormData();
    form.set("a", "b");
    return (await new Response(form).text()).includes("b");
  },
  microtask: () => new Promise((resolve) => queueMicrotask(() => resolve("micro"))),
  performance: () => performance.now() > 0 && Math.abs(performance.timeOrigin + performance.now() - Date.now()) < 2000,
  compression: async () => {
    const packed = new Blob(["x".repeat(1000)]).stream().pipeThrough(new CompressionStream("gzip"));
    return (await new Response(packed).arrayBuffer()).byteLength < 100;
  },
  intl: () => new Intl.NumberFormat("en-US").format(1234567.5),
  domException: () => {
    try {
      atob("*");
    } catch (error) {
      return (error as DOMException).name;
    }
  },
};

export const handler = async () => {
  const results: Record<string, unknown> = {};
  for (const [name, check] of Object.entries(checks)) {
    try {
      results[name] = await check();
    } catch (error) {
      results[name] = String(error);
    }
  }
  return results;
};
