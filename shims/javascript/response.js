// A handler's return value as an answer: `[status, kind of body, body, headers]`, headers as one flat list; or `null` once
// an answer in pieces is out.
"use strict";

(function () {
const { core } = __bootstrap;
const { op_base64_decode } = core.ops;
const { Response } = core.loadExtScript("ext:deno_fetch/23_response.js");
const { ResponseError } = core.loadExtScript("ext:zygo/error.js");
const { afterwards, bytesOf, give, isStream, isStreamed } = core.loadExtScript("ext:zygo/stream.js");
const { stringify } = JSON;

// Kinds of body, as the wire counts them.
const NONE = 0;
const JSON_TEXT = 1;
const TEXT = 2;
const BINARY = 3;

function jsonOf(value, what) {
  let text;
  try {
    text = stringify(value);
  } catch (error) {
    throw new ResponseError(`the handler's ${what} cannot be turned into JSON: ${error.message}`);
  }
  if (text === undefined) throw new ResponseError(`the handler's ${what} is a ${typeof value}, which JSON has not`);
  return text;
}

function decode(text) {
  try {
    return op_base64_decode(text);
  } catch {
    throw new ResponseError("the answer says isBase64Encoded, but its body is no base64");
  }
}

function addHeader(list, name, value) {
  for (const one of Array.isArray(value) ? value : [value]) {
    if (typeof one !== "string" && typeof one !== "number" && typeof one !== "boolean") {
      throw new ResponseError(`the answer's header \`${name}\` is ${one === null ? "null" : typeof one}, no text`);
    }
    list.push(name, String(one));
  }
}

function headersOf(answer) {
  const { headers, multiValueHeaders, cookies } = answer;
  if (headers === undefined && multiValueHeaders === undefined && cookies === undefined) return null;
  const list = [];
  for (const source of [headers, multiValueHeaders]) {
    if (source === undefined || source === null) continue;
    const entries = typeof source[Symbol.iterator] === "function" ? source : Object.entries(source);
    for (const [name, value] of entries) addHeader(list, name, value);
  }
  for (const cookie of cookies ?? []) addHeader(list, "set-cookie", cookie);
  return list;
}

function structured(answer) {
  const { statusCode, body } = answer;
  if (!Number.isInteger(statusCode) || statusCode < 100 || statusCode > 599) {
    const shown = typeof statusCode === "object" ? typeof statusCode : String(statusCode);
    throw new ResponseError(`the answer's statusCode is ${shown}, which is no integer from 100 to 599`);
  }
  const headers = headersOf(answer);
  if (typeof body === "string") {
    if (answer.isBase64Encoded !== true) return [statusCode, TEXT, body, headers];
    return [statusCode, BINARY, decode(body), headers];
  }
  if (body === undefined || body === null) return [statusCode, NONE, null, headers];
  const bytes = bytesOf(body);
  if (bytes !== null) return [statusCode, BINARY, bytes, headers];
  if (typeof body === "object" && isStream(body)) return give(statusCode, headers, NONE, body);
  return [statusCode, JSON_TEXT, jsonOf(body, "body"), headers];
}

const hasTextType = (type) => /^(text\/|application\/(.*\+)?(json|xml|javascript)\b)/i.test(type);

const isText = (type) => hasTextType(type) && !/charset=(?!"?utf-?8)/i.test(type);

async function web(response) {
  const headers = [];
  for (const [name, value] of response.headers) headers.push(name, value);
  const type = response.headers.get("content-type") ?? "";
  if (isStreamed(response)) {
    const kind = type === "" ? NONE : isText(type) ? TEXT : BINARY;
    return give(response.status, headers, kind, response.body, afterwards.get(response));
  }
  if (response.body === null) return [response.status, NONE, null, headers];
  if (isText(type)) {
    return [response.status, TEXT, await response.text(), headers];
  }
  return [response.status, BINARY, new Uint8Array(await response.arrayBuffer()), headers];
}

// May return a promise, when the handler answered with a `Response` or in pieces.
function respond(value) {
  if (value === undefined || value === null) return [200, NONE, null, null];
  if (typeof value === "object") {
    if (value.statusCode !== undefined) return structured(value);
    if (value instanceof Response) return web(value);
    const bytes = bytesOf(value);
    if (bytes !== null) return [200, BINARY, bytes, null];
    if (isStream(value)) return give(200, null, NONE, value);
  }
  return [200, JSON_TEXT, jsonOf(value, "return value"), null];
}

return { respond };
})();
