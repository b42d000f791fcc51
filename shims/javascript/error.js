// What a thrown value looks like to the user: type, message, and the frames in their own files.
"use strict";

(function () {
const CAUSES_MAX = 8;
const LINE_MAX = 100;

// `file:///path/of/the/bundle/`, set when a function is loaded.
let root = "file:///";

function setRoot(url) {
  root = url;
}

// Frames of ours and of the engine's scripts have no `file:` address in the bundle.
function framesOf(value) {
  let stack;
  try {
    stack = value?.stack;
  } catch {
    return [];
  }
  if (typeof stack !== "string") return [];
  return stack.split("\n")
    .filter((line) => /^\s+at /.test(line) && line.includes(root))
    .slice(0, LINE_MAX)
    .map((line) => line.trim().replaceAll(root, ""));
}

function typeOf(value) {
  if (!(value instanceof Error)) {
    return value === null ? "null" : typeof value === "object" ? value.constructor?.name ?? "Object" : typeof value;
  }
  const name = String(value.name);
  const className = value.constructor?.name;
  return name === "Error" && typeof className === "string" && className !== "" ? className : name;
}

function messageOf(value) {
  if (value instanceof Error || typeof value?.message === "string") return String(value.message);
  if (typeof value === "object" && value !== null) return JSON.stringify(value) ?? String(value);
  return String(value);
}

function guarded(read, value, otherwise) {
  try {
    return read(value);
  } catch {
    return otherwise;
  }
}

// `[type, message, ...frames]`; causes follow the frames.
function describe(thrown) {
  const lines = [guarded(typeOf, thrown, "Error"), guarded(messageOf, thrown, "unknown"), ...framesOf(thrown)];
  let cause = guarded((value) => value?.cause, thrown);
  for (let depth = 0; cause !== undefined && cause !== null && depth < CAUSES_MAX; depth++) {
    lines.push(`caused by: ${guarded(typeOf, cause, "Error")}: ${guarded(messageOf, cause, "unknown")}`);
    lines.push(...framesOf(cause));
    const next = cause;
    cause = guarded((value) => value.cause, next);
  }
  return lines;
}

// Where in the bundle `self` was called: `index.ts:3`.
function callerOf(self) {
  const holder = {};
  Error.captureStackTrace(holder, self);
  const frame = framesOf(holder)[0];
  const place = frame === undefined ? null : /\(?([^()\s]+):(\d+):\d+\)?$/.exec(frame);
  return place === null ? "an unknown place" : `${place[1]}:${place[2]}`;
}

// The handler's answer is none. The kind of failure is `Response` for these alone.
class ResponseError extends Error {
  get name() {
    return "ResponseError";
  }
}

return { callerOf, describe, ResponseError, setRoot };
})();
