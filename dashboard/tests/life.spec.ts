// The life of a function, as people see it: deploy, invoke, read its lines, deploy again, compare, go back.

import { LANGUAGES } from "./languages";
import { expect, open, test, writeCode } from "./platform";

for (const language of LANGUAGES) {
  test(`a function in ${language.label} from its first version to the way back`, async ({ dashboard: page, platform }) => {
    await open(page, platform);
    await expect(page.getByText("No functions yet")).toBeVisible();
    await page.getByRole("link", { name: "Deploy the first one" }).click();
    await page.getByLabel("Name").fill("life");
    await page.getByLabel("Language").selectOption(language.label);
    await expect(page.getByRole("textbox", { name: `Code: ${language.file}` })).toBeVisible();
    await writeCode(page, language.code(1));
    await page.getByRole("button", { name: "Deploy" }).click();

    await expect(page.getByRole("heading", { level: 1, name: "life" })).toBeVisible();
    await expect(page.getByTestId("version")).toHaveText("v1");
    await page.getByLabel("Event as JSON").fill('{"name": "the test"}');
    await page.getByRole("button", { name: "Invoke" }).click();
    await expect(page.getByTestId("body")).toContainText('"answer": 1');
    await expect(page.getByTestId("answer")).toContainText("line of the test");

    // Lines that were, and one that comes while somebody looks.
    await page.getByRole("link", { name: "Logs", exact: true }).click();
    const log = page.getByRole("log");
    await expect(log).toContainText("line of the test");
    await expect(page.getByText("live", { exact: true })).toBeVisible();
    await platform.call("POST", "/functions/life/invoke", { name: "somebody else" });
    await expect(log).toContainText("line of somebody else");

    await page.getByRole("link", { name: "Code", exact: true }).click();
    const editor = page.getByRole("textbox", { name: `Code: ${language.file}` });
    await expect(editor).toContainText("1");
    await writeCode(page, language.code(2));
    await page.getByRole("button", { name: "Deploy" }).click();
    await expect(page.getByTestId("version")).toHaveText("v2");
    expect((await platform.call("POST", "/functions/life/invoke", { name: "x" })).body.body).toEqual({ answer: 2 });

    await page.getByRole("link", { name: "Versions", exact: true }).click();
    const difference = page.getByRole("region", { name: `Changes of ${language.file}` });
    await expect(difference.locator(".diff-removed")).toHaveCount(1);
    await expect(difference.locator(".diff-removed")).toContainText("1");
    await expect(difference.locator(".diff-added")).toContainText("2");

    await page.getByRole("button", { name: "Roll back to version 1" }).click();
    await expect(page.getByTestId("version")).toHaveText("v1");
    await expect(page.getByRole("status").filter({ hasText: "Version 1 serves now" })).toBeVisible();
    expect((await platform.call("POST", "/functions/life/invoke", { name: "x" })).body.body).toEqual({ answer: 1 });
    await page.getByRole("button", { name: "Undo" }).click();
    await expect(page.getByTestId("version")).toHaveText("v2");

    await page.getByRole("button", { name: "Delete", exact: true }).click();
    await page.getByRole("button", { name: "Delete the function" }).click();
    await expect(page.getByText("No functions yet")).toBeVisible();
    expect((await platform.call("GET", "/functions")).body.total).toBe(0);
  });
}
