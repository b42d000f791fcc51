export default {
  async fetch(request: Request, env: Record<string, string>): Promise<Response> {
    const url = new URL(request.url);
    const given = request.headers.get("x-given");
    switch (url.searchParams.get("want")) {
      case "text":
        return new Response("teapot", { status: 418, headers: { "x-given": given ?? "", "content-type": "text/plain" } });
      case "bytes":
        return new Response(new Uint8Array([1, 255]), { headers: { "content-type": "application/octet-stream" } });
      case "stream":
        return new Response(new Blob(["a", "b"]).stream().pipeThrough(new TextDecoderStream()).pipeThrough(new TextEncoderStream()), { headers: { "content-type": "text/plain" } });
      case "nothing":
        return new Response(null, { status: 204 });
      case "throw":
        throw new RangeError("in fetch");
      default:
        return Response.json({ method: request.method, path: url.pathname, body: await request.json(), env: env.KEY });
    }
  },
};
