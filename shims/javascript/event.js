// A web `Request` made of the event, for handlers in the manner of `export default { fetch }`.
"use strict";

(function () {
const { core } = __bootstrap;
const { op_base64_decode } = core.ops;
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

// What was sent: a body may come as base64, in the manner of AWS.
function bodyOf({ body, isBase64Encoded }) {
  return isBase64Encoded === true && typeof body === "string" ? op_base64_decode(body) : body;
}

function requestOf(event) {
  const method = event.method ?? event.requestContext?.http?.method ?? "POST";
  const headers = headersOf(event);
  const header = (wanted) => headers.find(([name]) => name.toLowerCase() === wanted)?.[1];
  const query = queryOf(event);
  const origin = `${header("x-forwarded-proto") ?? "http"}://${header("host") ?? "localhost"}`;
  const path = event.path ?? event.rawPath ?? "/";
  const init = { method, headers };
  const body = bodyOf(event);
  if (body !== null && method !== "GET" && method !== "HEAD") {
    const raw = typeof body === "string" || body instanceof Uint8Array;
    init.body = raw ? body : JSON.stringify(body);
    if (!raw && header("content-type") === undefined) headers.push(["content-type", "application/json"]);
  }
  return new Request(`${origin}${path}${query === "" ? "" : `?${query}`}`, init);
}

return { bodyOf, requestOf };
})();
