// What the single pages do.

import { furnish, later } from "./places";
import { expect, open, test } from "./platform";

test("secrets and variables are set and removed, and no value is ever shown", async ({ dashboard: page, platform }) => {
  await furnish(platform);
  await open(page, platform, "functions/sample/configuration");
  const secrets = page.getByRole("region", { name: "Secrets" });
  await expect(secrets).toContainText("API_TOKEN");
  await secrets.getByLabel("Name of the secret").fill("SECOND");
  await secrets.getByLabel("Value").fill("hush-hush-value");
  await expect(secrets.getByLabel("Value")).toHaveAttribute("type", "password");
  await secrets.getByRole("button", { name: "Set" }).click();
  await expect(secrets.getByRole("listitem")).toHaveCount(2);
  await expect(secrets.getByLabel("Value")).toHaveValue("");
  await secrets.getByRole("button", { name: "Remove API_TOKEN" }).click();
  await expect(secrets.getByRole("listitem")).toHaveCount(1);
  expect(await page.content()).not.toContain("hush-hush-value");
  const shown = (await platform.call("GET", "/functions/sample")).body.function;
  expect([shown.secrets, shown.environment]).toEqual([["SECOND"], ["STAGE"]]);
});

test("settings become a new version, and others' changes are not overwritten", async ({ dashboard: page, platform }) => {
  await furnish(platform);
  await open(page, platform, "functions/sample/configuration");
  const settings = page.getByRole("region", { name: "Settings" });
  await settings.getByLabel("Memory limit of an instance, MB").fill("128");
  await settings.getByRole("button", { name: "Save as a new version" }).click();
  await expect(page.getByTestId("version")).toHaveText("v3");
  const shown = (await platform.call("GET", "/functions/sample")).body.function;
  expect([shown.memory, shown.secrets, shown.triggers.length]).toEqual([128, ["API_TOKEN"], 2]);
  await settings.getByLabel("Memory limit of an instance, MB").fill("1");
  await settings.getByRole("button", { name: "Save as a new version" }).click();
  await expect(settings.getByRole("alert")).toContainText("/memory");
});

test("a deployment from an old editor is refused once somebody else has deployed", async ({ dashboard: page, platform }) => {
  await furnish(platform);
  await open(page, platform, "functions/sample/code");
  const editor = page.getByRole("textbox", { name: "Code: index.py" });
  await editor.click();
  await page.keyboard.press("Control+Home");
  await page.keyboard.type("# mine\n");
  const theirs = "def handler(event, context):\n    return 'theirs'\n";
  expect((await platform.call("PUT", "/functions/sample", { code: theirs })).status).toBe(200);
  await expect(page.getByText("You see version 2; version 3 serves.")).toBeVisible();
  await page.getByRole("button", { name: "Deploy", exact: true }).click();
  await expect(page.getByRole("alert")).toContainText("has changed");
  await page.getByRole("button", { name: "Open version 3" }).click();
  await expect(editor).toContainText("theirs");
});

test("dead letters are looked at, tried again and removed", async ({ dashboard: page, platform }) => {
  await furnish(platform);
  await later(platform, "sample", { fail: true, second: true });
  await open(page, platform, "dead-letters");
  await expect(page.getByRole("row")).toHaveCount(3);
  await page.getByRole("button", { name: "it failed, as it was told to" }).first().click();
  await expect(page.getByRole("dialog")).toContainText('"second": true');
  await page.getByRole("button", { name: "Close" }).click();
  await page.getByRole("button", { name: /^Remove dv-/ }).first().click();
  await expect(page.getByRole("row")).toHaveCount(2);
  // What is tried again succeeds with code that does not fail.
  const code = "def handler(event, context):\n    return 'well'\n";
  expect((await platform.call("PUT", "/functions/sample", { code })).status).toBe(200);
  await page.getByRole("button", { name: /^Redrive dv-/ }).click();
  await expect(page.getByText("No dead letters")).toBeVisible();
  expect((await platform.call("GET", "/dead-letters")).body.deadLetters).toEqual([]);
});

