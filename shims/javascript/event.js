// A web `Request` made of the event, for handlers in the manner of `export default { fetch }`.
"use strict";

(function () {
const { core } = __bootstrap;
const { Request } = core.loadExtScript("ext:deno_fetch/23_request.js");
const { URLSearchParams } = core.loadExtScript("ext:deno_web/00_url.js");

function queryOf(event) {
  if (typeof event.rawQueryString === "string") return event.rawQueryString;
  const pairs = Object.entries(event.query ?? event.queryStringParameters ?? {});
  return new URLSearchParams(pairs.flatMap(([name, value]) => [value].flat().map((one) => [name, String(one)])))
    .toString();
}

function headersOf(event) {
  const entries = Object.entries(event.headers ?? {});
  return entries.flatMap(([name, value]) => [value].flat().map((one) => [name, String(one)]));
}

function requestOf(event) {
  const method = event.method ?? event.requestContext?.http?.method ?? "POST";
  const headers = headersOf(event);
  const header = (wanted) => headers.find(([name]) => name.toLowerCase() === wanted)?.[1];
  const query = queryOf(event);
  const origin = `${header("x-forwarded-proto") ?? "http"}://${header("host") ?? "localhost"}`;
  const path = event.path ?? event.rawPath ?? "/";
  const init = { method, headers };
  if (event.body !== null && method !== "GET" && method !== "HEAD") {
    const raw = typeof event.body === "string" || event.body instanceof Uint8Array;
    init.body = raw ? event.body : JSON.stringify(event.body);
    if (!raw && header("content-type") === undefined) headers.push(["content-type", "application/json"]);
  }
  return new Request(`${origin}${path}${query === "" ? "" : `?${query}`}`, init);
}

return { requestOf };
})();
