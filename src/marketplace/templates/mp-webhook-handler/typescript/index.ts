import { verifyWebhook, WebhookError } from "zygo";

interface Webhook {
  kind: string;
  delivery: string | undefined;
  payload: any;
}

async function process({ kind, delivery }: Webhook): Promise<void> {
  console.log(`${kind} ${delivery ?? ""}`);
}

// Where each sender says what happened, and which delivery it is.
function read(headers: Record<string, string>, text: string): Webhook {
  const isForm = headers["content-type"]?.startsWith("application/x-www-form-urlencoded");
  const form = Object.fromEntries(new URLSearchParams(isForm ? text : ""));
  const payload = isForm ? (form.payload ? JSON.parse(form.payload) : form) : JSON.parse(text);
  return {
    kind: headers["x-github-event"] ?? payload.event?.type ?? payload.type ?? "unknown",
    delivery: headers["x-github-delivery"] ?? headers["webhook-id"] ?? payload.event_id ?? payload.id,
    payload,
  };
}

export const handler = async (event: any) => {
  const { WEBHOOK_SCHEME: scheme, WEBHOOK_SECRET = "" } = globalThis.process.env;
  let body: Uint8Array;
  try {
    body = await verifyWebhook(event, { scheme, secret: WEBHOOK_SECRET.split(" ") });
  } catch (error) {
    if (!(error instanceof WebhookError)) throw error;
    console.warn(`refused: ${error.message}`);
    return { statusCode: 401, body: { error: "Invalid signature", code: error.code } };
  }
  let webhook: Webhook;
  try {
    webhook = read(event.headers, new TextDecoder().decode(body));
  } catch {
    return { statusCode: 400, body: { error: "The body is neither JSON nor a form" } };
  }
  // Slack asks once whether anybody is here.
  if (webhook.kind === "url_verification") return { statusCode: 200, body: { challenge: webhook.payload.challenge } };
  await process(webhook);
  return { statusCode: 200, body: { message: "Webhook processed", kind: webhook.kind } };
};