test("an event is saved, taken again, and removed", async ({ dashboard: page, platform }) => {
  await furnish(platform);
  await open(page, platform, "functions/sample/test");
  const event = page.getByLabel("Event as JSON");
  await event.fill('{"kept": 1}');
  await page.getByRole("button", { name: "Save event" }).click();
  await page.getByLabel("Name of the event").fill("the first");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await event.fill("{ no json");
  await expect(page.getByRole("status").filter({ hasText: "This is no JSON" })).toBeVisible();
  await expect(page.getByRole("button", { name: "Invoke" })).toHaveAttribute("aria-disabled", "true");
  await page.reload();
  await page.getByLabel("Saved events").selectOption("the first");
  await expect(event).toHaveValue('{"kept": 1}');
  await page.getByRole("button", { name: "Remove the saved event the first" }).click();
  await expect(page.getByLabel("Saved events")).toContainText("No saved events");
});

test("an older version is invoked, and one that nobody waits for", async ({ dashboard: page, platform }) => {
  await furnish(platform);
  await open(page, platform, "functions/sample/test");
  await page.getByLabel("Version").selectOption("v1");
  await page.getByRole("button", { name: "Invoke" }).click();
  await expect(page.getByTestId("body")).toHaveText("1");
  await page.getByLabel("asynchronously").check();
  await page.getByRole("button", { name: "Invoke" }).click();
  await expect(page.getByTestId("answer")).toContainText("accepted");
});

test("invocations have their waterfall, and lead to their lines", async ({ dashboard: page, platform }) => {
  await furnish(platform);
  await open(page, platform, "functions/sample/invocations");
  const table = page.getByRole("region", { name: "Invocations" });
  await expect(table.getByRole("row")).toHaveCount(4);
  await expect(table).toContainText("handler error");
  await table.getByRole("row").last().getByRole("button").click();
  const waterfall = page.getByRole("region", { name: "Waterfall" });
  for (const phase of ["queue", "fork", "load", "handler", "total"]) await expect(waterfall.getByRole("rowheader", { name: phase })).toBeVisible();
  await page.getByRole("link", { name: "Its log lines" }).click();
  await expect(page.getByRole("log").locator(".log-line")).toHaveCount(1);
});

test("a schedule says when it runs next, and is fired by hand", async ({ dashboard: page, platform }) => {
  await furnish(platform);
  await open(page, platform, "functions/sample/triggers");
  const schedule = page.getByRole("region", { name: "Schedule 0 4 * * * UTC" });
  await expect(schedule.getByRole("listitem")).toHaveCount(5);
  await schedule.getByRole("button", { name: "Fire now: trigger 1" }).click();
  await expect(page.getByText(/Trigger 1 fired: req-/)).toBeVisible();
  await expect.poll(async () => (await platform.call("GET", "/functions/sample/metrics")).body.metrics.invocations).toBe(4);
});

