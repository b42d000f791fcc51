const answers: Record<string, () => unknown> = {
  structured: () => ({ statusCode: 201, headers: { "X-One": "1", "x-list": ["a", "b"], "x-number": 7 }, body: { made: true } }),
  cookies: () => ({ statusCode: 200, cookies: ["a=1", "b=2; Secure"], multiValueHeaders: { "x-many": ["m", "n"] }, body: "t" }),
  text: () => ({ statusCode: 404, body: "not here" }),
  jsonText: () => ({ statusCode: 200, body: JSON.stringify({ a: 1 }) }),
  bodiless: () => ({ statusCode: 204 }),
  base64: () => ({ statusCode: 200, isBase64Encoded: true, body: "AAH/" }),
  badBase64: () => ({ statusCode: 200, isBase64Encoded: true, body: "!!" }),
  bytes: () => ({ statusCode: 200, body: new Uint8Array([1, 2, 255]) }),
  nothing: () => null,
  plainText: () => "just text",
  plainList: () => [1, "two", null],
  plainNumber: () => 4.5,
  plainBytes: () => new Uint8Array([0, 128]),
  unstructured: () => ({ status: 500, body: "no statusCode" }),
  textStatus: () => ({ statusCode: "abc" }),
  wideStatus: () => ({ statusCode: 999 }),
  fractionStatus: () => ({ statusCode: 200.5 }),
};

export const handler = async (event: any) => answers[event.body]();
