// Every page of the dashboard, with something to see on each.

import { expect, type Platform } from "./platform";

export const PLACES: readonly [place: string, waits: string][] = [
  ["", "Busiest functions"],
  ["functions", "sample"],
  ["functions/sample", "Start kinds"],
  ["functions/sample/invocations", "Waterfall"],
  ["functions/sample/logs", "a line of the log"],
  ["functions/sample/test", "Not invoked yet"],
  ["functions/sample/code", "Deploying makes a new version"],
  ["functions/sample/versions", "6 unchanged lines"],
  ["functions/sample/triggers", "Next runs"],
  ["functions/sample/scaling", "Kept ready"],
  ["functions/sample/configuration", "API_TOKEN"],
  ["new", "New function"],
  ["zygotes", "loaded code"],
  ["dead-letters", "Redrive all on this page"],
  ["alerts", "Fires when"],
  ["marketplace", "Hello World"],
  ["nowhere", "Nothing here"],
];

const CODE = (answer: number) => `# 1
# 2
# 3
# 4
# 5
def handler(event, context):
    print("a line of the log")
    if (event["body"] or {}).get("fail"):
        raise ValueError("it failed, as it was told to")
    return {"statusCode": 200, "body": ${answer}}
`;

/** A function with a little of everything. */
export async function furnish(platform: Platform): Promise<void> {
  await platform.deploy("sample", "python", CODE(1), {
    environment: { STAGE: "test" },
    secrets: { API_TOKEN: "never shown" },
    async: { maxAttempts: 1 },
    triggers: [
      { type: "http", config: { methods: ["GET"], path: "/sample/:id" } },
      { type: "cron", config: { schedule: "0 4 * * *" } },
    ],
  });
  expect((await platform.call("PUT", "/functions/sample", { code: CODE(2) })).status).toBe(200);
  await platform.call("POST", "/functions/sample/invoke", { name: "x" });
  await platform.call("POST", "/functions/sample/invoke", { fail: true });
  await later(platform, "sample", { fail: true });
  await expect.poll(async () => (await platform.call("GET", "/dead-letters")).body.deadLetters.length).toBe(1);
}

/** An invocation that nobody waits for. */
export async function later(platform: Platform, name: string, event: unknown): Promise<void> {
  const headers = { "content-type": "application/json", "x-zygo-invocation": "event" };
  const answer = await fetch(`${platform.url}/functions/${name}/invoke`, { method: "POST", headers, body: JSON.stringify(event) });
  expect(answer.status).toBe(202);
}
