// Answers that go out in pieces: what counts as such a body, and how its pieces are given on.
"use strict";

(function () {
const { core } = __bootstrap;
const {
  op_zygo_number,
  op_zygo_stream_begin,
  op_zygo_stream_begin_several,
  op_zygo_stream_bytes,
  op_zygo_stream_push,
  op_zygo_stream_text,
} = core.ops;
const { ReadableStream } = core.loadExtScript("ext:deno_web/06_streams.js");
const { getInnerResponse } = core.loadExtScript("ext:deno_fetch/23_response.js");
const { ResponseError } = core.loadExtScript("ext:zygo/error.js");

// What is to be done once the pieces of a web `Response` are out, by that response.
const afterwards = new WeakMap();

// Streams and (async) iterators, generators among them. Lists are none: they have no `next`.
function isStream(value) {
  if (typeof value[Symbol.asyncIterator] === "function") return true;
  return typeof value.next === "function" && typeof value[Symbol.iterator] === "function";
}

// Whether a web `Response` was made of a stream. Asking it for its `body` would make one of every body.
function isStreamed(response) {
  return getInnerResponse(response)?.body?.streamOrStatic instanceof ReadableStream;
}

function bytesOf(value) {
  if (value instanceof Uint8Array) return value;
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  if (core.isAnyArrayBuffer(value)) return new Uint8Array(value);
  return null;
}

function kindOf(value) {
  if (value === null || value === undefined) return String(value);
  return typeof value === "object" ? `of the type ${value.constructor?.name ?? "Object"}` : `a ${typeof value}`;
}

function send(op, ...args) {
  try {
    return op(...args);
  } catch (error) {
    throw new ResponseError(error.message);
  }
}

function notAPiece(piece) {
  return new ResponseError(`a piece of the answer's body is ${kindOf(piece)}, neither text nor bytes`);
}

function push(piece) {
  if (typeof piece === "string") return send(op_zygo_stream_text, piece);
  const bytes = bytesOf(piece);
  if (bytes === null) throw notAPiece(piece);
  send(op_zygo_stream_bytes, bytes);
}

// Who waits for room for a piece, by the numbers of invocations; `null` while there is only one at a time.
let waiters = null;

function serveSeveral() {
  waiters = new Map();
}

function taken(number) {
  waiters.get(number)?.();
  waiters.delete(number);
}

// One of several invocations waits for room, where the only one would hold up the whole process.
async function pushSeveral(number, piece) {
  const isText = typeof piece === "string";
  const bytes = isText ? core.encode(piece) : bytesOf(piece);
  if (bytes === null) throw notAPiece(piece);
  for (let sent = 0; ;) {
    sent += send(op_zygo_stream_push, number, isText, bytes.subarray(sent));
    if (sent >= bytes.length) return;
    await new Promise((resolve) => waiters.set(number, resolve));
  }
}

async function giveSeveral(status, headers, kind, source, after) {
  const number = op_zygo_number();
  op_zygo_stream_begin_several(number, status, headers ?? [], kind);
  for await (const piece of source) await pushSeveral(number, piece);
  await after?.();
  return null;
}

// Resolves with `null` when all is out. `kind` is that of the pieces, as the wire counts it; 0 leaves it to the first.
async function give(status, headers, kind, source, after) {
  if (waiters !== null) return giveSeveral(status, headers, kind, source, after);
  op_zygo_stream_begin(status, headers ?? [], kind);
  for await (const piece of source) push(piece);
  await after?.();
  return null;
}

return { afterwards, bytesOf, give, isStream, isStreamed, serveSeveral, taken };
})();
