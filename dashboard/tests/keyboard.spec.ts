// Everything without a pointer.

import type { Page } from "@playwright/test";

import { furnish } from "./places";
import { expect, open, test } from "./platform";

const STEPS_MAX = 80;

/** Presses Tab until something with this name has the focus, which has to be seen. */
async function tabTo(page: Page, name: RegExp): Promise<void> {
  const passed: string[] = [];
  for (let step = 0; step < STEPS_MAX; step += 1) {
    await page.keyboard.press("Tab");
    const look = () => page.evaluate(() => {
      let element = document.activeElement;
      while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
      if (!element || element === document.body) return { name: "", seen: true };
      const label = element.getAttribute("aria-label") ?? (element as HTMLInputElement).labels?.[0]?.textContent ?? element.textContent;
      const style = getComputedStyle(element);
      const frame = element.closest(".cm-editor");
      const seen = style.outlineStyle !== "none" || (frame !== null && getComputedStyle(frame).outlineStyle !== "none");
      return { name: label?.trim() ?? "", seen };
    });
    const focus = await look();
    passed.push(focus.name.slice(0, 30));
    // The editor shows that it has the focus a moment after it has it.
    await expect.poll(async () => (await look()).seen, `the focus on “${focus.name}” is seen`).toBe(true);
    if (name.test(focus.name)) return;
  }
  throw new Error(`Tab does not lead to ${name}: ${passed.join(" › ")}`);
}

test("a function is found, invoked, edited and rolled back with the keyboard alone", async ({ dashboard: page, platform }) => {
  await furnish(platform);
  await open(page, platform);
  await expect(page.getByText("Busiest functions")).toBeVisible();
  await tabTo(page, /^Skip to the content$/);
  await tabTo(page, /^Functions$/);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1, name: "Functions" })).toBeVisible();
  // The new page has the focus: the way on begins there.
  await expect(page.getByRole("main")).toBeFocused();
  await tabTo(page, /^Filter functions$/);
  await page.keyboard.type("samp");
  await tabTo(page, /^sample$/);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1, name: "sample" })).toBeVisible();

  await tabTo(page, /^Test$/);
  await page.keyboard.press("Enter");
  await tabTo(page, /^Event as JSON$/);
  await page.keyboard.press("Control+Enter");
  await expect(page.getByTestId("body")).toHaveText("2");

  await page.getByRole("link", { name: "Code", exact: true }).focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("textbox", { name: "Code: index.py" })).toBeVisible();
  await tabTo(page, /^Code: index.py$/);
  await page.keyboard.press("Control+Home");
  await page.keyboard.type("# a first line\n");
  // Tab leaves the editor, so nobody is caught in it.
  await page.keyboard.press("Shift+Tab");
  await expect(page.getByRole("button", { name: "Deploy", exact: true })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.getByTestId("version")).toHaveText("v3");

  await page.getByRole("link", { name: "Versions", exact: true }).focus();
  await page.keyboard.press("Enter");
  await tabTo(page, /^Roll back to version 1$/);
  await page.keyboard.press("Enter");
  await expect(page.getByTestId("version")).toHaveText("v1");

  await page.getByRole("button", { name: "Delete", exact: true }).focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await expect(page.getByTestId("version")).toHaveText("v1");
});
