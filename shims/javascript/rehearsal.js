// Handlers that the language zygote runs before any tenant is there, so that what every invocation needs is compiled
// once and shared, instead of once in each instance.
"use strict";

(function () {
const { core } = __bootstrap;
const { bind, hold } = core.loadExtScript("ext:zygo/handler.js");

// Objects of a shape that is in use keep what the engine knows of the shape.
const kept = [];

const samples = {
  text: async (event, context) => (kept.push(event, context), {
    statusCode: 200,
    headers: { "content-type": "application/json", "x-remaining": context.getRemainingTimeInMillis() },
    cookies: ["a=b"],
    body: JSON.stringify({ body: event.body, query: event.query }),
  }),
  json: (event) => ({ statusCode: 200, body: event }),
  value: async (event) => event.body,
  bytes: () => new TextEncoder().encode("bytes"),
  fails: async () => {
    throw new TypeError("rehearsal", { cause: new Error("cause") });
  },
  logs: () => {
    console.log("rehearsal %s", 1, { a: [1, "b"] });
    console.error(new Error("rehearsal"));
  },
  waits: async () => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    return crypto.randomUUID() + crypto.getRandomValues(new Uint8Array(1))[0] + Math.random() + performance.now();
  },
  calls: (event, context, callback) => callback(null, { statusCode: 200, body: "" }),
  web: {
    async fetch(request) {
      const url = new URL(request.url);
      return Response.json({ path: url.pathname, body: await request.json() });
    },
  },
};

function rehearse(name) {
  bind(samples, name, "rehearsal.js", { name: "", version: "", memoryLimitMb: "" });
}

// In an instance that was forked ahead of demand. Nothing is kept: no other process would share it.
const parked = async (event, context) => ({
  statusCode: 200,
  headers: { "x-remaining": context.getRemainingTimeInMillis() },
  body: { event: event.body },
});

return { begin: () => hold(parked), names: Object.keys(samples), rehearse };
})();
