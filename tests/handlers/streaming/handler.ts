const PIECE = 64 * 1024;
const MIB = 1024 * 1024;

const forEver = () => new Promise((resolve) => setTimeout(resolve, 1e9));

function* texts() {
  yield "a";
  yield "";
  yield "bé";
}

async function* later() {
  for (const text of texts()) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    yield text;
  }
}

const streamOf = (source) => ReadableStream.from(source);

const forms = {
  generator: () => texts(),
  asyncGenerator: () => later(),
  stream: () => streamOf(later()),
  response: () => new Response(streamOf(later()).pipeThrough(new TextEncoderStream()), { headers: { "content-type": "text/plain" } }),
  iterator: () => ["a", "bé"].values(),
  body: () => ({ statusCode: 200, body: texts() }),
  bodyStream: () => ({ statusCode: 200, body: streamOf(texts()) }),
};

function* pieces(body) {
  switch (body.do) {
    case "bytes":
      yield new Uint8Array([0, 255]);
      yield new Uint16Array([1]).buffer;
      return;
    case "large":
      for (let sent = 0; sent < body.mib * MIB; sent += PIECE) yield new Uint8Array(PIECE).fill(97);
      return;
    case "endless":
      for (let number = 1; ; number++) {
        console.log(`piece ${number}`);
        yield "x".repeat(MIB);
      }
    case "fails":
      if (body.after) yield "a";
      throw new TypeError("midway");
    case "wrong":
      if (body.after) yield "a";
      yield 5;
      return;
    case "lines":
      console.log("one");
      yield "a";
      console.log("two");
      yield "b";
      console.log("three");
  }
}

async function* hanging() {
  yield "first";
  await forEver();
}

export const handler = async ({ body }) => {
  if (body.form) return forms[body.form]();
  switch (body.do) {
    case "head":
      return {
        statusCode: 201,
        headers: { "X-Own": "yes", "content-type": "text/event-stream", "content-length": "3" },
        cookies: ["a=1", "b=2"],
        body: texts(),
      };
    case "hang":
      return hanging();
    case "wrongHead":
      return { statusCode: 200, headers: { "x-own": "a\nb" }, body: hanging() };
    case "whole":
      return { statusCode: 202, headers: { "x-own": "yes" }, body: { whole: true } };
    default:
      return pieces(body);
  }
};
