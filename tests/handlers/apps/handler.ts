export const handler = {
  async fetch(request: Request): Promise<Response> {
    if (request.headers.get("x-fails")) throw new Error("as asked");
    const url = new URL(request.url);
    const said = {
      method: request.method, path: decodeURIComponent(url.pathname), query: url.search.slice(1),
      headers: Object.fromEntries(request.headers), body: [...new Uint8Array(await request.arrayBuffer())],
    };
    const headers = new Headers({ "content-type": "application/json" });
    headers.append("set-cookie", "a=1");
    headers.append("set-cookie", "b=2");
    return new Response(JSON.stringify(said), { status: Number(request.headers.get("x-status") ?? 200), headers });
  },
};
