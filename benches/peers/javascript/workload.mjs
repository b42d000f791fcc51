// A bare server of node or bun with the handler in the file HANDLER.
import { createServer } from "node:http";

const { handler } = await import(process.env.HANDLER);

const read = async (request) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  return JSON.parse(Buffer.concat(parts).toString());
};

createServer(async (request, response) => {
  if (request.method === "GET") return response.end("ready\n");
  const answer = await handler({ body: await read(request) }, {});
  const body = Buffer.from(answer.body);
  return response.writeHead(answer.statusCode, { ...answer.headers, "content-length": body.length }).end(body);
}).listen(Number(process.env.PORT), "127.0.0.1");
