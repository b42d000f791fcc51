const VERSION = "one";

export const handler = async (event: any) => {
  const { event: kind, data } = event;
  switch (kind) {
    case "connect":
      return connect(event);
    case "message":
      return message(event, data);
    case "disconnect":
      return { pushes: [{ connectionId: "*", data: `left ${data.connectionId} ${data.code}` }] };
    default:
      return { pushes: [{ connectionId: event.body.to, data: event.body.text }] };
  }
};

function connect(event: any) {
  const refused = event.query.refuse;
  if (refused === "throw") throw new Error("not today");
  if (refused) return { statusCode: Number(refused), body: "not you" };
  return { statusCode: 200, headers: { "Sec-WebSocket-Protocol": "chat" }, body: "nobody is there yet" };
}

async function message(event: any, data: any) {
  if (data.isBase64Encoded) return { statusCode: 200, body: event.body, isBase64Encoded: true };
  const [word, first, ...rest] = event.body.split(" ");
  switch (word) {
    case "version":
      return VERSION;
    case "event":
      return { statusCode: 200, body: { data, isSame: event.body === data.message, context: event.requestContext } };
    case "long":
      return `${event.body.length} ${data.message === undefined} ${data.messageInBody}`;
    case "slow":
      await new Promise((resolve) => setTimeout(resolve, 100));
      return "slow";
    case "push":
      return { pushes: [{ connectionId: first, data: rest.join(" ") }], body: "pushed" };
    case "refuse":
      return { statusCode: 418, body: "a teapot" };
    case "throw":
      throw new Error("a secret");
    case "nothing":
      return;
    default:
      return { statusCode: 200, body: data.message };
  }
}
