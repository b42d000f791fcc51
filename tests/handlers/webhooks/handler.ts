import { verifyWebhook, WebhookError } from "zygo";

export const handler = async ({ body: { event, bytes, ...options } }: any) => {
  if (bytes) event.body = Uint8Array.from(bytes);
  try {
    return { verified: new TextDecoder().decode(await verifyWebhook(event, options)) };
  } catch (error: any) {
    return { code: error instanceof WebhookError ? error.code : "usage", message: error.message };
  }
};
