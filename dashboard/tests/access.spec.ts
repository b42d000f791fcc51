// Who may see and do what, as the page shows it.

import { expect, open, test } from "./platform";

const ADMIN = "an-admin-key-that-is-long-enough-0123456789";
test.use({ settings: { ZYGO_ADMIN_KEY: ADMIN } });

const PYTHON = "def handler(event, context):\n    return 1\n";

test("whoever is nobody signs in, and a wrong key is told apart", async ({ dashboard: page, platform }) => {
  await open(page, platform, "functions");
  await expect(page.getByRole("heading", { name: "Sign in to Zygo" })).toBeVisible();
  await page.getByLabel("API key").fill("zygo_wrong");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert")).toContainText("does not know this key");
  await page.getByLabel("API key").fill(ADMIN);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByText("No functions yet")).toBeVisible();

  // The key is in this tab and nowhere else.
  const kept = await page.evaluate(() => [JSON.stringify(sessionStorage), JSON.stringify(localStorage) + document.cookie + location.href]);
  expect([kept[0]!.includes(ADMIN), kept[1]!.includes(ADMIN)]).toEqual([true, false]);
  await page.reload();
  await expect(page.getByText("No functions yet")).toBeVisible();
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByRole("heading", { name: "Sign in to Zygo" })).toBeVisible();
  expect(await page.evaluate(() => JSON.stringify(sessionStorage))).not.toContain(ADMIN);
});

test("whoever may only read can press nothing, and reads why", async ({ dashboard: page, platform }) => {
  await platform.deploy("one", "python", PYTHON);
  await platform.call("PUT", "/functions/one", { code: `# 2\n${PYTHON}` });
  const made = await platform.call("POST", "/keys", { name: "reader", role: "read" });
  await open(page, platform, "functions/one/versions");
  await page.getByLabel("API key").fill(made.body.key);
  await page.getByRole("button", { name: "Sign in" }).click();

  const back = page.getByRole("button", { name: "Roll back to version 1" });
  await expect(back).toHaveAttribute("aria-disabled", "true");
  await expect(back).toHaveAccessibleDescription("Your key “reader” has the role read; this needs deploy.");
  await back.focus();
  await page.keyboard.press("Enter");
  await back.click({ force: true });
  await expect(page.getByRole("button", { name: "Delete", exact: true })).toHaveAttribute("aria-disabled", "true");
  await expect(page.getByText("with the role read")).toBeVisible();
  await page.getByRole("link", { name: "Test", exact: true }).click();
  await expect(page.getByRole("button", { name: "Invoke" })).toHaveAttribute("aria-disabled", "true");
  expect((await platform.call("GET", "/functions/one")).body.function.version).toBe(2);
});

test("a key that is revoked leads back to the way in", async ({ dashboard: page, platform }) => {
  const made = await platform.call("POST", "/keys", { name: "short", role: "read" });
  await open(page, platform, "functions");
  await page.getByLabel("API key").fill(made.body.key);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByText("No functions yet")).toBeVisible();
  expect((await platform.call("DELETE", `/keys/${made.body.id}`)).status).toBe(200);
  await page.reload();
  await expect(page.getByRole("heading", { name: "Sign in to Zygo" })).toBeVisible();
  await expect(page.getByRole("alert")).toContainText("revoked");
});

test("whoever sees some functions alone is told what is not for them", async ({ dashboard: page, platform }) => {
  await platform.deploy("mine", "python", PYTHON);
  await platform.deploy("theirs", "python", PYTHON);
  const made = await platform.call("POST", "/keys", { name: "some", role: "deploy", functions: ["mine"] });
  await open(page, platform, "functions");
  await page.getByLabel("API key").fill(made.body.key);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("link", { name: "mine" })).toBeVisible();
  await expect(page.getByRole("link", { name: "theirs" })).toHaveCount(0);
  await page.getByRole("link", { name: "Overview" }).click();
  await expect(page.getByRole("alert").first()).toBeVisible();
});
