// Whether a webhook came from whom it says:
//
//   const body = await Zygo.verifyWebhook(event, { scheme: "github", secret: process.env.WEBHOOK_SECRET });
//
// Signatures cover the body's very bytes, so the trigger must not parse it: `eventFormat: "lambda-v2"`.
"use strict";

(function () {
const { core } = __bootstrap;
const { bodyOf } = core.loadExtScript("ext:zygo/event.js");
const TOLERANCE_S = 300;

// `code` says why: header_missing, header_malformed, body_parsed, expired, mismatch.
class WebhookError extends Error {
  constructor(code, message) {
    super(message);
    this.name = "WebhookError";
    this.code = code;
  }
}

const bytes = (text) => new TextEncoder().encode(text);

function hex(text) {
  if (!/^([0-9a-f]{2})+$/i.test(text ?? "")) return null;
  return Uint8Array.from(text.match(/../g), (pair) => parseInt(pair, 16));
}

function base64(text) {
  try {
    const decoded = Uint8Array.from(atob(text ?? ""), (letter) => letter.charCodeAt(0));
    return decoded.length > 0 ? decoded : null;
  } catch {
    return null;
  }
}

// Once at the first of them: a digest in base64 may hold more of them.
function cut(text, separator) {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

// What each scheme signs before the body, when that was, and which signatures a request brings.
const SCHEMES = {
  github(header) {
    const [algorithm, digest] = cut(header("x-hub-signature-256"), "=");
    return ["", null, algorithm === "sha256" ? [hex(digest)] : []];
  },
  slack(header) {
    const signedAt = header("x-slack-request-timestamp");
    const [version, digest] = cut(header("x-slack-signature"), "=");
    return [`v0:${signedAt}:`, signedAt, version === "v0" ? [hex(digest)] : []];
  },
  standard(header) {
    const signedAt = header("webhook-timestamp");
    const pairs = header("webhook-signature").split(" ").map((part) => cut(part, ","));
    const signatures = pairs.filter(([version]) => version === "v1").map(([, value]) => base64(value));
    return [`${header("webhook-id")}.${signedAt}.`, signedAt, signatures];
  },
  stripe(header) {
    const pairs = header("stripe-signature").split(",").map((part) => cut(part.trim(), "="));
    const signedAt = pairs.find(([name]) => name === "t")?.[1] ?? "";
    return [`${signedAt}.`, signedAt, pairs.filter(([name]) => name === "v1").map(([, value]) => hex(value))];
  },
};

function key(scheme, secret) {
  if (secret instanceof Uint8Array) return secret;
  if (typeof secret !== "string" || secret === "") {
    throw new TypeError("secret: a text that is not empty is needed; is the function's secret set?");
  }
  if (scheme !== "standard") return bytes(secret);
  const decoded = base64(secret.replace(/^whsec_/, ""));
  if (decoded !== null) return decoded;
  throw new TypeError("secret: that of the scheme standard is base64, with or without whsec_ before it");
}

function rawBody(event) {
  const body = bodyOf(event) ?? "";
  if (typeof body === "string") return bytes(body);
  if (body instanceof Uint8Array) return body;
  throw new WebhookError(
    "body_parsed",
    'body: it was parsed, and signatures cover its bytes; give the trigger eventFormat "lambda-v2"',
  );
}

function checkTime(signedAt, tolerance) {
  if (!/^\d{1,15}$/.test(signedAt)) {
    throw new WebhookError("header_malformed", "the time of the signature is not a number of seconds");
  }
  if (tolerance === null || Math.abs(Date.now() / 1000 - Number(signedAt)) <= tolerance) return;
  throw new WebhookError("expired", `it was signed more than ${tolerance} s ago or ahead`);
}

// The engine compares in a time that tells nothing. Each with each, whatever was found.
async function isAnyMade(keys, signatures, signed) {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  let found = false;
  for (const secret of keys) {
    const imported = await crypto.subtle.importKey("raw", secret, algorithm, false, ["verify"]);
    for (const signature of signatures) {
      found = (await crypto.subtle.verify("HMAC", imported, signature, signed)) || found;
    }
  }
  return found;
}

// The event's body as bytes when one of the signatures was made with the secret, or with one of several. `scheme` is
// github, slack, standard (Standard Webhooks) or stripe; `tolerance` is in seconds, `null` for any time.
async function verifyWebhook(event, { scheme, secret, tolerance = TOLERANCE_S } = {}) {
  if (!Object.hasOwn(SCHEMES, scheme)) {
    throw new TypeError(`scheme: one of ${Object.keys(SCHEMES).join(", ")} is needed, not ${JSON.stringify(scheme)}`);
  }
  const keys = (Array.isArray(secret) ? secret : [secret]).map((one) => key(scheme, one));
  const headers = new Map();
  for (const [name, value] of Object.entries(event.headers ?? {})) headers.set(name.toLowerCase(), String(value));
  const header = (name) => {
    if (headers.get(name)) return headers.get(name);
    throw new WebhookError("header_missing", `${name}: the header is missing`);
  };
  const body = rawBody(event);
  const [prefix, signedAt, found] = SCHEMES[scheme](header);
  const signatures = found.filter((signature) => signature !== null);
  if (signatures.length === 0) {
    throw new WebhookError("header_malformed", `the signature is not one of the scheme ${scheme}`);
  }
  if (signedAt !== null) checkTime(signedAt, tolerance);
  const before = bytes(prefix);
  const signed = new Uint8Array(before.length + body.length);
  signed.set(before);
  signed.set(body, before.length);
  if (await isAnyMade(keys, signatures, signed)) return body;
  throw new WebhookError("mismatch", "the signature was not made with this secret, or not of this body");
}

return { WebhookError, verifyWebhook };
})();
