const bytes = (text: string) => Uint8Array.from([...text].map((c) => c.charCodeAt(0)));

const answers: Record<string, (event: any) => unknown> = {
  "/echo": (event) => ({ ...event, body: event.body instanceof Uint8Array ? [...event.body] : event.body }),
  "/made": () => ({ statusCode: 201, headers: { "X-One": "1", "x-list": ["a", "b"] }, cookies: ["a=1", "b=2; Secure"], body: { made: true } }),
  "/text": () => ({ statusCode: 200, body: "just text" }),
  "/html": () => ({ statusCode: 200, headers: { "content-type": "text/html" }, body: "<p>" }),
  "/bytes": () => ({ statusCode: 200, headers: { "Content-Type": "image/png" }, isBase64Encoded: true, body: "AAH/" }),
  "/list": () => [1, "two"],
  "/nothing": () => null,
  "/204": () => ({ statusCode: 204, body: "left out" }),
  "/304": () => ({ statusCode: 304, headers: { etag: '"t"' } }),
  "/split": () => ({ statusCode: 200, headers: { "x-a": "1\r\nset-cookie: evil=1" }, body: "x" }),
  "/chunked": () => ({ statusCode: 200, headers: { "Transfer-Encoding": "chunked" }, body: "x" }),
  "/length": () => ({ statusCode: 200, headers: { "Content-Length": "99" }, body: "x" }),
  "/cookie": () => ({ statusCode: 200, headers: { "Set-Cookie": "a=1; Domain=example.org" }, body: "x" }),
  "/many": () => ({ statusCode: 200, headers: { "x-many": Array(1_000).fill("1") }, body: "x" }),
  "/long": () => ({ statusCode: 200, headers: { "x-long": "a".repeat(100_000) }, body: "x" }),
  "/early": () => ({ statusCode: 101, body: "x" }),
  "/throws": () => { throw new Error("the secret reason"); },
  "/big": () => ({ statusCode: 200, headers: { etag: '"big"' }, body: "Zygo ".repeat(10_000) }),
  "/noise": () => ({ statusCode: 200, headers: { "content-type": "image/png" }, body: bytes("x".repeat(5_000)) }),
};

export const handler = async (event: any) => answers[event.path ?? event.rawPath](event);