test("a template is found and deployed", async ({ dashboard: page, platform }) => {
  await open(page, platform, "marketplace");
  await page.getByLabel("Search templates").fill("webhook");
  await expect(page.getByRole("heading", { name: "Hello World" })).toHaveCount(0);
  await page.getByLabel("Search templates").fill("hello");
  await page.getByRole("button", { name: "Deploy Hello World" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("greeter");
  await dialog.getByLabel("Language").selectOption("ruby");
  await dialog.getByRole("button", { name: "Deploy", exact: true }).click();
  await expect(page.getByRole("heading", { level: 1, name: "greeter" })).toBeVisible();
  await page.getByRole("button", { name: "Invoke" }).click();
  await expect(page.getByTestId("body")).toContainText("Hello");
});

test("a rule is turned off and on", async ({ dashboard: page, platform }) => {
  await open(page, platform, "alerts");
  await page.getByRole("button", { name: "Turn off: Error rate" }).click();
  await expect(page.getByRole("button", { name: "Turn on: Error rate" })).toBeVisible();
  expect((await platform.call("GET", "/alerts/rules")).body.rules.errorRate.enabled).toBe(false);
  await page.getByRole("button", { name: "Turn on: Error rate" }).click();
  await expect(page.getByRole("button", { name: "Turn off: Error rate" })).toBeVisible();
});

test("lines are filtered by level, text and request, and can be held", async ({ dashboard: page, platform }) => {
  const code = "import logging\ndef handler(event, context):\n    print('plain ' + event['body'])\n    logging.getLogger().error('bad ' + event['body'])\n";
  await platform.deploy("talker", "python", code);
  for (const word of ["apple", "pear"]) await platform.call("POST", "/functions/talker/invoke", word);
  await open(page, platform, "functions/talker/logs");
  const lines = page.getByRole("log").locator(".log-line");
  await expect(lines).toHaveCount(4);
  await page.getByLabel("Level").selectOption("error");
  await expect(lines).toHaveCount(2);
  await page.getByLabel("Text").fill("pear");
  await page.keyboard.press("Enter");
  await expect(lines).toHaveCount(1);
  await page.getByLabel("Level").selectOption("all");
  await expect(lines).toHaveCount(2);
  await page.getByLabel("Text").fill("");
  await page.keyboard.press("Enter");
  await expect(lines).toHaveCount(4);
  await lines.first().getByRole("button").click();
  await expect(lines).toHaveCount(2);
  await page.getByRole("button", { name: "Pause" }).click();
  await expect(page.getByText("paused", { exact: true })).toBeVisible();
});

test("of many lines the newest are shown first, and the others on demand", async ({ dashboard: page, platform }) => {
  const code = "def handler(event, context):\n    for at in range(event['body']['from'], event['body']['to']):\n        print(f'number {at:04}')\n";
  await platform.deploy("counter", "python", code);
  await platform.call("POST", "/functions/counter/invoke", { from: 0, to: 700 });
  await expect.poll(async () => (await platform.call("GET", "/functions/counter/logs?limit=1000")).body.logs.length).toBe(700);
  await open(page, platform, "functions/counter/logs");
  const lines = page.getByRole("log").locator(".log-line");
  await expect(lines).toHaveCount(500);
  await expect(lines.last()).toContainText("number 0699");
  await expect(lines.last()).toBeInViewport();
  await expect(page.getByText("live", { exact: true })).toBeVisible();
  await platform.call("POST", "/functions/counter/invoke", { from: 700, to: 701 });
  await expect(lines.last()).toContainText("number 0700");
  await page.getByRole("button", { name: "Older lines" }).click();
  await expect(lines).toHaveCount(701);
  await expect(lines.first()).toContainText("number 0000");
  await expect(page.getByRole("button", { name: "Older lines" })).toHaveCount(0);
});

test("a template says what it is for, and its parameters are asked for and checked", async ({ dashboard: page, platform }) => {
  await open(page, platform, "marketplace");
  await page.getByLabel("Search templates").fill("csv");
  await expect(page.getByRole("heading", { level: 2 })).toHaveText(["Data Transformer"]);
  await page.getByRole("button", { name: "Read about Data Transformer" }).click();
  await expect(page.getByRole("region", { name: "README" })).toContainText("RFC 4180");
  await expect(page.getByRole("region", { name: "Sample event" })).toContainText('"from": "csv"');
  await page.getByRole("button", { name: "Close" }).click();
  await page.getByRole("button", { name: "Deploy Data Transformer" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name", { exact: true }).fill("transformer");
  await dialog.getByLabel("MAX_BYTES").fill("many");
  await dialog.getByRole("button", { name: "Deploy", exact: true }).click();
  await expect(dialog.getByRole("alert")).toContainText("/parameters/MAX_BYTES");
  await expect(dialog.getByRole("alert")).toContainText("whole number from 1 to 6000000");
  await dialog.getByLabel("MAX_BYTES").fill("5000");
  await dialog.getByLabel("Network").selectOption("none");
  await dialog.getByRole("button", { name: "Deploy", exact: true }).click();
  await expect(page.getByRole("heading", { level: 1, name: "transformer" })).toBeVisible();
  const shown = (await platform.call("GET", "/functions/transformer")).body.function;
  expect([shown.network, shown.environment]).toEqual(["none", ["DELIMITER", "ITEM_NAME", "MAX_BYTES", "ROOT_NAME"]]);
});
