// The functions-framework peer with the handler in the file HANDLER.
const loaded = import(process.env.HANDLER);

require("@google-cloud/functions-framework").http("workload", async (request, response) => {
  const { handler } = await loaded;
  if (request.method === "GET") return response.send("ready\n");
  const answer = await handler({ body: request.body }, {});
  return response.status(answer.statusCode).set(answer.headers ?? {}).send(answer.body);
});
