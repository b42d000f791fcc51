const env = process.env as Record<string, string>;
const base = new URL(env.UPSTREAM_URL);
const root = base.pathname.replace(/\/+$/, "");
const methods = env.METHODS.toUpperCase().split(",").map((method) => method.trim());
const mostBytes = Number(env.MAX_BYTES);
const authHeader = env.AUTH_HEADER.toLowerCase();

// Those of one connection alone, and those whose values are made anew.
const ONE_CONNECTION = ["connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "expect", "host", "content-length"];
// Callers say these to the platform, not to the API.
const OURS = ["authorization", "x-api-key", "cookie", "forwarded", "accept-encoding"];
// Cookies for another host, and what the fetch has undone.
const THEIRS = ["set-cookie", "content-encoding"];

class Refusal extends Error {
  constructor(readonly statusCode: number, readonly code: string, message: string, readonly headers = {}) {
    super(message);
  }
}

function passed(headers: Iterable<[string, string]>, without: string[]): [string, string][] {
  const pairs = [...headers].map(([name, value]) => [name.toLowerCase(), value] as [string, string]);
  const named = pairs.filter(([name]) => name === "connection").flatMap(([, value]) => value.toLowerCase().split(/\s*,\s*/));
  const dropped = new Set([...ONE_CONNECTION, ...named, ...without]);
  return pairs.filter(([name]) => !dropped.has(name) && !name.startsWith("x-forwarded-"));
}

// A path below the API's own. What it may become by decoding counts, too.
function address(path: string, query: string): URL {
  const refused = (why: string) => new Refusal(400, "bad_path", `The path ${why}`);
  if (!/^\/[\x21-\x7e]*$/.test(path)) throw refused("must begin with / and be ASCII, with anything else percent-encoded");
  if (!/^[\x21-\x7e]*$/.test(query) || query.includes("#")) throw new Refusal(400, "bad_query", "The query must be ASCII, with anything else percent-encoded");
  let plain = path;
  for (let turn = 0; turn < 4; turn++) plain = plain.replace(/%([0-9a-fA-F]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
  if (/[\\\x00-\x1f\x7f?#]/.test(plain)) throw refused("has a character that it must not have");
  if (path.startsWith("//") || plain.split("/").some((part) => part === "." || part === "..")) throw refused("leads out of the API");
  const url = new URL(base.origin + root + path + (query === "" ? "" : `?${query}`));
  if (url.origin !== base.origin || !url.pathname.startsWith(`${root}/`)) throw refused("leads out of the API");
  return url;
}

async function limited(response: Response): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of response.body ?? []) {
    length += piece.length;
    if (length > mostBytes) throw new Refusal(502, "upstream_too_long", `The API answered with more than ${mostBytes} bytes`);
    pieces.push(piece);
  }
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const piece of pieces) whole.set(piece, offset), (offset += piece.length);
  return whole;
}

const encode = (bytes: Uint8Array) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));

interface Sent {
  method: string;
  path: string;
  query: string;
  headers: Record<string, string>;
  body: Uint8Array;
}

const isHeader = ([name, value]: [string, unknown]) => /^[\w!#$%&'*+.^`|~-]+$/.test(name) && typeof value === "string" && /^[\t\x20-\x7e]*$/.test(value);

// Of a request, or as the body of an invoke call describes one.
function read(event: any): Sent {
  const bytes = (text: string) => new TextEncoder().encode(text);
  if (event.requestContext) {
    const body = event.isBase64Encoded ? Uint8Array.from(atob(event.body), (one) => one.charCodeAt(0)) : bytes(event.body ?? "");
    return { method: event.requestContext.http.method, path: event.rawPath, query: event.rawQueryString, headers: event.headers, body };
  }
  const { method = "GET", path = "/", query = "", headers = {}, body = "" } = event.body ?? {};
  const areHeaders = headers !== null && typeof headers === "object" && !Array.isArray(headers) && Object.entries(headers).every(isHeader);
  if (typeof method !== "string" || typeof path !== "string" || typeof query !== "string" || !areHeaders) {
    throw new Refusal(400, "bad_request", "Send {method, path, query, headers, body}, with texts for the first three, and texts without line ends as headers");
  }
  return { method: method.toUpperCase(), path, query, headers, body: bytes(typeof body === "string" ? body : JSON.stringify(body)) };
}

async function exchange(sent: Sent): Promise<{ response: Response; body: Uint8Array }> {
  const url = address(sent.path, sent.query);
  const headers = new Headers(passed(Object.entries(sent.headers), [...OURS, authHeader]));
  headers.set("accept-encoding", "identity");
  if (env.AUTH_VALUE) headers.set(authHeader, env.AUTH_VALUE);
  const body = ["GET", "HEAD"].includes(sent.method) || sent.body.length === 0 ? undefined : sent.body;
  try {
    const signal = AbortSignal.timeout(Number(env.TIMEOUT_MS));
    const response = await fetch(url, { method: sent.method, headers, body, redirect: "manual", signal });
    return { response, body: await limited(response) };
  } catch (error) {
    if (error instanceof Refusal) throw error;
    console.error(`${sent.method} ${url.pathname}: ${error}`);
    if ((error as Error).name === "TimeoutError") throw new Refusal(504, "upstream_timeout", `The API did not answer within ${env.TIMEOUT_MS} ms`);
    throw new Refusal(502, "upstream_failed", "The API cannot be reached, or its answer cannot be read");
  }
}

export const handler = async (event: any) => {
  try {
    const sent = read(event);
    if (!methods.includes(sent.method)) throw new Refusal(405, "method_not_allowed", `Only ${methods.join(", ")} are let through`, { allow: methods.join(", ") });
    if (sent.body.length > mostBytes) throw new Refusal(413, "body_too_long", `A body has ${mostBytes} bytes at most`);
    const { response, body } = await exchange(sent);
    const headers = Object.fromEntries(passed(response.headers, THEIRS));
    const answer = { statusCode: response.status, headers };
    if (event.requestContext) return { ...answer, body: encode(body), isBase64Encoded: true };
    return { statusCode: 200, body: { ...answer, body: new TextDecoder().decode(body) } };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { statusCode: error.statusCode, headers: error.headers, body: { error: error.message, code: error.code } };
  }
};
