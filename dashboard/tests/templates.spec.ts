// Templates of the operator's own, those that cannot be used, and what their dialogs are to somebody who sees no colours.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { violations } from "./axe";
import { expect, open, test } from "./platform";

const folder = mkdtempSync(join(tmpdir(), "zygo-templates-"));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

test.use({ settings: { ZYGO_MARKETPLACE_DIR: folder } });
test.afterAll(() => rmSync(folder, { recursive: true }));

test("templates of one's own appear as soon as they are there, and what is wrong with them is told", async ({ dashboard: page, platform }) => {
  const said = 'description = "<b>bold</b> greetings"\ncategory = "own"\n';
  write("greeter/template.toml", `name = "Greeter"\n${said}`);
  write("greeter/README.md", "# Greeter\n<script>alert(1)</script>\n");
  write("greeter/python/index.py", 'def handler(event, context):\n    return "hello from the folder"\n');
  write("broken/template.toml", `name = 5\n${said}`);
  await open(page, platform, "marketplace");
  await expect(page.getByRole("alert")).toContainText("broken/template.toml (name): line 1");
  await page.getByLabel("Search templates").fill("greetings");
  await expect(page.getByRole("heading", { level: 2 })).toHaveText(["Greeter"]);
  await expect(page.getByRole("main").getByText("yours")).toBeVisible();
  await expect(page.getByRole("main").getByText("<b>bold</b> greetings")).toBeVisible();
  write("broken/template.toml", `name = "Mended greetings"\n${said}`);
  write("broken/python/index.py", "def handler(event, context):\n    return 1\n");
  await page.getByLabel("Search templates").fill("mended");
  await expect(page.getByRole("heading", { level: 2 })).toHaveText(["Mended greetings"]);
  await expect(page.getByRole("alert")).toHaveCount(0);
  await page.getByLabel("Search templates").fill("greeter");
  await page.getByRole("button", { name: "Read about Greeter" }).click();
  await expect(page.getByRole("region", { name: "README" })).toContainText("<script>alert(1)</script>");
  await page.getByRole("button", { name: "Close" }).click();
  await page.getByRole("button", { name: "Deploy Greeter" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Deploy", exact: true }).click();
  await page.getByRole("button", { name: "Invoke" }).click();
  await expect(page.getByTestId("body")).toContainText("hello from the folder");
});

test("its dialogs violate no rule of WCAG AA", async ({ dashboard: page, platform }) => {
  write("broken/template.toml", "name = 5\n");
  await open(page, platform, "marketplace");
  for (const button of ["Read about Email Sender", "Deploy Email Sender"]) {
    await page.getByRole("button", { name: button }).click();
    await expect(page.getByRole("dialog")).toContainText("SMTP_HOST");
    expect(await violations(page), button).toEqual([]);
    await page.getByRole("button", { name: "Close" }).click();
  }
});
